package bench

import (
	"context"
	"path/filepath"
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
	"accountgateway/internal/testneed"
)

// BenchmarkMissInside is a reading of a vendor that answers at once, with the
// store on, for profiles: all its time is the gateway's.
func BenchmarkMissInside(b *testing.B) {
	b.Run("sqlite", func(b *testing.B) { missInside(b, "sqlite:"+filepath.Join(b.TempDir(), "gateway.db")) })
	b.Run("postgres", func(b *testing.B) { missInside(b, testneed.Postgres(b)) })
}

func missInside(b *testing.B, url string) {
	d := durable.New(zerolog.Nop())
	st, err := store.Open(b.Context(), url, store.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer st.Close()
	d.Attach(st)
	budget := account.NewBudget("a", config.Rate{Calls: 1_000_000, Per: time.Second}, 0, d, nil)
	var vendor providertest.Fake
	fake := &providertest.Fake{Balance: func(ctx context.Context, q provider.BalanceQuery) (provider.Readings, error) {
		end, err := budget.Take(ctx) // as the outgoing client does
		if err != nil {
			return provider.Readings{}, err
		}
		defer end(true)
		return vendor.ReadBalance(ctx, q)
	}}
	s := account.New([]account.Account{{Name: "a", Provider: "fake", Adapter: fake, Budget: budget}}, d, account.Options{
		TTL: map[provider.Operation]time.Duration{provider.OpBalance: time.Hour}, StaleIfError: 24 * time.Hour,
		LoadTimeout: 10 * time.Second, HistoryFor: time.Hour, Registry: prometheus.NewRegistry(), Log: zerolog.Nop(),
	})
	s.Load(b.Context()) // as a start does: the store knows this replica then
	for b.Loop() {
		if _, err := s.Balance(b.Context(), "a", provider.BalanceQuery{}, account.Bound{NoCache: true}); err != nil {
			b.Fatal(err)
		}
	}
}
