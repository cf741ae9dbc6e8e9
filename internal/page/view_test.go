package page_test

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"accountgateway/internal/account"
	"accountgateway/internal/alert"
	"accountgateway/internal/provider"
	"accountgateway/internal/store"
)

// rowsOf are the accounts in the table of a page, in its order.
func rowsOf(page string) (names []string) {
	for _, row := range regexp.MustCompile(`<th scope="row"><a href="/ui/([^"]+)">`).FindAllStringSubmatch(page, -1) {
		names = append(names, row[1])
	}
	return names
}

// someAccounts differ in everything that the table can be sorted or filtered by.
func someAccounts(f *fixture) {
	f.balance("regru", 3*time.Minute, provider.Balance{Balance: *money("9", "RUB")})
	f.balance("selzy", time.Minute, provider.Balance{Balance: *money("100", "USD")})
	f.balance("selzy-agency", 2*time.Minute, provider.Balance{Balance: *money("-20.5", "USD")})
	f.balance("unisender", 5*time.Minute, provider.Balance{Balance: *money("10000", "RUB")})
	f.state("regru", account.StateOK, day, "")
	f.state("selzy", account.StateUnavailable, day, "provider_unavailable: no answer")
	f.state("unisender", account.StateOK, day, "")
	f.runway("regru", account.ForecastOK, 30*day)
	f.runway("selzy", account.ForecastOK, 4*day)
	f.runway("unisender", account.ForecastNoBurn, 0)
	f.alert(alert.Alert{Account: "selzy-agency", Code: alert.BalanceNegative, Severity: alert.Critical}, time.Hour)
	f.alert(alert.Alert{Account: "unisender", Code: alert.BalanceLow, Severity: alert.Warning}, time.Hour)
}

func TestView(t *testing.T) {
	f := newFixture(t, someAccounts, "regru", "selzy", "selzy-agency", "unisender", "x-new")
	for _, test := range []struct {
		query string
		want  string
	}{
		{"", "regru selzy selzy-agency unisender x-new"},
		{"sort=-name", "x-new unisender selzy-agency selzy regru"},
		{"sort=balance", "regru unisender selzy-agency selzy x-new"},  // RUB, then USD
		{"sort=-balance", "unisender regru selzy selzy-agency x-new"}, // what is not known stays last
		{"sort=runway", "selzy regru selzy-agency unisender x-new"},
		{"sort=-runway", "regru selzy selzy-agency unisender x-new"},
		{"sort=updated", "unisender regru selzy-agency selzy x-new"},
		{"sort=-updated", "selzy selzy-agency regru unisender x-new"},
		{"sort=health", "selzy-agency selzy unisender x-new regru"},
		{"sort=colour", "regru selzy selzy-agency unisender x-new"},
		{"vendor=selzy", "selzy selzy-agency"},
		{"group=email", "selzy selzy-agency unisender"},
		{"group=email&vendor=regru", ""},
		{"health=ok", "regru unisender"},
		{"health=unavailable", "selzy"},
		{"health=attention", "selzy-agency unisender"},
		{"health=attention&sort=-name", "unisender selzy-agency"},
		{"q=SELZY", "selzy selzy-agency"},
		{"q=agency+selzy", "selzy-agency"},
		{"q=reg.ru", "regru"}, // the vendor's title
		{"q=+", "regru selzy selzy-agency unisender x-new"},
		{"q=nobody", ""},
		{"q=%3Cscript%3E", ""},
		{"page=7", "regru selzy selzy-agency unisender x-new"}, // the last there is
		{"page=-1&utm_source=chat", "regru selzy selzy-agency unisender x-new"},
	} {
		got := f.get("/?" + test.query)
		if names := strings.Join(rowsOf(got.Body.String()), " "); got.Code != http.StatusOK || names != test.want {
			t.Errorf("%s: %d %q, want %q", test.query, got.Code, names, test.want)
		}
	}
	page := f.get("/?group=email&sort=-balance&q=selzy").Body.String()
	wants(t, page, `<th scope="col" class="number" aria-sort="descending"><a href="/?group=email&amp;q=selzy&amp;sort=balance"`,
		`<option value="email" selected>E-mail</option>`, `<option value="-balance" selected>`, `name="q" value="selzy"`,
		"2 of 5 accounts", "USD <span class=\"muted\">2 accounts</span>")
	if strings.Contains(page, "RUB") {
		t.Error("the totals have accounts that are not shown")
	}
	wants(t, text(f.get("/?q=nobody").Body.String()), "No account matches", "Show all accounts")
}

