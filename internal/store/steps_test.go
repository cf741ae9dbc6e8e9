package store_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"accountgateway/internal/store"
)

func TestBalanceSteps(t *testing.T) {
	onEngines(t, func(t *testing.T, url string) {
		s := open(t, url, newClock())
		add := func(account, currency string, at time.Duration, balance string) {
			t.Helper()
			if err := s.AppendBalance(t.Context(), store.BalancePoint{Account: account, Currency: currency, AsOf: epoch.Add(at), Balance: balance}); err != nil {
				t.Fatal(err)
			}
		}
		add("a", "RUB", -time.Minute, "9") // before the span
		add("a", "RUB", 0, "100.00")
		add("a", "RUB", 10*time.Minute, "90")
		add("a", "RUB", 30*time.Minute, "95.5") // rose, though the hour fell
		add("a", "RUB", 55*time.Minute, "80")
		add("a", "USD", 20*time.Minute, "1")
		add("b", "RUB", 56*time.Minute, "7")
		add("a", "RUB", 90*time.Minute, "9.50")
		add("a", "RUB", 100*time.Minute, "-9.5")
		add("a", "RUB", 5*time.Hour, "-9.50")
		want := []struct {
			Currency, Balance string
			At, Gap           time.Duration
			Rose              bool
		}{
			{"USD", "1", 20 * time.Minute, 0, false},
			{"RUB", "80", 55 * time.Minute, 25 * time.Minute, true},
			{"RUB", "-9.5", 100 * time.Minute, 35 * time.Minute, false},
			{"RUB", "-9.50", 5 * time.Hour, 200 * time.Minute, false},
		}
		got := want[:0:0]
		steps, err := s.BalanceSteps(t.Context(), "a", epoch, epoch.Add(5*time.Hour), time.Hour)
		for _, p := range steps {
			got = append(got, struct {
				Currency, Balance string
				At, Gap           time.Duration
				Rose              bool
			}{p.Currency, p.Balance.String(), p.AsOf.Sub(epoch), p.Gap, p.Rose})
		}
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%v\n%s", err, diff)
		}
	})
}
