package page

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"time"

	"accountgateway/internal/account"
	"accountgateway/internal/durable"
	"accountgateway/internal/provider"
	"accountgateway/internal/token"
)

// details is the page of one account.
type details struct {
	frame
	*funds
	Name, Provider string
	Vendor         Vendor
	State          stateView
	Alerts         []alertView
	Asked          asked // how asking the vendor went, if that was just done
	CanAsk         bool
	Runway         runway
	Spans          []span // how far back the history can go
	Days           int
	Chart          *chart
	Daily          []dailyRow  // newest first
	Statistics     *statistics // nil: none at hand; then NoStatistics says why
	NoStatistics   string
	Written        bool // there are writes, or can be
	Capabilities   []capability
	Curl           string
	Writes         []write // newest first
	MoreWrites     string  // where older ones are; "" if there are none
	Away           bool    // the database does not answer
}

// span is a choice of how far back the history goes.
type span struct {
	Days    int
	Address string
	Current bool
}

// spans are the choices, in days, and the steps of chart and file.
var spans = []struct {
	days       int
	step, fine time.Duration
}{{7, 2 * time.Hour, 5 * time.Minute}, {30, 6 * time.Hour, 15 * time.Minute}, {90, 24 * time.Hour, time.Hour}}

const defaultSpan = 1 // of spans

// spanOf is the place in spans of what the query days says.
func spanOf(r *http.Request) int {
	days := r.URL.Query().Get("days")
	for i, s := range spans {
		if strconv.Itoa(s.days) == days {
			return i
		}
	}
	return defaultSpan
}

// shownWrites is how many operations an account's page lists.
const shownWrites = 10

// Account answers GET AccountPath. Its query may say days=7, 30 or 90.
func (p *Page) Account(w http.ResponseWriter, r *http.Request) {
	if caller, info, ok := p.accountOf(w, r); ok {
		p.account(w, r, caller, info, nil)
	}
}

// accountOf gives the caller and the account that the path names, if the caller
// may read it; else it answers the request.
func (p *Page) accountOf(w http.ResponseWriter, r *http.Request) (token.Caller, account.Info, bool) {
	caller, ok := p.reader(w, r)
	if !ok {
		return caller, account.Info{}, false
	}
	name := r.PathValue("account")
	info, err := p.Accounts.Info(name)
	if err != nil || !caller.Sees(name) {
		p.noSuchAccount(w, r)
		return caller, account.Info{}, false
	}
	return caller, info, true
}

// OfAccount is a handler for whoever may read the account that the path names.
func (p *Page) OfAccount(next http.Handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if _, _, ok := p.accountOf(w, r); ok {
			next.ServeHTTP(w, r)
		}
	}
}

// account draws an account's page. failed is why the vendor, which was just
// asked, gave nothing.
func (p *Page) account(w http.ResponseWriter, r *http.Request, caller token.Caller, info account.Info, failed error) {
	ctx, now := r.Context(), p.now()
	page := details{
		frame: p.frame(r, info.Name), Name: info.Name, Provider: info.Provider, Vendor: p.vendor(info.Provider),
		State: newStateView(info.State, info.Remedy, now), Capabilities: capabilities(info.Capabilities),
		CanAsk: len(askable(info)) > 0, Away: p.Accounts.Away(),
	}
	page.Here = "/ui/" + info.Name // not where the form was posted to
	if r.Method == http.MethodGet {
		page.Here = r.URL.RequestURI()
	}
	page.Curl = p.curl(r, "/accounts/"+info.Name+"/balance", caller)
	var err error
	page.funds, err = p.funds(ctx, info, now)
	page.Away = page.Away || isAway(err)
	forecast := p.forecast(ctx, info, &page, now)
	page.history(ctx, p.Accounts, spanOf(r), forecast, now)
	page.NoStatistics = "No reading yet."
	if page.Statistics = p.statistics(ctx, info.Name, now); !info.Capabilities.Callable(provider.OpStatistics) {
		page.NoStatistics = "This vendor's statistics can't be read."
	}
	if page.SeesWrites {
		page.operations(ctx, p, now)
		page.Written = len(page.Writes) > 0 || info.Capabilities.Callable(provider.OpCreateUser) || info.Capabilities.Callable(provider.OpRefill)
	}
	drawn := p.now()
	page.judge(p.Accounts, drawn)
	page.Statistics.judge(p.Accounts, drawn)
	page.Alerts = newAlerts(info.Alerts, page.SeesWrites, drawn).whole()
	page.Asked = p.outcome(r, page.funds, failed, drawn)
	page.Drawn = exactly(drawn)
	p.draw(w, r, http.StatusOK, accountPage, page)
}

func isAway(err error) bool {
	var away *durable.UnavailableError
	return errors.As(err, &away)
}

// forecast fills in the runway, and gives how the balance goes on.
func (p *Page) forecast(ctx context.Context, info account.Info, page *details, now time.Time) *decline {
	f, err := p.Accounts.Forecast(ctx, info.Name, atHand())
	switch {
	case isAway(err):
		page.Runway = runway{Words: "unknown", Tone: idle, Story: "No forecast while the gateway's database, which holds past balances, is unavailable."}
		return nil
	case err != nil || len(f.Currencies) == 0:
		page.Runway = runway{Words: "unknown", Tone: idle, Story: "No forecast without a current balance."}
		return nil
	}
	c := f.Currencies[0]
	page.Runway = newRunway(f, c, now)
	page.Runway.Tone = runwayTone(info.Alerts)
	if c.Left == nil || c.BurnPerDay == nil {
		return nil
	}
	perDay, _ := c.BurnPerDay.Amount.Float64() // for the drawing
	return &decline{perDay, f.Balance.AsOf.Add(*c.Left)}
}

// history reads the balances of a span.
func (d *details) history(ctx context.Context, accounts *account.Service, of int, forecast *decline, now time.Time) {
	chosen := spans[of]
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
	points = slices.DeleteFunc(points, func(p account.Point) bool { return p.Balance.Balance.Currency != d.shown.Balance.Currency })
	d.Daily = daily(points)
	if d.Chart = (plot{points: points, from: from, till: now, step: chosen.step, decline: forecast}).draw(); d.Chart == nil {
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
			before := lastOfDay[i-1]
			row.Change = difference(before, p)
			if p.Balance.Balance.Amount.Cmp(before.Balance.Balance.Amount) > 0 {
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

// operations lists the account's last writes.
func (d *details) operations(ctx context.Context, p *Page, now time.Time) {
	operations, more, err := p.Accounts.Operations(ctx, d.Name, shownWrites, nil)
	d.Away = d.Away || isAway(err)
	for _, op := range operations {
		w := p.newWrite(op, now)
		w.Account = "" // of which the page is
		if w.Unknown {
			w.SettleAt = unknownWrites(d.Name)
		}
		d.Writes = append(d.Writes, w)
	}
	if more {
		d.MoreWrites = writesOf(d.Name)
	}
}

// curl is a line to paste into a shell that asks the API for what this page shows.
func (p *Page) curl(r *http.Request, path string, caller token.Caller) string {
	base := "http://" + r.Host
	switch {
	case p.PublicURL != "":
		base = p.PublicURL
	case p.Secure:
		base = "https://" + r.Host
	}
	line := "curl -s " + base + path
	if !caller.IsAnonymous() {
		line += ` -H "Authorization: Bearer $GATEWAY_TOKEN"`
	}
	return line
}
