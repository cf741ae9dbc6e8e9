package alert_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"accountgateway/internal/alert"
	"accountgateway/internal/provider"
)

// TestWords has what alerts say.
func TestWords(t *testing.T) {
	at := start.Format(time.RFC3339)
	tests := []struct {
		code                     alert.Code
		do                       change
		detail, value, threshold string
	}{
		{alert.BalanceNegative, balance("-4.75"), "the balance is -4.75 RUB", "-4.75 RUB", "0 RUB"},
		{alert.BalanceNegative, wallet("-1", "USD"), "the balance is -1 USD (sms)", "-1 USD", "0 USD"},
		{alert.BalanceNegative, func(f *alert.Facts) {
			b := money("-2", "RUB")
			f.Balance.Value = &provider.Balance{Balance: b, Wallets: []provider.Wallet{{Name: new("sms"), Balance: money("-1", "USD")}, {Balance: b}}}
		}, "negative balances: -1 USD (sms), -2 RUB", "-2 RUB", "0 RUB"},
		{alert.BalanceNegative, func(f *alert.Facts) {
			b := money("-2", "RUB")
			f.Balance.Value = &provider.Balance{Balance: b, Wallets: []provider.Wallet{{Name: new("a\x1b]0;x\x07\n\r\x00\tb\u202ec"), Balance: b}}}
		}, "the balance is -2 RUB (a ]0;x b c)", "-2 RUB", "0 RUB"},
		{alert.BalanceLow, balance("310.20"), "the balance is 310.20 RUB; its threshold is 500 RUB", "310.20 RUB", "500 RUB"},
		{alert.BalanceLow, all(low("5 USD"), wallet("1", "USD")), "the balance is 1 USD (sms); its threshold is 5 USD", "1 USD", "5 USD"},
		{alert.RunsOutSoon, ends(3*day + time.Hour), "at the rate of the last 14 days, balance and credit last until 2026-02-03", "3 days", "7 days"},
		{alert.RunsOutSoon, ends(90 * time.Minute), "at the rate of the last 14 days, balance and credit last until 2026-01-31", "1 hour", "7 days"},
		{alert.RunsOutSoon, ends(-1), "at the rate of the last 14 days, balance and credit are used up", "0 days", "7 days"},
		{alert.QuotaNearlyUsed, counters(91, 10, 104), "c: 104 of 100; a: 91 of 100", "104 %", "100 %"},
		{alert.QuotaNearlyUsed, counters(91), "a: 91 of 100", "91 %", "90 %"},
		{alert.ReadingTooOld, all(old, func(f *alert.Facts) { f.Balance.AsOf = start; f.Statistics.Value = nil }), "last read: balance " + at + ", statistics never", at, "10 min"},
		{alert.ReadingTooOld, all(old, vendor(alert.CredentialsRefused), func(f *alert.Facts) { f.Balance.AsOf, f.Vendor.LastSuccess = start, &start }),
			"last read: balance " + at + "; because: credentials refused, no success since " + at, at, "10 min"},
		{alert.ReadingTooOld, all(neverRead, vendor(alert.VendorUnavailable)), "last read: balance never; because: vendor unavailable, never a success", "never", "10 min"},
		{alert.ReadingTooOld, all(neverRead, vendor(alert.BudgetNearlyUsed)), "last read: balance never; because: the vendor's limit of calls is reached, never a success", "never", "10 min"},
		{alert.CredentialsRefused, vendor(alert.CredentialsRefused), "it says credentials_refused", "", ""},
		{alert.ReplyNotUnderstood, all(badReply(true), badReply(true), ok), "no amount", "", ""},
		{alert.WriteOutcomeUnknown, unknownWrites(1), "the outcome of one write is unknown; it was asked for at " + at, "1", ""},
		{alert.WriteOutcomeUnknown, unknownWrites(2), "the outcome of 2 writes is unknown; the oldest was asked for at " + at, "2", ""},
		{alert.BudgetNearlyUsed, callsLeft(3, time.Hour), "for 5 min, less than a tenth was left of the 100 calls that the budget allows", "", "10 %"},
	}
	for _, tt := range tests {
		f := calm()
		tt.do(f)
		open := applied(nil, alert.Evaluate(f, nil, nil))
		i := slices.IndexFunc(open, func(a alert.Alert) bool { return a.Code == tt.code })
		if i < 0 {
			t.Errorf("%s is not open", tt.code)
			continue
		}
		text := func(s *string) string {
			if s == nil {
				return ""
			}
			return *s
		}
		got := []string{open[i].Detail, text(open[i].Value), text(open[i].Threshold)}
		if diff := cmp.Diff([]string{tt.detail, tt.value, tt.threshold}, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.code, diff)
		}
	}
}

// An open alert has the figures of now, and no event of their change.
func TestFiguresFollow(t *testing.T) {
	f := calm()
	balance("400")(f)
	open := applied(nil, alert.Evaluate(f, nil, nil))
	balance("300")(f)
	changes := alert.Evaluate(f, open, nil)
	if len(changes) != 1 || changes[0].Kind != "" || *changes[0].Alert.Value != "300 RUB" {
		t.Errorf("got %+v", changes)
	}
	balance("900")(f)
	changes = alert.Evaluate(f, open, nil)
	if len(changes) != 1 || changes[0].Kind != alert.Closed || *changes[0].Alert.Value != "900 RUB" || changes[0].Alert.Severity != alert.Warning {
		t.Errorf("closed with %+v", changes)
	}
}

