package alert_test

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/govalues/decimal"

	"accountgateway/internal/alert"
	"accountgateway/internal/provider"
)

var start = time.Date(2026, 1, 31, 10, 0, 0, 0, time.UTC)

const (
	day      = 24 * time.Hour
	patience = 10 * time.Minute
	oldAfter = 10*time.Minute + 30*time.Second
)

// calm are the facts of an account that nobody has to look at.
func calm() *alert.Facts {
	f := &alert.Facts{
		Account: "a-1", Provider: "acme", Now: start, Watched: time.Hour, Patience: patience,
		Limits: alert.Limits{BalanceLow: threshold("500"), DaysLow: 7 * day},
		Vendor: alert.Vendor{Known: true, Since: start.Add(-day), Detail: "the last call succeeded"},
		Runway: alert.Runway{Known: true, Ends: true, End: start.Add(100 * day)},
		Writes: alert.Writes{Known: true},
		Budget: alert.Budget{Known: true, Left: 100, Limit: 100},
	}
	f.Balance = alert.Figure[provider.Balance]{
		Readable: true, Regular: true, OldAfter: oldAfter, AsOf: start.Add(-time.Minute), Age: time.Minute,
		Value: &provider.Balance{Balance: money("1000.00", "RUB")},
	}
	f.Statistics = alert.Figure[provider.Statistics]{
		Readable: true, Regular: true, OldAfter: oldAfter, AsOf: start.Add(-time.Minute), Age: time.Minute, Value: &provider.Statistics{},
	}
	return f
}

func money(amount string, currency provider.Currency) provider.Money {
	return provider.Money{Amount: decimal.MustParse(amount), Currency: currency}
}

func threshold(text string) (t alert.Threshold) {
	if err := t.UnmarshalText([]byte(text)); err != nil {
		panic(err)
	}
	return t
}

// The changes that steps make.

type change = func(f *alert.Facts)

func balance(amount string) change {
	return func(f *alert.Facts) { f.Balance.Value = &provider.Balance{Balance: money(amount, "RUB")} }
}

// wallet has a balance in RUB that is in order, and a wallet.
func wallet(amount string, currency provider.Currency) change {
	return func(f *alert.Facts) {
		b := money("1000", "RUB")
		f.Balance.Value = &provider.Balance{Balance: b, Wallets: []provider.Wallet{{Balance: b}, {Name: new("sms"), Balance: money(amount, currency)}}}
	}
}

func billed(how provider.Billing) change {
	return func(f *alert.Facts) {
		b := *f.Balance.Value
		b.Billing = how
		f.Balance.Value = &b
	}
}

func low(text string) change { return func(f *alert.Facts) { f.Limits.BalanceLow = threshold(text) } }

func old(f *alert.Facts)         { f.Balance.Age = oldAfter + time.Second }
func fresh(f *alert.Facts)       { f.Balance.Age, f.Statistics.Age = 0, 0 }
func justBegun(f *alert.Facts)   { f.Watched = time.Second }
func neverRead(f *alert.Facts)   { f.Balance.Value = nil }
func unsupported(f *alert.Facts) { f.Balance = alert.Figure[provider.Balance]{} }

func ends(in time.Duration) change {
	return func(f *alert.Facts) { f.Runway = alert.Runway{Known: true, Ends: true, End: f.Now.Add(in)} }
}

func counters(of100 ...int64) change {
	return func(f *alert.Facts) {
		s := &provider.Statistics{Counters: []provider.Counter{{Name: "unlimited", Value: math.MaxInt64, Unlimited: true}, {Name: "free", Value: math.MaxInt64}}}
		for i, value := range of100 {
			s.Counters = append(s.Counters, provider.Counter{Name: string(rune('a' + i)), Value: value, Limit: new(int64(100))})
		}
		f.Statistics.Value = s
	}
}

// vendor is a call that ended so.
func vendor(trouble alert.Code) change {
	return func(f *alert.Facts) {
		if f.Vendor.Trouble != trouble || !f.Vendor.Known {
			f.Vendor.Since = f.Now
		}
		f.Vendor.Trouble, f.Vendor.Known, f.Vendor.Detail = trouble, true, "it says "+string(trouble)
	}
}

