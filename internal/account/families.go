package account

import (
	"iter"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	dto "github.com/prometheus/client_model/go"

	"accountgateway/internal/provider"
	"accountgateway/internal/store"
)

// Families are the metrics of the accounts, by name. They are taken from what is
// in memory: a scrape calls no vendor and asks no database. Figures become
// floats here and nowhere else.
//
// They are no Collector of the registry, which takes every series by itself,
// looks whether it is there twice, and sorts: most of the time of a scrape of
// thousands of accounts. A family is good until the next one is asked for.
func (s *Service) Families() iter.Seq[*dto.MetricFamily] {
	return func(yield func(*dto.MetricFamily) bool) {
		c := newCollection(s)
		for i := range families {
			if f := c.collect(&families[i]); len(f.GetMetric()) > 0 && !yield(f) {
				return
			}
		}
	}
}

// family is a metric of each account. Every series has the label account, and
// before all others; an account adds any number of series.
type family struct {
	name, help string
	labels     []string // the others, in alphabetical order as in a registry; provider is known
	of         func(c *collection, a *subject)
}

var families = []family{
	{"account_alert", "1 for each open alert; absent while it is closed.", []string{"code", "provider", "severity"}, (*collection).alerts},
	{"account_amount", "An amount of the account's statistics, as last read: of money, with a currency, or of credits that are no money, with a unit.", []string{"amount", "currency", "provider", "unit"}, (*collection).amounts},
	{"account_balance", "Money in the account, as last read: see account_last_success_timestamp_seconds for how old it is.", []string{"currency", "provider"}, balanceOf(func(b *provider.Balance) *provider.Money { return &b.Balance })},
	{"account_balance_runway_seconds", "How long balance and credit last from now, at the rate at which they were spent; absent if there is no forecast.", []string{"currency", "provider"}, (*collection).runway},
	{"account_billing_info", "1 for how the account is billed, prepaid or postpaid; absent if that is not known.", []string{"billing", "provider"}, (*collection).billing},
	{"account_blocked_funds", "Money in the account that is blocked, as last read.", []string{"currency", "provider"}, balanceOf(func(b *provider.Balance) *provider.Money { return b.Blocked })},
	{"account_counter", "A counter of the account's statistics, as last read.", []string{"counter", "provider"}, (*collection).counters},
	{"account_counter_limit", "The limit of a counter; absent if there is none.", []string{"counter", "provider"}, (*collection).limits},
	{"account_credit_limit", "Credit that the vendor grants, as last read.", []string{"currency", "provider"}, balanceOf(func(b *provider.Balance) *provider.Money { return b.Credit })},
	{"account_info", "1 for what sort of vendor the account is at.", []string{"group", "provider"}, (*collection).info},
	{"account_last_success_timestamp_seconds", "When the vendor last gave this reading, in seconds since 1970; 0: never, or unknown, because a clock was set back.", []string{"operation", "provider"}, (*collection).successes},
	{"account_state", "1 for the state that the account is in, 0 for the others.", []string{"provider", "state"}, (*collection).states},
	{"account_up", "1 if the last call to the account's vendor succeeded.", []string{"provider"}, func(c *collection, a *subject) { c.add(one(a.current == StateOK)) }},
	{"account_wallet_balance", "Money in one of the account's pots, the main one among them, as last read; absent if the vendor keeps only one.", []string{"currency", "provider", "wallet"}, (*collection).wallets},
	{"gateway_operations_unknown", "Writes whose outcome is unknown.", nil, (*collection).unknownWrites},
	{"gateway_operations_unknown_oldest_age_seconds", "Age of the oldest write whose outcome is unknown; 0 if there are none.", nil, (*collection).oldestUnknown},
	{"gateway_provider_budget_limit", "Calls that the account's vendor may get in one window of that budget; +Inf: no limit.", []string{"provider"}, budgetOf(func(_, limit int) int { return limit })},
	{"gateway_provider_budget_remaining", "Calls that the account's vendor may still get now, as last heard, by the account's budget or its host's; +Inf: no limit.", []string{"provider"}, budgetOf(func(remaining, _ int) int { return remaining })},
	{"gateway_provider_circuit_open", "1 while the circuit breaker blocks calls to the vendor because they kept failing.", []string{"provider"}, (*collection).circuit},
}

