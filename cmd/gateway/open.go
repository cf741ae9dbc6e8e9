package main

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/rs/zerolog"

	"accountgateway/internal/account"
	"accountgateway/internal/config"
	"accountgateway/internal/provider/upstream"
)

// gateway is what serve and check work with.
type gateway struct {
	accounts *account.Service
	registry *prometheus.Registry
}

// open wires the configured accounts. Faults of their settings are left in r,
// and the gateway is of use only if there are none.
func open(r *config.Reader, s settings, list []accountSetting, log zerolog.Logger) *gateway {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), buildInfo())
	metrics := upstream.NewMetrics(registry)

	accounts := make([]account.Account, 0, len(list))
	for _, a := range list {
		connect := func(secrets []string) *upstream.Client {
			return upstream.New(upstream.Options{
				Account: a.name, Provider: a.vendor, Secrets: secrets, Timeout: s.ProviderTimeout, Metrics: metrics, Log: log,
			})
		}
		accounts = append(accounts, account.Account{
			Name: a.name, Provider: a.vendor, Adapter: vendors[a.vendor].open(r, a.prefix(), connect),
		})
	}
	return &gateway{accounts: account.New(accounts), registry: registry}
}
