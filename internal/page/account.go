package page

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"time"

	"accountgateway/internal/account"
	"accountgateway/internal/provider"
	"accountgateway/internal/token"
)

// details is the page of one account.
type details struct {
	frame
	*overview
	Money      []moneyRow
	Spans      []span // how far back the history can go
	Days       int
	Chart      *chart
	Daily      []dailyRow // newest first
	Operations []write    // newest first
	More       bool       // there are more operations than shown
}

// moneyRow is one line of the account's money beside the balance.
type moneyRow struct {
	Name  string
	Note  string
	Value *figure // nil: the vendor does not say
}

// span is a choice of how far back the history goes.
type span struct {
	Days    int
	Address string
	Current bool
}

// spans are the choices, in days, and the step of each.
var spans = []struct {
	days int
	step time.Duration
}{{7, 2 * time.Hour}, {30, 6 * time.Hour}, {90, 24 * time.Hour}}

const defaultSpan = 1 // of spans

// shownWrites is how many operations the page lists.
const shownWrites = 20

// Account answers GET AccountPath. Its query may say days=7, 30 or 90.
func (p *Page) Account(w http.ResponseWriter, r *http.Request) {
	caller, ok := p.reader(w, r)
	if !ok {
		return
	}
	name := r.PathValue("account")
	info, err := p.Accounts.Info(name)
	if err != nil || !caller.Sees(name) {
		p.noSuchAccount(w, r, caller)
		return
	}
	now := p.now()
	page := details{frame: p.frame(r, name, &caller), overview: p.overview(r.Context(), info, caller, now)}
	page.Money = page.moneyRows()
	page.history(r.Context(), p.Accounts, r.URL.Query().Get("days"), now)
	page.operations(r.Context(), p.Accounts, caller, now)
	drawn := p.now()
	page.judge(p.Accounts, drawn)
	page.Drawn = exactly(drawn)
	p.draw(w, r, http.StatusOK, accountPage, page)
}

func (d *details) moneyRows() []moneyRow {
	if d.Read == nil {
		return nil
	}
	align(d.Blocked, d.Credit, d.Bonus)
	return []moneyRow{
		{"Blocked", "reserved by the vendor", d.Blocked},
		{"Credit", "can be spent beyond the balance", d.Credit},
		{"Bonus", "part of the balance", d.Bonus},
	}
}

// history reads the balances of the span asked for.
func (d *details) history(ctx context.Context, accounts *account.Service, days string, now time.Time) {
	chosen := spans[defaultSpan]
	for _, s := range spans {
		if strconv.Itoa(s.days) == days {
			chosen = s
		}
	}
	d.Days = chosen.days
	for _, s := range spans {
		d.Spans = append(d.Spans, span{Days: s.days, Address: "/ui/" + d.Name + "?days=" + strconv.Itoa(s.days), Current: s.days == chosen.days})
	}
	if d.Read == nil {
		return
	}
	from := now.Add(-time.Duration(chosen.days) * day)
	points, err := accounts.History(ctx, d.Name, from, now, chosen.step)
	if err != nil {
		d.Away = d.Away || isAway(err)
		return
	}
	points = slices.DeleteFunc(points, func(p account.Point) bool { return p.Balance.Balance.Currency != d.money.Balance.Currency })
	d.Daily = daily(points)
	if d.Chart = newChart(dotsOf(points, d.money.Balance.Currency), from, now, chosen.step); d.Chart == nil {
		return
	}
	first, last := points[0], points[len(points)-1]
	d.Chart.Label = "Balance of " + d.Name + ": " + newFigure(first.Balance.Balance).String() + " on " + onDay(first.AsOf).Words +
		", " + newFigure(last.Balance.Balance).String() + " on " + onDay(last.AsOf).Words + ". The table below has the figures of each day."
}

// dailyRow is the last balance of a day.
type dailyRow struct {
	Day     *moment
	Balance *figure
	Change  *figure // since the row of the day before; nil for the first
}

// daily makes a row of each UTC day's last point, newest first.
func daily(points []account.Point) []dailyRow {
	var lastOfDay []account.Point
	for _, p := range points {
		if n := len(lastOfDay); n > 0 && lastOfDay[n-1].AsOf.UTC().Truncate(day).Equal(p.AsOf.UTC().Truncate(day)) {
			lastOfDay[n-1] = p
			continue
		}
		lastOfDay = append(lastOfDay, p)
	}
	rows := make([]dailyRow, 0, len(lastOfDay))
	var balances, changes []*figure
	for i, p := range lastOfDay {
		row := dailyRow{Day: onDay(p.AsOf), Balance: newFigure(p.Balance.Balance)}
		if i > 0 {
			before := lastOfDay[i-1].Balance.Balance.Amount
			var change provider.Sum
			change.Add(p.Balance.Balance.Amount)
			change.Sub(before)
			row.Change = figureOf(change.String(), p.Balance.Balance.Currency)
			if p.Balance.Balance.Amount.Cmp(before) > 0 {
				row.Change.Sign = "+"
			}
		}
		balances, changes = append(balances, row.Balance), append(changes, row.Change)
		rows = append(rows, row)
	}
	align(balances...)
	align(changes...)
	slices.Reverse(rows)
	return rows
}

// operations lists the account's last writes, if the caller may see them.
func (d *details) operations(ctx context.Context, accounts *account.Service, caller token.Caller, now time.Time) {
	if !caller.May(token.OperationsRead) {
		return
	}
	operations, more, err := accounts.Operations(ctx, d.Name, shownWrites, nil)
	d.Away = d.Away || isAway(err)
	d.More = more
	for _, op := range operations {
		d.Operations = append(d.Operations, newWrite(op, now))
	}
	amounts := make([]*figure, 0, len(d.Operations))
	for _, w := range d.Operations {
		amounts = append(amounts, w.Amount)
	}
	align(amounts...)
}
