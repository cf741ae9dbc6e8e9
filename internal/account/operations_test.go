package account_test

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/govalues/decimal"

	"accountgateway/internal/account"
	"accountgateway/internal/durable"
	"accountgateway/internal/provider"
	"accountgateway/internal/provider/providertest"
	"accountgateway/internal/store"
)

// writingVendor is a vendor that can be written to.
type writingVendor struct {
	providertest.Fake
	calls  atomic.Int64
	refill func(context.Context, provider.RefillRequest) (provider.Invoice, error)
	list   func(context.Context) ([]provider.UnpaidInvoice, error) // nil: none is unpaid
}

func (v *writingVendor) Capabilities() provider.Capabilities {
	caps := v.Fake.Capabilities()
	caps[provider.OpRefill], caps[provider.OpCreateUser] = provider.Supported, provider.Supported
	return caps
}

func (v *writingVendor) Refill(ctx context.Context, r provider.RefillRequest) (provider.Invoice, error) {
	v.calls.Add(1)
	return v.refill(ctx, r)
}

func (v *writingVendor) CreateUser(context.Context, provider.NewUser) (provider.CreatedUser, error) {
	v.calls.Add(1)
	return provider.CreatedUser{ID: "17", APIKey: "once"}, nil
}

func (v *writingVendor) UnpaidInvoices(ctx context.Context) ([]provider.UnpaidInvoice, error) {
	if v.list == nil {
		return nil, nil
	}
	return v.list(ctx)
}

func invoice(context.Context, provider.RefillRequest) (provider.Invoice, error) {
	return provider.Invoice{ID: "70045"}, nil
}

func refillOf(amount string) provider.RefillRequest {
	return provider.RefillRequest{Method: provider.WebMoney, WalletID: "123456789012", Amount: provider.Money{Amount: decimal.MustParse(amount), Currency: "USD"}}
}

var order = account.Order{Account: "a", Caller: "billing", Key: "k-1"}

// TestRefillOutcomes has a row for each way a vendor call can end: the state
// that it puts the operation in, and what the same key answers after it.
func TestRefillOutcomes(t *testing.T) {
	refused := &provider.Error{Kind: provider.KindRejected, Message: "no", Refused: true}
	tests := []struct {
		name  string
		err   error
		state store.OperationState
	}{
		{"answered", nil, store.Succeeded},
		{"refused", refused, store.Failed},
		{"timeout", provider.Errorf(provider.KindTimeout, "slow"), store.Unknown},
		{"reset", provider.Errorf(provider.KindUnavailable, "reset"), store.Unknown},
		{"not understood", provider.Errorf(provider.KindBadResponse, "garbage"), store.Unknown},
		{"no vendor error", errors.New("bug"), store.Unknown},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			vendor := &writingVendor{refill: func(ctx context.Context, r provider.RefillRequest) (provider.Invoice, error) {
				if tt.err != nil {
					return provider.Invoice{}, tt.err
				}
				return invoice(ctx, r)
			}}
			r := newReplica(t, vendor, "sqlite::memory:")
			first, err := r.Refill(t.Context(), order, refillOf("19.95"))
			if first.State != tt.state || first.Replayed {
				t.Fatalf("got %+v, %v", first, err)
			}
			again, againErr := r.Refill(t.Context(), order, refillOf("19.95"))
			var failed *account.FailedError
			var unknown *account.OutcomeUnknownError
			switch tt.state {
			case store.Succeeded:
				if err != nil || againErr != nil || !again.Replayed || again.Invoice == nil || again.Invoice.ID != "70045" {
					t.Errorf("got %v, then %+v, %v", err, again, againErr)
				}
			case store.Failed:
				if !errors.As(err, &failed) || !errors.As(againErr, &failed) || err.Error() != againErr.Error() {
					t.Errorf("got %v, then %v", err, againErr)
				}
			default:
				if err != nil || !errors.As(againErr, &unknown) {
					t.Errorf("got %v, then %v", err, againErr)
				}
			}
			if n := vendor.calls.Load(); n != 1 {
				t.Errorf("%d vendor calls", n)
			}
			stored, err := r.Operation(t.Context(), "a", first.ID)
			if err != nil || stored.State != tt.state || (stored.SettledAt == nil) != (tt.state == store.Unknown) || (stored.UnknownSince != nil) != (tt.state == store.Unknown) {
				t.Errorf("stored %+v, %v", stored, err)
			}
		})
	}
}

func TestKeyReused(t *testing.T) {
	vendor := &writingVendor{refill: invoice}
	r := newReplica(t, vendor, "sqlite::memory:")
	if _, err := r.Refill(t.Context(), order, refillOf("19.95")); err != nil {
		t.Fatal(err)
	}
	var reused *account.KeyReusedError
	if _, err := r.Refill(t.Context(), order, refillOf("19.96")); !errors.As(err, &reused) {
		t.Errorf("got %v", err)
	}
	other := order
	other.Caller = "somebody else"
	if _, err := r.Refill(t.Context(), other, refillOf("19.96")); err != nil {
		t.Errorf("another caller's key: %v", err)
	}
}

