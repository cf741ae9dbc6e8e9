// Package store is the gateway's durable state: last readings, balance
// history, the vendor-call budget, leases, operations and callers' tokens. It keeps them in SQLite (a file
// or memory) or in PostgreSQL, with the same SQL for both, and is what several
// processes and replicas share. It knows neither HTTP nor vendors, nor what
// the bodies and names that it keeps mean.
//
// Times are kept to the microsecond and told by the database's clock: see
// Now and CheckClock. So the clocks of replicas need not agree.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// Store is the durable state. Its methods are safe for concurrent use. Each
// call ends with its context or after queryTimeout, whichever comes first.
// Errors are the database's own, with a few words about what was tried.
type Store struct {
	// Pools that don't wait for each other; one and the same for a database in
	// memory.
	write   *pool // readings, budgets, leases
	durable *pool // operations and tokens: what must survive a loss of power
	read    *pool // all reads but these two
	history *pool // histories, which may take seconds
	beat    *pool // heartbeats, which must not be late
	control *pool // Ping

	now        func() time.Time
	ownClock   bool // the database has a clock of its own, and now is only for this process's monotonic time
	boundClock bool // connections give the time to statements that ask for it: see nowParameter
	anchor     atomic.Pointer[anchor]
	looked     atomic.Pointer[time.Time] // see firstLook
}

// Options of a Store. The zero value works.
type Options struct {
	Now      func() time.Time // the database's clock; nil: PostgreSQL's own, or time.Now
	Existing bool             // make no new database
	AsItIs   bool             // leave tables of an older version: calls that need newer ones fail
}

// queryTimeout bounds a call whose context has no deadline of its own.
const queryTimeout = 10 * time.Second

// Close gives the connections back. Calls that are under way may fail.
func (s *Store) Close() error {
	return errors.Join(s.control.Close(), s.beat.Close(), s.history.Close(), s.read.Close(), s.durable.Close(), s.write.Close())
}

// Ping tells whether the database answers. It waits for no other call.
func (s *Store) Ping(ctx context.Context) error {
	ctx, cancel := s.control.begin(ctx)
	defer cancel()
	var last int64
	if err := s.control.QueryRowContext(ctx, `SELECT last FROM readings_seq`).Scan(&last); err != nil {
		return fmt.Errorf("ping the database: %w", err)
	}
	return nil
}

// inTx runs f in one write transaction of db, which is s.write, or s.durable
// for what must survive a loss of power. On SQLite it waits for other writers
// before f starts; on PostgreSQL f must first lock the row that it depends on.
func inTx(ctx context.Context, db *pool, f func(tx *sql.Tx) error) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // does nothing after Commit
	if err := f(tx); err != nil {
		return explain(ctx, err)
	}
	return explain(ctx, tx.Commit())
}

// exec runs one writing statement and returns the number of rows it touched.
func (s *Store) exec(ctx context.Context, query string, args ...any) (int64, error) {
	ctx, cancel := s.write.begin(ctx)
	defer cancel()
	result, err := s.write.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// querier is a pool or a transaction.
type querier interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// row is what a query selected.
type row interface{ Scan(into ...any) error }

// every gives what scan makes of each row of a query.
func every[T any](ctx context.Context, by querier, scan func(row) (T, error), query string, args ...any) ([]T, error) {
	rows, err := by.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []T
	for rows.Next() {
		one, err := scan(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, rows.Err()
}

// counts gives the numbers that a query selects by their names.
func counts[N int | int64](ctx context.Context, by *pool, query string) (map[string]N, error) {
	all := map[string]N{}
	_, err := every(ctx, by, func(r row) (n N, err error) {
		var name string
		err = r.Scan(&name, &n)
		all[name] = n
		return n, err
	}, query)
	return all, err
}

// bounded gives a context a deadline if it has none.
func bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, queryTimeout)
}

// micros is how a time is kept: microseconds since 1970 UTC, rounded down.
func micros(t time.Time) int64 { return t.UnixMicro() }

// microsUp is the first whole microsecond that is not before t.
func microsUp(t time.Time) int64 { return t.Add(time.Microsecond - 1).UnixMicro() }

// microsFor is the fewest microseconds that last as long as d.
func microsFor(d time.Duration) int64 { return (d + time.Microsecond - 1).Microseconds() }

func fromMicros(us int64) time.Time { return time.UnixMicro(us).UTC() }
