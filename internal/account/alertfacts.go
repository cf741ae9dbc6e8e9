package account

import (
	"time"

	"accountgateway/internal/alert"
	"accountgateway/internal/config"
	"accountgateway/internal/provider"
	"accountgateway/internal/store"
)

const (
	// alertPatience is how long a vendor may fail where nothing is read in the
	// background.
	alertPatience = 10 * time.Minute
	// alertSlack is how much later than after two intervals a reading may come:
	// the second call takes its time.
	alertSlack = 30 * time.Second
)

// patience is two intervals of background readings.
func (s *Service) patience() time.Duration {
	if s.options.RefreshInterval == 0 {
		return alertPatience
	}
	return 2 * s.options.RefreshInterval
}

// oldAfter is how old a reading may be and still say something of now.
func (s *Service) oldAfter(op provider.Operation) time.Duration {
	interval := s.options.RefreshInterval
	if interval == 0 {
		return s.options.StaleIfError
	}
	return max(2*interval, s.options.TTL[op]) + min(interval/2, alertSlack)
}

// gather puts what is known of an account into f, but for Watched.
func (s *Service) gather(a *accountState, f *alert.Facts, now stamp, unknown map[string]store.UnknownCount) {
	*f = alert.Facts{
		Account: a.Name, Provider: a.Provider, Now: now.label, Patience: s.patience(), Limits: a.Limits, Credentials: a.Credentials,
		Vendor: vendorFacts(a.state.current()),
	}
	figureFacts(s, a, provider.OpBalance, &f.Balance, now)
	figureFacts(s, a, provider.OpStatistics, &f.Statistics, now)
	if r := a.runway.Load(); r != nil {
		switch {
		case !r.End.IsZero():
			f.Runway = alert.Runway{Known: true, Ends: true, End: r.End}
		case r.Status == ForecastNoBurn, r.Status == ForecastPostpaid:
			f.Runway.Known = true
		}
	}
	if unknown != nil {
		u := unknown[a.Name]
		f.Writes = alert.Writes{Known: true, Count: u.Count, Oldest: u.Oldest}
	}
	f.Budget = s.budgetFacts(a, now)
}

func figureFacts[T any](s *Service, a *accountState, op provider.Operation, f *alert.Figure[T], now stamp) {
	f.Readable = a.capabilities.Callable(op)
	f.Regular = f.Readable && s.options.RefreshInterval > 0
	f.OldAfter = s.oldAfter(op)
	if e := s.memory.get(key{account: a.Name, op: op}); e != nil {
		if value, ok := e.value.(*T); ok {
			f.Value, f.AsOf, f.Age = value, e.label, e.age(now)
		}
	}
}

func vendorFacts(s State) alert.Vendor {
	return alert.Vendor{Trouble: troubleOf(s.State), Known: s.State != StateUnknown, Since: s.Since, Detail: s.Detail, LastSuccess: s.LastSuccessAt, BadReply: s.BadReply}
}

// budgetFacts also follows for how long the budget has been low.
func (s *Service) budgetFacts(a *accountState, now stamp) (b alert.Budget) {
	if a.Budget == nil {
		return alert.Budget{Known: true, Left: 1, Limit: 1}
	}
	if !a.Budget.heardOf() {
		return b
	}
	b.Known = true
	b.Left, b.Limit = a.Budget.Left()
	low := s.alerts.lowFrom
	if !b.Low() {
		if len(low) > 0 {
			delete(low, a)
		}
		return b
	}
	from, ok := low[a]
	if !ok {
		from = now.at
		low[a] = from
	}
	b.LowFor = now.at.Sub(from)
	return b
}

// sayUnwatched logs, once, that a threshold is in a currency that the account
// has no money in. b is nil if nothing is known.
func (s *Service) sayUnwatched(a *accountState, b *provider.Balance) {
	unwatched := b != nil && a.Limits.Unwatched(b)
	if unwatched && !a.saidUnwatched {
		s.options.Log.Warn().Str("account", a.Name).Str("setting", config.Prefix(a.Name)+"_BALANCE_LOW").Str("currency", string(a.Limits.BalanceLow.Currency)).
			Str("balance_currency", string(b.Balance.Currency)).Msg("a low balance goes unnoticed: the account has no balance in the threshold's currency")
	}
	a.saidUnwatched = unwatched
}
