package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// ThinHistory leaves, of the points of before that time, only the last of each
// account and currency in each step; steps are counted from 1970, as EachBalance
// counts them. It deletes PruneRows points at most, and tells whether there is
// more to do. What it has done once it does not look at again.
func (s *Store) ThinHistory(ctx context.Context, step time.Duration, before time.Time) (more bool, err error) {
	width := step.Microseconds()
	ctx, cancel := s.write.begin(ctx)
	defer cancel()
	err = inTx(ctx, s.write, func(tx *sql.Tx) error {
		// Another replica that does the same waits here.
		var from int64
		err := tx.QueryRowContext(ctx, `
			INSERT INTO history_thinned (step, till) VALUES ($1, 0)
			ON CONFLICT (step) DO UPDATE SET till = history_thinned.till RETURNING till`, width).Scan(&from)
		if err != nil {
			return err
		}
		// The first step with a point.
		var first int64
		switch err := tx.QueryRowContext(ctx, `SELECT as_of FROM balance_history WHERE as_of >= $1 ORDER BY as_of LIMIT 1`, from).Scan(&first); {
		case errors.Is(err, sql.ErrNoRows):
			return nil
		case err != nil:
			return err
		}
		from = first / width * width
		if from+width > micros(before) {
			return nil
		}
		result, err := tx.ExecContext(ctx, `
			DELETE FROM balance_history WHERE (account, currency, as_of) IN (
				SELECT p.account, p.currency, p.as_of FROM balance_history p
				WHERE p.as_of >= $1 AND p.as_of < $2 AND EXISTS (
					SELECT 1 FROM balance_history later
					WHERE later.account = p.account AND later.currency = p.currency AND later.as_of > p.as_of AND later.as_of < $2)
				LIMIT $3)`, from, from+width, PruneRows)
		if err != nil {
			return err
		}
		n, err := result.RowsAffected()
		if err != nil {
			return err
		}
		more = true
		if n == PruneRows {
			return nil
		}
		_, err = tx.ExecContext(ctx, `UPDATE history_thinned SET till = $2 WHERE step = $1`, width, from+width)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("thin the balance history: %w", err)
	}
	return more, nil
}
