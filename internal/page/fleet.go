package page

import (
	"cmp"
	"net/http"
	"slices"
	"time"

	"accountgateway/internal/account"
	"accountgateway/internal/provider"
	"accountgateway/internal/token"
)

// fleet is the page of all accounts.
type fleet struct {
	frame
	View      view
	Alerts    alerts
	Totals    []total
	Uncounted []string // accounts without a current balance
	Vendors   []option
	Groups    []option
	Healths   []option
	Sorts     []option
	Headings  []heading
	Rows      []row
	First     int // of the rows, from 1
	Matching  int // accounts that the view shows, on all its pages
	All       int // accounts that the caller sees
	Pages     []pageLink
	Previous  string // the page before; "" if there is none
	Next      string
	None      bool // no account is configured at all
	Away      bool // the database does not answer
}

// pageRows is how many rows a page has.
const pageRows = 100

// Fleet answers GET FleetPath. Its query is a view.
func (p *Page) Fleet(w http.ResponseWriter, r *http.Request) {
	caller, ok := p.reader(w, r)
	if !ok {
		return
	}
	infos := p.Accounts.List()
	page := fleet{frame: p.frame(r, "Accounts"), None: len(infos) == 0, View: viewOf(r.URL.Query())}
	infos = slices.DeleteFunc(infos, func(i account.Info) bool { return !caller.Sees(i.Name) })
	all := make([]*standing, len(infos))
	for i, info := range infos {
		all[i] = p.standing(r.Context(), info)
	}
	page.All = len(all)
	page.choices(all)
	matching := slices.DeleteFunc(slices.Clone(all), func(s *standing) bool { return !page.View.matches(s) })
	page.View.order(matching)
	shown := page.cut(matching)

	names := make([]string, len(shown))
	for i, s := range shown {
		names[i] = s.Name
	}
	now := p.now()
	points, err := p.trends.get(r.Context(), p.Accounts, names, now)
	page.Away = isAway(err) || p.Accounts.Away()
	drawn := p.now() // the database may have been waited for, and nothing may look younger than it is
	for _, s := range shown {
		page.Rows = append(page.Rows, newRow(s, points[s.Name], p.Accounts, now, drawn))
	}
	page.Totals, page.Uncounted = totals(matching, p.Accounts, drawn)
	page.Alerts = newAlerts(p.Accounts.Alerts(caller.Sees), caller.May(token.OperationsRead), drawn)
	page.Drawn = exactly(drawn)
	if n := page.Alerts.Count; n > 0 {
		page.Title = "(" + plural(n, "alert") + ") Accounts"
	}
	p.draw(w, r, http.StatusOK, fleetPage, page)
}

// choices are those of the filters.
func (f *fleet) choices(all []*standing) {
	titles, groups := map[string]string{}, map[string]bool{}
	for _, s := range all {
		titles[s.Provider], groups[s.vendor.Group] = s.vendor.Title, true
	}
	byTitle := func(a, b string) int { return cmp.Or(cmp.Compare(titles[a], titles[b]), cmp.Compare(a, b)) }
	f.Vendors = options("All vendors", f.View.Vendor, sortedKeys(titles, byTitle), func(name string) string { return titles[name] })
	f.Groups = options("All groups", f.View.Group, sortedKeys(groups, cmp.Compare[string]), groupWords)
	f.Healths, f.Sorts, f.Headings = f.View.healths(), f.View.sorts(), f.View.headings()
}

func sortedKeys[V any](m map[string]V, compare func(a, b string) int) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, compare)
	return keys
}

// cut leaves the rows of the page that is shown: the last one, if there are fewer.
func (f *fleet) cut(matching []*standing) []*standing {
	f.Matching = len(matching)
	last := max(1, (len(matching)+pageRows-1)/pageRows)
	f.View.Page = min(f.View.Page, last)
	if last > 1 {
		f.Pages = f.View.pages(last)
	}
	if f.View.Page > 1 {
		f.Previous = f.View.at(f.View.Page - 1)
	}
	if f.View.Page < last {
		f.Next = f.View.at(f.View.Page + 1)
	}
	from := (f.View.Page - 1) * pageRows
	f.First = from + 1
	return matching[from:min(from+pageRows, len(matching))]
}

