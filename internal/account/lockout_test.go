package account_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"accountgateway/internal/account"
	"accountgateway/internal/durable"
	"accountgateway/internal/operation"
	"accountgateway/internal/operation/operationtest"
	"accountgateway/internal/provider"
	"accountgateway/internal/provider/providertest"
	"accountgateway/internal/store"
)

// refusingVendor refuses the credentials until they are mended, and counts
// every call.
type refusingVendor struct {
	providertest.Fake
	calls   atomic.Int64
	mended  atomic.Bool
	mu      sync.Mutex
	refused []time.Time // when
}

func newRefusingVendor() *refusingVendor {
	v := &refusingVendor{}
	v.Balance = func(context.Context, provider.BalanceQuery) (provider.Readings, error) { return usd("1.00"), v.call() }
	v.Statistics = func(context.Context, provider.StatisticsQuery) (provider.Readings, error) {
		return provider.Readings{Statistics: &provider.Statistics{}}, v.call()
	}
	v.Users = func(context.Context, provider.UserQuery) (provider.Readings, error) {
		return provider.Readings{Users: &provider.Users{}}, v.call()
	}
	v.Creates = func(context.Context, provider.NewUser) (provider.CreatedUser, error) {
		return provider.CreatedUser{ID: "17"}, v.call()
	}
	v.Refills = func(context.Context, provider.RefillRequest) (provider.Invoice, error) {
		return provider.Invoice{ID: "70045"}, v.call()
	}
	v.Unpaid = func(context.Context) ([]provider.UnpaidInvoice, error) { return nil, v.call() }
	v.Check = func(context.Context) error { return v.call() }
	return v
}

func (v *refusingVendor) call() error {
	v.calls.Add(1)
	if v.mended.Load() {
		return nil
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.refused = append(v.refused, time.Now())
	return &provider.Error{Kind: provider.KindCredentials, Message: "wrong password", Refused: true, Upstream: &provider.Upstream{Code: "PASSWORD_AUTH_FAILED"}}
}

// mostIn is the largest number of refused calls in any span of length per.
func (v *refusingVendor) mostIn(per time.Duration) int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return busiest(v.refused, per)
}

// ways are the ways to ask an account, i being different each time. Forced ones
// want the vendor asked now.
var ways = map[string]func(ctx context.Context, r *replica, i int) error{
	"balance": func(ctx context.Context, r *replica, _ int) error {
		_, err := r.balance(ctx, account.Bound{})
		return err
	},
	"balance, forced": func(ctx context.Context, r *replica, _ int) error {
		_, err := r.balance(ctx, account.Bound{NoCache: true})
		return err
	},
	"balances, forced": func(ctx context.Context, r *replica, _ int) error {
		return r.Balances(ctx, func(string) bool { return true }, account.Bound{NoCache: true})[0].Err
	},
	"statistics, forced": func(ctx context.Context, r *replica, i int) error {
		_, err := r.Statistics(ctx, "a", provider.StatisticsQuery{From: provider.Date(fmt.Sprintf("2026-01-%02d", i%28+1))}, account.Bound{NoCache: true})
		return err
	},
	"users, forced": func(ctx context.Context, r *replica, i int) error {
		_, err := r.Users(ctx, "a", provider.UserQuery{Login: fmt.Sprint("u", i)}, account.Bound{NoCache: true})
		return err
	},
	"create a user": func(ctx context.Context, r *replica, i int) error {
		_, err := r.CreateUser(ctx, operation.Order{Account: "a", Caller: "billing", Key: fmt.Sprint("user-", i)}, provider.NewUser{Login: fmt.Sprint("u", i)})
		return err
	},
	"refill": func(ctx context.Context, r *replica, i int) error {
		_, err := r.Refill(ctx, operation.Order{Account: "a", Caller: "billing", Key: fmt.Sprint("refill-", i)}, operationtest.RefillOf("1"))
		return err
	},
}

// Whoever asks, and however, on whichever replica: after a refusal one forced
// try is made, and everybody else is refused by the gateway and told when to
// come again.
func TestOneForcedTryPerLockout(t *testing.T) {
	onEngines(t, func(t *testing.T, url string) {
		vendor := newRefusingVendor()
		replicas := []*replica{newReplica(t, vendor, url), newReplica(t, vendor, url)}
		if err := ways["balance"](t.Context(), replicas[0], 0); provider.KindOf(err) != provider.KindCredentials {
			t.Fatalf("the first call: %v", err)
		}
		var tried, refused atomic.Int64
		var wg sync.WaitGroup
		i := 0
		for name, ask := range ways {
			for range 14 {
				i++
				n := i
				wg.Go(func() {
					err := ask(t.Context(), replicas[n%2], n)
					var e *provider.Error
					switch {
					case !errors.As(err, &e) || e.Kind != provider.KindCredentials || e.Upstream == nil || e.Upstream.Code != "PASSWORD_AUTH_FAILED":
						t.Errorf("%s: %v", name, err)
					case !e.NotSent:
						tried.Add(1)
					case e.RetryAfter <= 0 || e.RetryAfter > 15*time.Minute:
						t.Errorf("%s: told to wait %s", name, e.RetryAfter)
					default:
						refused.Add(1)
					}
				})
			}
		}
		wg.Wait()
		if n := vendor.calls.Load(); n != 2 {
			t.Errorf("the vendor was called %d times, want 2: the first call, and one forced", n)
		}
		if tried.Load() == 0 || refused.Load() == 0 {
			t.Errorf("%d asked the vendor, %d were refused", tried.Load(), refused.Load())
		}
		for _, r := range replicas {
			page, err := r.store.Operations(t.Context(), store.OperationFilter{Accounts: []string{"a"}})
			if err != nil || len(page) != 0 {
				t.Errorf("writes that were refused are recorded: %v, %v", page, err)
			}
		}
	})
}

