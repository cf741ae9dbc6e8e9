package page

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"accountgateway/internal/account"
	"accountgateway/internal/durable"
	"accountgateway/internal/operation"
	"accountgateway/internal/provider"
	"accountgateway/internal/token"
)

// anyStaleness is a variable because Bound takes its address.
var anyStaleness = account.AnyStaleness

// atHand is the bound of everything that the page reads: whatever there is, and
// no vendor asked.
func atHand() account.Bound {
	return account.Bound{OnlyIfCached: true, MaxStale: &anyStaleness}
}

// overview is what the page shows of an account in any place.
type overview struct {
	Name         string
	Provider     string
	State        stateView
	Capabilities []capability

	Balance, Blocked, Credit, Bonus *figure // nil: the vendor did not say
	Pots                            []pot   // all, where there are several; else none
	Read                            *moment // when the vendor said so; nil: there is no reading
	Old                             bool    // background readings should have replaced it
	TooOld                          bool    // past every limit: the last one known, from the history
	NoBalance                       bool    // it can't be read at all: only credits, perhaps
	Empty                           string  // why there is no figure, and what to do
	Trend                           *chart  // of trendFor; nil if there is nothing to be drawn
	Runway                          runway
	Statistics                      *statistics // nil: none at hand
	Notices                         []notice    // why somebody has to look, beside the state
	Writes                          []write     // the last ones
	SeesWrites                      bool        // the caller may see writes
	Away                            bool        // the history can't be read: the database does not answer

	money provider.Balance // what is shown; meaningless without Read
	aged  aged             // that, unless it is from the history
}

const (
	trendFor    = 14 * day
	trendStep   = 4 * time.Hour
	lastWrites  = 3
	historyFor  = 30 * day // how far back a last reading is looked for
	historyStep = 6 * time.Hour
)

// aged is how old a reading was when it was taken from memory.
type aged struct {
	asOf, taken time.Time
	age         time.Duration
}

// by is its age at a later time.
func (a aged) by(now time.Time) time.Duration { return a.age + max(now.Sub(a.taken), 0) }

// overview gathers what is at hand of an account. When all is gathered, judge
// tells how old it is.
func (p *Page) overview(ctx context.Context, info account.Info, caller token.Caller, now time.Time) *overview {
	o := &overview{
		Name: info.Name, Provider: info.Provider, State: newStateView(info.Name, info.State, now),
		Capabilities: capabilities(info.Capabilities), SeesWrites: caller.May(token.OperationsRead),
	}
	reading, err := p.Accounts.Balance(ctx, info.Name, provider.BalanceQuery{}, atHand())
	if err == nil {
		o.show(*reading.Value, reading.AsOf, now)
		o.aged = aged{reading.AsOf, p.now(), reading.Age}
	} else {
		o.showLast(ctx, p.Accounts, info, now)
	}
	if o.Read != nil {
		points, err := p.Accounts.History(ctx, info.Name, now.Add(-trendFor), now, trendStep)
		o.Away = o.Away || isAway(err)
		o.Trend = sparkline(dotsOf(points, o.money.Balance.Currency), now.Add(-trendFor), now, trendStep)
	}
	o.Runway = p.runway(ctx, info.Name, now)
	o.Statistics = p.statistics(ctx, info.Name, now)
	if o.SeesWrites {
		operations, _, err := p.Accounts.Operations(ctx, info.Name, lastWrites, nil)
		o.Away = o.Away || isAway(err)
		for _, op := range operations {
			o.Writes = append(o.Writes, newWrite(op, now))
		}
	}
	return o
}

// judge tells how old everything is at the moment at which it is drawn: the
// history, or another account's, may have been waited for since it was read.
func (o *overview) judge(accounts *account.Service, now time.Time) {
	if o.Read != nil && !o.aged.asOf.IsZero() {
		limits, age := accounts.Limits(provider.OpBalance), o.aged.by(now)
		o.Read = since(o.aged.asOf, now)
		o.Old = age > accounts.OldAfter(provider.OpBalance)
		o.TooOld = age > max(limits.TTL, limits.StaleIfError)
	}
	if s := o.Statistics; s != nil {
		s.Read = since(s.aged.asOf, now)
		s.Old = s.aged.by(now) > accounts.OldAfter(provider.OpStatistics)
	}
	o.Notices = o.notices()
}

