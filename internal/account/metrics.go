package account

import (
	"context"
	"math"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"accountgateway/internal/provider"
)

// metrics are what a scrape sees of the accounts. It is taken from the
// readings in memory: a scrape calls no vendor and asks no database. Figures
// become floats here and nowhere else.
type metrics struct {
	service  *Service
	reads    map[provider.Operation]map[Source]prometheus.Counter
	clockSet prometheus.Counter
}

var accountLabels = []string{"account", "provider"}

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, append(accountLabels[:2:2], labels...), nil)
}

var (
	balanceDesc     = desc("account_balance", "Money in the account, as last read: see account_last_success_timestamp_seconds for how old it is.", "currency")
	walletDesc      = desc("account_wallet_balance", "Money in one of the account's pots, the main one among them, as last read; absent if the vendor keeps only one.", "wallet", "currency")
	billingDesc     = desc("account_billing_info", "1 for how the account is billed, prepaid or postpaid; absent if that is not known.", "billing")
	blockedDesc     = desc("account_blocked_funds", "Money in the account that is blocked, as last read.", "currency")
	creditDesc      = desc("account_credit_limit", "Credit that the vendor grants, as last read.", "currency")
	counterDesc     = desc("account_counter", "A counter of the account's statistics, as last read.", "counter")
	limitDesc       = desc("account_counter_limit", "The limit of a counter; absent if there is none.", "counter")
	amountDesc      = desc("account_amount", "An amount of the account's statistics, as last read: of money, with a currency, or of credits that are no money, with a unit.", "amount", "currency", "unit")
	upDesc          = desc("account_up", "1 if the last call to the account's vendor succeeded.")
	stateDesc       = desc("account_state", "1 for the state that the account is in, 0 for the others.", "state")
	successDesc     = desc("account_last_success_timestamp_seconds", "When the vendor last gave this reading, in seconds since 1970; 0: never, or unknown, because a clock was set back.", "operation")
	runwayDesc      = desc("account_balance_runway_seconds", "How long balance and credit last from now, at the rate at which they were spent; absent if there is no forecast.", "currency")
	alertDesc       = desc("account_alert", "1 for each open alert; absent while it is closed.", "code", "severity")
	budgetDesc      = desc("gateway_provider_budget_remaining", "Calls that the account's vendor may still get now, as last heard, by the account's budget or its host's; +Inf: no limit.")
	budgetLimitDesc = desc("gateway_provider_budget_limit", "Calls that the account's vendor may get in one window of that budget; +Inf: no limit.")
	databaseDesc    = prometheus.NewDesc("gateway_database_up", "1 if the gateway's database answers, however slowly.", nil, nil)
	impairedDesc    = prometheus.NewDesc("gateway_database_impaired", "1 while the gateway's database is unavailable, slow or full, and reads continue without it.", nil, nil)
	unknownDesc     = prometheus.NewDesc("gateway_operations_unknown", "Writes whose outcome is unknown.", []string{"account"}, nil)
	oldestDesc      = prometheus.NewDesc("gateway_operations_unknown_oldest_age_seconds", "Age of the oldest write whose outcome is unknown; 0 if there are none.", []string{"account"}, nil)
	skewDesc        = prometheus.NewDesc("gateway_clock_skew_seconds", "How far this machine's clock is ahead of the database's, which is the one that counts; absent until it is measured.", nil, nil)
	lagDesc         = prometheus.NewDesc("gateway_refresh_lag_seconds", "How long the account that has waited longest for its background reading is behind its turn.", nil, nil)
	accountDescs    = []*prometheus.Desc{
		balanceDesc, walletDesc, billingDesc, blockedDesc, creditDesc, counterDesc, limitDesc, amountDesc, upDesc, stateDesc, successDesc, runwayDesc, alertDesc, budgetDesc,
		budgetLimitDesc, databaseDesc, impairedDesc, unknownDesc, oldestDesc, skewDesc, lagDesc,
	}
)

func newMetrics(s *Service, reg prometheus.Registerer) *metrics {
	reads := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "gateway_reads_total",
		Help: "Requests for readings, by result: from memory (hit, stale), by a vendor call (miss), by one already in flight (collapsed).",
	}, []string{"operation", "result"})
	m := &metrics{service: s, reads: map[provider.Operation]map[Source]prometheus.Counter{}, clockSet: prometheus.NewCounter(prometheus.CounterOpts{
		Name: "gateway_clock_set_total",
		Help: "Number of times this process saw the database's clock change, forward or back; one replica counts each change.",
	})}
	for _, op := range []provider.Operation{provider.OpBalance, provider.OpStatistics, provider.OpUsers} {
		m.reads[op] = map[Source]prometheus.Counter{}
		for _, source := range []Source{Hit, Stale, Miss, Collapsed} {
			m.reads[op][source] = reads.WithLabelValues(string(op), string(source))
		}
	}
	reg.MustRegister(reads, m.clockSet, m)
	return m
}

// read counts a request for a reading; background readings are no requests.
func (m *metrics) read(ctx context.Context, op provider.Operation, source Source) {
	if provider.CauseOf(ctx) != provider.CauseRefresh {
		m.reads[op][source].Inc()
	}
}

// Describe is part of prometheus.Collector.
func (m *metrics) Describe(out chan<- *prometheus.Desc) {
	for _, d := range accountDescs {
		out <- d
	}
}

