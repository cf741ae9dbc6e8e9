package account_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"accountgateway/internal/account"
	"accountgateway/internal/config"
	"accountgateway/internal/durable"
	"accountgateway/internal/provider"
	"accountgateway/internal/provider/providertest"
	"accountgateway/internal/store"
)

// A call that is not sent takes nothing: whoever hears of it can use the last slot
// at once.
func TestUnsentCallTakesNoSlot(t *testing.T) {
	onEngines(t, func(t *testing.T, url string) {
		st, err := store.Open(t.Context(), url, store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { st.Close() })
		d := durable.New(zerolog.Nop())
		d.Attach(st)
		budget := account.NewBudget("a", config.Rate{Calls: 1, Per: time.Hour}, 10*time.Second, d, nil)
		sent := false
		var vendor providertest.Fake
		fake := &providertest.Fake{Balance: func(ctx context.Context, q provider.BalanceQuery) (provider.Readings, error) {
			if !sent {
				return provider.Readings{}, &provider.Error{Kind: provider.KindRejected, NotSent: true, Message: "it can't be sent"}
			}
			end, err := budget.Take(ctx)
			if err != nil {
				return provider.Readings{}, err
			}
			defer end(true)
			return vendor.ReadBalance(ctx, q)
		}}
		s := account.New([]account.Account{{Name: "a", Provider: "fake", Adapter: fake, Budget: budget}}, d, account.Options{
			TTL:         map[provider.Operation]time.Duration{provider.OpBalance: time.Minute},
			LoadTimeout: 10 * time.Second, HistoryFor: time.Hour, Registry: prometheus.NewRegistry(), Log: zerolog.Nop(),
		})
		read := func() error {
			_, err := s.Balance(t.Context(), "a", provider.BalanceQuery{}, account.Bound{NoCache: true})
			return err
		}
		for range 3 {
			if err := read(); provider.KindOf(err) != provider.KindRejected {
				t.Fatalf("got %v", err)
			}
		}
		sent = true
		if err := read(); err != nil {
			t.Errorf("the last slot: %v", err)
		}
		if err := read(); provider.KindOf(err) != provider.KindRateLimited {
			t.Errorf("one too many: %v", err)
		}
	})
}

// A slot that was taken long before its call is not enough for it: it would be
// free again while the call is under way.
func TestSlotLastsAsLongAsItsCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const longest = 10 * time.Second
		rate := config.Rate{Calls: 1, Per: time.Second}
		url := sqliteURL(t)
		var budgets []*account.Budget
		var stores []*durable.Store
		for range 2 { // replicas
			st, err := store.Open(t.Context(), url, store.Options{Now: time.Now})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { st.Close() })
			d := durable.New(zerolog.Nop())
			d.Attach(st)
			stores, budgets = append(stores, d), append(budgets, account.NewBudget("a", rate, longest, d, nil))
		}
		var vendor providertest.Fake
		fake := &providertest.Fake{Balance: func(ctx context.Context, q provider.BalanceQuery) (provider.Readings, error) {
			time.Sleep(4 * time.Second) // as a slow database may take
			end, err := budgets[0].Take(ctx)
			if err != nil {
				return provider.Readings{}, err
			}
			defer end(true)
			time.Sleep(longest)
			if _, err := budgets[1].Take(t.Context()); provider.KindOf(err) != provider.KindRateLimited {
				t.Errorf("another call while this one is under way: %v", err)
			}
			return vendor.ReadBalance(ctx, q)
		}}
		s := account.New([]account.Account{{Name: "a", Provider: "fake", Adapter: fake, Budget: budgets[0]}}, stores[0], account.Options{
			TTL:         map[provider.Operation]time.Duration{provider.OpBalance: time.Minute},
			LoadTimeout: 15 * time.Second, HistoryFor: time.Hour, Registry: prometheus.NewRegistry(), Log: zerolog.Nop(),
		})
		if _, err := s.Balance(t.Context(), "a", provider.BalanceQuery{}, account.Bound{}); err != nil {
			t.Error(err)
		}
	})
}
