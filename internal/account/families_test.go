package account_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/rs/zerolog"
	"google.golang.org/protobuf/proto"

	"accountgateway/internal/account"
	"accountgateway/internal/config"
	"accountgateway/internal/provider"
	"accountgateway/internal/provider/providertest"
)

// scraped are the metrics of the accounts, as testutil takes them.
func scraped(s *account.Service) prometheus.Gatherer {
	return prometheus.GathererFunc(func() (families []*dto.MetricFamily, err error) {
		for f := range s.Families() {
			families = append(families, proto.CloneOf(f))
		}
		return families, nil
	})
}

// The accounts' metrics are as a registry would have them: families by name, no
// series twice, labels in order and in UTF-8.
func TestFamiliesAreAsOfARegistry(t *testing.T) {
	const n = 300
	strange, alike, fake := "a\xffb", "a\xfeb", &providertest.Fake{} // in UTF-8 they are the same
	fake.Balance = func(context.Context, provider.BalanceQuery) (provider.Readings, error) {
		money := moneyOf("1.50", "USD")
		return provider.Readings{Balance: &provider.Balance{
			Balance: money, Blocked: &money, Credit: &money, Billing: provider.Prepaid,
			Wallets: []provider.Wallet{{Name: &strange, Balance: money}, {Name: &alike, Balance: money}, {Balance: money}, {Balance: money}, {Balance: moneyOf("2", "EUR")}},
		}}, nil
	}
	d := newDurable()
	var accounts []account.Account
	for i := range n {
		name := fmt.Sprintf("a%03d", i)
		budget := account.NewBudget(name, config.Rate{Calls: 10, Per: time.Hour}, 0, d, nil)
		accounts = append(accounts, account.Account{Name: name, Provider: "fake", Adapter: fake, Budget: budget})
	}
	s := account.New(accounts, d, account.Options{
		TTL:         map[provider.Operation]time.Duration{provider.OpBalance: time.Hour, provider.OpStatistics: time.Hour},
		LoadTimeout: time.Minute, Registry: prometheus.NewRegistry(), Log: zerolog.Nop(),
	})
	for _, a := range accounts {
		if _, err := s.Balance(t.Context(), a.Name, provider.BalanceQuery{}, account.Bound{}); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Statistics(t.Context(), a.Name, provider.StatisticsQuery{}, account.Bound{}); err != nil {
			t.Fatal(err)
		}
	}
	families, _ := scraped(s).Gather()
	if !slices.IsSortedFunc(families, func(a, b *dto.MetricFamily) int { return strings.Compare(a.GetName(), b.GetName()) }) {
		t.Error("the families are not in the order of their names")
	}
	checked, err := prometheus.Gatherers{scraped(s)}.Gather() // which checks what a registry does
	if err != nil {
		t.Error(err)
	}
	series := map[string]int{}
	sums := map[string]float64{}
	for _, f := range checked {
		series[f.GetName()] = len(f.GetMetric())
		for _, m := range f.GetMetric() {
			sums[f.GetName()] += m.GetGauge().GetValue()
		}
	}
	for name, want := range map[string]struct {
		series int
		sum    float64
	}{
		"account_state": {7 * n, n}, "account_up": {n, n}, "account_balance": {n, 1.5 * n}, "account_wallet_balance": {3 * n, 8 * n},
		"gateway_provider_budget_limit": {n, 10 * n}, "account_billing_info": {n, n},
	} {
		if series[name] != want.series || sums[name] != want.sum {
			t.Errorf("%s: %d series, their sum %g, want %d and %g", name, series[name], sums[name], want.series, want.sum)
		}
	}
	for range s.Families() {
		break // who has enough gets no more
	}
}
