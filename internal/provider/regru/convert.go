package regru

import (
	"github.com/govalues/decimal"

	"accountgateway/internal/provider"
)

// REG.RU knows four currencies, the rouble under its old code (regru.md 6).
const (
	rouble     = provider.Currency("RUB")
	wireRouble = "RUR"
)

// toWire gives a currency's code at REG.RU, "" for one that it does not know.
func toWire(c provider.Currency) string {
	switch c {
	case rouble:
		return wireRouble
	case "USD", "EUR", "UAH":
		return string(c)
	}
	return ""
}

// balanceInput is the input of user/get_balance. No currency asked for: REG.RU's default, the rouble.
func balanceInput(q provider.BalanceQuery) (map[string]any, error) {
	if q.Currency == "" {
		return nil, nil
	}
	code := toWire(q.Currency)
	if code == "" {
		return nil, &provider.Error{
			Kind:    provider.KindUnsupportedCurrency,
			Message: "REG.RU gives balances in RUB, USD, EUR and UAH, not in " + string(q.Currency),
			Field:   "currency",
			NotSent: true,
		}
	}
	return map[string]any{"currency": code}, nil
}

// balance reads the answer of user/get_balance (regru.md 5.4). blocked and credit are kept apart from prepay: whether
// prepay already excludes blocked is not documented.
func (a *answer) balance(q provider.BalanceQuery) (*provider.Balance, error) {
	in := a.values()
	prepay := in.Amount("prepay")
	blocked := in.OptionalAmount("blocked") // only if not zero
	credit := in.OptionalAmount("credit")   // partners only
	currency := in.Currency("currency")
	if q.Currency != "" && currency != q.Currency {
		in.Fail("currency", "is not the currency that was asked for")
	}
	if err := in.Err(); err != nil {
		return nil, err
	}
	return &provider.Balance{
		Balance: provider.Money{Amount: prepay, Currency: currency},
		Blocked: money(blocked, currency),
		Credit:  money(credit, currency),
	}, nil
}

func money(amount *decimal.Decimal, currency provider.Currency) *provider.Money {
	if amount == nil {
		return nil
	}
	return &provider.Money{Amount: *amount, Currency: currency}
}

// statisticsInput is the input of user/get_statistics.
func statisticsInput(q provider.StatisticsQuery) map[string]any {
	input := map[string]any{}
	if q.From != "" {
		input["date_from"] = string(q.From)
	}
	if q.Till != "" {
		input["date_till"] = string(q.Till)
	}
	return input
}

// counters are the fields of user/get_statistics that count (regru.md 5.3). Always: in every documented answer.
var counters = []struct {
	field  string
	name   string
	scope  provider.Scope
	always bool
}{
	{"active_domains_cnt", "domains_active", provider.ScopeNow, true},
	{"active_domains_get_ctrl_cnt", "domains_active_partial_control", provider.ScopeNow, true},
	{"renew_domains_cnt", "domains_renewal_due", provider.ScopeNow, true},
	{"renew_domains_get_ctrl_cnt", "domains_renewal_due_partial_control", provider.ScopeNow, true},
	{"undelegated_domains_cnt", "domains_undelegated", provider.ScopeNow, true},
	{"domain_folders_cnt", "domain_folders", provider.ScopeNow, true},
	{"trans_in_domains_cnt", "domains_transferring_in", provider.ScopeNow, false},
	{"reg_domains_cnt", "domains_registered", provider.ScopePeriod, false},
}

// amounts are its fields of money, in roubles. balance_total is not documented, but seen.
var amounts = []struct {
	field string
	name  string
	scope provider.Scope
}{
	{"costs_for_period", "costs", provider.ScopePeriod},
	{"balance_total", "balance_total", provider.ScopeNow},
}

// statistics reads the answer of user/get_statistics. REG.RU has no period of its own.
func (a *answer) statistics(q provider.StatisticsQuery) (*provider.Statistics, error) {
	in := a.values()
	out := &provider.Statistics{
		Period:   period(q),
		Counters: []provider.Counter{},
		Amounts:  []provider.Amount{},
		Services: []provider.Service{},
	}
	for _, c := range counters {
		value := in.OptionalCount(c.field)
		if value == nil && c.always {
			in.Fail(c.field, "is missing")
		}
		if value != nil {
			out.Counters = append(out.Counters, provider.Counter{Name: c.name, Value: *value, Scope: c.scope})
		}
	}
	for _, f := range amounts {
		if m := money(in.OptionalAmount(f.field), rouble); m != nil {
			out.Amounts = append(out.Amounts, provider.Amount{Name: f.name, Scope: f.scope, Money: *m})
		}
	}
	if err := in.Err(); err != nil {
		return nil, err
	}
	return out, nil
}

// period echoes the dates that were asked for.
func period(q provider.StatisticsQuery) *provider.Period {
	if q == (provider.StatisticsQuery{}) {
		return nil
	}
	return &provider.Period{From: day(q.From), Till: day(q.Till)}
}

func day(d provider.Date) *string {
	if d == "" {
		return nil
	}
	text := string(d)
	return &text
}

// user reads the answer of root nop: a login and an id, no more (regru.md 5.0).
func (a *answer) user() (provider.User, error) {
	in := a.values()
	id := in.Text("user_id")
	user := provider.User{ID: &id, Login: in.Text("login"), Roles: []string{}, Attributes: map[string]string{}}
	if err := in.Err(); err != nil {
		return provider.User{}, err
	}
	return user, nil
}
