package account_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"accountgateway/internal/account"
	"accountgateway/internal/provider"
	"accountgateway/internal/testneed"
)

// onEngines runs a test with each kind of database.
func onEngines(t *testing.T, test func(t *testing.T, url string)) {
	t.Run("sqlite", func(t *testing.T) { test(t, sqliteURL(t)) })
	t.Run("postgres", func(t *testing.T) { test(t, testneed.Postgres(t)) })
}

// 300 callers of a cold reading cause one call, in two replicas, though the
// first of them hangs up.
func TestColdReadingIsAskedOnce(t *testing.T) {
	onEngines(t, func(t *testing.T, url string) {
		vendor := &wireServer{latency: func() time.Duration { return 300 * time.Millisecond }}
		replicas := []*gateway{newGateway(t, vendor, gatewayOptions{url: url}), newGateway(t, vendor, gatewayOptions{url: url})}
		first, hangUp := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		started := make(chan struct{})
		wg.Go(func() {
			close(started)
			if _, err := replicas[0].balance(first, account.Bound{}); !errors.Is(err, context.Canceled) {
				t.Errorf("the first caller got %v", err)
			}
		})
		<-started
		for i := range 300 {
			wg.Go(func() {
				if got, err := replicas[i%2].balance(t.Context(), account.Bound{}); err != nil || amountOf(got) != "1.00" || got.Stale {
					t.Errorf("got %+v, %v", got, err)
				}
			})
		}
		hangUp()
		wg.Wait()
		if n := vendor.count(); n != 1 {
			t.Errorf("%d vendor calls, want 1", n)
		}
	})
}

// A reading that one replica makes is every replica's within a second.
func TestReadingsAreShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		vendor := &wireServer{}
		o := gatewayOptions{url: sqliteURL(t)}
		one, two := newGateway(t, vendor, o), newGateway(t, vendor, o)
		one.run(t)
		two.run(t)
		want := one.must(t, account.Bound{})
		time.Sleep(1100 * time.Millisecond)
		got := two.must(t, account.Bound{OnlyIfCached: true})
		if got.Source != account.Hit || got.Stale || !got.AsOf.Equal(want.AsOf.Truncate(time.Microsecond)) || amountOf(got) != amountOf(want) {
			t.Errorf("got %+v, want %+v", got, want)
		}
	})
}

// A replica that dies while it asks keeps the others waiting for no longer
// than a load may take.
func TestReplicaDiesWhileItAsks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		url := sqliteURL(t)
		hangs := &wireServer{latency: func() time.Duration { return 9 * time.Second }}
		one := newGateway(t, hangs, gatewayOptions{url: url})
		var wg sync.WaitGroup
		wg.Go(func() { _, _ = one.balance(t.Context(), account.Bound{}) })
		time.Sleep(time.Second)
		if err := one.store.Close(); err != nil { // all that others see of a death
			t.Fatal(err)
		}
		two := newGateway(t, &wireServer{}, gatewayOptions{url: url})
		began := time.Now()
		got := two.must(t, account.Bound{})
		if took := time.Since(began); took > 15*time.Second || got.Stale {
			t.Errorf("after %s: %+v", took, got)
		}
		wg.Wait()
	})
}

// Other parameters are other readings.
func TestParametersAreReadingsOfTheirOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		vendor := &wireServer{}
		g := newGateway(t, vendor, gatewayOptions{url: sqliteURL(t)})
		seen := map[string]bool{}
		for range 2 {
			for _, currency := range []provider.Currency{"", "USD", "EUR"} {
				got, err := g.Balance(t.Context(), "a", provider.BalanceQuery{Currency: currency}, account.Bound{})
				if err != nil {
					t.Fatal(err)
				}
				seen[amountOf(got)] = true
			}
		}
		if n := vendor.count(); n != 3 || len(seen) != 3 {
			t.Errorf("%d calls, readings %v", n, seen)
		}
	})
}
