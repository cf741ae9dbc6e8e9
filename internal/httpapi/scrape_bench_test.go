package httpapi

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/govalues/decimal"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"accountgateway/internal/account"
	"accountgateway/internal/config"
	"accountgateway/internal/durable"
	"accountgateway/internal/provider"
	"accountgateway/internal/provider/providertest"
	"accountgateway/internal/provider/upstream"
	"accountgateway/internal/store"
)

// BenchmarkScrape makes what /metrics sends of 10,000 accounts, each with the figures
// of a REG.RU account and a vendor that was called for both of its readings.
func BenchmarkScrape(b *testing.B) {
	const n = 10_000
	st, err := store.Open(b.Context(), "sqlite::memory:", store.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer st.Close()
	registry, d := prometheus.NewRegistry(), durable.New(zerolog.Nop())
	outgoing := upstream.Options{Metrics: upstream.NewMetrics(registry), Log: zerolog.Nop(), Transport: answers{}}
	money := func() *provider.Money {
		return &provider.Money{Amount: decimal.MustParse("1234.56"), Currency: "RUB"}
	}
	vendor := &providertest.Fake{
		Balance: func(context.Context, provider.BalanceQuery) (provider.Readings, error) {
			return provider.Readings{Balance: &provider.Balance{Balance: *money(), Blocked: money(), Credit: money()}}, nil
		},
		Statistics: func(context.Context, provider.StatisticsQuery) (provider.Readings, error) {
			s := &provider.Statistics{Amounts: []provider.Amount{{Name: "costs", Scope: provider.ScopePeriod, Money: *money()}}}
			for i := range 8 {
				s.Counters = append(s.Counters, provider.Counter{Name: fmt.Sprint("domains_of_kind_", i), Value: int64(37 * i), Scope: provider.ScopeNow})
			}
			return provider.Readings{Statistics: s}, nil
		},
	}
	accounts := make([]account.Account, n)
	for i := range accounts {
		name := fmt.Sprintf("a%05d", i)
		o := outgoing
		o.Account, o.Provider = name, "regru"
		client := upstream.New(o)
		for _, op := range []provider.Operation{provider.OpBalance, provider.OpStatistics} {
			call := upstream.Call{Operation: op, URL: "http://vendor.test"}
			if err := client.Do(provider.WithCause(b.Context(), provider.CauseRefresh), call, func(upstream.Answer) error { return nil }); err != nil {
				b.Fatal(err)
			}
		}
		accounts[i] = account.Account{Name: name, Provider: "regru", Adapter: vendor, Budget: account.NewBudget(name, config.Rate{Calls: 1200, Per: time.Hour}, 0, d, nil)}
	}
	o := serviceOptions()
	o.Registry = registry
	service := account.New(accounts, d, o)
	for _, a := range accounts {
		if _, err := service.Balance(b.Context(), a.Name, provider.BalanceQuery{}, account.Bound{}); err != nil {
			b.Fatal(err)
		}
		if _, err := service.Statistics(b.Context(), a.Name, provider.StatisticsQuery{}, account.Bound{}); err != nil {
			b.Fatal(err)
		}
	}
	d.Attach(st) // not before: the readings need no database
	service.Load(b.Context())
	s := newServer(Options{Accounts: service, Registry: registry, Log: zerolog.Nop()})
	for _, format := range scrapeFormats {
		b.Run(fmt.Sprint(format.FormatType()), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				body, err := s.gather(format)
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(len(body))/1e6, "MB")
			}
		})
	}
}

// answers is a vendor that says nothing, at once.
type answers struct{}

func (answers) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody, Request: r}, nil
}