// Shown says how many accounts the view shows.
func (f fleet) Shown() string {
	if f.View.Filtered() {
		return counted(f.Matching) + " of " + plural(f.All, "account")
	}
	return plural(f.All, "account")
}

// Span says which of them the rows are.
func (f fleet) Span() string {
	return counted(f.First) + "–" + counted(f.First+len(f.Rows)-1) + " of " + counted(f.Matching)
}

// Missing says how many accounts no total counts.
func (f fleet) Missing() string { return plural(len(f.Uncounted), "account") }

// row is an account's in the table.
type row struct {
	Name, Vendor string
	State        stateView
	Alert        *alertView // the worst; nil if there is none
	MoreAlerts   int
	Balance      *figure // nil: none was read in the last month
	Readable     bool    // it can be read at all
	Pots         string  // "and 2 more pots"
	Read         *moment // when the vendor said so
	Old          bool    // background readings should have replaced it
	TooOld       bool    // past every limit: from the history
	Trend        *spark  // nil if there is no line to be drawn
	Runway       runway
}

// newRow draws an account whose points end at one time, for people who see it
// drawn at another.
func newRow(s *standing, points []account.Point, accounts *account.Service, till, drawn time.Time) row {
	r := row{Name: s.Name, Vendor: s.vendor.Title, State: newStateView(s.State, s.Remedy, drawn), Readable: s.readable()}
	if len(s.Alerts) > 0 {
		first := newAlertView(s.Alerts[0], drawn)
		r.Alert, r.MoreAlerts = &first, len(s.Alerts)-1
	}
	shown := s.balance
	switch last := len(points) - 1; {
	case shown != nil:
		limits, age := accounts.Limits(provider.OpBalance), s.aged.by(drawn)
		r.Read = since(s.aged.asOf, drawn)
		r.Old, r.TooOld = age > accounts.OldAfter(provider.OpBalance), age > max(limits.TTL, limits.StaleIfError)
		points = append(points[:len(points):len(points)], account.Point{AsOf: s.aged.asOf, Balance: *shown})
	case last >= 0 && r.Readable:
		shown = &points[last].Balance
		r.Read, r.Old, r.TooOld = since(points[last].AsOf, drawn), true, true
	}
	if shown == nil {
		return r
	}
	r.Balance = inTable(shown.Balance.Amount.String(), shown.Balance.Currency)
	if n := len(shown.Wallets); n > 1 {
		r.Pots = plural(n-1, "more pot")
	}
	r.Trend = newSpark(dotsOf(points, shown.Balance.Currency), till.Add(-trendDays*day), till)
	if !r.TooOld {
		r.Runway = shortRunway(s.runway, s.Alerts, drawn)
	}
	return r
}

// total is what all accounts have in one currency.
type total struct {
	*figure
	Accounts string // "12 accounts"
}

// totals sums balances per currency, never across. What is too old to be
// served is not counted.
func totals(accounts []*standing, limits *account.Service, now time.Time) (sums []total, uncounted []string) {
	l := limits.Limits(provider.OpBalance)
	var read []provider.Money
	in := map[provider.Currency]int{}
	for _, s := range accounts {
		if !s.readable() {
			continue
		}
		if s.balance == nil || s.aged.by(now) > max(l.TTL, l.StaleIfError) {
			uncounted = append(uncounted, s.Name)
			continue
		}
		pots := s.balance.Pots()
		read = append(read, pots...)
		for i, pot := range pots {
			if !slices.ContainsFunc(pots[:i], func(m provider.Money) bool { return m.Currency == pot.Currency }) {
				in[pot.Currency]++
			}
		}
	}
	for _, t := range provider.Totals(read) {
		sums = append(sums, total{inTable(t.Amount, t.Currency), plural(in[t.Currency], "account")})
	}
	return sums, uncounted
}
