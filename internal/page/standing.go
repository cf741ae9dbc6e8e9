package page

import (
	"cmp"
	"context"
	"slices"
	"time"

	"accountgateway/internal/account"
	"accountgateway/internal/alert"
	"accountgateway/internal/provider"
)

// standing is how an account stands by what is in memory: it costs neither the
// vendor nor the database anything.
type standing struct {
	account.Info
	vendor  Vendor
	balance *provider.Balance // nil: no reading may be served
	aged    aged              // that
	runway  account.Runway
}

// aged is how old a reading was when it was taken from memory.
type aged struct {
	asOf, taken time.Time
	age         time.Duration
}

// by is its age at a later time.
func (a aged) by(now time.Time) time.Duration { return a.age + max(now.Sub(a.taken), 0) }

// anyStaleness is a variable because Bound takes its address.
var anyStaleness = account.AnyStaleness

// atHand is the bound of everything that the page reads: whatever there is, and
// no vendor asked.
func atHand() account.Bound {
	return account.Bound{OnlyIfCached: true, MaxStale: &anyStaleness}
}

func (p *Page) standing(ctx context.Context, info account.Info) *standing {
	s := &standing{Info: info, vendor: p.vendor(info.Provider), runway: p.Accounts.Runway(info.Name)}
	if reading, err := p.Accounts.Balance(ctx, info.Name, provider.BalanceQuery{}, atHand()); err == nil {
		s.balance, s.aged = reading.Value, aged{reading.AsOf, p.now(), reading.Age}
	}
	return s
}

// readable tells whether the account's balance can be read at all.
func (s *standing) readable() bool { return s.Capabilities.Callable(provider.OpBalance) }

// order sorts accounts as a view says. Those of which what it sorts by is unknown
// come last, and equal ones by name.
func (v view) order(all []*standing) {
	sign := 1
	if v.reversed() {
		sign = -1
	}
	slices.SortFunc(all, func(a, b *standing) int {
		var c int
		switch v.by() {
		case "name":
			return sign * cmp.Compare(a.Name, b.Name)
		case "health":
			c = sign * cmp.Compare(a.severity(), b.severity())
		case "balance":
			c = compareBalances(a.balance, b.balance, sign)
		case "runway":
			c = compareTimes(a.end(), b.end(), sign)
		case "updated":
			c = compareTimes(a.aged.asOf, b.aged.asOf, sign)
		}
		return cmp.Or(c, cmp.Compare(a.Name, b.Name))
	})
}

// severity is how bad an account's health is: the lower the worse.
func (s *standing) severity() int {
	_, t := stateWords(s.State.State)
	switch {
	case len(s.Alerts) > 0 && s.Alerts[0].Severity == alert.Critical:
		return 0
	case t == bad:
		return 1
	case len(s.Alerts) > 0 || t == warn:
		return 2
	case t == idle:
		return 3
	}
	return 4
}

// end is when the money ends; zero if it is not known, or does not.
func (s *standing) end() time.Time {
	if s.balance == nil {
		return time.Time{}
	}
	return s.runway.End
}

// compareBalances never compares across currencies: those are in the order of
// their codes.
func compareBalances(a, b *provider.Balance, sign int) int {
	if a == nil || b == nil {
		return missingLast(a == nil, b == nil)
	}
	return cmp.Or(cmp.Compare(a.Balance.Currency, b.Balance.Currency), sign*a.Balance.Amount.Cmp(b.Balance.Amount))
}

func compareTimes(a, b time.Time, sign int) int {
	if a.IsZero() || b.IsZero() {
		return missingLast(a.IsZero(), b.IsZero())
	}
	return sign * a.Compare(b)
}

func missingLast(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}