// aThousand are accounts like those of a company that has many.
func aThousand(n int) (seeds, []string) {
	vendors := []string{"regru", "selzy", "unisender"}
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("%s-customer-%04d", vendors[i%len(vendors)], i)
	}
	return func(f *fixture) {
		for i, name := range names {
			f.balance(name, time.Duration(i%50)*time.Second, provider.Balance{Balance: *money(fmt.Sprintf("%d.%04d", i*i, i), []string{"RUB", "USD", "EUR"}[i%3])})
			f.state(name, account.StateOK, time.Duration(i)*time.Hour, "the last call succeeded")
			f.runway(name, account.ForecastOK, time.Duration(i)*time.Hour)
			if i%4 == 0 {
				f.alert(alert.Alert{
					Account: name, Code: alert.BalanceLow, Severity: alert.Warning, Detail: "the balance is 12.34 USD; its threshold is 500.00 USD",
					Remedy: "top up the account, or set REGRU_CUSTOMER_0000_BALANCE_LOW to another threshold",
				}, time.Hour)
			}
		}
	}, names
}

// TestThousandAccounts: the page stays small, whatever there is.
func TestThousandAccounts(t *testing.T) {
	fill, names := aThousand(1000)
	f := newFixture(t, func(f *fixture) {
		fill(f)
		for i, name := range names[:300] {
			for d := range 31 {
				f.history(name, time.Duration(d)*day+time.Hour, fmt.Sprintf("%d.25", (i*d*7919)%100000), []string{"RUB", "USD", "EUR"}[i%3])
			}
		}
	}, names...)
	slices.Sort(names)
	next := "/"
	var seen []string
	for page := 1; next != ""; page++ {
		got := f.get(next).Body.String()
		if size := len(got); size > 150_000 {
			t.Errorf("page %d has %d bytes", page, size)
		} else if page == 1 {
			t.Logf("%d bytes, of which %d are of charts", size, len(strings.Join(regexp.MustCompile(`<svg.*?</svg>`).FindAllString(got, -1), "")))
		}
		seen = append(seen, rowsOf(got)...)
		next = ""
		if link := regexp.MustCompile(`rel="next" href="([^"]+)"`).FindStringSubmatch(got); link != nil {
			next = link[1]
		}
		if page == 3 {
			wants(t, text(got), "201–300 of 1,000 Previous 1 2 3 4 5 … 10 Next", "RUB 334 accounts")
		}
	}
	if !slices.Equal(seen, names) {
		t.Errorf("the pages have %d accounts: %v", len(seen), seen)
	}
	back := f.get("/?page=3").Body.String()
	wants(t, back, `rel="prev" href="/?page=2"`, `<a href="/?page=3" aria-current="page" aria-label="Page 3">3</a>`)
}

// BenchmarkFleet draws the first page of a thousand accounts, whose history is in
// the database, as it is after a start and from then on.
func BenchmarkFleet(b *testing.B) {
	fill, names := aThousand(1000)
	f := newFixture(b, func(f *fixture) {
		fill(f)
		for _, name := range names {
			var points []store.BalancePoint
			for hour := range 30 * 24 {
				points = append(points, store.BalancePoint{Account: name, Currency: "USD", AsOf: f.now.Add(-time.Duration(hour) * time.Hour), Balance: "310.20"})
			}
			f.must(f.store.AppendBalances(f.t.Context(), points))
		}
	}, names...)
	b.Run("first", func(b *testing.B) {
		for b.Loop() {
			f.open(f.page.Accounts)
			f.get("/")
		}
	})
	b.Run("again", func(b *testing.B) {
		for b.Loop() {
			f.get("/?sort=balance")
		}
	})
}
