package page

import (
	"context"
	"time"

	"accountgateway/internal/account"
	"accountgateway/internal/provider"
)

// moneyRow is one line of the account's money beside the balance.
type moneyRow struct {
	Name  string
	Note  string
	Value *figure
}

// funds are an account's balance and what belongs to it.
type funds struct {
	Balance *figure // nil: there is none; then Empty says why
	Empty   string
	Rows    []moneyRow
	Pots    []pot   // all, where there are several; else none
	Billed  string  // what a low balance means; "" if that is not known
	Read    *moment // when the vendor said so; nil: there is no reading
	Old     bool    // background readings should have replaced it
	TooOld  bool    // past every limit: the last one known, from the history

	shown provider.Balance // meaningless without Read
	aged  aged             // that, unless it is from the history
}

const (
	historyFor  = 30 * day // how far back a last reading is looked for
	historyStep = 6 * time.Hour
)

// funds reads what is at hand.
func (p *Page) funds(ctx context.Context, info account.Info, now time.Time) (*funds, error) {
	m := new(funds)
	reading, err := p.Accounts.Balance(ctx, info.Name, provider.BalanceQuery{}, atHand())
	if err == nil {
		m.aged = aged{reading.AsOf, p.now(), reading.Age}
		m.show(*reading.Value, reading.AsOf, now)
		return m, nil
	}
	if !info.Capabilities.Callable(provider.OpBalance) {
		m.Empty = "This vendor's balance can't be read: see Capabilities."
		return m, nil
	}
	points, err := p.Accounts.History(ctx, info.Name, now.Add(-historyFor), now, historyStep)
	if len(points) > 0 {
		last := points[len(points)-1]
		last.Balance.Billing = info.Billing // the history does not know
		m.show(last.Balance, last.AsOf, now)
		m.Old, m.TooOld = true, true
		return m, err
	}
	m.Empty = "No reading yet. The next background reading brings one (GATEWAY_REFRESH_INTERVAL), or ask the vendor now."
	return m, err
}

func (m *funds) show(b provider.Balance, asOf, now time.Time) {
	m.shown, m.Balance, m.Read = b, newFigure(b.Balance), since(asOf, now)
	for _, row := range []moneyRow{
		{"Blocked", "reserved by the vendor", optionalFigure(b.Blocked)},
		{"Credit", "can be spent beyond the balance", optionalFigure(b.Credit)},
		{"Bonus", "part of the balance", optionalFigure(b.Bonus)},
	} {
		if row.Value != nil {
			m.Rows = append(m.Rows, row)
		}
	}
	figures := make([]*figure, 0, len(m.Rows))
	for _, row := range m.Rows {
		figures = append(figures, row.Value)
	}
	align(figures...)
	m.Pots, m.Billed = pots(b.Wallets), billed(b.Billing)
}

// judge tells how old the reading is at the moment at which it is drawn: the
// history may have been waited for since it was taken.
func (m *funds) judge(accounts *account.Service, now time.Time) {
	if m.Read == nil || m.aged.asOf.IsZero() {
		return
	}
	limits, age := accounts.Limits(provider.OpBalance), m.aged.by(now)
	m.Read = since(m.aged.asOf, now)
	m.Old = age > accounts.OldAfter(provider.OpBalance)
	m.TooOld = age > max(limits.TTL, limits.StaleIfError)
}
