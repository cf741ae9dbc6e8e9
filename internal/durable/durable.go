// Package durable is the store as the gateway lives with it: it may be away at
// the start, or go away later, and then the gateway goes on with what it has in
// memory. The store tells what is wrong with the database; what follows from
// that is decided here.
package durable

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"accountgateway/internal/store"
)

// Store is a store that may be away. It is safe for concurrent use.
type Store struct {
	log   zerolog.Logger
	now   func() time.Time            // see UseClock
	store atomic.Pointer[store.Store] // nil until Attach
	down  atomic.Pointer[outage]      // nil while it answers in time
	back  atomic.Pointer[recovery]    // when it last came back; nil: never

	told      atomic.Bool // that it is slow, and not yet that this is over
	slowAt    atomic.Pointer[time.Time]
	refusedAt atomic.Pointer[time.Time]
}

// recovery is the end of an outage.
type recovery struct{ since, at time.Time }

// settleTime is how long after an outage replicas take the store for away
// still, until each has told it what it did alone: they do so every second.
const settleTime = 3 * time.Second

// outage is a time in which the store is not used.
type outage struct {
	since time.Time
	err   error
	// slow: the store is there, but takes nothing in time or has no room.
	// Readings go on without it; writes, lists and histories still try.
	slow bool
}

const (
	// Timeout bounds one use of the store, with the wait for its turn. The store
	// itself gives up sooner if it is stuck.
	Timeout = 10 * time.Second
	// pingTimeout is how long the store may take for what it does at once.
	// After that it hangs.
	pingTimeout = 5 * time.Second
	// sayInterval is how often the log tells that the store is slow, or refused
	// a statement.
	sayInterval = time.Minute
)

// errNotAttached says that the store has not been reached since the start.
var errNotAttached = errors.New("the database has not been reached since startup")

// New makes one that is away until Attach.
func New(log zerolog.Logger) *Store {
	d := &Store{log: log, now: time.Now} //nolint:forbidigo // until UseClock
	d.down.Store(&outage{since: d.now(), err: errNotAttached})
	return d
}

// UseClock makes now the clock, before anything is done with the store.
func (d *Store) UseClock(now func() time.Time) {
	d.now = now
	if down := d.down.Load(); down != nil && d.store.Load() == nil {
		d.down.Store(&outage{since: now(), err: down.err})
	}
}

// Attach begins to use an open store. The caller closes it, after Service.Run
// has ended.
func (d *Store) Attach(s *store.Store) {
	d.store.Store(s)
	if down := d.down.Swap(nil); down != nil && d.now().Sub(down.since) > settleTime {
		d.back.Store(&recovery{since: down.since, at: d.now()}) // others may have gone on alone too
	}
}

// Err says why the durable state is away; nil if it answers, however slowly.
func (d *Store) Err() error {
	if down := d.down.Load(); down != nil && !down.slow {
		return down.err
	}
	return nil
}

// Impaired tells whether the store is away, slow or full.
func (d *Store) Impaired() bool { return d.down.Load() != nil }

// Now is the time by this process's clock.
func (d *Store) Now() time.Time { return d.now() }

// SharedNow is the time by the clock that replicas share, the database's; by this
// machine's before the database was reached.
func (d *Store) SharedNow() time.Time {
	if st := d.store.Load(); st != nil {
		return st.Now()
	}
	return d.now().Round(0).UTC()
}

// Alone tells whether, and since when, replicas can't agree through the store.
func (d *Store) Alone() (since time.Time, alone bool) {
	if down := d.down.Load(); down != nil {
		return down.since, true
	}
	if back := d.back.Load(); back != nil && d.now().Sub(back.at) < settleTime {
		return back.since, true
	}
	return time.Time{}, false
}

// Use runs f on the store for what goes on without it. It fails at once while
// the store is away or slow; only Watch looks whether that is over.
func (d *Store) Use(ctx context.Context, f func(context.Context, *store.Store) error) error {
	if down := d.down.Load(); down != nil {
		return down.err
	}
	err := d.try(ctx, f)
	if ctx.Err() == nil && store.TroubleOf(err) == store.Busy {
		d.become(&outage{err: err, slow: true}, func(was *outage) bool { return was == nil })
	}
	return err
}

