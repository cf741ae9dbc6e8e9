package account_test

import (
	"context"
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
	"accountgateway/internal/provider"
	"accountgateway/internal/provider/providertest"
)

// hosts are vendors' servers that count who is there at the same time.
type hosts struct {
	now, most [20]atomic.Int64
	all, peak atomic.Int64
}

func highest(of *atomic.Int64, n int64) {
	for old := of.Load(); n > old && !of.CompareAndSwap(old, n); old = of.Load() {
	}
}

func (h *hosts) vendor(host int, takes func() time.Duration) *providertest.Fake {
	f := &providertest.Fake{}
	f.Balance = func(ctx context.Context, _ provider.BalanceQuery) (provider.Readings, error) {
		highest(&h.most[host], h.now[host].Add(1))
		highest(&h.peak, h.all.Add(1))
		defer func() { h.now[host].Add(-1); h.all.Add(-1) }()
		select {
		case <-time.After(takes()):
			return usd("1.00"), nil
		case <-ctx.Done():
			return provider.Readings{}, provider.Errorf(provider.KindTimeout, "too slow")
		}
	}
	return f
}

// coldFleet has accounts at each of those hosts.
func coldFleet(h *hosts, hosts, each int, takes func(account int) time.Duration) *account.Service {
	var accounts []account.Account
	for i := range hosts * each {
		accounts = append(accounts, account.Account{
			Name: fmt.Sprintf("a%04d", i), Provider: "fake", Host: fmt.Sprint(i % hosts),
			Adapter: h.vendor(i%hosts, func() time.Duration { return takes(i) }),
		})
	}
	return account.New(accounts, durable.New(zerolog.Nop()), account.Options{
		TTL: map[provider.Operation]time.Duration{provider.OpBalance: time.Minute}, StaleIfError: time.Hour, LoadTimeout: 15 * time.Second,
		Registry: prometheus.NewRegistry(), Log: zerolog.Nop(),
	})
}

// However many accounts are cold, and whoever asks for all at once: a host gets
// 8 calls at a time, and all together 64.
func TestColdFleetIsReadInTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var h hosts
		s := coldFleet(&h, 20, 40, func(int) time.Duration { return time.Second })
		var callers sync.WaitGroup
		for range 3 {
			callers.Go(func() {
				for _, item := range s.Balances(t.Context(), everyAccount, account.Bound{}) {
					if item.Err != nil {
						t.Errorf("%s: %v", item.Account, item.Err)
					}
				}
			})
		}
		callers.Wait()
		time.Sleep(time.Minute) // what is under way ends
		for host := range h.most {
			if got := h.most[host].Load(); got > 8 {
				t.Errorf("host %d got %d calls at once", host, got)
			}
		}
		if got := h.peak.Load(); got != 64 {
			t.Errorf("%d calls at once", got)
		}
	})
}

// A vendor that has too many accounts to be asked in time, or hangs, keeps
// nobody: the rest of its accounts are served old or fail, and say why. What is
// known to hang comes last.
func TestFleetReadEndsInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var h hosts
		hangs := false
		s := coldFleet(&h, 1, 100, func(account int) time.Duration {
			if hangs && account < 60 {
				return time.Hour
			}
			return time.Second
		})
		read := func(bound account.Bound) (failed, stale, fresh int) {
			t.Helper()
			came := time.Now()
			for _, item := range s.Balances(t.Context(), everyAccount, bound) {
				switch {
				case provider.KindOf(item.Err) == provider.KindTimeout:
					failed++
				case item.Err != nil:
					t.Errorf("%s: %v", item.Account, item.Err)
				case item.Balance.Stale:
					stale++
				default:
					fresh++
				}
			}
			if took := time.Since(came); took > 16*time.Second {
				t.Errorf("it took %s", took)
			}
			return failed, stale, fresh
		}
		if failed, _, fresh := read(account.Bound{}); failed != 0 || fresh != 100 {
			t.Errorf("cold: %d failed, %d fresh", failed, fresh)
		}
		hangs = true
		time.Sleep(2 * time.Minute)
		if failed, stale, _ := read(account.Bound{}); failed != 0 || stale != 100 {
			t.Errorf("hanging: %d failed, %d stale", failed, stale)
		}
		var alone sync.WaitGroup
		for i := range 60 { // as background readings do
			alone.Go(func() {
				_, _ = s.Balance(t.Context(), fmt.Sprintf("a%04d", i), provider.BalanceQuery{}, account.Bound{})
			})
		}
		alone.Wait()
		time.Sleep(2 * time.Minute)
		if _, stale, fresh := read(account.Bound{}); stale != 60 || fresh != 40 {
			t.Errorf("once that is known: %d stale, %d fresh", stale, fresh)
		}
		time.Sleep(time.Minute) // the calls under way end
	})
}

// When a fleet read's time is up, no more calls begin: those that it did not get
// to are left alone.
func TestFleetReadThatEndedAsksNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var h hosts
		var asked atomic.Int64
		s := coldFleet(&h, 1, 500, func(int) time.Duration { asked.Add(1); return 10 * time.Second })
		for _, item := range s.Balances(t.Context(), everyAccount, account.Bound{}) {
			if item.Err != nil && provider.KindOf(item.Err) != provider.KindTimeout {
				t.Errorf("%s: %v", item.Account, item.Err)
			}
		}
		time.Sleep(time.Minute) // what is under way ends
		if most, all := h.most[0].Load(), asked.Load(); most > 8 || all != 16 {
			t.Errorf("%d calls, %d at once, want 16 in 15 s, 8 at once", all, most)
		}
	})
}