func ok(f *alert.Facts)     { vendor("")(f) }
func noCall(f *alert.Facts) { f.Vendor = alert.Vendor{Since: f.Now} }

// badReply is a reply that was not understood.
func badReply(format bool) change {
	return func(f *alert.Facts) {
		vendor(alert.ReplyNotUnderstood)(f)
		bad := &alert.BadReply{At: f.Now, Format: format, Detail: "no amount"}
		if last := f.Vendor.BadReply; last != nil {
			bad.Before = last.At
		}
		f.Vendor.BadReply = bad
	}
}

func unknownWrites(n int) change {
	return func(f *alert.Facts) { f.Writes = alert.Writes{Known: true, Count: n, Oldest: start} }
}
func writesNotKnown(f *alert.Facts) { f.Writes = alert.Writes{} }

func callsLeft(n int, lowFor time.Duration) change {
	return func(f *alert.Facts) { f.Budget.Left, f.Budget.LowFor, f.Budget.Known = n, lowFor, true }
}
func budgetNotKnown(f *alert.Facts) { f.Budget = alert.Budget{} }

// all makes several changes.
func all(changes ...change) change {
	return func(f *alert.Facts) {
		for _, c := range changes {
			c(f)
		}
	}
}

type step struct {
	after time.Duration // since the step before
	do    change
	want  alert.Severity
}

const (
	closed   = alert.Severity("")
	warning  = alert.Warning
	critical = alert.Critical
)

