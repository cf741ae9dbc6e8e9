package account_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"accountgateway/internal/account"
	"accountgateway/internal/config"
	"accountgateway/internal/provider"
)

var twentyAMinute = config.Rate{Calls: 20, Per: time.Minute}

// load asks without end and without the cache, for several readings at once,
// for a time.
func (g *gateway) load(t *testing.T, d time.Duration, pause func() time.Duration) {
	var wg sync.WaitGroup
	end := time.Now().Add(d)
	for _, currency := range []provider.Currency{"", "USD"} {
		wg.Go(func() {
			for time.Now().Before(end) {
				_, err := g.Balance(t.Context(), "a", provider.BalanceQuery{Currency: currency}, account.Bound{NoCache: true})
				if kind := provider.KindOf(err); err != nil && kind != provider.KindRateLimited && kind != provider.KindTimeout && kind != provider.KindUnavailable {
					t.Errorf("got %v", err)
				}
				time.Sleep(pause())
			}
		})
	}
	wg.Wait()
}

// Two replicas under constant no-cache load keep to one budget, by the
// vendor's own count, however slow the vendor is.
func TestBudgetOfTwoReplicas(t *testing.T) {
	tests := []struct {
		name    string
		latency func() time.Duration
		least   int // calls in three minutes: the budget is not wasted either
	}{
		{"fast vendor", nil, 55},
		{"slow vendor", func() time.Duration { return time.Duration(rand.IntN(8000)) * time.Millisecond }, 45},
		{"vendor that times out", func() time.Duration { return 20 * time.Second }, 6},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				url := sqliteURL(t)
				vendor := &wireServer{latency: tt.latency}
				o := gatewayOptions{url: url, rate: twentyAMinute}
				replicas := []*gateway{newGateway(t, vendor, o), newGateway(t, vendor, o)}
				var wg sync.WaitGroup
				for _, g := range replicas {
					g.run(t)
					wg.Go(func() {
						g.load(t, 3*time.Minute, func() time.Duration { return time.Duration(1000+rand.IntN(1000)) * time.Millisecond })
					})
				}
				wg.Wait()
				if most := vendor.most(time.Minute); most > 20 {
					t.Errorf("the vendor counted %d calls in a minute", most)
				}
				if n := vendor.count(); n < tt.least {
					t.Errorf("only %d calls in three minutes, want at least %d", n, tt.least)
				}
			})
		})
	}
}

// Whoever waits as long as it is told succeeds, and sooner it does not.
func TestRetryAfterIsTrue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		vendor := &wireServer{}
		o := gatewayOptions{url: sqliteURL(t), rate: config.Rate{Calls: 3, Per: time.Minute}}
		replicas := []*gateway{newGateway(t, vendor, o), newGateway(t, vendor, o)}
		for i := range 3 {
			replicas[i%2].must(t, account.Bound{NoCache: true})
			time.Sleep(7 * time.Second)
		}
		for _, g := range replicas {
			got := refused(t, g)
			if got.RetryAfter <= 0 || got.RetryAfter > time.Minute {
				t.Fatalf("told to wait %s", got.RetryAfter)
			}
			time.Sleep(got.RetryAfter - 100*time.Millisecond)
			refused(t, g)
			time.Sleep(100 * time.Millisecond)
			g.must(t, account.Bound{NoCache: true})
			synctest.Wait() // until its turn is over: who asks before that shares its reading
		}
	})
}

// refused reads a balance that the budget must not allow.
func refused(t *testing.T, g *gateway) *provider.Error {
	t.Helper()
	_, err := g.balance(t.Context(), account.Bound{NoCache: true})
	var e *provider.Error
	if !errors.As(err, &e) || e.Kind != provider.KindRateLimited || !e.NotSent {
		t.Fatalf("got %v, want a refusal of the budget", err)
	}
	return e
}

// Without a bound the used up budget is answered with the old reading, marked,
// and with the true reason.
func TestUsedUpBudgetServesStale(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGateway(t, &wireServer{}, gatewayOptions{url: sqliteURL(t), rate: config.Rate{Calls: 1, Per: time.Hour}})
		first := g.must(t, account.Bound{})
		time.Sleep(2 * time.Minute)
		got := g.must(t, account.Bound{})
		var e *provider.Error
		if !got.Stale || !got.AsOf.Equal(first.AsOf) || !errors.As(got.Err, &e) || e.Kind != provider.KindRateLimited || e.RetryAfter < 57*time.Minute {
			t.Errorf("got %+v because of %v", got, got.Err)
		}
		maxAge := 30 * time.Second
		_, err := g.balance(t.Context(), account.Bound{MaxAge: &maxAge})
		var freshness *account.FreshnessError
		if !errors.As(err, &freshness) || !errors.As(err, &e) || e.RetryAfter <= 0 {
			t.Errorf("with a bound: %v", err)
		}
	})
}

