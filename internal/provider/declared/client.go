package declared

import (
	"context"

	"accountgateway/internal/provider"
	"accountgateway/internal/provider/upstream"
)

// client is one account at a declared vendor. Safe for concurrent use.
type client struct {
	vendor  *Vendor
	account Account
	do      func(context.Context, upstream.Call, func(upstream.Answer) error) error
	tokens  *tokens // nil without OAuth
}

// The operations that a vendor may have, each as a part of its own: an adapter implements what it declares, and no more.
type (
	balanceReader    struct{ *client }
	statisticsReader struct{ *client }
	userReader       struct{ *client }
)

// New makes an account's adapter.
func New(up *upstream.Client, v *Vendor, a Account) provider.Provider {
	c := newClient(v, a)
	c.do = up.Do
	if v.file.Auth.OAuth != nil {
		c.tokens = newTokens(c)
	}
	return c.provider()
}

func newClient(v *Vendor, a Account) *client { return &client{vendor: v, account: a} }

// adapter is what every adapter is beside its readers.
type adapter interface {
	provider.Provider
	provider.OneCall
}

func (c *client) provider() provider.Provider {
	b, s, u := balanceReader{c}, statisticsReader{c}, userReader{c}
	f := c.vendor.file
	switch {
	case f.Balance != nil && f.Statistics != nil && f.Users != nil:
		return struct {
			adapter
			provider.BalanceReader
			provider.StatisticsReader
			provider.UserReader
		}{c, b, s, u}
	case f.Balance != nil && f.Statistics != nil:
		return struct {
			adapter
			provider.BalanceReader
			provider.StatisticsReader
		}{c, b, s}
	case f.Balance != nil && f.Users != nil:
		return struct {
			adapter
			provider.BalanceReader
			provider.UserReader
		}{c, b, u}
	case f.Statistics != nil && f.Users != nil:
		return struct {
			adapter
			provider.StatisticsReader
			provider.UserReader
		}{c, s, u}
	case f.Balance != nil:
		return struct {
			adapter
			provider.BalanceReader
		}{c, b}
	case f.Statistics != nil:
		return struct {
			adapter
			provider.StatisticsReader
		}{c, s}
	}
	return struct {
		adapter
		provider.UserReader
	}{c, u}
}

// Capabilities follow from the file's sections.
func (c *client) Capabilities() provider.Capabilities { return c.vendor.Capabilities() }

// OneCall tells whether the operation's request is that of another one too.
func (c *client) OneCall(op provider.Operation) bool {
	own := c.vendor.Request(op)
	return own != nil && own == c.vendor.shared
}

// CheckCredentials reads what the file's first section does; where that does not apply to the account, such as the balance
// of one that has only credits, the next.
func (c *client) CheckCredentials(ctx context.Context) error {
	var err error
	for _, section := range c.vendor.Operations() {
		if _, err = c.read(ctx, provider.OpCheck, section, query{}); provider.KindOf(err) != provider.KindUnsupportedOperation {
			return err
		}
	}
	return err
}

// ReadBalance asks for the balance. The answer teaches what else has the same request.
func (b balanceReader) ReadBalance(ctx context.Context, q provider.BalanceQuery) (provider.Readings, error) {
	return b.read(ctx, provider.OpBalance, provider.OpBalance, query{currency: q.Currency})
}

// ReadStatistics asks for the statistics of the vendor's own current period. The answer teaches what else has the same
// request.
func (s statisticsReader) ReadStatistics(ctx context.Context, q provider.StatisticsQuery) (provider.Readings, error) {
	if q != (provider.StatisticsQuery{}) {
		field := "date_from"
		if q.From == "" {
			field = "date_till"
		}
		return provider.Readings{}, &provider.Error{
			Kind:    provider.KindUnsupportedParameter,
			Message: "the gateway reads only this vendor's current statistics period: omit date_from and date_till",
			Field:   field, NotSent: true,
		}
	}
	return s.read(ctx, provider.OpStatistics, provider.OpStatistics, query{})
}

// ReadUsers asks for the users. The answer teaches what else has the same request.
func (u userReader) ReadUsers(ctx context.Context, q provider.UserQuery) (provider.Readings, error) {
	return u.read(ctx, provider.OpUsers, provider.OpUsers, query{login: q.Login})
}

// query is what a caller asks for.
type query struct {
	currency provider.Currency
	login    string
}

// read makes the call of section and reads its answer; op is what it is counted as.
func (c *client) read(ctx context.Context, op, section provider.Operation, q query) (provider.Readings, error) {
	var readings provider.Readings
	read := func(got upstream.Answer) (err error) {
		readings, err = c.readings(got, section, q)
		return err
	}
	call := c.call(op, c.vendor.Request(section))
	var err error
	if c.tokens == nil {
		err = c.do(ctx, call, read)
	} else {
		err = c.tokens.with(ctx, call, read)
	}
	if err != nil {
		return provider.Readings{}, err
	}
	return readings, nil
}

// readings reads an answer to the request of section, and what else it teaches. What can't be read there fails the read
// that asks for it, not this one.
func (c *client) readings(got upstream.Answer, section provider.Operation, q query) (provider.Readings, error) {
	a := newAnswer(c.vendor.format(), got, c.account.values)
	a.currency = string(q.currency)
	if err := c.vendor.failure(a); err != nil {
		return provider.Readings{}, err
	}
	if a.unread != nil {
		return provider.Readings{}, a.unread
	}
	readings, err := c.section(a, section, q)
	if err != nil || !c.OneCall(section) {
		return readings, err
	}
	a.currency = ""
	for _, op := range c.vendor.Operations() {
		if op == section || !c.OneCall(op) {
			continue
		}
		other, err := c.section(a, op, query{})
		if err != nil {
			continue
		}
		switch op {
		case provider.OpBalance:
			readings.Balance = other.Balance
		case provider.OpStatistics:
			readings.Statistics = other.Statistics
		case provider.OpUsers:
			readings.Users = other.Users
		default: // no section
		}
	}
	return readings, nil
}

// section reads what one section does.
func (c *client) section(a *answer, op provider.Operation, q query) (r provider.Readings, err error) {
	f := c.vendor.file
	guard := &reader{a: a}
	if guard.refused(f.RefuseWhen); guard.err != nil {
		return provider.Readings{}, guard.err
	}
	switch op {
	case provider.OpBalance:
		r.Balance, err = f.Balance.read(a, q.currency, provider.Currency(c.account.values[currencySetting]))
	case provider.OpStatistics:
		r.Statistics, err = f.Statistics.read(a)
	case provider.OpUsers:
		r.Users, err = f.Users.read(a, q.login)
	default: // no section
	}
	if err != nil {
		return provider.Readings{}, err
	}
	return r, nil
}
