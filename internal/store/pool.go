package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"
)

// pool is the connections for one purpose, and the queue for them: no purpose
// can take the connections of another.
type pool struct {
	*sql.DB
	turns    chan struct{} // holds one for each connection in use
	writer   chan struct{} // SQLite: holds one while this process writes, by any pool; nil for readers
	patience time.Duration // of a call that has its turn; 0: only its context's deadline

	mu    sync.Mutex
	stuck chan struct{} // closed when a call that had its turn took longer than patience
}

// writePatience is how long a write of readings, budgets and leases may take
// once it has its turn: far longer than it should.
const writePatience = 2 * time.Second

// newPool makes a pool of a database that holds its connections for good:
// opening one costs more than most of what is asked of it.
func newPool(db *sql.DB, connections int, patience time.Duration) *pool {
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	return &pool{DB: db, turns: make(chan struct{}, connections), patience: patience, stuck: make(chan struct{})}
}

var (
	// errImpatient is of a call that had its turn and took too long.
	errImpatient = errors.New("the database took too long")
	// errStuck is of a call that was waiting for its turn when that happened.
	errStuck = errors.New("the database took too long for the previous call")
)

// begin waits for the call's turn. Calls that wait give up together with one
// that had its turn and took longer than patience: the database is stuck, and
// they would each find that out for themselves. The context is for the call and
// has a deadline; it is done already if there was no turn. done ends the turn.
func (p *pool) begin(ctx context.Context) (_ context.Context, done context.CancelFunc) {
	ctx, cancel := bounded(ctx)
	p.mu.Lock()
	stuck := p.stuck
	p.mu.Unlock()
	var held []chan struct{}
	release := func() {
		for _, gate := range held {
			<-gate
		}
		cancel()
	}
	for _, gate := range []chan struct{}{p.turns, p.writer} {
		if gate == nil {
			continue
		}
		select {
		case gate <- struct{}{}:
			held = append(held, gate)
		case <-stuck:
			gaveUp, fail := context.WithCancelCause(ctx)
			fail(errStuck)
			return gaveUp, release
		case <-ctx.Done():
			return ctx, release
		}
	}
	if p.patience == 0 {
		return ctx, release
	}
	ctx, stop := context.WithTimeoutCause(ctx, p.patience, errImpatient)
	return ctx, func() {
		if errors.Is(context.Cause(ctx), errImpatient) {
			p.giveUp()
		}
		stop()
		release()
	}
}

// giveUp ends the waiting of all that wait for a turn now.
func (p *pool) giveUp() {
	p.mu.Lock()
	defer p.mu.Unlock()
	close(p.stuck)
	p.stuck = make(chan struct{})
}

// The methods of sql.DB wait, within the context's deadline, while the server
// has no connection to give, or another process has the SQLite file: nothing
// has been done then.

// ExecContext is sql.DB's.
func (p *pool) ExecContext(ctx context.Context, query string, args ...any) (result sql.Result, err error) {
	err = p.insist(ctx, func() (err error) {
		result, err = p.DB.ExecContext(ctx, query, args...)
		return err
	})
	return result, err
}

// QueryContext is sql.DB's.
func (p *pool) QueryContext(ctx context.Context, query string, args ...any) (rows *sql.Rows, err error) {
	err = p.insist(ctx, func() (err error) {
		rows, err = p.DB.QueryContext(ctx, query, args...) //nolint:rowserrcheck,sqlclosecheck // the caller's affair
		return err
	})
	return rows, err
}

// QueryRowContext is sql.DB's.
func (p *pool) QueryRowContext(ctx context.Context, query string, args ...any) (row *sql.Row) {
	_ = p.insist(ctx, func() error { // the row has the error
		row = p.DB.QueryRowContext(ctx, query, args...)
		return row.Err()
	})
	return row
}

// BeginTx is sql.DB's.
func (p *pool) BeginTx(ctx context.Context, o *sql.TxOptions) (tx *sql.Tx, err error) {
	err = p.insist(ctx, func() (err error) {
		tx, err = p.DB.BeginTx(ctx, o)
		return err
	})
	return tx, err
}

const (
	insistMost = 250 * time.Millisecond // between two tries
	idlePoll   = 2 * time.Millisecond
)

// insist calls do until it does not find the database occupied.
func (p *pool) insist(ctx context.Context, do func() error) error {
	for wait := 10 * time.Millisecond; ; wait = min(2*wait, insistMost) {
		err := do()
		if !occupied(err) {
			return explain(ctx, err)
		}
		if !p.wait(ctx, wait, noConnection(err)) {
			return err // which says more than the deadline
		}
	}
}

// wait waits for so long, or until one of the pool's own connections is idle if
// that is what is missing; false if the context has ended.
func (p *pool) wait(ctx context.Context, d time.Duration, missing bool) bool {
	timer, poll := time.NewTimer(d), time.NewTicker(idlePoll)
	defer timer.Stop()
	defer poll.Stop()
	for {
		select {
		case <-timer.C:
			return true
		case <-poll.C:
			if missing && p.Stats().Idle > 0 {
				return true
			}
		case <-ctx.Done():
			return false
		}
	}
}

// explain says why a context has ended that an error is about.
func explain(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); err != nil && cause != nil && cause != ctx.Err() && errors.Is(err, ctx.Err()) { //nolint:errorlint // the very same
		return fmt.Errorf("%w: %w", cause, err)
	}
	return err
}