// The vendor's own limit stops every replica, for as long as the vendor says.
func TestVendorsLimitEmptiesTheBudget(t *testing.T) {
	tests := []struct {
		name   string
		header http.Header
		wait   time.Duration
	}{
		{"it says how long", http.Header{"Retry-After": {"300"}}, 5 * time.Minute},
		{"it does not say", nil, time.Minute},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				limited := true
				vendor := &wireServer{answer: func(n int) (int, string, http.Header) {
					if limited {
						return http.StatusTooManyRequests, "", tt.header
					}
					return wireOK(n)
				}}
				o := gatewayOptions{url: sqliteURL(t), rate: twentyAMinute}
				replicas := []*gateway{newGateway(t, vendor, o), newGateway(t, vendor, o)}
				if _, err := replicas[0].balance(t.Context(), account.Bound{NoCache: true}); provider.KindOf(err) != provider.KindRateLimited {
					t.Fatalf("got %v", err)
				}
				limited = false
				began := time.Now()
				for _, g := range replicas {
					if wait := refused(t, g).RetryAfter; wait > tt.wait || wait < tt.wait-time.Second {
						t.Errorf("told to wait %s, want %s", wait, tt.wait)
					}
				}
				time.Sleep(tt.wait - time.Since(began))
				for _, g := range replicas {
					g.must(t, account.Bound{NoCache: true})
					synctest.Wait() // until its turn is over: who asks before that shares its reading
				}
				if n := vendor.count(); n != 3 {
					t.Errorf("%d vendor calls", n)
				}
			})
		})
	}
}

// Background readings leave a half of the budget to callers, and a caller who
// joins a background reading that the budget refuses asks for itself.
func TestCallersComeFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		vendor := &wireServer{}
		g := newGateway(t, vendor, gatewayOptions{url: sqliteURL(t), rate: config.Rate{Calls: 10, Per: time.Hour}})
		background := provider.WithCause(t.Context(), provider.CauseRefresh)
		for i := range 5 {
			if _, err := g.balance(background, account.Bound{NoCache: true}); err != nil {
				t.Fatalf("background reading %d: %v", i, err)
			}
			time.Sleep(time.Second)
		}
		if _, err := g.balance(background, account.Bound{NoCache: true}); provider.KindOf(err) != provider.KindRateLimited {
			t.Fatalf("a background reading of the callers' part: %v", err)
		}
		for i := range 5 {
			var wg sync.WaitGroup
			wg.Go(func() { _, _ = g.balance(background, account.Bound{NoCache: true}) })
			for range 5 {
				wg.Go(func() {
					if _, err := g.balance(t.Context(), account.Bound{NoCache: true}); err != nil {
						t.Errorf("caller %d: %v", i, err)
					}
				})
			}
			wg.Wait()
			time.Sleep(time.Second)
		}
		if n := vendor.count(); n != 10 {
			t.Errorf("%d vendor calls, want 10", n)
		}
	})
}

// The account of a vendor that allows one call at a time is read in the
// background all the same.
func TestBudgetOfOneCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		vendor := &wireServer{}
		g := newGateway(t, vendor, gatewayOptions{url: sqliteURL(t), rate: config.Rate{Calls: 1, Per: 30 * time.Second}})
		background := provider.WithCause(t.Context(), provider.CauseRefresh)
		for range 3 {
			if _, err := g.balance(background, account.Bound{NoCache: true}); err != nil {
				t.Error(err)
			}
			if _, err := g.balance(background, account.Bound{NoCache: true}); provider.KindOf(err) != provider.KindRateLimited {
				t.Errorf("a second call at once: %v", err)
			}
			time.Sleep(time.Minute)
		}
		if n := vendor.count(); n != 3 {
			t.Errorf("%d vendor calls, want 3", n)
		}
	})
}

// One caller can't use up what all share.
func TestOneCallerLeavesSome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		vendor := &wireServer{}
		g := newGateway(t, vendor, gatewayOptions{url: sqliteURL(t), rate: config.Rate{Calls: 20, Per: time.Hour}})
		greedy, other := account.WithCaller(t.Context(), "greedy"), account.WithCaller(t.Context(), "other")
		for range 30 {
			_, _ = g.balance(greedy, account.Bound{NoCache: true})
			time.Sleep(time.Second)
		}
		if n := vendor.count(); n != 15 {
			t.Errorf("one caller made %d calls of 20, want 15", n)
		}
		if left, _ := g.budget.Left(); left != 5 {
			t.Errorf("the metric says that %d calls are left, want 5", left)
		}
		if _, err := g.balance(other, account.Bound{NoCache: true}); err != nil {
			t.Errorf("another caller: %v", err)
		}
	})
}

