package store_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"accountgateway/internal/store"
	"accountgateway/internal/testneed"
)

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
