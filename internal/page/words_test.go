package page

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/govalues/decimal"

	"accountgateway/internal/account"
	"accountgateway/internal/provider"
)

func money(amount, currency string) *provider.Money {
	return &provider.Money{Amount: decimal.MustParse(amount), Currency: provider.Currency(currency)}
}

func TestFigure(t *testing.T) {
	for _, test := range []struct{ amount, want string }{
		{"0", "0 USD"}, {"0.00", "0.00 USD"}, {"7.5", "7.5 USD"}, {"999.99", "999.99 USD"}, {"1000", "1,000 USD"},
		{"12345.6", "12,345.6 USD"}, {"123456", "123,456 USD"}, {"1234567.891", "1,234,567.891 USD"},
		{"-0.05", "−0.05 USD"}, {"-999", "−999 USD"}, {"-1000.10", "−1,000.10 USD"},
		{"9999999999999999999", "9,999,999,999,999,999,999 USD"},
	} {
		f := newFigure(*money(test.amount, "USD"))
		if f.String() != test.want || f.Exact != test.amount {
			t.Errorf("%s is shown as %q, exactly %q", test.amount, f, f.Exact)
		}
	}
}

// TestInTable: a column has two digits after the point, and none of them is
// rounded.
func TestInTable(t *testing.T) {
	for amount, want := range map[string]string{
		"1": "1.00", "7.5": "7.50", "999.99": "999.99", "12.3456": "12.34…", "12.3400": "12.34", "0.009": "0.00…", "-4.759": "−4.75…",
		"7310.125": "7,310.12…", "9999999999999999999": "9,999,999,999,999,999,999.00",
	} {
		f := inTable(amount, "USD")
		got := f.Sign + f.Whole + f.Fraction
		if f.Cut {
			got += "…"
		}
		if got != want || f.Exact != amount || f.InFull() != newFigure(*money(amount, "USD")).String() {
			t.Errorf("%s is shown as %q, in full %q", amount, got, f.InFull())
		}
	}
}

func TestInWords(t *testing.T) {
	for text, want := range map[string]string{
		"provider_timeout: no answer": "no answer", "emails_payg: 5317 of 5000": "Emails (pay as you go): 5317 of 5000",
		"the vendor said: no": "the vendor said: no", "REGRU_RATE: 5": "REGRU_RATE: 5", "used": "used",
	} {
		if got := inWords(text); got != want {
			t.Errorf("%q is %q", text, got)
		}
	}
}

func TestAlign(t *testing.T) {
	column := []*figure{newFigure(*money("1", "USD")), nil, newFigure(*money("2.5", "USD")), newFigure(*money("3.125", "USD"))}
	align(column...)
	got := []string{column[0].Pad, column[2].Pad, column[3].Pad}
	if diff := cmp.Diff([]string{".000", "00", ""}, got); diff != "" {
		t.Error(diff)
	}
	whole := []*figure{newFigure(*money("1", "USD")), newFigure(*money("20", "USD"))}
	align(whole...)
	if whole[0].Pad != "" {
		t.Errorf("whole figures are padded with %q", whole[0].Pad)
	}
}

func TestAgo(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Minute: "just now", 0: "just now", 4 * time.Second: "just now", 5 * time.Second: "5 s ago", 59 * time.Second: "59 s ago",
		time.Minute: "1 min ago", 59*time.Minute + 59*time.Second: "59 min ago", time.Hour: "1 h ago", 47 * time.Hour: "47 h ago",
		48 * time.Hour: "2 days ago", 400 * day: "400 days ago",
	} {
		if got := ago(d); got != want {
			t.Errorf("%s is %q, want %q", d, got, want)
		}
	}
}

func TestLasting(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Hour: "nothing left", 0: "nothing left", time.Minute: "under an hour", time.Hour: "1 hour", 47 * time.Hour: "47 hours",
		2 * day: "2 days", 3*day - 1: "2 days", 1500 * day: "1,500 days", 36500 * day: "over 10 years",
	} {
		if got := lasting(d); got != want {
			t.Errorf("%s is %q, want %q", d, got, want)
		}
	}
}

