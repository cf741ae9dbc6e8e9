package store

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"time"

	"github.com/pressly/goose/v3"
)

// Exec runs any SQL on the write pool.
func (s *Store) Exec(ctx context.Context, query string, args ...any) error {
	_, err := s.write.ExecContext(ctx, query, args...)
	return err
}

// Pools are a Store's connections by name.
func (s *Store) Pools() map[string]*sql.DB {
	return map[string]*sql.DB{"write": s.write.DB, "durable": s.durable.DB, "read": s.read.DB, "history": s.history.DB, "control": s.control.DB}
}

// SetWritePatience makes the write pool less patient.
func (s *Store) SetWritePatience(d time.Duration) { s.write.patience = d }

// ErrStuck is of calls that gave up together with the one before them.
var ErrStuck = errStuck

// Reading is the reading under key as it is kept; false if there is none.
func (s *Store) Reading(ctx context.Context, key ReadingKey) (Reading, bool, error) {
	r, err := scanReading(s.read.QueryRowContext(ctx, `
		SELECT account, operation, query, as_of, seq, body FROM readings
		WHERE account = $1 AND operation = $2 AND query = $3`,
		key.Account, key.Operation, key.Query))
	if errors.Is(err, sql.ErrNoRows) {
		return Reading{}, false, nil
	}
	return r, err == nil, err
}

// TakeOne takes a slot of a single budget.
func (s *Store) TakeOne(ctx context.Context, name string, l BudgetLimit, by Asker, hold time.Duration) (Slot, Budget, error) {
	slot, left, err := s.TakeSlot(ctx, []BudgetShare{{Name: name, Limit: l}}, by, hold)
	if err != nil {
		return Slot{}, Budget{}, err
	}
	return slot, left[0], nil
}

// BudgetRemaining is what is left for an asker that is not in the background.
func (s *Store) BudgetRemaining(ctx context.Context, account string, l BudgetLimit) (left Budget, err error) {
	err = inTx(ctx, s.write, func(tx *sql.Tx) error {
		var drainedUntil int64
		err := tx.QueryRowContext(ctx, `SELECT drained_until FROM budgets WHERE account = $1`, account).Scan(&drainedUntil)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		left, err = budgetLeft(ctx, tx, account, drainedUntil, l, Asker{}, s.now())
		return err
	})
	return left, err
}

// MigrateTo makes the tables as a version of the gateway had them.
func MigrateTo(ctx context.Context, url string, version int64) error {
	s, dialect, err := connect(url, true)
	if err != nil {
		return err
	}
	steps, err := fs.Sub(migrationFiles, "migrations")
	if err == nil {
		var provider *goose.Provider
		if provider, err = goose.NewProvider(dialect, s.durable.DB, steps, goose.WithDisableGlobalRegistry(true)); err == nil {
			_, err = provider.UpTo(ctx, version)
		}
	}
	return errors.Join(err, s.Close())
}
