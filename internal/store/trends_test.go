package store_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"accountgateway/internal/store"
	"accountgateway/internal/testneed"
)

// TestTrends: the last of each day, that ends at the hour that was asked for, of
// each currency.
func TestTrends(t *testing.T) {
	onEngines(t, func(t *testing.T, url string) {
		s := open(t, url, newClock())
		point := func(account, currency string, hours int, balance string) store.BalancePoint {
			p := store.BalancePoint{Account: account, Currency: currency, AsOf: epoch.Add(time.Duration(hours) * time.Hour), Balance: balance}
			must(t, s.AppendBalance(t.Context(), p))
			return p
		}
		point("a", "RUB", -73, "0") // before the first step
		oldest := point("a", "RUB", -71, "1")
		point("a", "RUB", -20, "2")
		last := point("a", "RUB", 0, "-3.5")
		point("a", "RUB", 1, "4") // after the last step
		dollars := point("a", "USD", -24, "5")
		other := point("b", "EUR", -1, "6")
		point("c", "EUR", -1, "7") // not asked for
		var got []store.BalancePoint
		read := func(accounts ...string) {
			got = nil
			must(t, s.Trends(t.Context(), accounts, epoch, 24*time.Hour, 3, func(p store.BalancePoint) error {
				got = append(got, p)
				return nil
			}))
		}
		read("b", "a", "none")
		if diff := cmp.Diff([]store.BalancePoint{oldest, last, dollars, other}, got); diff != "" {
			t.Error(diff)
		}
		if read("none"); got != nil {
			t.Errorf("of an account without a history: %v", got)
		}
		if read(); got != nil {
			t.Errorf("of no account: %v", got)
		}
		stop := errors.New("stop")
		if err := s.Trends(t.Context(), []string{"a"}, epoch, time.Hour, 1, func(store.BalancePoint) error { return stop }); !errors.Is(err, stop) {
			t.Errorf("got %v", err)
		}
	})
}

// BenchmarkTrends reads those of a page of accounts that were read every five
// minutes for a month.
func BenchmarkTrends(b *testing.B) {
	const accounts, days = 100, 30
	for name, newURL := range map[string]func(testing.TB) string{"sqlite": sqliteURL, "postgres": testneed.Postgres} {
		b.Run(name, func(b *testing.B) {
			s := open(b, newURL(b), newClock())
			names := make([]string, accounts)
			for i := range names {
				names[i] = fmt.Sprintf("account-%d", i)
				points := make([]store.BalancePoint, 0, days*288)
				for at := time.Duration(0); at < days*24*time.Hour; at += 5 * time.Minute {
					points = append(points, store.BalancePoint{Account: names[i], Currency: "USD", AsOf: epoch.Add(-at), Balance: "310.20"})
				}
				for some := range slices.Chunk(points, 500) {
					must(b, s.AppendBalances(b.Context(), some))
				}
			}
			for b.Loop() {
				n := 0
				must(b, s.Trends(b.Context(), names, epoch, 24*time.Hour, days, func(store.BalancePoint) error { n++; return nil }))
				if n != accounts*days {
					b.Fatal(n)
				}
			}
		})
	}
}