// TestEachCode has each code's ways from closed to open and back.
func TestEachCode(t *testing.T) {
	tests := []struct {
		name  string
		code  alert.Code
		steps []step
	}{
		{"below zero", alert.BalanceNegative, []step{
			{0, balance("0"), closed}, {0, balance("-0.01"), critical}, {0, balance("-500"), critical}, {0, balance("0.00"), closed},
		}},
		{"a wallet below zero", alert.BalanceNegative, []step{{0, wallet("-1", "USD"), critical}, {0, wallet("0", "USD"), closed}}},
		{"an old figure tells nothing", alert.BalanceNegative, []step{
			{0, all(balance("-1"), old), closed}, {0, fresh, critical}, {0, all(balance("1"), old), critical}, {0, neverRead, critical}, {0, all(balance("1"), fresh), closed},
		}},
		{"postpaid", alert.BalanceNegative, []step{{0, all(balance("-1"), billed(provider.Postpaid)), closed}, {0, billed(provider.Prepaid), critical}, {0, billed(provider.Postpaid), closed}}},
		{"a balance that the vendor does not have", alert.BalanceNegative, []step{{0, balance("-1"), critical}, {0, unsupported, closed}}},

		{"at the threshold, and 5 % above it", alert.BalanceLow, []step{
			{0, balance("500.01"), closed}, {0, balance("500.00"), warning}, {0, balance("525.00"), warning}, {0, balance("525.01"), closed}, {0, balance("500.01"), closed},
		}},
		{"with a currency", alert.BalanceLow, []step{{0, all(low("500 RUB"), balance("499")), warning}, {0, balance("600"), closed}}},
		{"without a threshold", alert.BalanceLow, []step{
			{0, all(balance("-1"), func(f *alert.Facts) { f.Limits.BalanceLow = alert.Threshold{} }), closed}, {0, low("500"), warning},
			{0, func(f *alert.Facts) { f.Limits.BalanceLow = alert.Threshold{} }, closed},
		}},
		{"zero", alert.BalanceLow, []step{{0, all(low("0"), balance("0.01")), closed}, {0, balance("0"), warning}, {0, balance("0.01"), closed}}},
		{"on credit", alert.BalanceLow, []step{
			{0, all(low("-1000"), balance("-999")), closed}, {0, balance("-1000"), warning}, {0, balance("-950"), warning}, {0, balance("-949.99"), closed},
		}},
		{"a wallet in the threshold's currency", alert.BalanceLow, []step{{0, all(low("50 USD"), wallet("51", "USD")), closed}, {0, wallet("50", "USD"), warning}, {0, wallet("52.51", "USD"), closed}}},
		{"a wallet that is left out tells nothing", alert.BalanceLow, []step{{0, all(low("50 USD"), wallet("1", "USD")), warning}, {0, wallet("9", "EUR"), warning}, {0, wallet("53", "USD"), closed}}},
		{"no money in the threshold's currency", alert.BalanceLow, []step{{0, all(low("50 EUR"), wallet("1", "USD")), closed}}},
		{"of more digits than fit five percent", alert.BalanceLow, []step{
			{0, all(low("9999999999999999.999"), balance("9999999999999999.998")), warning}, {0, balance("9999999999999999.999"), warning},
		}},
		{"an old figure tells nothing", alert.BalanceLow, []step{{0, all(balance("1"), old), closed}, {0, fresh, warning}, {0, all(balance("1000"), old), warning}, {0, fresh, closed}}},
		{"postpaid", alert.BalanceLow, []step{{0, all(balance("1"), billed(provider.Postpaid)), closed}}},

		{"days", alert.RunsOutSoon, []step{
			{0, ends(7 * day), closed}, {0, ends(7*day - 1), warning}, {0, ends(7*day + 16*time.Hour), warning}, {0, ends(7*day + 17*time.Hour), closed},
			{0, ends(7*day + time.Hour), closed},
		}},
		{"a day", alert.RunsOutSoon, []step{
			{0, ends(day), warning}, {0, ends(day - 1), critical}, {0, ends(30*time.Hour - 1), critical}, {0, ends(30 * time.Hour), warning}, {0, ends(0), critical}, {0, ends(9 * day), closed},
		}},
		{"as time goes by, whether it is read or not", alert.RunsOutSoon, []step{{0, ends(8 * day), closed}, {2 * day, old, warning}, {6 * day, old, critical}, {0, ends(2 * day), critical}, {0, ends(99 * day), critical}, {0, fresh, closed}}},
		{"just started, with an old figure", alert.RunsOutSoon, []step{{0, all(ends(day), old, justBegun), closed}, {0, fresh, warning}, {0, all(ends(9*day), old, justBegun), warning}}},
		{"no forecast", alert.RunsOutSoon, []step{
			{0, ends(2 * day), warning}, {0, func(f *alert.Facts) { f.Runway = alert.Runway{} }, warning}, {0, func(f *alert.Facts) { f.Runway.Known = true }, closed},
		}},
		{"switched off", alert.RunsOutSoon, []step{{0, ends(0), critical}, {0, func(f *alert.Facts) { f.Limits.DaysLow = 0 }, closed}}},
		{"postpaid", alert.RunsOutSoon, []step{{0, all(ends(0), billed(provider.Postpaid)), closed}}},
		{"half a day asked for", alert.RunsOutSoon, []step{{0, all(ends(day-1), func(f *alert.Facts) { f.Limits.DaysLow = day / 2 }), closed}, {0, ends(day/2 - 1), critical}}},

		{"nine tenths", alert.QuotaNearlyUsed, []step{
			{0, counters(89), closed}, {0, counters(90), warning}, {0, counters(85), warning}, {0, counters(84), closed}, {0, counters(89), closed},
		}},
		{"all of it", alert.QuotaNearlyUsed, []step{{0, counters(100), critical}, {0, counters(95), critical}, {0, counters(94), warning}, {0, counters(101), critical}, {0, counters(0), closed}}},
		{"the worst counts", alert.QuotaNearlyUsed, []step{{0, counters(10, 92), warning}, {0, counters(92, 100), critical}, {0, counters(92, 10), warning}, {0, counters(), closed}}},
		{"a limit of nothing", alert.QuotaNearlyUsed, []step{
			{0, func(f *alert.Facts) {
				f.Statistics.Value = &provider.Statistics{Counters: []provider.Counter{{Name: "none", Limit: new(int64(0))}}}
			}, closed},
			{0, func(f *alert.Facts) {
				f.Statistics.Value = &provider.Statistics{Counters: []provider.Counter{{Name: "none", Value: 1, Limit: new(int64(0))}}}
			}, critical},
		}},
		{"as many as fit", alert.QuotaNearlyUsed, []step{{0, func(f *alert.Facts) {
			f.Statistics.Value = &provider.Statistics{Counters: []provider.Counter{{Value: math.MaxInt64 - 1, Limit: new(int64(math.MaxInt64))}}}
		}, warning}, {0, func(f *alert.Facts) {
			f.Statistics.Value = &provider.Statistics{Counters: []provider.Counter{{Value: math.MaxInt64, Limit: new(int64(1))}}}
		}, critical}}},
		{"an old figure tells nothing", alert.QuotaNearlyUsed, []step{
			{0, counters(100), critical}, {0, all(counters(0), func(f *alert.Facts) { f.Statistics.Age = oldAfter + 1 }), critical}, {0, fresh, closed},
		}},

		{"a balance", alert.ReadingTooOld, []step{{0, func(f *alert.Facts) { f.Balance.Age = oldAfter }, closed}, {0, old, warning}, {0, fresh, closed}}},
		{"statistics", alert.ReadingTooOld, []step{{0, func(f *alert.Facts) { f.Statistics.Age = oldAfter + 1 }, warning}, {0, fresh, closed}}},
		{"never read", alert.ReadingTooOld, []step{{0, neverRead, warning}, {0, balance("1"), closed}}},
		{"just started", alert.ReadingTooOld, []step{
			{0, all(old, justBegun), closed}, {0, func(f *alert.Facts) { f.Watched = oldAfter + 1 }, warning}, {0, justBegun, warning}, {0, fresh, closed},
		}},
		{"nothing is read in the background", alert.ReadingTooOld, []step{{0, old, warning}, {0, func(f *alert.Facts) { f.Balance.Regular, f.Statistics.Regular = false, false }, closed}}},

		{"at once", alert.CredentialsRefused, []step{{0, vendor(alert.CredentialsRefused), critical}, {time.Minute, ok, closed}}},
		{"until the vendor takes them", alert.CredentialsRefused, []step{
			{0, vendor(alert.CredentialsRefused), critical}, {0, vendor(alert.VendorUnavailable), critical}, {0, vendor(alert.BudgetNearlyUsed), critical},
			{0, badReply(true), critical}, {0, noCall, critical}, {0, vendor(alert.AccessDenied), closed},
		}},
		{"at once", alert.AccessDenied, []step{{0, vendor(alert.AccessDenied), critical}, {0, noCall, critical}, {0, vendor(alert.CredentialsRefused), closed}}},

		{"not for one call", alert.VendorUnavailable, []step{
			{0, vendor(alert.VendorUnavailable), closed}, {patience - 1, vendor(alert.VendorUnavailable), closed}, {1, vendor(alert.VendorUnavailable), warning}, {time.Hour, noCall, warning}, {0, ok, closed},
		}},
		{"it answers, whatever", alert.VendorUnavailable, []step{{0, vendor(alert.VendorUnavailable), closed}, {patience, vendor(alert.VendorUnavailable), warning}, {0, vendor(alert.CredentialsRefused), closed}}},
		{"the clock was set back", alert.VendorUnavailable, []step{{0, vendor(alert.VendorUnavailable), closed}, {-day, func(*alert.Facts) {}, warning}}},
		{"on and off", alert.VendorUnavailable, []step{
			{0, vendor(alert.VendorUnavailable), closed}, {patience / 2, ok, closed}, {patience / 2, vendor(alert.VendorUnavailable), closed}, {patience / 2, vendor(alert.VendorUnavailable), closed},
		}},

		{"not for one", alert.ReplyNotUnderstood, []step{{0, badReply(true), closed}, {time.Minute, ok, closed}, {time.Hour, badReply(true), closed}}},
		{"two", alert.ReplyNotUnderstood, []step{
			{0, badReply(true), closed}, {5 * time.Minute, badReply(true), critical}, {5 * time.Minute, ok, critical}, {7*time.Minute + 29*time.Second, ok, critical}, {2 * time.Second, ok, closed},
			{0, ok, closed},
		}},
		{"two of one reading, while the other is in order", alert.ReplyNotUnderstood, []step{
			{0, badReply(true), closed}, {0, ok, closed}, {5 * time.Minute, badReply(true), critical}, {0, ok, critical}, {5 * time.Minute, badReply(true), critical}, {0, ok, critical},
		}},
		{"an error that is not known", alert.ReplyNotUnderstood, []step{{0, badReply(false), closed}, {5 * time.Minute, badReply(false), warning}, {5 * time.Minute, badReply(true), critical}}},
		{"one, and nothing since", alert.ReplyNotUnderstood, []step{{0, badReply(false), closed}, {patience, func(*alert.Facts) {}, warning}, {time.Hour, vendor(alert.VendorUnavailable), warning}, {0, ok, closed}}},
		{"the clock was set back", alert.ReplyNotUnderstood, []step{{0, badReply(true), closed}, {5 * time.Minute, badReply(true), critical}, {-day, ok, closed}}},

		{"one", alert.WriteOutcomeUnknown, []step{{0, unknownWrites(1), warning}, {0, unknownWrites(2), warning}, {0, writesNotKnown, warning}, {0, unknownWrites(0), closed}}},

		{"for five minutes", alert.BudgetNearlyUsed, []step{
			{0, callsLeft(9, 5*time.Minute-1), closed}, {0, callsLeft(9, 5*time.Minute), warning}, {0, callsLeft(19, 0), warning}, {0, budgetNotKnown, warning},
			{0, func(f *alert.Facts) { f.Budget.Limit = 100 }, warning}, {0, callsLeft(20, 0), closed}, {0, callsLeft(10, 0), closed},
		}},
		{"no limit", alert.BudgetNearlyUsed, []step{{0, func(f *alert.Facts) { f.Budget = alert.Budget{Known: true, Left: math.MaxInt, Limit: math.MaxInt} }, closed}}},
		{"the vendor's own limit", alert.BudgetNearlyUsed, []step{
			{0, all(vendor(alert.BudgetNearlyUsed), callsLeft(0, time.Hour)), closed}, {15 * time.Minute, func(*alert.Facts) {}, warning}, {0, all(ok, callsLeft(100, 0)), closed},
		}},
	}
	seen := map[alert.Code]bool{}
	for _, tt := range tests {
		seen[tt.code] = true
		t.Run(string(tt.code)+"/"+tt.name, func(t *testing.T) {
			f := calm()
			var open []alert.Alert
			var since time.Time
			for i, s := range tt.steps {
				f.Now = f.Now.Add(s.after)
				s.do(f)
				before := severityOf(open, tt.code)
				changes := alert.Evaluate(f, open, nil)
				open = applied(open, changes)
				got := severityOf(open, tt.code)
				if got != s.want {
					t.Fatalf("step %d: %q, want %q", i+1, got, s.want)
				}
				checkKind(t, changes, tt.code, before, got)
				k := slices.IndexFunc(open, func(a alert.Alert) bool { return a.Code == tt.code })
				switch {
				case k < 0:
				case before == closed:
					since = f.Now
					fallthrough
				default:
					if a := open[k]; !a.Since.Equal(since) || a.Detail == "" || a.Remedy == "" || a.Account != f.Account || a.Provider != f.Provider {
						t.Errorf("step %d: %+v, open since %s", i+1, a, since)
					}
				}
				if again := alert.Evaluate(f, open, nil); len(again) > 0 {
					t.Errorf("step %d: the same facts change it again: %+v", i+1, again)
				}
			}
		})
	}
	if len(seen) != 11 {
		t.Errorf("there are 11 codes, the table has %d", len(seen))
	}
}

func severityOf(open []alert.Alert, code alert.Code) alert.Severity {
	for _, a := range open {
		if a.Code == code {
			return a.Severity
		}
	}
	return closed
}

func applied(open []alert.Alert, changes []alert.Change) []alert.Alert {
	for _, c := range changes {
		open = slices.DeleteFunc(slices.Clone(open), func(a alert.Alert) bool { return a.Code == c.Alert.Code })
		if c.Kind != alert.Closed {
			open = append(open, c.Alert)
		}
	}
	return open
}

// checkKind wants the one event that a change of severity makes.
func checkKind(t *testing.T, changes []alert.Change, code alert.Code, before, now alert.Severity) {
	t.Helper()
	want := alert.Kind("")
	switch {
	case before == now:
	case before == closed:
		want = alert.Opened
	case now == closed:
		want = alert.Closed
	default:
		want = alert.Changed
	}
	got := alert.Kind("")
	for _, c := range changes {
		if c.Alert.Code == code {
			got = c.Kind
		}
	}
	if got != want {
		t.Errorf("from %q to %q: event %q, want %q", before, now, got, want)
	}
}