func (o *overview) show(b provider.Balance, asOf, now time.Time) {
	o.money = b
	o.Balance, o.Blocked, o.Credit, o.Bonus = newFigure(b.Balance), optionalFigure(b.Blocked), optionalFigure(b.Credit), optionalFigure(b.Bonus)
	o.Pots = pots(b.Wallets)
	o.Read = since(asOf, now)
}

// showLast shows the last balance in the history, where no reading may be
// served any more, or says why there is none.
func (o *overview) showLast(ctx context.Context, accounts *account.Service, info account.Info, now time.Time) {
	if !info.Capabilities.Callable(provider.OpBalance) {
		o.NoBalance = true
		o.Empty = "This vendor's balance can't be read: see Capabilities."
		return
	}
	points, err := accounts.History(ctx, info.Name, now.Add(-historyFor), now, historyStep)
	o.Away = isAway(err)
	if len(points) > 0 {
		last := points[len(points)-1]
		last.Balance.Billing = info.Billing // the history does not know
		o.show(last.Balance, last.AsOf, now)
		o.Old, o.TooOld = true, true
		return
	}
	switch {
	case o.State.Trouble():
		o.Empty = "No reading yet. One will follow once the problem below is fixed."
	default:
		o.Empty = "No reading yet. The next background reading brings one (GATEWAY_REFRESH_INTERVAL), or request one now: GET /accounts/" + info.Name + "/balance."
	}
}

func isAway(err error) bool {
	var away *durable.UnavailableError
	return errors.As(err, &away)
}

// UnknownWrite tells whether one of the last writes waits for somebody to
// find out how it ended.
func (o *overview) UnknownWrite() bool {
	return slices.ContainsFunc(o.Writes, func(w write) bool { return w.Unknown })
}

// write is an operation as it is shown, without personal data.
type write struct {
	ID        string
	Kind      string
	CheckOnly bool
	State     string
	Tone      tone
	At        *moment
	Settled   *moment // nil while it is not known how it ended
	Since     *moment // since when that is unknown; nil unless it is
	Amount    *figure // nil if it moves no money
	Reference string  // of an invoice; those of users may be personal data
	Problem   string
	SettledBy string
	Reason    string
	Unknown   bool
	// Candidates are the unpaid invoices that it may have made, while the outcome is unknown.
	Candidates []candidate
}

// candidate is an unpaid invoice as it is shown.
type candidate struct {
	ID      string
	Payment *figure // nil if unknown
	Date    string
}

func newWrite(op operation.Operation, now time.Time) write {
	words, t := endWords(op.State)
	w := write{
		ID: op.ID, Kind: writeWords(op.Kind), CheckOnly: op.CheckOnly, State: words, Tone: t, At: since(op.CreatedAt, now),
		SettledBy: op.SettledBy, Reason: op.Reason, Unknown: t == warn,
	}
	if op.SettledAt != nil {
		w.Settled = since(*op.SettledAt, now)
	}
	if op.UnknownSince != nil {
		w.Since = standingSince(*op.UnknownSince, now)
	}
	if op.Problem != nil {
		w.Problem = op.Problem.Message
	}
	for _, c := range op.Candidates {
		w.Candidates = append(w.Candidates, candidate{ID: c.ID, Payment: optionalFigure(c.Payment), Date: string(c.Date)})
	}
	if op.Kind == operation.KindRefill {
		w.Reference = op.Reference
		var asked provider.RefillRequest
		if json.Unmarshal(op.Request, &asked) == nil && asked.Amount.Currency != "" {
			w.Amount = newFigure(asked.Amount)
		}
	}
	return w
}
