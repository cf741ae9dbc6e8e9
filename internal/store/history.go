package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// BalancePoint is a balance at a time. Amounts are decimals as text; the empty
// text means that the vendor did not say.
type BalancePoint struct {
	Account  string
	Currency string
	AsOf     time.Time // to the microsecond, UTC
	Balance  string
	Blocked  string
	Credit   string
	Bonus    string
}

// MaxHistoryPoints is the most points that EachBalance gives.
const MaxHistoryPoints = 10_000

// TooManyPointsError says that a history has more points than may be returned:
// ask for a shorter span or a longer step.
type TooManyPointsError struct{ Max int }

func (e *TooManyPointsError) Error() string {
	return fmt.Sprintf("more than %d points: request a shorter range or a longer step", e.Max)
}

// AppendBalance keeps a point. Another one of the same account, currency and
// time changes nothing.
func (s *Store) AppendBalance(ctx context.Context, p BalancePoint) error {
	if _, err := s.exec(ctx, appendBalance, p.values()...); err != nil {
		return fmt.Errorf("append to the balance history: %w", err)
	}
	return nil
}

// AppendBalances is AppendBalance for many points: all of them are kept, or none.
func (s *Store) AppendBalances(ctx context.Context, points []BalancePoint) error {
	ctx, cancel := s.write.begin(ctx)
	defer cancel()
	err := inTx(ctx, s.write, func(tx *sql.Tx) error {
		insert, err := tx.PrepareContext(ctx, appendBalance)
		if err != nil {
			return err
		}
		defer func() { _ = insert.Close() }() // the transaction's end tells what went wrong
		for _, p := range points {
			if _, err := insert.ExecContext(ctx, p.values()...); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("append to the balance history: %w", err)
	}
	return nil
}

const appendBalance = `
	INSERT INTO balance_history (account, currency, as_of, balance, blocked, credit, bonus)
	VALUES ($1, $2, $3, $4, $5, $6, $7)
	ON CONFLICT (account, currency, as_of) DO NOTHING`

func (p BalancePoint) values() []any {
	return []any{p.Account, p.Currency, micros(p.AsOf), p.Balance, p.Blocked, p.Credit, p.Bonus}
}

// EachBalance calls each with the account's points with from <= AsOf <= till,
// in the order of time, then currency. With a step that is the last point of
// each currency in each step; steps are counted from 1970, so that the same
// step always begins at the same time. Step 0 is every point. It fails with a
// *TooManyPointsError rather than leave points out, and with each's error.
func (s *Store) EachBalance(ctx context.Context, account string, from, till time.Time, step time.Duration, each func(BalancePoint) error) error {
	ctx, cancel := s.history.begin(ctx)
	defer cancel()
	// No two points of a currency share a microsecond, so steps that short
	// hold every point.
	width := max(step.Microseconds(), 1)
	rows, err := s.history.QueryContext(ctx, `
		SELECT currency, as_of, balance, blocked, credit, bonus FROM balance_history
		WHERE account = $1 AND (currency, as_of) IN (
			SELECT currency, max(as_of) FROM balance_history
			WHERE account = $1 AND as_of BETWEEN $2 AND $3
			GROUP BY currency, as_of / $4)
		ORDER BY as_of, currency LIMIT $5`,
		account, microsUp(from), micros(till), width, MaxHistoryPoints+1)
	if err != nil {
		return fmt.Errorf("read the balance history: %w", err)
	}
	defer rows.Close()
	for n := 0; rows.Next(); n++ {
		if n == MaxHistoryPoints {
			return &TooManyPointsError{Max: MaxHistoryPoints}
		}
		p := BalancePoint{Account: account}
		var asOf int64
		if err := rows.Scan(&p.Currency, &asOf, &p.Balance, &p.Blocked, &p.Credit, &p.Bonus); err != nil {
			return fmt.Errorf("read the balance history: %w", err)
		}
		p.AsOf = fromMicros(asOf)
		if err := each(p); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("read the balance history: %w", err)
	}
	return nil
}

// PruneRows is how many rows PruneHistory and PruneReadings delete at most, so
// that nobody waits long behind them.
const PruneRows = 1000

// PruneHistory deletes points of before that time and returns how many they
// were. There may be more if they were PruneRows.
func (s *Store) PruneHistory(ctx context.Context, before time.Time) (int64, error) {
	n, err := s.exec(ctx, `
		DELETE FROM balance_history WHERE (account, currency, as_of) IN (
			SELECT account, currency, as_of FROM balance_history WHERE as_of < $1 LIMIT $2)`, micros(before), PruneRows)
	if err != nil {
		return 0, fmt.Errorf("prune the balance history: %w", err)
	}
	return n, nil
}
