package account_test

import (
	"context"
	"testing"
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