func TestRunway(t *testing.T) {
	now := time.Date(2026, 1, 31, 10, 0, 0, 0, time.UTC)
	left := func(d time.Duration) *time.Duration { return &d }
	since := now.Add(-3 * time.Hour)
	for _, test := range []struct {
		name  string
		c     account.CurrencyForecast
		words string
		story string
	}{
		{"long", account.CurrencyForecast{Status: account.ForecastOK, BurnPerDay: money("12.30", "USD"), Left: left(25*day + time.Hour)},
			"25 days", "At 12.30 USD a day, balance and credit last 25 days, until about 25 Feb 2026."},
		{"short", account.CurrencyForecast{Status: account.ForecastOK, BurnPerDay: money("12.30", "USD"), Left: left(13 * day)},
			"12 days", "At 12.30 USD a day, balance and credit last 12 days, until about 13 Feb 2026."},
		{"over soon", account.CurrencyForecast{Status: account.ForecastOK, BurnPerDay: money("12.30", "USD"), Left: left(2 * day)},
			"47 hours", "At 12.30 USD a day, balance and credit last 47 hours, until about 2 Feb 2026."},
		{"over", account.CurrencyForecast{Status: account.ForecastOK, BurnPerDay: money("12.30", "USD"), Left: left(0)},
			"nothing left", "At 12.30 USD a day, balance and credit are used up."},
		{"no burn", account.CurrencyForecast{Status: account.ForecastNoBurn, BurnPerDay: money("0.00", "USD")},
			"no spending", "Nothing was spent in the last 14 days, so at this rate the money does not run out."},
		{"gaps", account.CurrencyForecast{Status: account.ForecastNoBurn, Quality: account.HasGaps, BurnPerDay: money("0.00", "USD")},
			"no spending", "Nothing was spent in the last 14 days, so at this rate the money does not run out. " +
				"Some readings are missing: actual spending may be higher."},
		{"rising", account.CurrencyForecast{Status: account.ForecastUnpredictable},
			"unclear", "The balance rose at some time in every hour with readings, so spending can't be separated from top-ups."},
		{"young", account.CurrencyForecast{Status: account.InsufficientHistory, Readings: 4, Since: &since},
			"too early", "A forecast needs at least one day of regular readings; 4 readings so far, since 31 Jan 2026, 07:00 UTC."},
		{"newborn", account.CurrencyForecast{Status: account.InsufficientHistory, Readings: 1, Since: &since},
			"too early", "A forecast needs at least one day of regular readings; 1 reading so far, since 31 Jan 2026, 07:00 UTC."},
	} {
		t.Run(test.name, func(t *testing.T) {
			// The reading is an hour old, and the money lasts from then.
			got := newRunway(account.Forecast{Balance: account.Reading[provider.Balance]{AsOf: now.Add(-time.Hour)}}, test.c, now)
			if got.Words != test.words || got.Story != test.story {
				t.Errorf("%q, %q", got.Words, got.Story)
			}
		})
	}
}

func TestStatesHaveWords(t *testing.T) {
	seen := map[string]bool{}
	for _, state := range account.States() {
		words, _ := stateWords(state)
		if seen[words] {
			t.Errorf("%q is said of two states", words)
		}
		seen[words] = true
	}
}

func TestPeriodWords(t *testing.T) {
	text := func(s string) *string { return &s }
	for _, test := range []struct {
		period *provider.Period
		want   string
	}{
		{nil, ""},
		{&provider.Period{From: text("2026-01-01"), Till: text("2026-01-31")}, "1 Jan 2026 – 31 Jan 2026"},
		{&provider.Period{From: text("2026-01-01T00:00:00Z")}, "1 Jan 2026, 00:00 UTC – …"},
		{&provider.Period{Till: text("<b>")}, "… – <b>"},
	} {
		if got := periodWords(test.period); got != test.want {
			t.Errorf("%q, want %q", got, test.want)
		}
	}
}
