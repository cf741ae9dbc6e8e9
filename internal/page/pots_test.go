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
		"CNY 1 account 81.69 RUB 2 accounts 9,007,199,254,741,093.91 USD 1 account 12.50", "81.69 CNY and 1 more pot", "100.10 RUB and 2 more pots")
	wants(t, text(f.get("/ui/deepseek").Body.String()), "All pots In CNY 81.69 CNY In USD 12.5 USD", "Prepaid: the service stops", "Left 1,234.50 sms credits now")
	wants(t, text(f.get("/ui/selectel").Body.String()), "cdn 9,007,199,254,740,993.01 RUB vpc −0.20 RUB")
	for _, path := range []string{"/", "/ui/regru"} {
		if page := text(f.get(path).Body.String()); strings.Contains(page, "All pots") || path != "/" && strings.Contains(page, "paid:") {
			t.Errorf("%s has pots, or billing: %s", path, page)
		}
	}
}

// TestPostpaid: what is spent is invoiced later, so nothing ends.
func TestPostpaid(t *testing.T) {
	f := newFixture(t, func(f *fixture) {
		f.balance("selzy", time.Minute, provider.Balance{Balance: *money("-4.75", "USD"), Billing: provider.Postpaid})
		f.state("selzy", account.StateOK, time.Hour, "the last call succeeded")
		f.burning("selzy", "USD", 14, -475, 70, 0)
		f.runway("selzy", account.ForecastPostpaid, 0)
	}, "selzy")
	wants(t, text(f.get("/").Body.String()), "−4.75 USD billed later")
	wants(t, text(f.get("/ui/selzy").Body.String()), "billed later", "What is spent is invoiced later", "Postpaid:")
}
