package main

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/rs/zerolog"
	"go.opentelemetry.io/otel/trace"

	"accountgateway/internal/account"
	"accountgateway/internal/config"
	"accountgateway/internal/durable"
	"accountgateway/internal/operation"
	"accountgateway/internal/page"
	"accountgateway/internal/provider"
	"accountgateway/internal/provider/registry"
	"accountgateway/internal/provider/upstream"
	"accountgateway/internal/store"
	"accountgateway/internal/token"
)

// gateway is what serve and check work with.
type gateway struct {
	accounts *account.Service
	durable  *durable.Store
	tokens   *token.Keeper
	registry *prometheus.Registry
	vendors  map[string]page.Vendor                    // of the accounts, by their names
	fill     func(context.Context, *store.Store) error // if set, fills a database before it is used
}

// open wires the configured accounts. Faults of their settings are left in r,
// and the gateway is of use only if there are none.
func open(r *config.Reader, s settings, list []accountSetting, tracer trace.Tracer, log zerolog.Logger) *gateway {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), buildInfo())
	outgoing := upstream.Options{
		Timeout: s.ProviderTimeout, Transports: upstream.NewTransports(s.ProviderTimeout),
		Metrics: upstream.NewMetrics(registry), Log: log, Tracer: tracer,
	}
	d := durable.New(log)

	accounts := make([]account.Account, 0, len(list))
	hosts := newHostBudgets(s.ProviderTimeout, d)
	for _, a := range list {
		accounts = append(accounts, openAccount(r, a, hosts, d, outgoing))
	}
	service := account.New(accounts, d, account.Options{
		TTL: map[provider.Operation]time.Duration{
			provider.OpBalance: s.BalanceTTL, provider.OpStatistics: s.StatisticsTTL, provider.OpUsers: s.UsersTTL,
		},
		StaleIfError:    s.StaleIfError,
		RefreshInterval: s.RefreshInterval,
		HistoryFor:      s.HistoryRetention,
		KeepUsers:       s.StoreUsers,
		LoadTimeout:     s.ProviderTimeout + loadMargin,
		Registry:        registry,
		Log:             log,
	})
	vendors := make(map[string]page.Vendor)
	for _, a := range list {
		vendors[a.vendor] = page.Vendor{Title: a.of.Title, Group: a.of.Group}
	}
	return &gateway{vendors: vendors, accounts: service, durable: d, tokens: token.NewKeeper(log), registry: registry}
}

// loadMargin is what a load may take beyond its vendor call, to get its slot of
// the budget.
const loadMargin = 5 * time.Second

// openAccount wires one account; outgoing is what the clients of all have in
// common.
func openAccount(r *config.Reader, a accountSetting, hosts *hostBudgets, d *durable.Store, outgoing upstream.Options) account.Account {
	opened := account.Account{Name: a.name, Provider: a.vendor, Group: a.of.Group}
	for _, name := range a.of.Credentials {
		opened.Credentials = append(opened.Credentials, a.prefix()+"_"+name)
	}
	var guard spendingSettings
	r.Into(a.prefix(), &guard)
	opened.Spending = operation.Spending{Max: guard.Max, DailyMax: guard.DailyMax}
	opened.Limits = readLimits(r, a.prefix())
	opened.Adapter = a.of.Open(r, a.prefix(), func(to registry.Connection) *upstream.Client {
		opened.Host, opened.Login, opened.Secrets = to.Base.Host, to.Login, to.Secrets
		opened.Budget = account.NewBudget(a.name, to.Rate, outgoing.Timeout, d, hosts.of(r, a, to.Base.Host))
		outgoing.Account, outgoing.Provider, outgoing.Secrets, outgoing.Budget = a.name, a.vendor, to.Secrets, opened.Budget
		client := upstream.New(outgoing)
		opened.Circuit = client.Circuit
		return client
	})
	return opened
}

// hostBudgets are the budgets that accounts at one vendor's host share.
type hostBudgets struct {
	rates   map[string]config.Rate     // by vendor
	budgets map[string]*account.Budget // by vendor and host
	timeout time.Duration              // of a call
	durable *durable.Store
}

func newHostBudgets(timeout time.Duration, d *durable.Store) *hostBudgets {
	return &hostBudgets{rates: map[string]config.Rate{}, budgets: map[string]*account.Budget{}, timeout: timeout, durable: d}
}

// of is the budget of accounts at a host. The vendor's setting is read once.
func (h *hostBudgets) of(r *config.Reader, a accountSetting, host string) *account.Budget {
	if _, read := h.rates[a.vendor]; !read {
		h.rates[a.vendor] = a.of.SharedRate(r, config.Prefix(a.vendor))
	}
	name := a.vendor + " " + host
	if h.budgets[name] == nil {
		h.budgets[name] = account.NewHostBudget(name, h.rates[a.vendor], h.timeout, h.durable)
	}
	return h.budgets[name]
}

// keepStore opens the durable state and attaches it, however long that takes,
// until ctx ends. tried is closed after the first try. Once nobody uses the
// state any more, which unused tells, it is closed.
func (g *gateway) keepStore(ctx context.Context, url string, log zerolog.Logger, tried chan<- struct{}, unused <-chan struct{}) {
	const retry = 2 * time.Second
	first := sync.OnceFunc(func() { close(tried) })
	defer first()
	for said := ""; ; {
		st, err := g.openStore(ctx, url)
		if err == nil {
			g.durable.Attach(st)
			g.tokens.Attach(st)
			g.accounts.Load(ctx)
			_ = g.tokens.Load(ctx) // it logs, and its Run tries again
			log.Info().Msg("database opened")
			first()
			<-unused
			if err := st.Close(); err != nil {
				log.Error().Err(err).Msg("closing the database failed")
			}
			return
		}
		first()
		if ctx.Err() != nil {
			return
		}
		if err.Error() != said { // once for each cause, not once for each try
			said = err.Error()
			log.Error().Err(err).Msg("can't open the database: not ready, retrying")
		}
		select {
		case <-time.After(retry):
		case <-ctx.Done():
			return
		}
	}
}

func (g *gateway) openStore(ctx context.Context, url string) (*store.Store, error) {
	st, err := store.Open(ctx, url, store.Options{})
	if err != nil || g.fill == nil {
		return st, err
	}
	if err := g.fill(ctx, st); err != nil {
		return nil, errors.Join(err, st.Close())
	}
	return st, nil
}