func TestManyRequestsOneWrite(t *testing.T) {
	release := make(chan struct{})
	vendor := &writingVendor{refill: func(ctx context.Context, r provider.RefillRequest) (provider.Invoice, error) {
		<-release
		return invoice(ctx, r)
	}}
	url := "sqlite:" + filepath.Join(t.TempDir(), "g.db")
	replicas := []*replica{newReplica(t, vendor, url), newReplica(t, vendor, url)}
	var wg, refused sync.WaitGroup
	var won, running atomic.Int64
	refused.Add(99)
	for i := range 100 {
		wg.Go(func() {
			op, err := replicas[i%2].Refill(t.Context(), order, refillOf("19.95"))
			var inProgress *account.InProgressError
			switch {
			case errors.As(err, &inProgress):
				running.Add(1)
				refused.Done()
			case err == nil && op.State == store.Succeeded && !op.Replayed:
				won.Add(1)
			default:
				t.Errorf("got %+v, %v", op, err)
				refused.Done()
			}
		})
	}
	refused.Wait()
	close(release)
	wg.Wait()
	if won.Load() != 1 || running.Load() != 99 || vendor.calls.Load() != 1 {
		t.Errorf("%d succeeded, %d in progress, %d vendor calls", won.Load(), running.Load(), vendor.calls.Load())
	}
}

func TestAbandonedWriteIsUnknown(t *testing.T) {
	url := "sqlite:" + filepath.Join(t.TempDir(), "g.db")
	st, err := store.Open(t.Context(), url, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	vendor := &writingVendor{refill: invoice}
	r := newReplica(t, vendor, url)
	// What a killed process leaves behind.
	now := time.Now()
	if _, _, err := st.BeginOperation(t.Context(), store.Operation{
		ID: "left", Account: "a", Kind: string(account.KindRefill), Caller: order.Caller, Key: "left", Request: []byte(`{}`),
		CreatedAt: now.Add(-time.Minute), GiveUpAt: now.Add(-time.Second), Holder: "elsewhere/1/x",
	}, now, nil); err != nil {
		t.Fatal(err)
	}
	r.Load(t.Context())
	op, err := r.Operation(t.Context(), "a", "left")
	if err != nil || op.State != store.Unknown || op.Problem == nil {
		t.Errorf("got %+v, %v", op, err)
	}
}

func TestWriteOutdatesReadings(t *testing.T) {
	url := "sqlite:" + filepath.Join(t.TempDir(), "g.db")
	vendor := &writingVendor{refill: invoice}
	writer, reader := newReplica(t, vendor, url), newReplica(t, vendor, url)
	for _, r := range []*replica{writer, reader} {
		if _, err := r.balance(t.Context(), account.Bound{}); err != nil {
			t.Fatal(err)
		}
	}
	before := vendor.Calls(provider.OpBalance)
	if _, err := writer.Refill(t.Context(), order, refillOf("19.95")); err != nil {
		t.Fatal(err)
	}
	for i, r := range []*replica{writer, reader} {
		r.Load(t.Context()) // what happens by itself every second
		got, err := r.balance(t.Context(), account.Bound{})
		if err != nil || got.Stale || got.Source == account.Hit && i == 0 {
			t.Errorf("got %+v, %v", got, err)
		}
	}
	if vendor.Calls(provider.OpBalance) == before {
		t.Error("the balance was not asked anew")
	}
}

func TestUserIsCompleteInAReplay(t *testing.T) {
	vendor := &writingVendor{}
	r := newReplica(t, vendor, "sqlite::memory:")
	u := provider.NewUser{Login: "ada", Password: "pw-secret", Email: "ada@example.org"}
	first, err := r.CreateUser(t.Context(), order, u)
	if err != nil || *first.User.ID != "17" || *first.User.Email != u.Email || first.APIKey != "once" {
		t.Fatalf("got %+v, %v", first, err)
	}
	again, err := r.CreateUser(t.Context(), order, u)
	if err != nil || *again.User.ID != "17" || *again.User.Email != u.Email || again.APIKey != "" || !again.Replayed {
		t.Errorf("got %+v, %v", again, err)
	}
	u.Password = "another"
	var reused *account.KeyReusedError
	if _, err := r.CreateUser(t.Context(), order, u); !errors.As(err, &reused) {
		t.Errorf("another password under the same key: %v", err)
	}
}

func TestWritesNeedTheStore(t *testing.T) {
	vendor := &writingVendor{refill: invoice}
	r := newReplica(t, vendor, "")
	var away *durable.UnavailableError
	if _, err := r.Refill(t.Context(), order, refillOf("1")); !errors.As(err, &away) || vendor.calls.Load() != 0 {
		t.Errorf("got %v after %d calls", err, vendor.calls.Load())
	}
}
