package page_test

import (
	"strings"
	"testing"
	"time"

	"accountgateway/internal/account"
	"accountgateway/internal/provider"
)

func named(name, amount, currency string) provider.Wallet {
	return provider.Wallet{Name: &name, Balance: *money(amount, currency)}
}

// TestPots: every pot is shown and counts in the totals, once, in the order of names.
func TestPots(t *testing.T) {
	f := newFixture(t, func(f *fixture) {
		f.balance("deepseek", time.Minute, provider.Balance{
			Balance: *money("81.69", "CNY"), Billing: provider.Prepaid,
			Wallets: []provider.Wallet{{Balance: *money("12.5", "USD")}, {Balance: *money("81.69", "CNY")}},
		})
		f.balance("selectel", time.Minute, provider.Balance{
			Balance: *money("100.10", "RUB"),
			Wallets: []provider.Wallet{named("vpc", "-0.20", "RUB"), named("<b>", "100.10", "RUB"), named("cdn", "9007199254740993.01", "RUB")},
		})
		f.balance("regru", time.Minute, provider.Balance{Balance: *money("1", "RUB")})
		f.save("deepseek", "statistics", time.Minute, provider.Statistics{Amounts: []provider.Amount{
			{Name: "costs", Scope: provider.ScopePeriod, Money: *money("1", "USD")},
			{Name: "left", Scope: provider.ScopeNow, Money: *money("1234.50", ""), Unit: "sms_credits"},
		}})
	}, "deepseek", "regru", "selectel")
	wants(t, text(f.get("/").Body.String()),
		"Total 81.69 CNY 9,007,199,254,741,093.91 RUB 12.5 USD", "81.69 CNY and 1 more pot", "100.10 RUB and 2 more pots")
	wants(t, text(f.get("/ui/deepseek").Body.String()), "All pots In CNY 81.69 CNY In USD 12.5 USD", "Prepaid: the service stops", "Left 1,234.50 sms credits now")
	wants(t, text(f.get("/ui/selectel").Body.String()), "cdn 9,007,199,254,740,993.01 RUB vpc −0.20 RUB")
	for _, path := range []string{"/", "/ui/regru"} {
		if page := text(f.get(path).Body.String()); strings.Contains(page, "All pots") || path != "/" && strings.Contains(page, "paid:") {
			t.Errorf("%s has pots, or billing: %s", path, page)
		}
	}
}

// TestPostpaid: debt and a fast end are no alarm where what is spent is invoiced later, not even when the figure is so old
// that it is shown from the history.
func TestPostpaid(t *testing.T) {
	for _, test := range []struct {
		billing provider.Billing
		age     time.Duration
		want    string
	}{
		{provider.Postpaid, time.Minute, "Nothing to do"},
		{provider.Prepaid, time.Minute, "selzy Balance negative: −4.75 USD"},
		{"", time.Minute, "selzy Balance negative: −4.75 USD"},
		{provider.Postpaid, 30 * time.Hour, "selzy Balance too old"},
		{provider.Prepaid, 30 * time.Hour, "selzy Balance too old Balance negative: −4.75 USD"},
	} {
		f := newFixture(t, func(f *fixture) {
			f.balance("selzy", test.age, provider.Balance{Balance: *money("-4.75", "USD"), Billing: test.billing})
			f.history("selzy", test.age, "-4.75", "USD")
			f.state("selzy", account.StateOK, time.Hour, "the last call succeeded")
			f.burning("selzy", "USD", 14, -475, 70, 0)
		}, "selzy")
		if got := attention(t, f.get("/").Body.String()); got != test.want {
			t.Errorf("%q, %s: %q, want %q", test.billing, test.age, got, test.want)
		}
		if page := text(f.get("/ui/selzy").Body.String()); test.billing == provider.Postpaid && test.age < time.Hour {
			wants(t, page, "billed later", "What is spent is invoiced later", "Postpaid:")
		}
	}
}
