package notify

import (
	"context"
	"time"

	"accountgateway/internal/durable"
	"accountgateway/internal/store"
)

const (
	// gatherTime is how long news wait for others of the same moment.
	gatherTime = 3 * time.Second
	// minGap is the time between two messages to one destination.
	minGap = 30 * time.Second
	// After a failure a destination is tried again, first after minRetry, then
	// after twice the time before, up to maxRetry.
	minRetry = 5 * time.Second
	maxRetry = 5 * time.Minute
	// A lease lasts for leaseTime and is renewed each renewInterval, also while a
	// message is under way. A replica without it asks for it each askInterval.
	leaseTime     = time.Minute
	renewInterval = 10 * time.Second
	askInterval   = 5 * time.Second
)

// worker delivers to one destination. Its times are by this process's clock.
type worker struct {
	notifier *Notifier
	to       *Destination

	heldTill time.Time // the lease; zero: not held
	askAt    time.Time // when to ask for the lease, or to renew it
	newsAt   time.Time // when the news were first seen; zero: there are none
	sendAt   time.Time // no message before
	failures int       // in a row
}

// look delivers what there is to tell, if it is time.
func (w *worker) look(ctx context.Context) {
	if !w.mayTell(ctx) {
		w.newsAt = time.Time{}
		return
	}
	now := w.notifier.durable.Now()
	if now.Before(w.sendAt) {
		return
	}
	place, err := w.place(ctx)
	if err != nil {
		return // the store logs its trouble
	}
	reminded := place.ToldAt.IsZero() || w.notifier.options.Repeat > 0 && w.notifier.durable.SharedNow().Sub(place.ToldAt) >= w.notifier.options.Repeat
	if !reminded && place.Seq == place.Last {
		w.newsAt = time.Time{}
		return
	}
	if w.newsAt.IsZero() {
		w.newsAt = now
	}
	if now.Sub(w.newsAt) < gatherTime {
		return
	}
	w.tell(ctx, place, reminded)
}

// mayTell tells whether this replica is the one that delivers.
func (w *worker) mayTell(ctx context.Context) bool {
	now := w.notifier.durable.Now()
	if !now.Before(w.askAt) {
		w.askAt = now.Add(askInterval)
		mine, err := w.notifier.options.Lease(ctx, "notify/"+w.to.key(), leaseTime)
		switch {
		case err != nil:
		case mine:
			w.heldTill, w.askAt = now.Add(leaseTime), now.Add(renewInterval)
		default:
			w.heldTill = time.Time{}
		}
	}
	return now.Add(renewInterval).Before(w.heldTill)
}

// place is where the destination is in the record; a new one begins at its end.
func (w *worker) place(ctx context.Context) (store.Destination, error) {
	return durable.Get(ctx, w.notifier.durable.Query, func(ctx context.Context, st *store.Store) (store.Destination, error) {
		return st.Destination(ctx, w.to.key(), w.to.Service)
	})
}

// tell delivers everything that the destination has not been told, and moves its
// place. If reminded is set, it is told all that is open.
func (w *worker) tell(ctx context.Context, place store.Destination, reminded bool) {
	n := w.notifier
	what, err := durable.Get(ctx, n.durable.Query, func(ctx context.Context, st *store.Store) (told, error) {
		return gather(ctx, st, place, reminded)
	})
	if err != nil {
		return
	}
	if !what.news.empty() {
		// What has begun is finished: whether a message was delivered must be known.
		message := Message{Text: what.news.message(n.options.Links, w.to.limit()), At: n.durable.SharedNow()}
		if !w.deliver(context.WithoutCancel(ctx), message) {
			return
		}
	}
	w.newsAt = time.Time{}
	_ = n.durable.Insist(context.WithoutCancel(ctx), func(ctx context.Context, st *store.Store) error {
		return st.MoveDestination(ctx, w.to.key(), place.Seq, what.seq, reminded || what.all)
	})
}

// deliver sends a message and takes note of how that ended.
func (w *worker) deliver(ctx context.Context, m Message) bool {
	n := w.notifier
	err := w.send(ctx, m)
	now := n.durable.Now()
	log := n.options.Log.With().Int("url", w.to.Number).Str("service", w.to.Service).Logger()
	if err != nil {
		n.failed.Inc()
		if w.failures == 0 {
			log.Warn().Err(err).Msg("notifications can't be delivered: retrying")
		}
		w.sendAt = now.Add(min(minRetry<<min(w.failures, 10), maxRetry))
		w.failures++
		return false
	}
	n.delivered.Inc()
	if w.failures > 0 {
		log.Info().Msg("notifications are delivered again")
	}
	w.failures, w.sendAt = 0, now.Add(minGap)
	return true
}

// send sends a message, and keeps the lease meanwhile.
func (w *worker) send(ctx context.Context, m Message) error {
	ended := make(chan error, 1)
	go func() { ended <- w.to.Send(ctx, m) }()
	ticker := time.NewTicker(renewInterval)
	defer ticker.Stop()
	for {
		select {
		case err := <-ended:
			return err
		case <-ticker.C:
			w.askAt = time.Time{}
			w.mayTell(ctx)
		}
	}
}