// An open alert never names a threshold that is not set any more, not even one
// that nothing can be measured by.
func TestThresholdInAnotherCurrency(t *testing.T) {
	f := calm()
	balance("400")(f)
	open := applied(nil, alert.Evaluate(f, nil, nil))
	low("500 USD")(f)
	for _, amount := range []string{"400", "100000"} {
		balance(amount)(f)
		open = applied(open, alert.Evaluate(f, open, nil))
		if len(open) != 1 || open[0].Detail != "the account has no balance in USD, the currency of its threshold of 500 USD" ||
			open[0].Value != nil || open[0].Threshold == nil || *open[0].Threshold != "500 USD" {
			t.Errorf("with %s RUB: %+v", amount, open)
		}
	}
	low("500")(f)
	if changes := alert.Evaluate(f, open, nil); len(changes) != 1 || changes[0].Kind != alert.Closed {
		t.Errorf("got %+v", changes)
	}
}

// An alert of a reading that is too old tells what is so now, also right after a
// restart.
func TestTooOldAfterRestart(t *testing.T) {
	f := calm()
	old(f)
	open := applied(nil, alert.Evaluate(f, nil, nil))
	all(justBegun, vendor(alert.CredentialsRefused))(f)
	changes := alert.Evaluate(f, open, nil)
	if i := slices.IndexFunc(changes, func(c alert.Change) bool { return c.Alert.Code == alert.ReadingTooOld }); i < 0 || !strings.Contains(changes[i].Alert.Detail, "credentials refused") {
		t.Errorf("got %+v", changes)
	}
	neverRead(f)
	changes = alert.Evaluate(f, applied(open, changes), nil)
	if len(changes) != 0 {
		t.Errorf("with nothing at hand: %+v", changes)
	}
}

// An alert about money that closes because nobody can or need watch it says why.
func TestWhyClosed(t *testing.T) {
	const (
		gone     = "the vendor does not tell the balance any more"
		postpaid = "what is spent is invoiced later: the account is postpaid"
		off      = "there is no threshold any more"
	)
	noLow := func(f *alert.Facts) { f.Limits.BalanceLow = alert.Threshold{} }
	noDays := func(f *alert.Facts) { f.Limits.DaysLow = 0 }
	for _, tt := range []struct {
		code alert.Code
		do   change
		want string
	}{
		{alert.BalanceNegative, unsupported, gone}, {alert.BalanceLow, unsupported, gone}, {alert.RunsOutSoon, unsupported, gone},
		{alert.BalanceNegative, billed(provider.Postpaid), postpaid}, {alert.BalanceLow, billed(provider.Postpaid), postpaid}, {alert.RunsOutSoon, billed(provider.Postpaid), postpaid},
		{alert.BalanceLow, noLow, off}, {alert.RunsOutSoon, noDays, off},
	} {
		f := calm()
		all(balance("-4.75"), ends(day))(f)
		open := applied(nil, alert.Evaluate(f, nil, nil))
		tt.do(f)
		changes := alert.Evaluate(f, open, nil)
		i := slices.IndexFunc(changes, func(c alert.Change) bool { return c.Kind == alert.Closed && c.Alert.Code == tt.code })
		if i < 0 {
			t.Errorf("%s did not close: %+v", tt.code, changes)
			continue
		}
		if a := changes[i].Alert; a.Detail != tt.want || a.Value != nil || a.Threshold != nil {
			t.Errorf("%s: closed with %+v, want %q", tt.code, a, tt.want)
		}
	}
}

func TestUnwatched(t *testing.T) {
	for _, tt := range []struct {
		do   change
		want bool
	}{
		{low("500"), false}, {low("500 RUB"), false}, {low("500 USD"), true}, {all(low("500 USD"), wallet("1", "USD")), false},
		{all(low("500 USD"), billed(provider.Postpaid)), false},
	} {
		f := calm()
		tt.do(f)
		if got := f.Limits.Unwatched(f.Balance.Value); got != tt.want {
			t.Errorf("%+v: %v", f.Limits.BalanceLow, got)
		}
	}
}

func TestThreshold(t *testing.T) {
	for _, text := range []string{"", " ", "RUB", "500 RUR", "500RUB", "5e2", "500,00", "1 2 3", "+5", "500 rub"} {
		var got alert.Threshold
		if err := got.UnmarshalText([]byte(text)); err == nil || got.Set {
			t.Errorf("%q is taken for %+v", text, got)
		}
	}
	if got := threshold(" -12.50  USD "); !got.Set || got.Amount.String() != "-12.50" || got.Currency != "USD" {
		t.Errorf("got %+v", got)
	}
}

func TestOrder(t *testing.T) {
	list := []alert.Alert{
		{Account: "b", Code: "x", Severity: warning, Since: start}, {Account: "a", Code: "y", Severity: warning, Since: start}, {Account: "a", Code: "x", Severity: warning, Since: start},
		{Account: "c", Severity: warning, Since: start.Add(-1)}, {Account: "d", Severity: critical, Since: start.Add(1)},
	}
	slices.SortFunc(list, alert.Compare)
	var got []string
	for _, a := range list {
		got = append(got, a.Account+string(a.Code))
	}
	if want := "d c ax ay bx"; strings.Join(got, " ") != want {
		t.Errorf("in the order %v, want %s", got, want)
	}
}

// Nothing is allocated for an account that nobody has to look at.
func TestCalmAllocatesNothing(t *testing.T) {
	f := calm()
	counters(1, 50)(f)
	var changes []alert.Change
	if n := testing.AllocsPerRun(100, func() { changes = alert.Evaluate(f, nil, changes[:0]) }); n > 0 || len(changes) > 0 {
		t.Errorf("%v allocations, changes %+v", n, changes)
	}
}
