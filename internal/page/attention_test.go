package page_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"accountgateway/internal/account"
	"accountgateway/internal/provider"
)

// attention is what the page of all accounts says under that heading.
func attention(t *testing.T, page string) string {
	t.Helper()
	part := regexp.MustCompile(`(?s)<div class="attention">(.*?)</div>`).FindStringSubmatch(page)
	if part == nil {
		t.Fatalf("no attention on the page: %s", page)
	}
	return strings.TrimPrefix(text(part[1]), "Attention ")
}

// TestAttention has accounts whose vendor answers, and that need somebody still.
func TestAttention(t *testing.T) {
	counters := func(value, limit int64) provider.Statistics {
		return provider.Statistics{Counters: []provider.Counter{{Name: "emails_period", Value: value, Limit: &limit, Scope: provider.ScopePeriod}}}
	}
	for _, test := range []struct {
		name       string
		balance    string
		statistics provider.Statistics
		want       string
	}{
		{"well", "12.50", counters(499, 500), "Nothing to do"},
		{"empty", "0", counters(0, 0), "Nothing to do"},
		{"no limit", "0", provider.Statistics{Counters: []provider.Counter{{Name: "contacts", Value: 9, Unlimited: true}}}, "Nothing to do"},
		{"in debt", "-4.75", counters(0, 500), "selzy Balance negative: −4.75 USD"},
		{"used up", "12.50", counters(500, 500), "selzy Emails period used up: 500 of 500"},
		{"more than used up", "12.50", counters(5300, 5000), "selzy Emails period used up: 5,300 of 5,000"},
		{"over a limit of none", "12.50", counters(3, 0), "selzy Emails period used up: 3 of 0"},
		{"both", "-0.01", counters(530, 500), "selzy Balance negative: −0.01 USD Emails period used up: 530 of 500"},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := newFixture(t, func(f *fixture) {
				f.balance("selzy", time.Minute, provider.Balance{Balance: *money(test.balance, "USD")})
				f.state("selzy", account.StateOK, time.Hour, "the last call succeeded")
				f.save("selzy", "statistics", time.Minute, test.statistics)
			}, "selzy")
			fleet := f.get("/").Body.String()
			if got := attention(t, fleet); got != test.want {
				t.Errorf("attention: %q, want %q", got, test.want)
			}
			if said := strings.TrimPrefix(test.want, "selzy "); said != test.want {
				for _, page := range []string{text(fleet), text(f.get("/ui/selzy").Body.String())} {
					wants(t, page, "Working", "What to do:")
				}
			}
		})
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
