package account

import (
	"context"
	"errors"
	"sync"
	"time"

	"accountgateway/internal/durable"
	"accountgateway/internal/store"
)

const (
	// beatInterval is how often a replica tells the store that it lives, and
	// looks at the others.
	beatInterval = 350 * time.Millisecond
	// A replica is gone when its beat has not changed for missedFor, and
	// missedBeats looks in a row have seen that. With the look that saw the
	// beat first and a waiter's last poll (turnPoll), the leases of a killed
	// replica are free within 2 s.
	missedFor   = 1300 * time.Millisecond
	missedBeats = 4
	// forgetAfter is how long a replica that is gone still counts as one that
	// shares the budget: cut off from the store it may go on alone.
	forgetAfter = 30 * time.Second
)

// peers are the replicas that share the store, this one included, as their
// heartbeats show them. They are judged by this process's monotonic clock
// alone: neither wall clocks nor process numbers of other machines count.
type peers struct {
	beating sync.Mutex // held during a look at the store

	mu      sync.Mutex
	seen    map[string]*peer
	known   bool          // the store has this replica's beat
	looks   int           // in a row that the store answered
	looking chan struct{} // closed at the next look; nil while nobody looks regularly
}

type peer struct {
	beat   int64
	since  time.Time // when this beat was seen first
	missed int       // looks in a row that found it unchanged
	gone   bool
}

// heartbeat tells the store that this replica lives, and frees the leases of
// those that don't any more.
func (s *Service) heartbeat(ctx context.Context) {
	// durable logs it when the store goes away.
	_ = s.durable.Query(ctx, s.beat) // also while it is slow: others must not take this replica for gone
}

func (s *Service) beat(ctx context.Context, st *store.Store) error {
	p := &s.peers
	p.beating.Lock()
	defer p.beating.Unlock()
	beats, err := st.Beat(ctx, s.replica)
	if err != nil {
		p.reset() // others may not have been able to beat either
		return err
	}
	var errs []error
	for name, age := range p.look(beats, s.now()) {
		if age >= forgetAfter {
			errs = append(errs, st.RemoveReplica(ctx, name, beats[name]))
		} else {
			errs = append(errs, st.ReleaseLeasesOf(ctx, name, beats[name]))
		}
	}
	return errors.Join(errs...)
}

// introduce beats if the store does not know this replica. Whoever holds a lease
// has to be known: nobody would miss one that never beat.
func (s *Service) introduce(ctx context.Context, st *store.Store) error {
	s.peers.mu.Lock()
	known := s.peers.known
	s.peers.mu.Unlock()
	if known {
		return nil
	}
	_, err := st.Beat(ctx, s.replica)
	return err
}

// Lease makes this replica the holder of a lease for ttl, or renews it; false while
// another replica holds it. Run gives all leases back when it ends.
func (s *Service) Lease(ctx context.Context, name string, ttl time.Duration) (mine bool, err error) {
	return durable.Get(ctx, s.durable.Use, func(ctx context.Context, st *store.Store) (bool, error) {
		if err := s.introduce(ctx, st); err != nil {
			return false, err
		}
		return st.AcquireLease(ctx, name, s.replica, ttl)
	})
}

// look compares the heartbeats with those of the last look. It returns the
// replicas that are gone, and for how long each has not been heard of.
func (p *peers) look(beats map[string]int64, now time.Time) map[string]time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.known = true
	p.looks++
	if p.looking != nil {
		close(p.looking)
		p.looking = make(chan struct{})
	}
	seen, gone := make(map[string]*peer, len(beats)), map[string]time.Duration{}
	for name, beat := range beats {
		was := p.seen[name]
		if was == nil || was.beat != beat {
			seen[name] = &peer{beat: beat, since: now}
			continue
		}
		was.missed++
		age := now.Sub(was.since)
		if was.gone = was.missed >= missedBeats && age >= missedFor; was.gone {
			gone[name] = age
		}
		seen[name] = was
	}
	p.seen = seen
	return gone
}

// reset begins anew to count looks.
func (p *peers) reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.known = false // the others may have forgotten it
	p.looks = 0
	for _, peer := range p.seen {
		peer.missed = 0
	}
}

// count is how many replicas share the store.
func (p *peers) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.seen)
}

// gone tells whether a replica surely lives no more.
func (p *peers) gone(replica string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if peer := p.seen[replica]; peer != nil {
		return peer.gone
	}
	return p.looks > missedBeats // it has left, or was forgotten
}

// settle waits until it is clear whether a replica lives: until it beats once
// more, is gone, or verdictTime has passed.
func (p *peers) settle(ctx context.Context, replica string) {
	ctx, cancel := context.WithTimeout(ctx, verdictTime)
	defer cancel()
	before := p.beatOf(replica)
	for {
		p.mu.Lock()
		looking := p.looking
		p.mu.Unlock()
		now := p.beatOf(replica)
		if looking == nil || before != 0 && now > before || p.gone(replica) {
			return
		}
		before = now
		select {
		case <-looking:
		case <-ctx.Done():
			return
		}
	}
}

// verdictTime is the longest that it takes to miss a replica.
const verdictTime = 2 * time.Second

// beatOf is the last beat of a replica; 0 if none is known.
func (p *peers) beatOf(replica string) int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	if peer := p.seen[replica]; peer != nil {
		return peer.beat
	}
	return 0
}

// start tells that heartbeat is called regularly from now on; stop ends that.
func (p *peers) start() (stop func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.looking = make(chan struct{})
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		close(p.looking)
		p.looking = nil
	}
}

// leave gives back what this replica holds, so that others need not wait until
// they miss it.
func (s *Service) leave(ctx context.Context) {
	if beat := s.peers.beatOf(s.replica); beat != 0 {
		_ = s.durable.Use(ctx, func(ctx context.Context, st *store.Store) error { return st.RemoveReplica(ctx, s.replica, beat) })
	}
}
