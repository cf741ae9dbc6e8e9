// Package notify tells people of alerts: it delivers what the store has on
// record about them to chats, mailboxes and webhooks. It knows neither how an
// alert comes about, nor accounts, vendors or SQL, nor the addresses of pages.
//
// The record is an outbox. Each destination has its own place in it, which moves
// on once a message is delivered; until then the destination is tried again, and
// what happens meanwhile is told in the same message. So nothing is lost while a
// chat is down, and its outage does not concern others. Replicas tell things once:
// a lease decides which of them. A message is delivered twice only if its answer
// got lost, or the gateway died between the delivery and the note of it.
package notify

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"accountgateway/internal/durable"
	"accountgateway/internal/store"
)

// Options of a Notifier.
type Options struct {
	Repeat   time.Duration // how often open alerts are told again; 0: never
	Links    *Links        // nil: there are no pages to link to
	Registry prometheus.Registerer
	Log      zerolog.Logger

	// Lease makes this replica the holder of a lease for ttl, or renews it; it is
	// false while another replica holds it.
	Lease func(ctx context.Context, name string, ttl time.Duration) (bool, error)
}

// Notifier delivers alerts to destinations.
type Notifier struct {
	options   Options
	durable   *durable.Store
	workers   []*worker
	delivered prometheus.Counter
	failed    prometheus.Counter
}

// New makes a Notifier. Its Run delivers.
func New(to []*Destination, d *durable.Store, o Options) *Notifier {
	messages := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "gateway_notifications_total",
		Help: "Messages about alerts, by outcome: delivered, or failed and to be tried again.",
	}, []string{"outcome"})
	o.Registry.MustRegister(messages)
	n := &Notifier{options: o, durable: d, delivered: messages.WithLabelValues("delivered"), failed: messages.WithLabelValues("failed")}
	for _, destination := range to {
		n.workers = append(n.workers, &worker{notifier: n, to: destination})
	}
	return n
}

const (
	// lookInterval is how often the record is looked at.
	lookInterval = time.Second
	// keepInterval is how often the store hears which destinations there are, and
	// forgetAfter is when it forgets one that there is no more.
	keepInterval = time.Hour
	forgetAfter  = 7 * 24 * time.Hour
)

// Run delivers until ctx ends, and then waits for the messages that are under
// way, so that they are not delivered again by others.
func (n *Notifier) Run(ctx context.Context) {
	if len(n.workers) == 0 {
		return
	}
	var wg sync.WaitGroup
	every := func(d time.Duration, do func(context.Context)) {
		wg.Go(func() {
			ticker := time.NewTicker(d)
			defer ticker.Stop()
			for {
				select {
				case <-ticker.C:
					do(ctx)
				case <-ctx.Done():
					return
				}
			}
		})
	}
	for _, w := range n.workers {
		every(lookInterval, w.look)
	}
	n.keep(ctx)
	every(keepInterval, n.keep)
	wg.Wait()
}

// keep tells the store which destinations there are.
func (n *Notifier) keep(ctx context.Context) {
	keys := make([]string, 0, len(n.workers))
	for _, w := range n.workers {
		keys = append(keys, w.to.key())
	}
	// The store logs its trouble, and the next hour goes on.
	_ = n.durable.Query(ctx, func(ctx context.Context, st *store.Store) error {
		return st.KeepDestinations(ctx, keys, forgetAfter)
	})
}
