package store_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"accountgateway/internal/store"
)

// Thinning leaves what a history with that step shows, and all that is younger.
func TestThinHistory(t *testing.T) {
	onEngines(t, func(t *testing.T, url string) {
		s := open(t, url, newClock())
		ctx := t.Context()
		const span = 3 * 24 * time.Hour
		var points []store.BalancePoint
		for at := time.Duration(0); at < span; at += 5 * time.Minute {
			if at >= 30*time.Hour && at < 40*time.Hour {
				continue // nothing was read
			}
			for _, account := range []string{"regru", "selzy"} {
				points = append(points, store.BalancePoint{Account: account, Currency: "RUB", AsOf: epoch.Add(at + 7*time.Second), Balance: strconv.Itoa(len(points))})
			}
		}
		must(t, s.AppendBalances(ctx, points))
		show := func(account string, from time.Duration, step time.Duration) []store.BalancePoint {
			t.Helper()
			found, err := history(ctx, s, account, epoch.Add(from), epoch.Add(span), step)
			must(t, err)
			return found
		}
		thin := func(step, before time.Duration) (rounds int) {
			t.Helper()
			for more := true; more; rounds++ {
				var err error
				more, err = s.ThinHistory(ctx, step, epoch.Add(before))
				must(t, err)
			}
			return rounds
		}
		const whole = 48*time.Hour + 20*time.Minute
		hours, young, days := show("selzy", 0, time.Hour), show("selzy", 48*time.Hour, 0), show("selzy", 0, 24*time.Hour)
		thin(time.Hour, whole)
		if diff := cmp.Diff(hours, show("selzy", 0, time.Hour)); diff != "" {
			t.Errorf("the hours changed (-before +after): %s", diff)
		}
		if diff := cmp.Diff(young, show("selzy", 48*time.Hour, 0)); diff != "" {
			t.Errorf("young points changed (-before +after): %s", diff)
		}
		if got, want := len(show("selzy", 0, 0)), 48-10+len(young); got != want {
			t.Errorf("%d points are left, want %d", got, want)
		}
		if rounds := thin(time.Hour, whole); rounds != 1 {
			t.Errorf("what is done is looked at again: %d rounds", rounds)
		}
		thin(24*time.Hour, 24*time.Hour)
		thin(time.Hour, 49*time.Hour)
		if got, want := len(show("regru", 0, 0)), 1+(48-24-10)+1+len(young)-12; got != want {
			t.Errorf("%d points are left once a day has one, want %d", got, want)
		}
		if diff := cmp.Diff(days, show("selzy", 0, 24*time.Hour)); diff != "" {
			t.Errorf("the days changed (-before +after): %s", diff)
		}
	})
}
