package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/govalues/decimal"
)

// BalanceStep is the last balance of a currency in a step of time, and how the
// balances up to it follow on the last one of the step before.
type BalanceStep struct {
	Currency string
	AsOf     time.Time // to the microsecond, UTC
	Balance  decimal.Decimal
	Gap      time.Duration // the longest time between two of them in a row; 0 if there is none before
	Rose     bool          // one of them was higher than the one before
}

// BalanceSteps returns the steps of an account's history from <= AsOf <= till,
// in the order of time, made of every point between. Steps are counted as those
// of EachBalance. At most MaxHistoryPoints come, else a *TooManyPointsError.
func (s *Store) BalanceSteps(ctx context.Context, account string, from, till time.Time, step time.Duration) ([]BalanceStep, error) {
	ctx, cancel := s.history.begin(ctx)
	defer cancel()
	// In the order of the primary key: window functions take far longer.
	rows, err := s.history.QueryContext(ctx, `
		SELECT currency, as_of, balance FROM balance_history
		WHERE account = $1 AND as_of BETWEEN $2 AND $3 ORDER BY currency, as_of`, account, microsUp(from), micros(till))
	if err != nil {
		return nil, fmt.Errorf("read the steps of the balance history: %w", err)
	}
	defer rows.Close()
	width := max(step.Microseconds(), 1)
	var steps []BalanceStep
	var lastAsOf int64
	var lastText string
	for rows.Next() {
		var next BalanceStep
		var asOf int64
		var text string
		if err := rows.Scan(&next.Currency, &asOf, &text); err != nil {
			return nil, fmt.Errorf("read the steps of the balance history: %w", err)
		}
		next.AsOf = fromMicros(asOf)
		follows := len(steps) > 0 && steps[len(steps)-1].Currency == next.Currency
		if follows && text == lastText {
			next.Balance = steps[len(steps)-1].Balance
		} else if next.Balance, err = decimal.Parse(text); err != nil {
			return nil, fmt.Errorf("balance history of %s at %s: %w", account, next.AsOf, err)
		}
		if follows {
			before := steps[len(steps)-1]
			next.Gap, next.Rose = next.AsOf.Sub(before.AsOf), next.Balance.Cmp(before.Balance) > 0
			if lastAsOf/width == asOf/width { // the same step goes on
				next.Gap, next.Rose = max(next.Gap, before.Gap), next.Rose || before.Rose
				steps = steps[:len(steps)-1]
			}
		}
		if len(steps) == MaxHistoryPoints {
			return nil, &TooManyPointsError{Max: MaxHistoryPoints}
		}
		steps, lastAsOf, lastText = append(steps, next), asOf, text
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read the steps of the balance history: %w", err)
	}
	slices.SortStableFunc(steps, func(a, b BalanceStep) int { return a.AsOf.Compare(b.AsOf) })
	return steps, nil
}