// Ten refused calls in an hour are said to make REG.RU block the address:
// however hard readers try, there are fewer. Once the credentials are mended,
// everything goes on.
func TestReadersCantLockTheAccountOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		vendor := newRefusingVendor()
		url := sqliteURL(t)
		replicas := []*replica{newReplica(t, vendor, url), newReplica(t, vendor, url)}
		var stop []func()
		for _, r := range replicas {
			stop = append(stop, run(t, r.Service))
		}
		began := time.Now()
		for i := 0; time.Since(began) < 100*time.Minute; i++ {
			for _, ask := range ways {
				_ = ask(t.Context(), replicas[i%2], i)
			}
			time.Sleep(110 * time.Second)
		}
		if n := vendor.mostIn(time.Hour); n >= 10 || n < 4 {
			t.Errorf("%d refused calls in an hour", n)
		}
		vendor.mended.Store(true)
		for time.Since(began) < 200*time.Minute {
			if err := ways["balance, forced"](t.Context(), replicas[0], 0); err == nil {
				break
			}
			time.Sleep(time.Minute)
		}
		if late := time.Since(began) - 100*time.Minute; late > 16*time.Minute {
			t.Errorf("noticed after %s", late)
		}
		time.Sleep(2 * time.Second)
		for i, r := range replicas {
			for name, ask := range ways {
				if err := ask(t.Context(), r, 1_000_000+i); err != nil {
					t.Errorf("%s after mending: %v", name, err)
				}
				time.Sleep(time.Second)
			}
		}
		for _, f := range stop {
			f()
		}
	})
}

// Without the store a replica keeps to the same, and tells the store when that
// is back.
func TestLockoutWithoutTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		vendor := newRefusingVendor()
		url := sqliteURL(t)
		r := newReplica(t, vendor, "")
		for i := range 20 {
			_ = ways["balance, forced"](t.Context(), r, i)
			_ = ways["users, forced"](t.Context(), r, i)
		}
		if n := vendor.calls.Load(); n != 2 {
			t.Errorf("%d calls without a store, want 2", n)
		}
		st, err := store.Open(t.Context(), url, store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer st.Close()
		r.durable.Attach(st)
		r.Load(t.Context())
		other := newReplica(t, vendor, url)
		for i := range 20 {
			_ = ways["balance, forced"](t.Context(), other, i)
			_ = ways["users, forced"](t.Context(), other, i)
		}
		if n := vendor.calls.Load(); n != 2 {
			t.Errorf("%d calls, want 2: the other replica tried too", n)
		}
	})
}

