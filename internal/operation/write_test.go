package operation_test

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"accountgateway/internal/durable"
	"accountgateway/internal/operation"
	"accountgateway/internal/operation/operationtest"
	"accountgateway/internal/provider"
	"accountgateway/internal/provider/providertest"
	"accountgateway/internal/store"
)

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
			vendor := &providertest.Fake{Refills: func(ctx context.Context, r provider.RefillRequest) (provider.Invoice, error) {
				if tt.err != nil {
					return provider.Invoice{}, tt.err
				}
				return operationtest.Invoice(ctx, r)
			}}
			r := newReplica(t, vendor, "sqlite::memory:")
			first, err := r.Refill(t.Context(), operationtest.Order, operationtest.RefillOf("19.95"))
			if first.State != tt.state || first.Replayed {
				t.Fatalf("got %+v, %v", first, err)
			}
			again, againErr := r.Refill(t.Context(), operationtest.Order, operationtest.RefillOf("19.95"))
			switch tt.state {
			case store.Succeeded:
				if err != nil || againErr != nil || !again.Replayed || again.Invoice == nil || again.Invoice.ID != "70045" {
					t.Errorf("got %v, then %+v, %v", err, again, againErr)
				}
			case store.Failed:
				if operationtest.Failure(err) == nil || operationtest.Failure(againErr) == nil || err.Error() != againErr.Error() {
					t.Errorf("got %v, then %v", err, againErr)
				}
			default:
				if err != nil || !errors.Is(againErr, operation.ErrOutcomeUnknown) {
					t.Errorf("got %v, then %v", err, againErr)
				}
			}
			if n := vendor.Calls(provider.OpRefill); n != 1 {
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
	vendor := &providertest.Fake{Refills: operationtest.Invoice}
	r := newReplica(t, vendor, "sqlite::memory:")
	if _, err := r.Refill(t.Context(), operationtest.Order, operationtest.RefillOf("19.95")); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Refill(t.Context(), operationtest.Order, operationtest.RefillOf("19.96")); !errors.Is(err, operation.ErrKeyReused) {
		t.Errorf("got %v", err)
	}
	other := operationtest.Order
	other.Caller = "somebody else"
	if _, err := r.Refill(t.Context(), other, operationtest.RefillOf("19.96")); err != nil {
		t.Errorf("another caller's key: %v", err)
	}
}

func TestManyRequestsOneWrite(t *testing.T) {
	release := make(chan struct{})
	vendor := &providertest.Fake{Refills: func(ctx context.Context, r provider.RefillRequest) (provider.Invoice, error) {
		<-release
		return operationtest.Invoice(ctx, r)
	}}
	url := "sqlite:" + filepath.Join(t.TempDir(), "g.db")
	replicas := []*replica{newReplica(t, vendor, url), newReplica(t, vendor, url)}
	var wg, refused sync.WaitGroup
	var won, running atomic.Int64
	refused.Add(99)
	for i := range 100 {
		wg.Go(func() {
			op, err := replicas[i%2].Refill(t.Context(), operationtest.Order, operationtest.RefillOf("19.95"))
			switch {
			case errors.Is(err, operation.ErrInProgress):
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
	if won.Load() != 1 || running.Load() != 99 || vendor.Calls(provider.OpRefill) != 1 {
		t.Errorf("%d succeeded, %d in progress, %d vendor calls", won.Load(), running.Load(), vendor.Calls(provider.OpRefill))
	}
}

func TestAbandonedWriteIsUnknown(t *testing.T) {
	url := "sqlite:" + filepath.Join(t.TempDir(), "g.db")
	st, err := store.Open(t.Context(), url, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	vendor := &providertest.Fake{Refills: operationtest.Invoice}
	r := newReplica(t, vendor, url)
	// What a killed process leaves behind.
	now := time.Now()
	if _, _, err := st.BeginOperation(t.Context(), store.Operation{
		ID: "left", Account: "a", Kind: string(operation.KindRefill), Caller: operationtest.Order.Caller, Key: "left", Request: []byte(`{}`),
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

func TestUserIsCompleteInAReplay(t *testing.T) {
	vendor := &providertest.Fake{Creates: func(context.Context, provider.NewUser) (provider.CreatedUser, error) {
		return provider.CreatedUser{ID: "17", APIKey: "once"}, nil
	}}
	r := newReplica(t, vendor, "sqlite::memory:")
	u := provider.NewUser{Login: "ada", Password: "pw-secret", Email: "ada@example.org"}
	first, err := r.CreateUser(t.Context(), operationtest.Order, u)
	if err != nil || *first.User.ID != "17" || *first.User.Email != u.Email || first.APIKey != "once" {
		t.Fatalf("got %+v, %v", first, err)
	}
	again, err := r.CreateUser(t.Context(), operationtest.Order, u)
	if err != nil || *again.User.ID != "17" || *again.User.Email != u.Email || again.APIKey != "" || !again.Replayed {
		t.Errorf("got %+v, %v", again, err)
	}
	u.Password = "another"
	if _, err := r.CreateUser(t.Context(), operationtest.Order, u); !errors.Is(err, operation.ErrKeyReused) {
		t.Errorf("another password under the same key: %v", err)
	}
}

func TestWritesNeedTheStore(t *testing.T) {
	vendor := &providertest.Fake{Refills: operationtest.Invoice}
	r := newReplica(t, vendor, "")
	var away *durable.UnavailableError
	if _, err := r.Refill(t.Context(), operationtest.Order, operationtest.RefillOf("1")); !errors.As(err, &away) || vendor.Calls(provider.OpRefill) != 0 {
		t.Errorf("got %v after %d calls", err, vendor.Calls(provider.OpRefill))
	}
}
