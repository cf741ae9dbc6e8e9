package account_test

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/govalues/decimal"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"accountgateway/internal/account"
	"accountgateway/internal/durable"
	"accountgateway/internal/provider"
	"accountgateway/internal/provider/providertest"
	"accountgateway/internal/store"
)

// replica is one gateway process as far as this package goes.
type replica struct {
	*account.Service
	durable  *durable.Store
	store    *store.Store // nil: none
	registry *prometheus.Registry
}

// newReplica makes a service of one account "a". url is its database; "" is none.
func newReplica(t *testing.T, fake provider.Provider, url string) *replica {
	t.Helper()
	d, registry := durable.New(zerolog.Nop()), prometheus.NewRegistry()
	s := account.New([]account.Account{{Name: "a", Provider: "fake", Adapter: fake}}, d, account.Options{
		TTL:          map[provider.Operation]time.Duration{provider.OpBalance: time.Minute, provider.OpStatistics: 5 * time.Minute, provider.OpUsers: 5 * time.Minute},
		StaleIfError: 24 * time.Hour, LoadTimeout: 10 * time.Second, HistoryFor: 100 * 24 * time.Hour,
		Registry: registry, Log: zerolog.Nop(),
	})
	r := &replica{Service: s, durable: d, registry: registry}
	if url != "" {
		st, err := store.Open(t.Context(), url, store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { st.Close() })
		r.store = st
		d.Attach(st)
		s.Load(t.Context())
	}
	return r
}

func usd(text string) provider.Readings {
	return provider.Readings{Balance: &provider.Balance{Balance: provider.Money{Amount: decimal.MustParse(text), Currency: "USD"}}}
}

func (r *replica) balance(ctx context.Context, b account.Bound) (account.Reading[provider.Balance], error) {
	return r.Balance(ctx, "a", provider.BalanceQuery{}, b)
}

func TestManyCallersOneCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := &providertest.Fake{Balance: func(ctx context.Context, _ provider.BalanceQuery) (provider.Readings, error) {
			select {
			case <-time.After(time.Second):
				return usd("1.00"), nil
			case <-ctx.Done():
				return provider.Readings{}, ctx.Err()
			}
		}}
		r := newReplica(t, fake, "")
		first, hangUp := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := r.balance(first, account.Bound{}); !errors.Is(err, context.Canceled) {
				t.Errorf("the first caller got %v", err)
			}
		})
		synctest.Wait()
		for range 300 {
			wg.Go(func() {
				got, err := r.balance(t.Context(), account.Bound{})
				if err != nil || got.Value.Balance.Amount.String() != "1.00" || got.Stale || got.Source != account.Collapsed {
					t.Errorf("got %+v, %v", got, err)
				}
			})
		}
		synctest.Wait()
		hangUp()
		wg.Wait()
		if n := fake.Calls(provider.OpBalance); n != 1 {
			t.Errorf("%d vendor calls, want 1", n)
		}
	})
}

func TestManyCallersOneCallAcrossReplicas(t *testing.T) {
	release := make(chan struct{})
	fake := &providertest.Fake{Balance: func(context.Context, provider.BalanceQuery) (provider.Readings, error) {
		<-release
		return usd("1.00"), nil
	}}
	url := "sqlite:" + filepath.Join(t.TempDir(), "g.db")
	replicas := []*replica{newReplica(t, fake, url), newReplica(t, fake, url)}
	var wg sync.WaitGroup
	for i := range 300 {
		wg.Go(func() {
			got, err := replicas[i%2].balance(t.Context(), account.Bound{})
			if err != nil || got.Value.Balance.Amount.String() != "1.00" || got.Stale {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
	close(release)
	wg.Wait()
	if n := fake.Calls(provider.OpBalance); n != 1 {
		t.Errorf("%d vendor calls, want 1", n)
	}
}

func TestReadingOutlivesTheProcess(t *testing.T) {
	url := "sqlite:" + filepath.Join(t.TempDir(), "g.db")
	old, err := newReplica(t, &providertest.Fake{}, url).balance(t.Context(), account.Bound{})
	if err != nil {
		t.Fatal(err)
	}
	dead := &providertest.Fake{Balance: func(context.Context, provider.BalanceQuery) (provider.Readings, error) {
		return provider.Readings{}, provider.Errorf(provider.KindUnavailable, "dead")
	}}
	again, err := newReplica(t, dead, url).balance(t.Context(), account.Bound{})
	if err != nil {
		t.Fatal(err)
	}
	if !again.AsOf.Equal(old.AsOf.Truncate(time.Microsecond)) || again.Value.Balance != old.Value.Balance || dead.Calls(provider.OpBalance) != 0 {
		t.Errorf("got %+v as of %s after %d calls, want %+v as of %s", again.Value, again.AsOf, dead.Calls(provider.OpBalance), old.Value, old.AsOf)
	}
}

func TestStaleIfError(t *testing.T) {
	minute, sec40 := time.Minute, 40*time.Second
	tests := []struct {
		name  string
		age   time.Duration
		bound account.Bound
		stale bool
		kind  provider.Kind // of the error; "" for none
		bad   bool          // want a *FreshnessError
	}{
		{"fresh", 50 * time.Second, account.Bound{}, false, "", false},
		{"fresh, but older than the bound", 50 * time.Second, account.Bound{MaxAge: &sec40}, false, "", true},
		{"fresh, no-cache", 50 * time.Second, account.Bound{NoCache: true}, false, provider.KindUnavailable, false},
		{"old", 2 * time.Minute, account.Bound{}, true, "", false},
		{"old, max-age", 2 * time.Minute, account.Bound{MaxAge: &minute}, false, "", true},
		{"old, within max-stale", 110 * time.Second, account.Bound{MaxStale: &minute}, true, "", false},
		{"old, beyond max-stale", 130 * time.Second, account.Bound{MaxStale: &minute}, false, "", true},
		{"old, only-if-cached", 2 * time.Minute, account.Bound{OnlyIfCached: true}, true, "", false},
		{"old, only-if-cached and max-age", 2 * time.Minute, account.Bound{OnlyIfCached: true, MaxAge: &minute}, false, "", true},
		{"only-if-cached and no-cache", time.Second, account.Bound{OnlyIfCached: true, NoCache: true}, false, "", true},
		{"too old for anybody", 25 * time.Hour, account.Bound{}, false, provider.KindUnavailable, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				down := false
				fake := &providertest.Fake{Balance: func(context.Context, provider.BalanceQuery) (provider.Readings, error) {
					if down {
						return provider.Readings{}, provider.Errorf(provider.KindUnavailable, "down")
					}
					return usd("1.00"), nil
				}}
				r := newReplica(t, fake, "")
				if _, err := r.balance(t.Context(), account.Bound{}); err != nil {
					t.Fatal(err)
				}
				down = true
				time.Sleep(tt.age)
				got, err := r.balance(t.Context(), tt.bound)
				synctest.Wait()
				var freshness *account.FreshnessError
				switch {
				case tt.bad:
					if !errors.As(err, &freshness) {
						t.Errorf("got %+v, %v, want a freshness error", got, err)
					}
				case tt.kind != "":
					if provider.KindOf(err) != tt.kind || errors.As(err, &freshness) {
						t.Errorf("got %v, want %s", err, tt.kind)
					}
				case err != nil || got.Stale != tt.stale || got.Age != tt.age:
					t.Errorf("got %+v, %v", got, err)
				}
			})
		})
	}
}
