package account

import (
	"context"
	"fmt"
	"time"

	"accountgateway/internal/durable"
	"accountgateway/internal/provider"
	"accountgateway/internal/store"
)

// Point is a balance at a time.
type Point struct {
	AsOf    time.Time
	Balance provider.Balance
}

// History gives what EachPoint calls each with, and has its errors.
func (s *Service) History(ctx context.Context, name string, from, till time.Time, step time.Duration) ([]Point, error) {
	var points []Point
	err := s.EachPoint(ctx, name, from, till, step, func(p Point) error {
		points = append(points, p)
		return nil
	})
	return points, err
}

// EachPoint calls each with an account's past balances between two times, both
// included, by time: the last of each currency in each step, or all of them for
// step 0. each must be quick: a connection of the store waits for it. The errors
// are each's own, *NotFoundError, *store.TooManyPointsError and
// *durable.UnavailableError; after one, what each has got is worth nothing.
func (s *Service) EachPoint(ctx context.Context, name string, from, till time.Time, step time.Duration, each func(Point) error) error {
	if _, err := s.find(name); err != nil {
		return err
	}
	var fault error // of the points, not of the store
	err := s.durable.Query(ctx, func(ctx context.Context, st *store.Store) error {
		err := st.EachBalance(ctx, name, from, till, step, func(row store.BalancePoint) error {
			balance, err := pointBalance(row)
			if err != nil {
				fault = fmt.Errorf("balance history of %s at %s: %w", name, row.AsOf, err)
			} else {
				fault = each(Point{AsOf: row.AsOf, Balance: balance})
			}
			return fault
		})
		if fault != nil {
			err = nil // no fault of the store's
		}
		return err
	})
	if fault != nil {
		return fault
	}
	if err != nil {
		return durable.Unavailable(ctx, err)
	}
	return nil
}

// Trends gives the last balances of accounts, of each currency, in each of n
// steps of time that end at till, in the order of currency and time. Accounts
// without any are missing. Its error is *durable.UnavailableError.
func (s *Service) Trends(ctx context.Context, accounts []string, till time.Time, step time.Duration, n int) (map[string][]Point, error) {
	trends := make(map[string][]Point, len(accounts))
	var fault error // of the points, not of the store
	err := s.durable.Query(ctx, func(ctx context.Context, st *store.Store) error {
		return st.Trends(ctx, accounts, till, step, n, func(row store.BalancePoint) error {
			balance, err := pointBalance(row)
			if err != nil && fault == nil {
				fault = fmt.Errorf("balance history of %s at %s: %w", row.Account, row.AsOf, err)
			}
			trends[row.Account] = append(trends[row.Account], Point{AsOf: row.AsOf, Balance: balance})
			return nil
		})
	})
	if err != nil {
		return nil, durable.Unavailable(ctx, err)
	}
	return trends, fault
}

func balancePoint(name string, asOf time.Time, b *provider.Balance) store.BalancePoint {
	text := func(m *provider.Money) string {
		if m == nil {
			return ""
		}
		return m.Amount.String()
	}
	return store.BalancePoint{
		Account: name, Currency: string(b.Balance.Currency), AsOf: asOf,
		Balance: text(&b.Balance), Blocked: text(b.Blocked), Credit: text(b.Credit), Bonus: text(b.Bonus),
	}
}

func pointBalance(row store.BalancePoint) (provider.Balance, error) {
	var fault error
	money := func(text string) *provider.Money {
		if text == "" {
			return nil
		}
		amount, err := provider.ParseAmount(text)
		if err != nil {
			fault = err
		}
		return &provider.Money{Amount: amount, Currency: provider.Currency(row.Currency)}
	}
	balance := money(row.Balance)
	if balance == nil {
		return provider.Balance{}, fmt.Errorf("no balance")
	}
	b := provider.Balance{Balance: *balance, Blocked: money(row.Blocked), Credit: money(row.Credit), Bonus: money(row.Bonus)}
	return b, fault
}
