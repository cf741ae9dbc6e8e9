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
	down  atomic.Pointer[outage]      // nil while it answers in time
	back  atomic.Pointer[recovery]    // when it last came back; nil: never

	told      atomic.Bool // that it is slow, and not yet that this is over
	slowAt    atomic.Pointer[time.Time]
	refusedAt atomic.Pointer[time.Time]
}

// recovery is the end of an outage.
type recovery struct{ since, at time.Time }

// settleTime is how long after an outage replicas take the store for away
// still, until each has told it what it did alone.
const settleTime = 3 * syncInterval

// outage is a time in which the store is not used.
type outage struct {
	since time.Time
	err   error
	// slow: the store is there, but takes nothing in time or has no room.
	// Readings go on without it; writes, lists and histories still try.
	slow bool
}

const (
	// storeTimeout bounds one use of the store, with the wait for its turn. The
	// store itself gives up sooner if it is stuck.
	storeTimeout = 10 * time.Second
	// pingTimeout is how long the store may take for what it does at once.
	// After that it hangs.
	pingTimeout = 5 * time.Second
	// sayInterval is how often the log tells that the store is slow, or refused
	// a statement.
	sayInterval = time.Minute
)

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

// Err says why the durable state is away; nil if it answers, however slowly.
func (d *Durable) Err() error {
	if down := d.down.Load(); down != nil && !down.slow {
		return down.err
	}
	return nil
}

// impaired tells whether the store is away, slow or full.
func (d *Durable) impaired() bool { return d.down.Load() != nil }

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

// use runs f on the store for what goes on without it. It fails at once while
// the store is away or slow; only watch looks whether that is over.
func (d *Durable) use(ctx context.Context, f func(context.Context, *store.Store) error) error {
	if down := d.down.Load(); down != nil {
		return down.err
	}
	err := d.try(ctx, f)
	if err != nil && ctx.Err() == nil && store.IsBusy(err) {
		d.become(&outage{err: err, slow: true}, func(was *outage) bool { return was == nil })
	}
	return err
}

// query is use for what can't go on without the store: it also tries while the
// store is slow. That it takes long is its own affair.
func (d *Durable) query(ctx context.Context, f func(context.Context, *store.Store) error) error {
	if err := d.Err(); err != nil {
		return err
	}
	return d.try(ctx, f)
}

// insist is query that also tries a store that was away.
func (d *Durable) insist(ctx context.Context, f func(context.Context, *store.Store) error) error {
	if d.store.Load() == nil {
		return errNotAttached
	}
	return d.try(ctx, f)
}

// watch looks how the store is. It is back once it answers a ping and f works.
func (d *Durable) watch(ctx context.Context, f func(context.Context, *store.Store) error) error {
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
	case store.IsBusy(err) && !hangs:
		d.become(&outage{err: err, slow: true}, func(was *outage) bool { return was == nil || !was.slow })
	default:
		d.fail(err)
	}
	return err
}

func (d *Durable) try(ctx context.Context, f func(context.Context, *store.Store) error) error {
	bounded, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	err := f(bounded, d.store.Load())
	var tooMany *store.TooManyPointsError
	switch {
	case store.IsDown(err):
		d.fail(err)
	case err == nil, ctx.Err() != nil, store.IsBusy(err), store.BadValue(err), errors.As(err, &tooMany):
	default:
		if rate(&d.refusedAt, d.now()) {
			d.log.Error().Err(err).Msg("the database refused a statement")
		}
	}
	return err
}

// fail takes note that the store is away.
func (d *Durable) fail(err error) {
	d.become(&outage{err: err}, func(was *outage) bool { return was == nil || was.slow })
}

// become changes the state to one that is news. It is logged once.
func (d *Durable) become(now *outage, news func(was *outage) bool) {
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
			d.log.Error().Err(now.err).Msg("the database does not answer: going on from memory, under a part of each vendor-call budget")
		case rate(&d.slowAt, d.now()):
			d.told.Store(true)
			d.log.Warn().Err(now.err).Msg("the database is slow or full: readings go on without it, under a part of each vendor-call budget")
		}
		return
	}
}

// recover takes note that all is well.
func (d *Durable) recover() {
	was := d.down.Swap(nil)
	if was == nil {
		return
	}
	d.back.Store(&recovery{since: was.since, at: d.now()})
	if told := d.told.Swap(false); told || !was.slow {
		d.log.Info().Msg("the database answers again")
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
