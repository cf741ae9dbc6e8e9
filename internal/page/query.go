package page

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

	"accountgateway/internal/account"
)

// view is which accounts the page of all shows, and in what order: its query
// parameters. What they don't understand they leave out, so that a link with a
// mistake still leads somewhere.
type view struct {
	Search string // q: words that name or vendor has
	Vendor string // vendor: a provider's name
	Group  string // group: a sort of vendor
	Health string // health: a state, or attention
	Sort   string // sort: one of columns, with - before it the other way around
	Page   int    // page: from 1
}

// needsAttention is the health of accounts with an open alert.
const needsAttention = "attention"

// column is one of the table's.
type column struct {
	Key   string // of sort; "" if the table can't be sorted by it
	Words string
	Hint  string
	Class string
}

var columns = []column{
	{Key: "name", Words: "Account"},
	{Key: "health", Words: "Health", Hint: "the worst first"},
	{Key: "balance", Words: "Balance", Hint: "within each currency", Class: "number"},
	{Words: "30 days", Class: "trend"},
	{Key: "runway", Words: "Runway", Hint: "what ends first"},
	{Key: "updated", Words: "Updated", Hint: "the oldest first"},
}

func viewOf(q url.Values) view {
	v := view{
		Search: searched(q.Get("q")), Vendor: q.Get("vendor"), Group: q.Get("group"), Health: q.Get("health"), Sort: q.Get("sort"), Page: 1,
	}
	if !slices.ContainsFunc(columns, func(c column) bool { return c.Key != "" && c.Key == v.by() }) {
		v.Sort = "name"
	}
	if n, err := strconv.Atoi(q.Get("page")); err == nil && n > 0 {
		v.Page = n
	}
	return v
}

// searched is what is looked for: a search is in many links of the page.
func searched(text string) string {
	const most = 100 // as the field takes
	text = strings.TrimSpace(strings.ToValidUTF8(text, ""))
	if runes := []rune(text); len(runes) > most {
		text = string(runes[:most])
	}
	return text
}

// by is what the table is sorted by, either way.
func (v view) by() string { return strings.TrimPrefix(v.Sort, "-") }

// reversed tells whether it is sorted the other way around.
func (v view) reversed() bool { return strings.HasPrefix(v.Sort, "-") }

// filtered tells whether some accounts may be left out.
func (v view) Filtered() bool {
	return v.Search != "" || v.Vendor != "" || v.Group != "" || v.Health != ""
}

// address is the page's with these parameters.
func (v view) address() string {
	q := url.Values{}
	set := func(name, value, usual string) {
		if value != usual {
			q.Set(name, value)
		}
	}
	set("q", v.Search, "")
	set("vendor", v.Vendor, "")
	set("group", v.Group, "")
	set("health", v.Health, "")
	set("sort", v.Sort, "name")
	set("page", strconv.Itoa(v.Page), "1")
	if len(q) == 0 {
		return FleetPath
	}
	return FleetPath + "?" + q.Encode()
}

// matches tells whether an account is shown.
func (v view) matches(s *standing) bool {
	if v.Vendor != "" && s.Provider != v.Vendor || v.Group != "" && s.vendor.Group != v.Group {
		return false
	}
	switch v.Health {
	case "":
	case needsAttention:
		if len(s.Alerts) == 0 {
			return false
		}
	default:
		if s.State.State != v.Health {
			return false
		}
	}
	if v.Search == "" {
		return true
	}
	names := strings.ToLower(s.Name + " " + s.Provider + " " + s.vendor.Title + " " + s.vendor.Group)
	for word := range strings.FieldsSeq(strings.ToLower(v.Search)) {
		if !strings.Contains(names, word) {
			return false
		}
	}
	return true
}

// heading is a column's heading, with the link that sorts by it.
type heading struct {
	column
	Address string // "" if it can't be sorted by
	Sorted  string // ascending, descending or ""
}

func (v view) headings() []heading {
	list := make([]heading, 0, len(columns))
	for _, c := range columns {
		h := heading{column: c}
		if c.Key != "" {
			to := v
			to.Sort, to.Page = c.Key, 1
			if c.Key == v.by() {
				h.Sorted = "ascending"
				if v.reversed() {
					h.Sorted = "descending"
				} else {
					to.Sort = "-" + c.Key
				}
			}
			h.Address = to.address()
		}
		list = append(list, h)
	}
	return list
}

// option is a choice of a filter.
type option struct {
	Value, Words string
	Chosen       bool
}

func options(all, chosen string, values []string, words func(string) string) []option {
	list := []option{{Words: all, Chosen: chosen == ""}}
	for _, value := range values {
		list = append(list, option{value, words(value), value == chosen})
	}
	return list
}

func (v view) healths() []option {
	return options("Any health", v.Health, append([]string{needsAttention}, account.States()...), func(state string) string {
		if state == needsAttention {
			return "Needs attention"
		}
		words, _ := stateWords(state)
		return words
	})
}

// sorts are the orders, for who has no headings to click on.
func (v view) sorts() []option {
	var list []option
	for _, c := range columns {
		if c.Key == "" {
			continue
		}
		words := "Sort by " + strings.ToLower(c.Words)
		list = append(list, option{c.Key, words, v.Sort == c.Key}, option{"-" + c.Key, words + ", reversed", v.Sort == "-"+c.Key})
	}
	return list
}

// pageLink is one page of the table.
type pageLink struct {
	Number  int
	Address string // "" for what is left out between two others
	Here    bool
}

// pages are the first, the last and those near the one that is shown.
func (v view) pages(last int) []pageLink {
	var list []pageLink
	for n := 1; n <= last; n++ {
		switch {
		case n == 1, n == last, n >= v.Page-2 && n <= v.Page+2:
			list = append(list, pageLink{n, v.at(n), n == v.Page})
		case list[len(list)-1].Address != "":
			list = append(list, pageLink{})
		}
	}
	return list
}

func (v view) at(page int) string {
	v.Page = page
	return v.address()
}
