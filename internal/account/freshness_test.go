package account_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"accountgateway/internal/account"
	"accountgateway/internal/provider"
	"accountgateway/internal/store"
)

func within(d time.Duration) account.Bound { return account.Bound{MaxAge: &d} }

// only-if-cached never asks, not even behind the answer.
func TestOnlyIfCachedNeverAsks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		vendor := &wireServer{}
		g := newGateway(t, vendor, gatewayOptions{})
		g.must(t, account.Bound{})
		time.Sleep(10 * time.Minute)
		got := g.must(t, account.Bound{OnlyIfCached: true})
		time.Sleep(time.Minute)
		if n := vendor.count(); n != 1 || !got.Stale {
			t.Errorf("%d vendor calls, want 1; got %+v", n, got)
		}
	})
}

// max-stale is answered at once, and the reading is renewed behind it.
func TestMaxStaleRenewsBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		vendor := &wireServer{}
		g := newGateway(t, vendor, gatewayOptions{})
		g.must(t, account.Bound{})
		time.Sleep(2 * time.Minute)
		maxStale := 5 * time.Minute
		before := time.Now()
		got := g.must(t, account.Bound{MaxStale: &maxStale})
		if !got.Stale || amountOf(got) != "1.00" || !time.Now().Equal(before) {
			t.Errorf("got %+v after %s", got, time.Since(before))
		}
		time.Sleep(time.Second)
		if got := g.must(t, account.Bound{OnlyIfCached: true}); got.Stale || amountOf(got) != "2.00" {
			t.Errorf("after the renewal: %+v", got)
		}
	})
}

// A caller who joins a call that began long before it came has not asked the
// vendor now, and what comes of that call may be older than its bound.
func TestJoinedCallMustMeetTheBound(t *testing.T) {
	tests := []struct {
		name  string
		bound account.Bound
		calls int
	}{
		{"no-cache", account.Bound{NoCache: true}, 2},
		{"max-age that the call is too old for", within(3 * time.Second), 2},
		{"max-age that it is young enough for", within(7 * time.Second), 1},
		{"no bound", account.Bound{}, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				vendor := &wireServer{latency: func() time.Duration { return 8 * time.Second }}
				g := newGateway(t, vendor, gatewayOptions{})
				var wg sync.WaitGroup
				wg.Go(func() { g.must(t, account.Bound{}) })
				time.Sleep(6 * time.Second)
				for range 10 {
					wg.Go(func() {
						came := time.Now()
						got, err := g.balance(t.Context(), tt.bound)
						if err != nil {
							t.Error(err)
							return
						}
						checkBound(t, tt.bound, came, got)
					})
				}
				wg.Wait()
				if n := vendor.count(); n != tt.calls {
					t.Errorf("%d vendor calls, want %d", n, tt.calls)
				}
			})
		})
	}
}

// checkBound fails unless a reading is what its caller would take.
func checkBound(t *testing.T, b account.Bound, came time.Time, got account.Reading[provider.Balance]) {
	t.Helper()
	if fault := boundFault(b, came, got); fault != "" {
		t.Error(fault)
	}
}

// The clock went back, and the readings of before seem to come from the
// future: they are not fresh, and are replaced by the next.
func TestReadingFromTheFuture(t *testing.T) {
	for name, ahead := range map[string]time.Duration{"days": 72 * time.Hour, "a minute": time.Minute} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				url := sqliteURL(t)
				saveBalance(t, url, time.Now().Add(ahead), "999.00")
				vendor := &wireServer{}
				g := newGateway(t, vendor, gatewayOptions{url: url})
				if got, err := g.balance(t.Context(), account.Bound{OnlyIfCached: true}); err == nil && !got.Stale {
					t.Errorf("fresh from the future: %+v", got)
				}
				for want := 1; want <= 3; want++ {
					got := g.must(t, account.Bound{NoCache: true})
					if got.Stale || got.AsOf.After(time.Now()) || vendor.count() != want {
						t.Errorf("got %+v after %d calls, want %d", got, vendor.count(), want)
					}
					time.Sleep(time.Second)
				}
				g.run(t)()

				// What was read since then is what a new start finds.
				again := newGateway(t, vendor, gatewayOptions{url: url})
				if got := again.must(t, account.Bound{}); amountOf(got) != "3.00" || got.Stale || vendor.count() != 3 {
					t.Errorf("after a restart: %+v, %d calls", got, vendor.count())
				}
				if info, err := again.Info("a"); err != nil || info.State.LastSuccessAt.After(time.Now()) {
					t.Errorf("last success at %s, from the future", info.State.LastSuccessAt)
				}
			})
		})
	}
}