// replicaWith is a replica whose account has these credentials.
func replicaWith(t *testing.T, vendor provider.Provider, url, login, secret string) *replica {
	t.Helper()
	d := durable.New(zerolog.Nop())
	r := &replica{durable: d, Service: account.New([]account.Account{{Name: "a", Provider: "fake", Adapter: vendor, Login: login, Secrets: []string{secret}}}, d, account.Options{
		TTL: map[provider.Operation]time.Duration{provider.OpBalance: time.Minute}, StaleIfError: time.Hour, LoadTimeout: 10 * time.Second,
		Registry: prometheus.NewRegistry(), Log: zerolog.Nop(),
	})}
	st, err := store.Open(t.Context(), url, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	r.store = st
	d.Attach(st)
	r.Load(t.Context())
	return r
}

// A restart does not multiply the tries; with other credentials it is free at
// once.
func TestLockoutOutlivesTheProcess(t *testing.T) {
	vendor := newRefusingVendor()
	url := sqliteURL(t)
	for range 5 {
		r := replicaWith(t, vendor, url, "login", "wrong")
		for i := range 3 {
			_ = ways["balance"](t.Context(), r, i)
			_ = ways["balance, forced"](t.Context(), r, i)
		}
	}
	if n := vendor.calls.Load(); n != 2 {
		t.Errorf("%d calls in five starts, want 2", n)
	}
	for i, credentials := range [][2]string{{"login", "right"}, {"other", "wrong"}} {
		_ = ways["balance"](t.Context(), replicaWith(t, vendor, url, credentials[0], credentials[1]), 0)
		if n := vendor.calls.Load(); n != int64(3+i) {
			t.Errorf("%d calls, want %d: %q are other credentials", n, 3+i, credentials)
		}
	}
}

// A write that is refused before it is sent leaves its key free, and a lockout
// does not stand between a caller and the answer to an earlier write.
func TestLockedOutWriteLeavesItsKeyFree(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		vendor := newRefusingVendor()
		r := newReplica(t, vendor, sqliteURL(t))
		vendor.mended.Store(true)
		early, late := operationtest.Order, operationtest.Order
		late.Key = "k-2"
		first, err := r.Refill(t.Context(), early, operationtest.RefillOf("1"))
		if err != nil {
			t.Fatal(err)
		}
		vendor.mended.Store(false)
		_ = ways["balance"](t.Context(), r, 0)
		before := vendor.calls.Load()
		var e *provider.Error
		if _, err := r.Refill(t.Context(), late, operationtest.RefillOf("2")); !errors.As(err, &e) || !e.NotSent || e.RetryAfter <= 0 || operationtest.Failure(err) != nil {
			t.Errorf("a write while locked out: %v", err)
		}
		if got, err := r.Refill(t.Context(), early, operationtest.RefillOf("1")); err != nil || !got.Replayed || got.ID != first.ID {
			t.Errorf("a replay while locked out: %+v, %v", got, err)
		}
		if n := vendor.calls.Load(); n != before {
			t.Errorf("%d calls", n-before)
		}
		time.Sleep(e.RetryAfter)
		vendor.mended.Store(true)
		if got, err := r.Refill(t.Context(), late, operationtest.RefillOf("2")); err != nil || got.Replayed {
			t.Errorf("the same key afterwards: %+v, %v", got, err)
		}
	})
}

// A refill whose list of unpaid invoices is refused is not sent after it.
func TestRefusedListStopsTheRefill(t *testing.T) {
	vendor := newRefusingVendor()
	r := newReplica(t, vendor, sqliteURL(t))
	if _, err := r.Refill(t.Context(), operationtest.Order, operationtest.RefillOf("1")); operationtest.Failure(err) == nil || operationtest.Failure(err).Operation.Problem.Kind != provider.KindCredentials {
		t.Errorf("got %v", err)
	}
	if n := vendor.calls.Load(); n != 1 {
		t.Errorf("%d refused calls, want 1", n)
	}
	vendor.mended.Store(true)
	_ = r.Check(t.Context(), "a")
	if got, err := r.Refill(t.Context(), operationtest.Order, operationtest.RefillOf("1")); err != nil || got.Replayed {
		t.Errorf("the same key afterwards: %+v, %v", got, err)
	}
}

// A call that ends without a word about the credentials gives its try back.
func TestInconclusiveTryIsGivenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := newFaultyFake()
		r := newReplica(t, fake, sqliteURL(t))
		fake.fail = provider.Errorf(provider.KindAccess, "address not listed")
		_ = ways["balance"](t.Context(), r, 0)
		fake.fail = provider.Errorf(provider.KindUnavailable, "connection reset")
		if err := ways["balance, forced"](t.Context(), r, 0); provider.KindOf(err) != provider.KindUnavailable {
			t.Fatalf("the forced try: %v", err)
		}
		fake.fail = nil
		if err := ways["balance, forced"](t.Context(), r, 0); err != nil {
			t.Errorf("the forced try was used up by a broken connection: %v", err)
		}
		if err := ways["balance"](t.Context(), r, 0); err != nil {
			t.Errorf("after it succeeded: %v", err)
		}
	})
}

// A check is a person's deliberate act: it asks whatever was refused before,
// and the gateways that share the store learn how it ended.
func TestCheckAsksAndTellsTheGateways(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		vendor := newRefusingVendor()
		url := sqliteURL(t)
		serving := newReplica(t, vendor, url)
		run(t, serving.Service)
		_ = ways["balance"](t.Context(), serving, 0)
		_ = ways["balance, forced"](t.Context(), serving, 0)
		check := func() error {
			c := newReplica(t, vendor, "")
			err := c.Check(t.Context(), "a")
			if tellErr := c.TellLockouts(t.Context(), serving.store); tellErr != nil {
				t.Error(tellErr)
			}
			return err
		}
		if err := check(); provider.KindOf(err) != provider.KindCredentials || vendor.calls.Load() != 3 {
			t.Errorf("a check before mending: %v, %d calls", err, vendor.calls.Load())
		}
		vendor.mended.Store(true)
		if err := check(); err != nil {
			t.Error(err)
		}
		time.Sleep(2 * time.Second)
		for _, name := range []string{"balance", "create a user"} {
			if err := ways[name](t.Context(), serving, 0); err != nil {
				t.Errorf("%s after a good check: %v", name, err)
			}
		}
	})
}
