package account

import (
	"context"
	"crypto/rand"
	"os"
	"strings"
	"sync"
	"time"

	"accountgateway/internal/durable"
	"accountgateway/internal/operation"
	"accountgateway/internal/provider"
	"accountgateway/internal/store"
)

const (
	// syncInterval is how soon a replica knows what others have read.
	syncInterval = time.Second
	// pruneInterval is how often old rows are deleted.
	pruneInterval = time.Hour
	// historyWhole is for how long every balance is kept, and historyHourly the
	// last of each hour; after that, the last of each day. A forecast takes the
	// readings of its window, which ends with a balance that may be old.
	historyWhole  = forecastWindow + 2*24*time.Hour
	historyHourly = 90 * 24 * time.Hour
)

// newReplicaName names this process by its host and a random text: in containers
// every process has the same number.
func newReplicaName() string {
	host, err := os.Hostname()
	if err != nil {
		host = "replica"
	}
	return strings.ReplaceAll(host, "/", "-") + "/" + rand.Text()[:8]
}

// Run does what happens by itself: background readings, the exchange with
// other replicas, deleting what is too old. It ends with ctx, after everything
// that it started; then nothing is read from vendors any more.
func (s *Service) Run(ctx context.Context) {
	defer s.peers.start()()
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
	every(beatInterval, s.heartbeat)
	every(syncInterval, s.exchange)
	every(alertInterval, s.watchAlerts)
	every(pruneInterval, s.prune)
	every(operation.ResolveInterval, s.Resolve)
	if s.options.RefreshInterval > 0 && len(s.names) > 0 {
		wg.Go(func() { s.refreshAll(ctx) })
	}
	<-ctx.Done()
	wg.Wait()
	s.tasks.close()
	s.leave(context.WithoutCancel(ctx))
}

// Load brings to memory what earlier runs and other replicas have read. Call
// it once the durable state is attached, before answering requests.
func (s *Service) Load(ctx context.Context) {
	s.sync.pull(ctx, s) // also when nothing can be written
	s.exchange(ctx)
	s.alerts.mu.Lock()
	defer s.alerts.mu.Unlock()
	_ = s.pullAlerts(ctx) // the next round tries again
}

// exchange looks whether the store is back if it was away, tells it that this
// replica lives and what it did alone, and learns what others have read.
func (s *Service) exchange(ctx context.Context) {
	s.exchanging.Lock() // a start and the first tick may meet
	defer s.exchanging.Unlock()
	err := s.durable.Watch(ctx, func(ctx context.Context, st *store.Store) (err error) {
		if err := s.checkClock(ctx, st); err != nil {
			return err
		}
		if err := s.beat(ctx, st); err != nil { // which also finds a store that can't be written
			return err
		}
		if err := s.turns.settle(ctx, st); err != nil {
			return err
		}
		for b := range s.budgets {
			if err := b.settle(ctx, st); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return
	}
	used, err := durable.Get(ctx, s.durable.Query, func(ctx context.Context, st *store.Store) (map[string]int, error) {
		if err := s.TellLockouts(ctx, st); err != nil {
			return nil, err
		}
		return st.UsedSlots(ctx)
	})
	if err == nil {
		replicas := s.peers.count()
		for b := range s.budgets {
			b.heard(used[b.name], replicas)
		}
	}
	s.sync.pull(ctx, s)
	s.Sweep(ctx)
}

// prune deletes what is too old, in one replica.
func (s *Service) prune(ctx context.Context) {
	now := s.label()
	if mine, err := s.Lease(ctx, "prune", pruneInterval*3/2); err != nil || !mine {
		return
	}
	for _, prune := range []func(context.Context, *store.Store) (int64, error){
		func(ctx context.Context, st *store.Store) (int64, error) {
			return st.PruneHistory(ctx, now.Add(-s.options.HistoryFor))
		},
		thin(time.Hour, now.Add(-historyWhole)),
		thin(24*time.Hour, now.Add(-historyHourly)),
		func(ctx context.Context, st *store.Store) (int64, error) {
			return st.PruneReadings(ctx, now.Add(-s.options.HistoryFor), now.Add(-s.options.StaleIfError), string(provider.OpUsers))
		},
		func(ctx context.Context, st *store.Store) (int64, error) {
			return st.PruneAlertEvents(ctx, now.Add(-min(s.options.HistoryFor, alertEventsFor)))
		},
		func(ctx context.Context, st *store.Store) (int64, error) {
			_, err := st.PruneFacts(ctx, now.Add(-s.options.HistoryFor))
			return 0, err
		},
		func(ctx context.Context, st *store.Store) (int64, error) {
			_, err := st.PruneLeases(ctx)
			return 0, err
		},
	} {
		for n := int64(store.PruneRows); n == store.PruneRows; {
			var err error
			if n, err = durable.Get(ctx, s.durable.Query, prune); err != nil {
				break // the next hour goes on
			}
		}
	}
}

// thin makes a step of prune that leaves a point a step of what is older.
func thin(step time.Duration, before time.Time) func(context.Context, *store.Store) (int64, error) {
	return func(ctx context.Context, st *store.Store) (int64, error) {
		more, err := st.ThinHistory(ctx, step, before)
		if more {
			return store.PruneRows, err
		}
		return 0, err
	}
}
