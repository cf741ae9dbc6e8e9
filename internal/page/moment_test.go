package page_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"accountgateway/internal/account"
	"accountgateway/internal/durable"
	"accountgateway/internal/httpapi"
	"accountgateway/internal/page"
	"accountgateway/internal/provider"
	"accountgateway/internal/provider/providertest"
	"accountgateway/internal/token"
)

// Pages tell the ages of when they are drawn. A figure that is past every limit by
// then is in no total.
func TestPageIsOfOneMoment(t *testing.T) {
	for name, tt := range map[string]struct {
		later  time.Duration
		wanted []string
	}{
		"old":     {40 * time.Second, []string{"USD 2 accounts 200.00", "Stale 40 s ago"}},
		"too old": {100 * time.Second, []string{"Not in the totals, without a current balance: a , b", "no reading yet"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				accounts := account.New([]account.Account{
					{Name: "a", Provider: "fake", Adapter: &providertest.Fake{}}, {Name: "b", Provider: "fake", Adapter: &providertest.Fake{}},
				}, durable.New(zerolog.Nop()), account.Options{
					TTL:          map[provider.Operation]time.Duration{provider.OpBalance: 30 * time.Second},
					StaleIfError: 90 * time.Second, LoadTimeout: time.Minute, Registry: prometheus.NewRegistry(), Log: zerolog.Nop(),
				})
				p := must(page.New(page.Options{
					Accounts: accounts, Log: zerolog.Nop(),
					Check: func(context.Context, string) (token.Caller, error) { return token.Caller{}, token.ErrUnknown },
				}))
				f := &fixture{t: t, page: p, handler: httpapi.New(httpapi.Options{
					Accounts: accounts, Log: zerolog.Nop(), Registry: prometheus.NewRegistry(), Page: p, AnyName: true,
				})}
				if items := accounts.Balances(t.Context(), func(string) bool { return true }, account.Bound{}); items[0].Err != nil || items[1].Err != nil {
					t.Fatal(items)
				}
				time.Sleep(tt.later)
				got := f.get("/")
				wants(t, text(got.Body.String()), tt.wanted...)
			})
		})
	}
}