// The clock went forward: what was read before it is as old as the clock says.
func TestClockWentForward(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		url := sqliteURL(t)
		saveBalance(t, url, time.Now().Add(-72*time.Hour), "5.00")
		vendor := &wireServer{answer: func(int) (int, string, http.Header) { return http.StatusBadGateway, "", nil }}
		g := newGateway(t, vendor, gatewayOptions{url: url})
		if got, err := g.balance(t.Context(), account.Bound{}); provider.KindOf(err) != provider.KindUnavailable {
			t.Errorf("got %+v, %v", got, err)
		}
	})
}

// Another replica's clock is a second ahead, as clocks are.
func TestReplicaWithAnotherClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		url := sqliteURL(t)
		vendor := &wireServer{}
		g := newGateway(t, vendor, gatewayOptions{url: url})
		for want := 1; want <= 5; want++ {
			saveBalance(t, url, time.Now().Add(time.Second), "999.00")
			g.Load(t.Context())
			time.Sleep(time.Millisecond)
			got := g.must(t, account.Bound{NoCache: true})
			if amountOf(got) == "999.00" || vendor.count() != want {
				t.Fatalf("got %+v after %d calls, want %d", got, vendor.count(), want)
			}
			time.Sleep(5 * time.Second)
		}
	})
}

// What another replica read earlier does not replace what is at hand.
func TestOlderReadingFromTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		url := sqliteURL(t)
		g := newGateway(t, &wireServer{}, gatewayOptions{url: url})
		began := time.Now()
		time.Sleep(10 * time.Second)
		harm := newBreakage(t, url)
		harm.begin(t)
		g.must(t, account.Bound{}) // only in memory
		harm.end(t)
		saveBalance(t, url, began, "999.00")
		g.Load(t.Context())
		if got := g.must(t, account.Bound{}); amountOf(got) != "1.00" || got.Age > time.Second {
			t.Errorf("got %+v", got)
		}
	})
}

// saveBalance puts a reading of the account "a" into a database.
func saveBalance(t *testing.T, url string, asOf time.Time, amount string) {
	t.Helper()
	st, err := store.Open(t.Context(), url, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	body, err := json.Marshal(usd(amount).Balance)
	if err != nil {
		t.Fatal(err)
	}
	row := store.Reading{Key: store.ReadingKey{Account: "a", Operation: string(provider.OpBalance)}, AsOf: asOf, Body: body}
	if err := st.SaveReadings(t.Context(), []store.Reading{row}); err != nil {
		t.Fatal(err)
	}
}

// A stale reading tells why the vendor did not give a newer one.
func TestStaleReadingTellsWhy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		status := http.StatusOK
		vendor := &wireServer{answer: func(n int) (int, string, http.Header) {
			if status == http.StatusOK {
				return wireOK(n)
			}
			return status, "", http.Header{"Retry-After": {"40"}}
		}}
		g := newGateway(t, vendor, gatewayOptions{})
		first := g.must(t, account.Bound{})
		time.Sleep(2 * time.Minute)
		for _, tt := range []struct {
			status int
			kind   provider.Kind
			retry  bool
		}{
			{http.StatusServiceUnavailable, provider.KindUnavailable, true},
			{http.StatusTooManyRequests, provider.KindRateLimited, true},
		} {
			status = tt.status
			got := g.must(t, account.Bound{})
			var e *provider.Error
			if !got.Stale || !got.AsOf.Equal(first.AsOf) || provider.KindOf(got.Err) != tt.kind || !errors.As(got.Err, &e) || e.RetryAfter <= 0 {
				t.Errorf("status %d: got %+v because of %v", tt.status, got, got.Err)
			}
		}
	})
}

// An answer that the caller has to take is not covered up by an old reading.
func TestRefusalIsNotCoveredUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, kind := range []provider.Kind{
			provider.KindUnsupportedCurrency, provider.KindUnsupportedParameter, provider.KindRejected, provider.KindForbidden, provider.KindNotFound,
		} {
			fake := newFaultyFake()
			r := newReplica(t, fake, "")
			if _, err := r.balance(t.Context(), account.Bound{}); err != nil {
				t.Fatal(err)
			}
			fake.fail = provider.Errorf(kind, "no")
			time.Sleep(2 * time.Minute)
			if got, err := r.balance(t.Context(), account.Bound{}); provider.KindOf(err) != kind {
				t.Errorf("%s: got %+v, %v", kind, got, err)
			}
		}
	})
}
