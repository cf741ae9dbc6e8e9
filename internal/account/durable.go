package account

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"accountgateway/internal/store"
)

// Durable is the durable state as the gateway lives with it: it may be away at
// the start, or go away later, and then the gateway goes on with what it has
// in memory.
type Durable struct {
	log   zerolog.Logger
	now   func() time.Time            // New sets it
	store atomic.Pointer[store.Store] // nil until Attach
	down  atomic.Pointer[outage]      // nil while it answers
	back  atomic.Pointer[recovery]    // when it last came back; nil: never
}

// recovery is the end of an outage.
type recovery struct{ since, at time.Time }

// settleTime is how long after an outage replicas take the store for away
// still, until each has told it what it did alone.
const settleTime = 3 * syncInterval

type outage struct {
	since time.Time
	err   error
}

// storeTimeout bounds one use of the store, so that a store that hangs delays
// a request by no more than that, once.
const storeTimeout = 2 * time.Second

// queryTimeout is the same for lists, histories and the records of writes.
const queryTimeout = 10 * time.Second

// errNotAttached says that the store has not been reached since the start.
var errNotAttached = errors.New("the database has not been reached since the start")

// NewDurable makes a durable state that is away until Attach.
func NewDurable(log zerolog.Logger) *Durable {
	d := &Durable{log: log, now: time.Now} //nolint:forbidigo // until New
	d.down.Store(&outage{since: d.now(), err: errNotAttached})
	return d
}

// useClock makes now the clock, before anything is done with the store.
func (d *Durable) useClock(now func() time.Time) {
	d.now = now
	if down := d.down.Load(); down != nil && d.store.Load() == nil {
		d.down.Store(&outage{since: now(), err: down.err})
	}
}

// Attach begins to use an open store. The caller closes it, after Service.Run
// has ended.
func (d *Durable) Attach(s *store.Store) {
	d.store.Store(s)
	if down := d.down.Swap(nil); down != nil && d.now().Sub(down.since) > settleTime {
		d.back.Store(&recovery{since: down.since, at: d.now()}) // others may have gone on alone too
	}
}

// Err says why the durable state is away; nil if it answers.
func (d *Durable) Err() error {
	if down := d.down.Load(); down != nil {
		return down.err
	}
	return nil
}

// alone tells whether, and since when, replicas can't agree through the store.
func (d *Durable) alone(now time.Time) (since time.Time, alone bool) {
	if down := d.down.Load(); down != nil {
		return down.since, true
	}
	if back := d.back.Load(); back != nil && now.Sub(back.at) < settleTime {
		return back.since, true
	}
	return time.Time{}, false
}

// use runs f on the store. While the store is away it fails at once; only
// probe looks whether it is back.
func (d *Durable) use(ctx context.Context, f func(context.Context, *store.Store) error) error {
	if err := d.Err(); err != nil {
		return err
	}
	return d.try(ctx, storeTimeout, f)
}

// query is use for what may take longer.
func (d *Durable) query(ctx context.Context, f func(context.Context, *store.Store) error) error {
	if err := d.Err(); err != nil {
		return err
	}
	return d.try(ctx, queryTimeout, f)
}

// probe is use that also tries a store that was away.
func (d *Durable) probe(ctx context.Context, f func(context.Context, *store.Store) error) error {
	if d.store.Load() == nil {
		return errNotAttached
	}
	return d.try(ctx, storeTimeout, f)
}

func (d *Durable) try(ctx context.Context, timeout time.Duration, f func(context.Context, *store.Store) error) error {
	bounded, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	err := f(bounded, d.store.Load())
	var tooMany *store.TooManyPointsError
	switch {
	case err == nil:
		if down := d.down.Load(); down != nil {
			d.back.Store(&recovery{since: down.since, at: d.now()})
			d.down.Store(nil)
			d.log.Info().Msg("the database answers again")
		}
	case errors.As(err, &tooMany), store.BadValue(err), ctx.Err() != nil, timeout == queryTimeout && bounded.Err() != nil:
		// The question was at fault, or took too long, or the asker went away.
	default:
		if d.down.CompareAndSwap(nil, &outage{since: d.now(), err: err}) {
			d.log.Error().Err(err).Msg("the database does not answer: going on from memory, under a part of each vendor-call budget")
		}
	}
	return err
}
