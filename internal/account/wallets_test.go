package account_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/govalues/decimal"

	"accountgateway/internal/account"
	"accountgateway/internal/provider"
	"accountgateway/internal/provider/providertest"
	"accountgateway/internal/store"
)

func moneyOf(amount string, c provider.Currency) provider.Money {
	return provider.Money{Amount: decimal.MustParse(amount), Currency: c}
}

// potted is a vendor that keeps several pots, and counts credits that are no money.
func potted() *providertest.Fake {
	named := func(name, amount string, c provider.Currency) provider.Wallet {
		return provider.Wallet{Name: &name, Balance: moneyOf(amount, c)}
	}
	return &providertest.Fake{
		Balance: func(context.Context, provider.BalanceQuery) (provider.Readings, error) {
			return provider.Readings{Balance: &provider.Balance{
				Balance: moneyOf("81.69", "CNY"), Billing: provider.Prepaid,
				Wallets: []provider.Wallet{
					{Balance: moneyOf("81.69", "CNY")}, {Balance: moneyOf("12.50", "USD")},
					named("vpc", "0.1", "USD"), named("vpc", "0.2", "USD"), named("vpc", "-7", "CNY"), // one name twice
				},
			}}, nil
		},
		Statistics: func(context.Context, provider.StatisticsQuery) (provider.Readings, error) {
			return provider.Readings{Statistics: &provider.Statistics{
				Counters: []provider.Counter{}, Services: []provider.Service{},
				Amounts: []provider.Amount{
					{Name: "costs", Scope: provider.ScopePeriod, Money: moneyOf("3.10", "USD")},
					{Name: "left", Scope: provider.ScopeNow, Money: provider.Money{Amount: decimal.MustParse("999.5360000000001")}, Unit: "mail_credits"},
				},
			}}, nil
		},
	}
}

// What a replica reads of pots, billing and credits is the same for those that read it from the store.
func TestWalletsAreKept(t *testing.T) {
	onEngines(t, func(t *testing.T, url string) {
		one := newReplica(t, potted(), url)
		balance, err := one.balance(t.Context(), account.Bound{})
		if err != nil {
			t.Fatal(err)
		}
		statistics, err := one.Statistics(t.Context(), "a", provider.StatisticsQuery{}, account.Bound{})
		if err != nil {
			t.Fatal(err)
		}
		until(t, "both are in the store", func() bool {
			rows, err := one.store.ReadingsAfter(t.Context(), 0, 10)
			return err == nil && len(rows) == 2
		})
		two := newReplica(t, &providertest.Fake{}, url)
		kept, err := two.balance(t.Context(), account.Bound{OnlyIfCached: true})
		if err != nil {
			t.Fatal(err)
		}
		same := cmp.Comparer(func(a, b decimal.Decimal) bool { return a == b }) // in scale too
		if diff := cmp.Diff(balance.Value, kept.Value, same); diff != "" {
			t.Errorf("balance (-read +kept): %s", diff)
		}
		keptStatistics, err := two.Statistics(t.Context(), "a", provider.StatisticsQuery{}, account.Bound{OnlyIfCached: true})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(statistics.Value, keptStatistics.Value, same); diff != "" {
			t.Errorf("statistics (-read +kept): %s", diff)
		}
		if info, err := two.Info("a"); err != nil || info.Billing != provider.Prepaid {
			t.Errorf("billing %q, %v", info.Billing, err)
		}
	})
}

// Rows from before there were pots and credits are read as what they were.
func TestRowsWithoutWallets(t *testing.T) {
	onEngines(t, func(t *testing.T, url string) {
		st, err := store.Open(t.Context(), url, store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer st.Close()
		row := func(op provider.Operation, body string) store.Reading {
			return store.Reading{Key: store.ReadingKey{Account: "a", Operation: string(op)}, AsOf: time.Now(), Body: []byte(body)}
		}
		if err := st.SaveReadings(t.Context(), []store.Reading{
			row(provider.OpBalance, `{"balance":{"amount":"-4.75","currency":"USD"},"blocked":null,"credit":null,"bonus":null}`),
			row(provider.OpStatistics, `{"period":null,"counters":[],"amounts":[{"name":"costs","scope":"period","money":{"amount":"1.10","currency":"RUB"}}],"plan":null,"services":[]}`),
		}); err != nil {
			t.Fatal(err)
		}
		r := newReplica(t, &providertest.Fake{}, url)
		balance, err := r.balance(t.Context(), account.Bound{OnlyIfCached: true})
		if err != nil || balance.Value.Balance != moneyOf("-4.75", "USD") || balance.Value.Wallets != nil || balance.Value.Billing != "" {
			t.Errorf("got %+v, %v", balance.Value, err)
		}
		statistics, err := r.Statistics(t.Context(), "a", provider.StatisticsQuery{}, account.Bound{OnlyIfCached: true})
		if err != nil || len(statistics.Value.Amounts) != 1 || statistics.Value.Amounts[0].Money != moneyOf("1.10", "RUB") || statistics.Value.Amounts[0].Unit != "" {
			t.Errorf("got %+v, %v", statistics.Value, err)
		}
	})
}

// Each pot is one series, whatever the vendor names it, and credits are among no money.
func TestWalletMetrics(t *testing.T) {
	r := newReplica(t, potted(), "")
	if _, err := r.balance(t.Context(), account.Bound{}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Statistics(t.Context(), "a", provider.StatisticsQuery{}, account.Bound{}); err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for family := range r.Families() {
		if name := family.GetName(); !slices.Contains([]string{"account_balance", "account_wallet_balance", "account_billing_info", "account_amount"}, name) {
			continue
		}
		for _, m := range family.GetMetric() {
			labels := ""
			for _, l := range m.GetLabel() {
				labels += " " + l.GetName() + "=" + l.GetValue()
			}
			got[family.GetName()+labels] = m.GetGauge().GetValue()
		}
	}
	want := map[string]float64{
		"account_balance account=a currency=CNY provider=fake":                   81.69,
		"account_wallet_balance account=a currency=CNY provider=fake wallet=":    81.69,
		"account_wallet_balance account=a currency=USD provider=fake wallet=":    12.5,
		"account_wallet_balance account=a currency=USD provider=fake wallet=vpc": 0.3,
		"account_wallet_balance account=a currency=CNY provider=fake wallet=vpc": -7,
		"account_billing_info account=a billing=prepaid provider=fake":           1,

		"account_amount account=a amount=costs currency=USD provider=fake unit=":         3.1,
		"account_amount account=a amount=left currency= provider=fake unit=mail_credits": 999.5360000000001,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got): %s", diff)
	}
}

// What is spent by an account that pays later does not end: there is no runway to warn of.
func TestForecastPostpaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(400 * day)
		url := sqliteURL(t)
		seed(t, url, series(10*day, 6*time.Hour, "80", "-2.5"))
		fake := &providertest.Fake{Balance: func(context.Context, provider.BalanceQuery) (provider.Readings, error) {
			return provider.Readings{Balance: &provider.Balance{Balance: moneyOf("-20.00", "USD"), Billing: provider.Postpaid}}, nil
		}}
		f, err := newReplica(t, fake, url).Forecast(t.Context(), "a", account.Bound{})
		if err != nil {
			t.Fatal(err)
		}
		got := f.Currencies[0]
		if got.Status != account.ForecastPostpaid || got.Left != nil || got.BurnPerDay == nil || *got.BurnPerDay != moneyOf("10.00", "USD") {
			t.Errorf("got %+v", got)
		}
	})
}