// collection is one scrape of the accounts, all as they were at its beginning.
type collection struct {
	service  *Service
	now      stamp
	subjects []subject
	unknown  map[string]store.UnknownCount // nil: the database has not been asked yet
	pairs    map[label]*dto.LabelPair      // those of several series

	family *family
	a      *subject // whose series are added
	used   int      // samples of the family at hand
	chunks []*[chunkSize]sample
	out    dto.MetricFamily
}

// subject is an account, and what a scrape shows of it.
type subject struct {
	*accountState
	account, provider *dto.LabelPair
	current           string // its state
	readings          [len(shownOperations)]*entry
	balance           *provider.Balance    // nil: none was read
	statistics        *provider.Statistics // nil: none was read
}

// shownOperations are those whose readings have a time in the metrics.
var shownOperations = [...]provider.Operation{provider.OpBalance, provider.OpStatistics, provider.OpUsers}

type label struct{ name, value string }

// sample is the memory of one series, which the families take in turn: most of
// what a scrape needs.
type sample struct {
	metric dto.Metric
	gauge  dto.Gauge
	value  float64
	labels [5]*dto.LabelPair
}

const chunkSize = 1024

func newCollection(s *Service) *collection {
	c := &collection{
		service: s, now: s.stamp(), subjects: make([]subject, len(s.names)), unknown: s.Unknown(), pairs: map[label]*dto.LabelPair{},
	}
	named := make([]dto.LabelPair, len(s.names))
	key0 := "account"
	for i, name := range s.names {
		a := s.accounts[name]
		named[i].Name, named[i].Value = &key0, &a.Name
		subject := &c.subjects[i]
		subject.accountState, subject.account, subject.provider = a, &named[i], c.pair("provider", a.Provider)
		subject.current = a.state.current().State
		for i, op := range shownOperations {
			e := s.memory.get(key{account: a.Name, op: op})
			if subject.readings[i] = e; e == nil {
				continue
			}
			switch value := e.value.(type) {
			case *provider.Balance:
				subject.balance = value
			case *provider.Statistics:
				subject.statistics = value
			}
		}
	}
	return c
}

// pair is a label that many series have.
func (c *collection) pair(name, value string) *dto.LabelPair {
	if p := c.pairs[label{name, value}]; p != nil {
		return p
	}
	return c.newPair(name, value)
}

// newPair is apart from pair, whose arguments would else be on the heap.
func (c *collection) newPair(name, value string) *dto.LabelPair {
	p := &dto.LabelPair{Name: &name, Value: &value}
	c.pairs[label{name, value}] = p
	return p
}

// collect makes one family. It takes the memory of the one before.
func (c *collection) collect(f *family) *dto.MetricFamily {
	c.family, c.used = f, 0
	c.out.Name, c.out.Help, c.out.Type, c.out.Metric = &f.name, &f.help, dto.MetricType_GAUGE.Enum(), c.out.Metric[:0]
	for i := range c.subjects {
		c.a = &c.subjects[i]
		f.of(c, c.a)
	}
	return &c.out
}

// add makes a series of the account at hand; values are those of the family's
// labels but provider. An account has each combination of them once.
func (c *collection) add(value float64, values ...string) {
	if c.used == len(c.chunks)*chunkSize {
		c.chunks = append(c.chunks, new([chunkSize]sample))
	}
	s := &c.chunks[c.used/chunkSize][c.used%chunkSize]
	c.used++
	s.value = value
	s.gauge.Value, s.metric.Gauge = &s.value, &s.gauge
	labels := append(s.labels[:0], c.a.account)
	for _, name := range c.family.labels {
		if name == "provider" {
			labels = append(labels, c.a.provider)
			continue
		}
		labels = append(labels, c.pair(name, values[0]))
		values = values[1:]
	}
	s.metric.Label = labels
	c.out.Metric = append(c.out.Metric, &s.metric)
}

