package account_test

import (
	"bytes"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"accountgateway/internal/account"
	"accountgateway/internal/provider"
)

// What a host takes 64 of at a time, 200 ms each, is 1,600 in 5 s.
func TestRefreshLagIsTold(t *testing.T) {
	for _, tt := range []struct {
		accounts int
		late     bool
	}{{1000, false}, {5000, true}} {
		synctest.Test(t, func(t *testing.T) {
			var log bytes.Buffer
			var accounts []account.Account
			for _, a := range manyAccounts("a", tt.accounts, "one", false) {
				accounts = append(accounts, account.Account{Name: a.name, Provider: "fake", Host: a.host, Adapter: a})
			}
			g := &gateway{durable: newDurable(), registry: prometheus.NewRegistry()}
			g.Service = account.New(accounts, g.durable, account.Options{
				TTL:             map[provider.Operation]time.Duration{provider.OpBalance: time.Second, provider.OpStatistics: time.Second},
				RefreshInterval: 5 * time.Second, LoadTimeout: time.Minute, Registry: g.registry, Log: zerolog.New(zerolog.SyncWriter(&log)),
			})
			stop := g.run(t)
			time.Sleep(time.Minute)
			var lag float64
			families, err := g.registry.Gather()
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range families {
				if f.GetName() == "gateway_refresh_lag_seconds" {
					lag = f.GetMetric()[0].GetGauge().GetValue()
				}
			}
			stop()
			if late := lag > 5; late != tt.late || lag > 60 {
				t.Errorf("%d accounts: %g s", tt.accounts, lag)
			}
			if told := strings.Count(log.String(), "fall behind"); told != 0 != tt.late || told > 1 {
				t.Errorf("%d accounts: told %d times", tt.accounts, told)
			}
		})
	}
}
