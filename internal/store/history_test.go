package store_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"accountgateway/internal/store"
)

// history is all points that EachBalance gives.
func history(ctx context.Context, s *store.Store, account string, from, till time.Time, step time.Duration) (points []store.BalancePoint, err error) {
	err = s.EachBalance(ctx, account, from, till, step, func(p store.BalancePoint) error {
		points = append(points, p)
		return nil
	})
	return points, err
}

func TestBalanceHistory(t *testing.T) {
	point := func(currency string, at time.Duration, balance string) store.BalancePoint {
		return store.BalancePoint{Account: "regru", Currency: currency, AsOf: epoch.Add(at), Balance: balance}
	}
	full := store.BalancePoint{
		Account: "regru", Currency: "RUB", AsOf: epoch.Add(30 * time.Minute),
		Balance: "12345678901234567.89", Blocked: "0.10", Credit: "0", Bonus: "-1.5",
	}
	// Out of order, one of them twice, and one of another account.
	all := []store.BalancePoint{
		point("RUB", 2*time.Hour, "4"),
		point("RUB", 0, "1"),
		full,
		point("RUB", time.Hour-time.Microsecond, "2"),
		point("RUB", time.Hour, "3"),
		point("USD", 10*time.Minute, "10"),
		point("USD", 2*time.Hour, "11"),
		full,
		{Account: "selzy", Currency: "RUB", AsOf: epoch, Balance: "99"},
	}
	for _, test := range []struct {
		name       string
		from, till time.Duration
		step       time.Duration
		want       []store.BalancePoint
	}{
		{
			name: "every point", till: 3 * time.Hour,
			want: []store.BalancePoint{all[1], all[5], full, all[3], all[4], all[0], all[6]},
		},
		{
			name: "both ends belong to it", from: 30 * time.Minute, till: time.Hour,
			want: []store.BalancePoint{full, all[3], all[4]},
		},
		{
			name: "the last of each hour and currency", till: 3 * time.Hour, step: time.Hour,
			want: []store.BalancePoint{all[5], all[3], all[4], all[0], all[6]},
		},
		{
			name: "the last within the span, not of the whole step", till: 40 * time.Minute, step: 24 * time.Hour,
			want: []store.BalancePoint{all[5], full},
		},
		{
			name: "a step shorter than a microsecond is every point", till: 0, step: 1,
			want: []store.BalancePoint{all[1]},
		},
		{name: "a span without points", from: time.Minute, till: 2 * time.Minute},
		{name: "a span that ends before it begins", from: time.Hour, till: 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			onEngines(t, func(t *testing.T, url string) {
				s := open(t, url, newClock())
				for _, p := range all {
					must(t, s.AppendBalance(t.Context(), p))
				}
				got, err := history(t.Context(), s, "regru", epoch.Add(test.from), epoch.Add(test.till), test.step)
				must(t, err)
				if diff := cmp.Diff(test.want, got); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
}

func TestAppendBalances(t *testing.T) {
	onEngines(t, func(t *testing.T, url string) {
		s := open(t, url, newClock())
		point := func(minutes int, balance string) store.BalancePoint {
			return store.BalancePoint{Account: "a", Currency: "RUB", AsOf: epoch.Add(time.Duration(minutes) * time.Minute), Balance: balance, Credit: "5"}
		}
		must(t, s.AppendBalance(t.Context(), point(1, "1")))
		must(t, s.AppendBalances(t.Context(), []store.BalancePoint{point(2, "3"), point(1, "2"), point(0, "0")}))
		must(t, s.AppendBalances(t.Context(), nil))
		got, err := history(t.Context(), s, "a", epoch, epoch.Add(time.Hour), 0)
		must(t, err)
		if diff := cmp.Diff([]store.BalancePoint{point(0, "0"), point(1, "1"), point(2, "3")}, got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestAppendBalanceKeepsTheFirst(t *testing.T) {
	onEngines(t, func(t *testing.T, url string) {
		s := open(t, url, newClock())
		first := store.BalancePoint{Account: "a", Currency: "RUB", AsOf: epoch, Balance: "1"}
		second := first
		second.Balance = "2"
		must(t, s.AppendBalance(t.Context(), first))
		must(t, s.AppendBalance(t.Context(), second))
		got, err := history(t.Context(), s, "a", epoch, epoch, 0)
		must(t, err)
		if diff := cmp.Diff([]store.BalancePoint{first}, got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestBalanceHistoryIsBounded(t *testing.T) {
	onEngines(t, func(t *testing.T, url string) {
		s := open(t, url, newClock())
		must(t, s.Exec(t.Context(), `
			INSERT INTO balance_history (account, currency, as_of, balance, blocked, credit, bonus)
			WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < $1)
			SELECT 'a', 'RUB', i, '1', '', '', '' FROM n`, store.MaxHistoryPoints))
		start := time.UnixMicro(0)
		points, err := history(t.Context(), s, "a", start.Add(time.Microsecond), epoch, 0)
		must(t, err)
		if len(points) != store.MaxHistoryPoints {
			t.Errorf("%d points, want %d", len(points), store.MaxHistoryPoints)
		}
		_, err = history(t.Context(), s, "a", start, epoch, 0)
		if tooMany := (*store.TooManyPointsError)(nil); !errors.As(err, &tooMany) {
			t.Errorf("one point more: error %v, want a TooManyPointsError", err)
		}
		if _, err = history(t.Context(), s, "a", start, epoch, time.Millisecond); err != nil {
			t.Errorf("with a step: %v", err)
		}
	})
}

func TestPruneHistory(t *testing.T) {
	onEngines(t, func(t *testing.T, url string) {
		s := open(t, url, newClock())
		for i := range 5 {
			must(t, s.AppendBalance(t.Context(), store.BalancePoint{Account: "a", Currency: "RUB", AsOf: epoch.Add(time.Duration(i) * time.Hour)}))
		}
		n, err := s.PruneHistory(t.Context(), epoch.Add(2*time.Hour))
		must(t, err)
		left, err := history(t.Context(), s, "a", epoch, epoch.Add(10*time.Hour), 0)
		must(t, err)
		if n != 2 || len(left) != 3 || !left[0].AsOf.Equal(epoch.Add(2*time.Hour)) {
			t.Errorf("pruned %d, left %v", n, left)
		}
	})
}