// Collect is part of prometheus.Collector.
func (m *metrics) Collect(out chan<- prometheus.Metric) {
	out <- prometheus.MustNewConstMetric(databaseDesc, prometheus.GaugeValue, one(m.service.durable.Err() == nil))
	out <- prometheus.MustNewConstMetric(impairedDesc, prometheus.GaugeValue, one(m.service.durable.Impaired()))
	out <- prometheus.MustNewConstMetric(lagDesc, prometheus.GaugeValue, time.Duration(m.service.lag.nanoseconds.Load()).Seconds())
	if ahead := m.service.skew.measured.Load(); ahead != nil {
		out <- prometheus.MustNewConstMetric(skewDesc, prometheus.GaugeValue, ahead.Seconds())
	}
	for _, name := range m.service.names {
		a := m.service.accounts[name]
		gauge := func(d *prometheus.Desc, value float64, labels ...string) {
			out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, append([]string{a.Name, a.Provider}, labels...)...)
		}
		m.state(a, gauge)
		m.unknown(name, out)
		m.figures(a, gauge)
		if a.Budget != nil {
			remaining, limit := a.Budget.Left()
			gauge(budgetDesc, callCount(remaining))
			gauge(budgetLimitDesc, callCount(limit))
		}
		for _, open := range m.service.alertsOf(name) {
			gauge(alertDesc, 1, string(open.Code), string(open.Severity))
		}
		runway := a.runway.Load()
		if left, ok := runway.left(m.service.label()); ok {
			gauge(runwayDesc, left.Seconds(), string(runway.Currency))
		}
	}
}

func (m *metrics) unknown(name string, out chan<- prometheus.Metric) {
	counts := m.service.Unknown()
	if counts == nil {
		return // the database has not been asked yet
	}
	unknown := counts[name]
	age := 0.0
	if unknown.Count > 0 {
		age = m.service.label().Sub(unknown.Oldest).Seconds()
	}
	out <- prometheus.MustNewConstMetric(unknownDesc, prometheus.GaugeValue, float64(unknown.Count), name)
	out <- prometheus.MustNewConstMetric(oldestDesc, prometheus.GaugeValue, age, name)
}

type gaugeFunc func(d *prometheus.Desc, value float64, labels ...string)

func (m *metrics) state(a *accountState, gauge gaugeFunc) {
	current := a.state.current().State
	for _, state := range States() {
		gauge(stateDesc, one(state == current), state)
	}
	gauge(upDesc, one(current == StateOK))
}

func (m *metrics) figures(a *accountState, gauge gaugeFunc) {
	for _, op := range []provider.Operation{provider.OpBalance, provider.OpStatistics, provider.OpUsers} {
		e := m.service.memory.get(key{account: a.Name, op: op})
		switch {
		case e != nil:
			gauge(successDesc, saidAt(e, m.service.stamp()), string(op))
		case op != provider.OpUsers && a.capabilities.Callable(op):
			gauge(successDesc, 0, string(op))
		}
		if e == nil {
			continue
		}
		switch value := e.value.(type) {
		case *provider.Balance:
			money(gauge, balanceDesc, &value.Balance)
			wallets(gauge, value.Wallets)
			if value.Billing != "" {
				gauge(billingDesc, 1, string(value.Billing))
			}
			money(gauge, blockedDesc, value.Blocked)
			money(gauge, creditDesc, value.Credit)
		case *provider.Statistics:
			for _, c := range value.Counters {
				gauge(counterDesc, float64(c.Value), c.Name)
				if c.Limit != nil {
					gauge(limitDesc, float64(*c.Limit), c.Name)
				}
			}
			for _, amount := range value.Amounts {
				if f, ok := amount.Money.Amount.Float64(); ok {
					gauge(amountDesc, f, amount.Name, string(amount.Money.Currency), amount.Unit)
				}
			}
		}
	}
}

// saidAt is when the vendor gave a reading, in seconds since 1970; 0 if nobody
// knows.
func saidAt(e *entry, now stamp) float64 {
	if e.age(now) >= unknownAge {
		return 0
	}
	return float64(e.label.UnixMicro()) / 1e6
}

func money(gauge gaugeFunc, d *prometheus.Desc, m *provider.Money) {
	if m == nil {
		return
	}
	if value, ok := m.Amount.Float64(); ok {
		gauge(d, value, string(m.Currency))
	}
}

// wallets shows pots; those that have no name to tell them apart, or the same one, are one series.
func wallets(gauge gaugeFunc, all []provider.Wallet) {
	byName := map[string][]provider.Money{}
	for _, w := range all {
		name := ""
		if w.Name != nil {
			name = *w.Name
		}
		byName[name] = append(byName[name], w.Balance)
	}
	for name, pots := range byName {
		for _, total := range provider.Totals(pots) {
			if value, err := strconv.ParseFloat(total.Amount, 64); err == nil {
				gauge(walletDesc, value, name, string(total.Currency))
			}
		}
	}
}

// callCount is a number of calls, of which math.MaxInt means no limit.
func callCount(n int) float64 {
	if n == math.MaxInt {
		return math.Inf(1)
	}
	return float64(n)
}

func one(is bool) float64 {
	if is {
		return 1
	}
	return 0
}