// While the store is away each replica lives on its part, together they keep
// to the limit, and still do when the store is back.
func TestBudgetWithoutTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		url := sqliteURL(t)
		vendor := &wireServer{}
		o := gatewayOptions{url: url, rate: twentyAMinute}
		replicas := []*gateway{newGateway(t, vendor, o), newGateway(t, vendor, o)}
		for _, g := range replicas {
			g.run(t)
		}
		time.Sleep(2 * time.Second) // now they know of each other
		var wg sync.WaitGroup
		for _, g := range replicas {
			wg.Go(func() { g.load(t, 5*time.Minute, func() time.Duration { return time.Second }) })
		}
		breakage := newBreakage(t, url)
		for range 2 { // away for shorter than the budget's minute, then for longer
			time.Sleep(45 * time.Second)
			breakage.begin(t)
			time.Sleep(20 * time.Second)
			breakage.end(t)
			time.Sleep(10 * time.Second)
		}
		breakage.begin(t)
		before := vendor.count()
		time.Sleep(100 * time.Second)
		if n := vendor.count() - before; n < 10 {
			t.Errorf("without the store only %d calls were made", n)
		}
		breakage.end(t)
		wg.Wait()
		if most := vendor.most(time.Minute); most > 20 {
			t.Errorf("the vendor counted %d calls in a minute", most)
		}
	})
}

// Retry-After is true without the store too.
func TestRetryAfterWithoutTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		vendor := &wireServer{}
		// A quarter of it, as long as nobody knows how many replicas there are.
		g := newGateway(t, vendor, gatewayOptions{rate: config.Rate{Calls: 8, Per: time.Minute}})
		for range 2 {
			g.must(t, account.Bound{NoCache: true})
			time.Sleep(3 * time.Second)
		}
		wait := refused(t, g).RetryAfter
		time.Sleep(wait)
		g.must(t, account.Bound{NoCache: true})
	})
}

func TestNoBudget(t *testing.T) {
	b := account.NewBudget("a", config.Rate{}, callTimeout, newDurable(), nil)
	for range 100 {
		end, err := b.Take(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		end(true)
	}
	if left, _ := b.Left(); left != math.MaxInt {
		t.Errorf("%d remaining", left)
	}
}

// The breaker is the account's: all its operations stop, and no other
// account's do.
func TestOneBreakerAnAccount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := true
		vendor := &wireServer{answer: func(n int) (int, string, http.Header) {
			if broken {
				return http.StatusServiceUnavailable, "", nil
			}
			return wireOK(n)
		}}
		g := newGateway(t, vendor, gatewayOptions{accounts: []string{"a", "b"}, url: sqliteURL(t)})
		for range 2 { // three tries each: more than the five in a row
			_, _ = g.balance(t.Context(), account.Bound{})
		}
		wantOpen := func(want float64) { // of a; b's stays closed
			t.Helper()
			for f := range g.Families() {
				if f.GetName() != "gateway_provider_circuit_open" {
					continue
				}
				if m := f.GetMetric(); len(m) != 2 || m[0].GetGauge().GetValue() != want || m[1].GetGauge().GetValue() != 0 {
					t.Errorf("got %v, want %v for a", m, want)
				}
				return
			}
			t.Error("no series of the breakers")
		}
		wantOpen(1)
		before := vendor.count()
		_, err := g.Statistics(t.Context(), "a", provider.StatisticsQuery{}, account.Bound{})
		var e *provider.Error
		if !errors.As(err, &e) || e.Kind != provider.KindUnavailable || !e.NotSent || e.RetryAfter <= 0 || vendor.count() != before {
			t.Errorf("statistics of the account with an open breaker: %v, %d calls", err, vendor.count()-before)
		}
		if info, _ := g.Info("a"); info.State.State != account.StateUnavailable {
			t.Errorf("state %+v", info.State)
		}
		broken = false
		if _, err := g.Balance(t.Context(), "b", provider.BalanceQuery{}, account.Bound{}); err != nil {
			t.Errorf("another account: %v", err)
		}
		time.Sleep(e.RetryAfter)
		wantOpen(0) // though nothing was called
		if _, err := g.Statistics(t.Context(), "a", provider.StatisticsQuery{}, account.Bound{}); err != nil {
			t.Errorf("after Retry-After: %v", err)
		}
		g.must(t, account.Bound{})
		if info, _ := g.Info("a"); info.State.State != account.StateOK {
			t.Errorf("state %+v", info.State)
		}
	})
}

// The gauge follows what all replicas use.
func TestRemainingBudgetIsKnownToAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		vendor := &wireServer{}
		o := gatewayOptions{url: sqliteURL(t), rate: twentyAMinute}
		one, two := newGateway(t, vendor, o), newGateway(t, vendor, o)
		one.run(t)
		two.run(t)
		for i := range 3 {
			_, err := one.Balance(t.Context(), "a", provider.BalanceQuery{Currency: provider.Currency(fmt.Sprintf("X%dX", i))}, account.Bound{})
			if err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(1500 * time.Millisecond)
		a, _ := one.budget.Left()
		b, _ := two.budget.Left()
		if a != 17 || b != 17 {
			t.Errorf("remaining %d and %d, want 17", a, b)
		}
	})
}
