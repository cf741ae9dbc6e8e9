package store

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"math"
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

// Budget is what is left of one.
type Budget struct {
	Remaining  int           // the slots that an asker could take now; math.MaxInt when there is no limit
	RetryAfter time.Duration // when nothing remains
}

// TakeOne takes a slot of a single budget, and counts what is left for this
// kind of asker.
func (s *Store) TakeOne(ctx context.Context, name string, l BudgetLimit, by Asker, hold time.Duration) (Slot, Budget, error) {
	slot, wait, err := s.TakeSlot(ctx, []BudgetShare{{Name: name, Limit: l}}, by, hold)
	if err != nil {
		return Slot{}, Budget{}, err
	}
	if !slot.Granted() {
		return slot, Budget{RetryAfter: wait[0]}, nil
	}
	if by.Background {
		l.Calls = max(0, l.Calls-l.Reserve)
	}
	n, err := s.remaining(ctx, name, l)
	return slot, Budget{Remaining: n}, err
}

// BudgetRemaining is what is left for an asker that is not in the background.
func (s *Store) BudgetRemaining(ctx context.Context, account string, l BudgetLimit) (left Budget, err error) {
	err = inTx(ctx, s.write, func(tx *sql.Tx) error {
		b := lockedBudget{now: micros(s.now())}
		err := tx.QueryRowContext(ctx, `SELECT drained_until FROM budgets WHERE account = $1`, account).Scan(&b.drainedUntil)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		left.RetryAfter, err = b.wait(ctx, tx, BudgetShare{Name: account, Limit: l}, Asker{})
		return err
	})
	if err == nil && left.RetryAfter == 0 {
		left.Remaining, err = s.remaining(ctx, account, l)
	}
	return left, err
}

func (s *Store) remaining(ctx context.Context, account string, l BudgetLimit) (n int, err error) {
	if l.Calls == 0 {
		return math.MaxInt, nil
	}
	err = s.write.QueryRowContext(ctx, `SELECT count(*) FROM budget_slots WHERE account = $1 AND free_at > $2`, account, micros(s.now())).Scan(&n)
	return l.Calls - n, err
}

// KnownStatements is how many statements the connection of a pool of SQLite's
// that has one knows.
func (s *Store) KnownStatements(ctx context.Context, pool string) (n int, err error) {
	conn, err := s.Pools()[pool].Conn(ctx)
	if err != nil {
		return 0, err
	}
	err = conn.Raw(func(c any) error {
		n = len(c.(*sqliteConn).known)
		return nil
	})
	return n, errors.Join(err, conn.Close())
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
