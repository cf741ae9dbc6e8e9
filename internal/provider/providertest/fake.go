package providertest

import (
	"context"
	"sync"

	"github.com/govalues/decimal"

	"accountgateway/internal/provider"
)

// Fake is a provider in memory, for tests of what stands above adapters. The zero value works: it holds 100.00 USD,
// has one counter and the user "fake", and makes every user and invoice that it is asked for. Each function that is set
// answers instead. Set the fields before the first call.
type Fake struct {
	Declared   provider.Capabilities // nil: all supported
	Balance    func(context.Context, provider.BalanceQuery) (provider.Readings, error)
	Statistics func(context.Context, provider.StatisticsQuery) (provider.Readings, error)
	Users      func(context.Context, provider.UserQuery) (provider.Readings, error)
	Creates    func(context.Context, provider.NewUser) (provider.CreatedUser, error)
	Refills    func(context.Context, provider.RefillRequest) (provider.Invoice, error)
	Unpaid     func(context.Context) ([]provider.UnpaidInvoice, error)
	Check      func(context.Context) error
	Pings      func(context.Context) error

	mu       sync.Mutex
	calls    map[provider.Operation]int
	logins   map[string]bool
	invoices []provider.UnpaidInvoice
}

var (
	_ provider.Provider         = (*Fake)(nil)
	_ provider.Pinger           = (*Fake)(nil)
	_ provider.BalanceReader    = (*Fake)(nil)
	_ provider.StatisticsReader = (*Fake)(nil)
	_ provider.UserReader       = (*Fake)(nil)
	_ provider.UserCreator      = (*Fake)(nil)
	_ provider.Refiller         = (*Fake)(nil)
	_ provider.InvoiceFinder    = (*Fake)(nil)
)

// FakeLogin is the login of the fake's only user.
const FakeLogin = "fake"

// OpUnpaid counts the calls of UnpaidInvoices.
const OpUnpaid provider.Operation = "unpaid_invoices"

// Calls tells how often an operation was called.
func (f *Fake) Calls(op provider.Operation) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls[op]
}

func (f *Fake) count(op provider.Operation) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.calls == nil {
		f.calls = map[provider.Operation]int{}
	}
	f.calls[op]++
}

// Capabilities gives what is declared.
func (f *Fake) Capabilities() provider.Capabilities {
	declared := f.Declared
	if declared == nil {
		declared = provider.Capabilities{
			provider.OpBalance: provider.Supported, provider.OpStatistics: provider.Supported, provider.OpUsers: provider.Supported,
			provider.OpCreateUser: provider.Supported, provider.OpRefill: provider.Supported,
		}
	}
	copied := provider.Capabilities{}
	for op, support := range declared {
		copied[op] = support
	}
	return copied
}

// CheckCredentials accepts them.
func (f *Fake) CheckCredentials(ctx context.Context) error {
	f.count(provider.OpCheck)
	if f.Check != nil {
		return f.Check(ctx)
	}
	return ctx.Err()
}

// Ping answers.
func (f *Fake) Ping(ctx context.Context) error {
	f.count(provider.OpPing)
	if f.Pings != nil {
		return f.Pings(ctx)
	}
	return ctx.Err()
}

// ReadBalance answers 100.00 USD.
func (f *Fake) ReadBalance(ctx context.Context, q provider.BalanceQuery) (provider.Readings, error) {
	f.count(provider.OpBalance)
	switch {
	case f.Balance != nil:
		return f.Balance(ctx, q)
	case ctx.Err() != nil:
		return provider.Readings{}, ctx.Err()
	case q.Currency != "" && q.Currency != "USD":
		return provider.Readings{}, provider.Errorf(provider.KindUnsupportedCurrency, "the fake has only dollars")
	}
	return provider.Readings{Balance: &provider.Balance{
		Balance: provider.Money{Amount: decimal.MustNew(10000, 2), Currency: "USD"},
	}}, nil
}

// ReadStatistics answers one counter, whatever the dates.
func (f *Fake) ReadStatistics(ctx context.Context, q provider.StatisticsQuery) (provider.Readings, error) {
	f.count(provider.OpStatistics)
	switch {
	case f.Statistics != nil:
		return f.Statistics(ctx, q)
	case ctx.Err() != nil:
		return provider.Readings{}, ctx.Err()
	}
	statistics := &provider.Statistics{
		Counters: []provider.Counter{{Name: "contacts", Value: 7, Scope: provider.ScopeNow}},
		Amounts:  []provider.Amount{},
		Services: []provider.Service{},
	}
	if q != (provider.StatisticsQuery{}) {
		from, till := string(q.From), string(q.Till)
		statistics.Period = &provider.Period{}
		if from != "" {
			statistics.Period.From = &from
		}
		if till != "" {
			statistics.Period.Till = &till
		}
	}
	return provider.Readings{Statistics: statistics}, nil
}

// ReadUsers answers the user FakeLogin.
func (f *Fake) ReadUsers(ctx context.Context, q provider.UserQuery) (provider.Readings, error) {
	f.count(provider.OpUsers)
	switch {
	case f.Users != nil:
		return f.Users(ctx, q)
	case ctx.Err() != nil:
		return provider.Readings{}, ctx.Err()
	case q.Login != "" && q.Login != FakeLogin:
		return provider.Readings{}, provider.Errorf(provider.KindNotFound, "the fake has one user")
	}
	user := provider.User{Login: FakeLogin, Roles: []string{}, Attributes: map[string]string{}}
	return provider.Readings{Users: &provider.Users{Users: []provider.User{user}}}, nil
}