// Query is Use for what can't go on without the store: it also tries while the
// store is slow. That it takes long is its own affair.
func (d *Store) Query(ctx context.Context, f func(context.Context, *store.Store) error) error {
	if err := d.Err(); err != nil {
		return err
	}
	return d.try(ctx, f)
}

// Insist is Query that also tries a store that was away.
func (d *Store) Insist(ctx context.Context, f func(context.Context, *store.Store) error) error {
	if d.store.Load() == nil {
		return errNotAttached
	}
	return d.try(ctx, f)
}

// Watch looks how the store is. It is back once it answers a ping and f works.
func (d *Store) Watch(ctx context.Context, f func(context.Context, *store.Store) error) error {
	s := d.store.Load()
	if s == nil {
		return errNotAttached
	}
	pinged, cancel := context.WithTimeout(ctx, pingTimeout)
	err := s.Ping(pinged)
	hangs := pinged.Err() != nil
	cancel()
	if err == nil {
		err = d.try(ctx, f)
		hangs = false
	}
	switch {
	case err == nil:
		d.recover()
	case ctx.Err() != nil: // who looked went away
	case store.TroubleOf(err) == store.Busy && !hangs:
		d.become(&outage{err: err, slow: true}, func(was *outage) bool { return was == nil || !was.slow })
	default:
		d.fail(err)
	}
	return err
}

// Way is how to use a store: its Use, Query or Insist.
type Way func(context.Context, func(context.Context, *store.Store) error) error

// Get uses a store in that way and returns what f does.
func Get[T any](ctx context.Context, use Way, f func(context.Context, *store.Store) (T, error)) (value T, err error) {
	err = use(ctx, func(ctx context.Context, st *store.Store) (err error) {
		value, err = f(ctx, st)
		return err
	})
	return value, err
}

func (d *Store) try(ctx context.Context, f func(context.Context, *store.Store) error) error {
	bounded, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	err := f(bounded, d.store.Load())
	switch trouble := store.TroubleOf(err); {
	case trouble == store.Down:
		d.fail(err)
	case trouble == store.Refused && ctx.Err() == nil && rate(&d.refusedAt, d.now()):
		d.log.Error().Err(err).Msg("the database refused a statement")
	}
	return err
}

// fail takes note that the store is away.
func (d *Store) fail(err error) {
	d.become(&outage{err: err}, func(was *outage) bool { return was == nil || was.slow })
}

// become changes the state to one that is news. It is logged once.
func (d *Store) become(now *outage, news func(was *outage) bool) {
	for {
		was := d.down.Load()
		if !news(was) {
			return
		}
		if now.since = d.now(); was != nil {
			now.since = was.since
		}
		if !d.down.CompareAndSwap(was, now) {
			continue
		}
		switch {
		case !now.slow:
			d.log.Error().Err(now.err).Msg("the database is unavailable: continuing from memory with a share of each vendor-call budget")
		case rate(&d.slowAt, d.now()):
			d.told.Store(true)
			d.log.Warn().Err(now.err).Msg("the database is slow or full: reads continue without it, with a share of each vendor-call budget")
		}
		return
	}
}

// recover takes note that all is well.
func (d *Store) recover() {
	was := d.down.Swap(nil)
	if was == nil {
		return
	}
	d.back.Store(&recovery{since: was.since, at: d.now()})
	if told := d.told.Swap(false); told || !was.slow {
		d.log.Info().Msg("the database is available again")
	}
}

// rate lets one through in each sayInterval.
func rate(last *atomic.Pointer[time.Time], now time.Time) bool {
	was := last.Load()
	if was != nil && now.Sub(*was) < sayInterval && !now.Before(*was) {
		return false
	}
	return last.CompareAndSwap(was, &now)
}