func (c *collection) money(m *provider.Money) {
	if m == nil {
		return
	}
	if value, ok := m.Amount.Float64(); ok {
		c.add(value, string(m.Currency))
	}
}

// balanceOf shows a part of the balance.
func balanceOf(part func(*provider.Balance) *provider.Money) func(*collection, *subject) {
	return func(c *collection, a *subject) {
		if a.balance != nil {
			c.money(part(a.balance))
		}
	}
}

func (c *collection) billing(a *subject) {
	if a.balance != nil && a.balance.Billing != "" {
		c.add(1, string(a.balance.Billing))
	}
}

func (c *collection) info(a *subject) {
	if a.Group != "" {
		c.add(1, a.Group)
	}
}

// wallets shows pots; those that have no name to tell them apart, or the same one, are one series.
func (c *collection) wallets(a *subject) {
	if a.balance == nil || len(a.balance.Wallets) == 0 {
		return
	}
	byName := map[string][]provider.Money{}
	for _, w := range a.balance.Wallets {
		name := ""
		if w.Name != nil {
			name = strings.ToValidUTF8(*w.Name, "\uFFFD") // a vendor's words
		}
		byName[name] = append(byName[name], w.Balance)
	}
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		for _, total := range provider.Totals(byName[name]) {
			if value, err := strconv.ParseFloat(total.Amount, 64); err == nil {
				c.add(value, string(total.Currency), name)
			}
		}
	}
}

func (c *collection) counters(a *subject) {
	if a.statistics == nil {
		return
	}
	for i := range a.statistics.Counters {
		c.add(float64(a.statistics.Counters[i].Value), a.statistics.Counters[i].Name)
	}
}

func (c *collection) limits(a *subject) {
	if a.statistics == nil {
		return
	}
	for i := range a.statistics.Counters {
		if limit := a.statistics.Counters[i].Limit; limit != nil {
			c.add(float64(*limit), a.statistics.Counters[i].Name)
		}
	}
}

func (c *collection) amounts(a *subject) {
	if a.statistics == nil {
		return
	}
	for _, amount := range a.statistics.Amounts {
		if value, ok := amount.Money.Amount.Float64(); ok {
			c.add(value, amount.Name, string(amount.Money.Currency), amount.Unit)
		}
	}
}

func (c *collection) states(a *subject) {
	for _, state := range States() {
		c.add(one(state == a.current), state)
	}
}

func (c *collection) successes(a *subject) {
	for i, op := range shownOperations {
		switch e := a.readings[i]; {
		case e != nil:
			c.add(saidAt(e, c.now), string(op))
		case op != provider.OpUsers && a.capabilities.Callable(op):
			c.add(0, string(op))
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

func (c *collection) alerts(a *subject) {
	for _, open := range c.service.alertsOf(a.Name) {
		c.add(1, string(open.Code), string(open.Severity))
	}
}

func (c *collection) runway(a *subject) {
	runway := a.runway.Load()
	if left, ok := runway.left(c.now.label); ok {
		c.add(left.Seconds(), string(runway.Currency))
	}
}

func (c *collection) unknownWrites(a *subject) {
	if c.unknown != nil {
		c.add(float64(c.unknown[a.Name].Count))
	}
}

func (c *collection) oldestUnknown(a *subject) {
	if c.unknown == nil {
		return
	}
	var age time.Duration
	if unknown := c.unknown[a.Name]; unknown.Count > 0 {
		age = c.now.label.Sub(unknown.Oldest)
	}
	c.add(age.Seconds())
}

// circuit is looked at in each scrape: that a breaker's wait is over is no event.
func (c *collection) circuit(a *subject) {
	if a.Circuit != nil {
		open, _ := a.Circuit()
		c.add(one(open))
	}
}

// budgetOf shows a part of the budget.
func budgetOf(part func(remaining, limit int) int) func(*collection, *subject) {
	return func(c *collection, a *subject) {
		if a.Budget != nil {
			c.add(callCount(part(a.Budget.Left())))
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
