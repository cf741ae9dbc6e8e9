package page_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"accountgateway/internal/alert"
	"accountgateway/internal/provider"
)

// TestAttention: some alerts stand on the page, some are folded away, and of the
// rest there is a number. The worst come first.
func TestAttention(t *testing.T) {
	several := func(n int) string {
		f := newFixture(t, func(f *fixture) {
			for i := range n {
				a := alert.Alert{Account: fmt.Sprintf("a-%02d", i), Code: alert.BalanceLow, Severity: alert.Warning, Detail: "it is low", Remedy: "top up"}
				if i == n-1 {
					a.Severity = alert.Critical
				}
				f.alert(a, time.Hour-time.Duration(i)*time.Second)
			}
		}, accountNames(n+1)...)
		return f.get("/").Body.String()
	}
	for _, test := range []struct {
		alerts, first, all int
		rest, title        string
	}{
		{1, 1, 1, "", "(1 alert) Accounts"},
		{5, 5, 5, "", "(5 alerts) Accounts"},
		{25, 5, 25, "", "(25 alerts) Accounts"},
		{28, 5, 25, "And 3 others.", "(28 alerts) Accounts"},
	} {
		page := several(test.alerts)
		first, _, _ := strings.Cut(page, "<details")
		if got := strings.Count(first, `<li class="alert`); got != test.first {
			t.Errorf("%d alerts: %d stand on the page, want %d", test.alerts, got, test.first)
		}
		if got := strings.Count(page, `<li class="alert`); got != test.all {
			t.Errorf("%d alerts: %d are on the page, want %d", test.alerts, got, test.all)
		}
		if strings.Contains(page, "others.") != (test.rest != "") || !strings.Contains(page, "<title>"+test.title) {
			t.Errorf("%d alerts: %s", test.alerts, page)
		}
		wants(t, text(page), fmt.Sprintf("Needs attention %d a-%02d Balance low for ", test.alerts, test.alerts-1), test.rest)
	}
	calm := several(0)
	wants(t, text(calm), "Nothing needs attention")
	if strings.Contains(calm, "alert)") {
		t.Errorf("there are no alerts: %s", calm)
	}
}

func accountNames(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("a-%02d", i)
	}
	return names
}

// TestAlertsOfOthers are not shown.
func TestAlertsOfOthers(t *testing.T) {
	f := newFixture(t, aFleet, fleetNames...).as(aReader("selzy"))
	page := text(f.get("/", f.signedIn()).Body.String())
	wants(t, page, "Needs attention 1 selzy Runs out soon")
	if strings.Contains(page, "Credentials refused for") {
		t.Error("the page shows alerts of accounts that the token does not grant")
	}
}

// TestOldReadings: a figure is old for people once two background readings and
// the time for which it is fresh should have replaced it.
func TestOldReadings(t *testing.T) {
	for _, test := range []struct {
		interval, ttl, age time.Duration
		old                bool
	}{
		{5 * time.Minute, time.Minute, 9 * time.Minute, false},
		{5 * time.Minute, time.Minute, 11 * time.Minute, true},
		{5 * time.Minute, time.Hour, 11 * time.Minute, false},
		{5 * time.Minute, time.Hour, 61 * time.Minute, true},
		{0, time.Hour, 59 * time.Minute, false}, // nothing is read in the background
		{0, time.Hour, 61 * time.Minute, true},
	} {
		f := newFixture(t, func(f *fixture) {
			f.options.RefreshInterval = test.interval
			f.options.TTL = map[provider.Operation]time.Duration{provider.OpBalance: test.ttl, provider.OpStatistics: test.ttl}
			f.balance("regru", test.age, provider.Balance{Balance: *money("1", "RUB")})
			f.save("regru", "statistics", test.age, provider.Statistics{})
		}, "regru")
		for path, most := range map[string]int{"/": 1, "/ui/regru": 2} {
			want := 0
			if test.old {
				want = most
			}
			if got := strings.Count(f.get(path).Body.String(), ">Stale<"); got != want {
				t.Errorf("%s, %+v: said to be stale %d times, want %d", path, test, got, want)
			}
		}
	}
}
