package account_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"accountgateway/internal/account"
	"accountgateway/internal/config"
	"accountgateway/internal/provider"
)

func everyAccount(string) bool { return true }

// Accounts at one host share the limit of the gateway's address, over two
// replicas and with the store away now and then: by the vendor's own count no
// minute holds more calls than it allows, for an account or for the address.
func TestHostBudgetOfTwoReplicas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		url := sqliteURL(t)
		vendor := &wireServer{latency: func() time.Duration { return time.Duration(rand.IntN(4000)) * time.Millisecond }}
		o := gatewayOptions{
			url: url, accounts: []string{"a", "b", "c"}, rate: config.Rate{Calls: 12, Per: time.Minute}, ipRate: twentyAMinute,
		}
		replicas := []*gateway{newGateway(t, vendor, o), newGateway(t, vendor, o)}
		var wg sync.WaitGroup
		end := time.Now().Add(5 * time.Minute)
		for _, g := range replicas {
			g.run(t)
			for _, name := range o.accounts {
				wg.Go(func() {
					for time.Now().Before(end) {
						_, _ = g.Balance(t.Context(), name, provider.BalanceQuery{}, account.Bound{NoCache: true})
						time.Sleep(time.Duration(1000+rand.IntN(2000)) * time.Millisecond)
					}
				})
			}
		}
		breakage := newBreakage(t, url)
		time.Sleep(80 * time.Second)
		breakage.begin(t)
		time.Sleep(75 * time.Second)
		breakage.end(t)
		wg.Wait()
		if n := vendor.most(time.Minute); n > 20 {
			t.Errorf("the vendor counted %d calls from the address in a minute", n)
		}
		for _, name := range o.accounts {
			if n := vendor.mostOf(name, time.Minute); n > 12 {
				t.Errorf("the vendor counted %d calls of %s in a minute", n, name)
			}
		}
		if n := vendor.count(); n < 40 {
			t.Errorf("only %d calls in five minutes", n)
		}
	})
}

// What the vendor says of the address holds back all accounts at the host, in
// every replica; what it says of an account, only that one. Without a limit of
// our own too.
func TestVendorsLimitOfTheAddress(t *testing.T) {
	for _, ipRate := range []config.Rate{{Calls: 100, Per: time.Minute}, {}} {
		for said, others := range map[string]bool{"of the address": false, "of the account": true} {
			t.Run(fmt.Sprint(ipRate, " ", said), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					limited := true
					vendor := &wireServer{answer: func(n int) (int, string, http.Header) {
						if limited {
							limited = false
							return http.StatusTooManyRequests, said, nil
						}
						return wireOK(n)
					}}
					o := gatewayOptions{url: sqliteURL(t), accounts: []string{"a", "b"}, rate: config.Rate{Calls: 50, Per: time.Minute}, ipRate: ipRate}
					replicas := []*gateway{newGateway(t, vendor, o), newGateway(t, vendor, o)}
					if _, err := replicas[0].balance(t.Context(), account.Bound{}); provider.KindOf(err) != provider.KindRateLimited {
						t.Fatal(err)
					}
					for i, g := range replicas {
						refused(t, g)
						_, err := g.Balance(t.Context(), "b", provider.BalanceQuery{}, account.Bound{NoCache: true})
						var e *provider.Error
						switch {
						case others && err != nil:
							t.Errorf("replica %d, the other account: %v", i, err)
						case !others && (!errors.As(err, &e) || e.Kind != provider.KindRateLimited || !e.NotSent || e.RetryAfter < 50*time.Second || !strings.Contains(e.Message, "address")):
							t.Errorf("replica %d, the other account: %v", i, err)
						}
					}
					time.Sleep(time.Minute)
					for _, g := range replicas {
						g.must(t, account.Bound{NoCache: true})
						synctest.Wait()
					}
				})
			})
		}
	}
}

// A caller that has all accounts asked now gets as many calls as the address
// may make; the rest are told to wait, and by what.
func TestFleetKeepsToTheHostBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := gatewayOptions{url: sqliteURL(t), rate: config.Rate{Calls: 50, Per: time.Hour}, ipRate: config.Rate{Calls: 10, Per: time.Hour}}
		for i := range 30 {
			o.accounts = append(o.accounts, fmt.Sprint("shop", i))
		}
		vendor := &wireServer{}
		g := newGateway(t, vendor, o)
		for range 3 {
			for _, item := range g.Balances(t.Context(), everyAccount, account.Bound{NoCache: true}) {
				var e *provider.Error
				if item.Err != nil && (!errors.As(item.Err, &e) || e.Kind != provider.KindRateLimited || e.RetryAfter < 50*time.Minute || !strings.Contains(e.Message, "address")) {
					t.Errorf("%s: %v", item.Account, item.Err)
				}
			}
			time.Sleep(time.Minute)
		}
		if n := vendor.count(); n != 10 {
			t.Errorf("%d vendor calls, want 10", n)
		}
		g.Load(t.Context())
		want := `
			# HELP gateway_provider_budget_limit Calls that the account's vendor may get in one window of that budget; +Inf: no limit.
			# TYPE gateway_provider_budget_limit gauge
		` + budgetSeries("gateway_provider_budget_limit", o.accounts, 10) + `
			# HELP gateway_provider_budget_remaining Calls that the account's vendor may still get now, as last heard, by the account's budget or its host's; +Inf: no limit.
			# TYPE gateway_provider_budget_remaining gauge
		` + budgetSeries("gateway_provider_budget_remaining", o.accounts, 0)
		if err := testutil.GatherAndCompare(scraped(g.Service), strings.NewReader(want), "gateway_provider_budget_limit", "gateway_provider_budget_remaining"); err != nil {
			t.Error(err)
		}
	})
}

func budgetSeries(name string, accounts []string, value int) string {
	var b strings.Builder
	for _, a := range accounts {
		fmt.Fprintf(&b, "%s{account=%q,provider=\"wire\"} %d\n", name, a, value)
	}
	return b.String()
}
