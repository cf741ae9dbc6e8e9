package account_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"accountgateway/internal/account"
	"accountgateway/internal/config"
	"accountgateway/internal/provider"
)

func names(n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf("a%02d", i)
	}
	return all
}

// Background readings are spread evenly over the interval, and of all replicas
// one reads an account.
func TestBackgroundReadingsAreSpread(t *testing.T) {
	for _, replicas := range []int{1, 2, 3} {
		t.Run(fmt.Sprint(replicas, " replicas"), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const interval, accounts = 30 * time.Second, 10
				vendor := &wireServer{}
				o := gatewayOptions{url: sqliteURL(t), accounts: names(accounts), interval: interval, oneCall: true}
				for range replicas {
					newGateway(t, vendor, o).run(t)
					time.Sleep(700 * time.Millisecond)
				}
				time.Sleep(interval) // the first round is faster
				first := vendor.count()
				time.Sleep(4 * interval)
				vendor.mu.Lock()
				defer vendor.mu.Unlock()
				at := vendor.arrivals[first:]
				if len(at) < 4*accounts-1 || len(at) > 4*accounts+1 {
					t.Errorf("%d calls in four rounds of %d accounts", len(at), accounts)
				}
				for i := 1; i < len(at); i++ {
					if gap := at[i].Sub(at[i-1]); replicas == 1 && (gap < 2900*time.Millisecond || gap > 3100*time.Millisecond) || gap > 4*time.Second {
						t.Errorf("gap of %s between calls %d and %d, want about 3 s", gap, i-1, i)
					}
				}
			})
		})
	}
}

// When the replica that reads in the background dies, another takes over.
func TestBackgroundReadingsAreTakenOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const interval = 20 * time.Second
		vendor := &wireServer{}
		o := gatewayOptions{url: sqliteURL(t), interval: interval, oneCall: true}
		one := newGateway(t, vendor, o)
		stop := one.run(t)
		newGateway(t, vendor, o).run(t)
		time.Sleep(3 * interval)
		// As if killed: nothing is given back.
		if err := one.store.Close(); err != nil {
			t.Fatal(err)
		}
		stop()
		before := vendor.count()
		time.Sleep(5 * interval)
		if n := vendor.count() - before; n < 3 || n > 5 {
			t.Errorf("%d background readings in five intervals", n)
		}
	})
}

// Callers' readings spare background ones.
func TestCallersSpareBackgroundReadings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const interval = 30 * time.Second
		vendor := &wireServer{}
		g := newGateway(t, vendor, gatewayOptions{url: sqliteURL(t), interval: interval, oneCall: true})
		g.run(t)
		time.Sleep(interval - 6*time.Second)
		g.must(t, account.Bound{NoCache: true})
		before := vendor.count()
		time.Sleep(interval)
		if n := vendor.count() - before; n != 0 {
			t.Errorf("%d background readings shortly after a caller's", n)
		}
	})
}

// A scrape calls no vendor, and every replica shows the same account figures
// and times, those that it did not read itself too.
func TestReplicasExportTheSame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		vendor := &wireServer{}
		o := gatewayOptions{url: sqliteURL(t), accounts: names(4), interval: 20 * time.Second, rate: config.Rate{Calls: 1000, Per: time.Hour}}
		one, two := newGateway(t, vendor, o), newGateway(t, vendor, o)
		one.run(t)
		time.Sleep(3 * time.Second)
		two.run(t)
		time.Sleep(107 * time.Second)
		if _, err := two.Balance(t.Context(), "a01", provider.BalanceQuery{}, account.Bound{NoCache: true}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(1500 * time.Millisecond) // the exchange happens every second
		before := vendor.count()
		first, second := figures(one), figures(two)
		if diff := cmp.Diff(first, second); diff != "" {
			t.Errorf("the replicas differ:\n%s", diff)
		}
		if vendor.count() != before {
			t.Error("a scrape called the vendor")
		}
		for _, want := range []string{"account_balance", "account_counter", "account_up", "account_state", "account_last_success_timestamp_seconds", "gateway_provider_budget_remaining"} {
			if !slices.ContainsFunc(first, func(line string) bool { return strings.HasPrefix(line, want) }) {
				t.Errorf("no %s", want)
			}
		}
	})
}

// figures are the samples about accounts, one a line.
func figures(g *gateway) []string {
	var lines []string
	for family := range g.Families() {
		for _, metric := range family.GetMetric() {
			lines = append(lines, family.GetName()+" "+strings.Join(strings.Fields(metric.String()), " "))
		}
	}
	return lines
}

// A reading that gets too old keeps its figure and its time.
func TestOldFiguresKeepTheirTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGateway(t, &wireServer{}, gatewayOptions{})
		g.must(t, account.Bound{})
		before := figures(g)
		time.Sleep(1000 * time.Hour)
		if diff := cmp.Diff(before, figures(g)); diff != "" {
			t.Errorf("they changed by themselves:\n%s", diff)
		}
	})
}

// Whatever is asked for first, one call answers balance, statistics and users
// where the vendor's one answer holds them all.
func TestOneCallForAllReadings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		vendor := &wireServer{latency: func() time.Duration { return time.Second }}
		g := newGateway(t, vendor, gatewayOptions{oneCall: true, url: sqliteURL(t)})
		askAll(t, t.Context(), g, 50)
		if n := vendor.count(); n != 1 {
			t.Errorf("%d vendor calls, want 1", n)
		}
		time.Sleep(30 * time.Second)
		askAll(t, t.Context(), g, 1)
		if n := vendor.count(); n != 1 {
			t.Errorf("%d vendor calls while all is fresh, want 1", n)
		}
		time.Sleep(time.Minute)
		askAll(t, t.Context(), g, 50)
		if n := vendor.count(); n != 2 {
			t.Errorf("%d vendor calls, want 2", n)
		}
	})
}

// askAll asks for the three readings, so many times each, at once.
func askAll(t *testing.T, ctx context.Context, g *gateway, times int) {
	t.Helper()
	var wg sync.WaitGroup
	ask := func(name string, read func() (bool, error)) {
		wg.Go(func() {
			if stale, err := read(); err != nil || stale {
				t.Errorf("%s: stale %v, %v", name, stale, err)
			}
		})
	}
	for range times {
		ask("balance", func() (bool, error) {
			r, err := g.balance(ctx, account.Bound{})
			return r.Stale, err
		})
		ask("statistics", func() (bool, error) {
			r, err := g.Statistics(ctx, "a", provider.StatisticsQuery{}, account.Bound{})
			return r.Stale, err
		})
		ask("users", func() (bool, error) {
			r, err := g.Users(ctx, "a", provider.UserQuery{}, account.Bound{})
			return r.Stale, err
		})
	}
	wg.Wait()
}
