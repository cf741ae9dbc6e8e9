package account

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"sync"
	"time"

	"accountgateway/internal/durable"
	"accountgateway/internal/store"
)

// turns decide which replica asks the vendor while the others wait for what it
// brings. A turn is a lease in the store: it ends when it is given back, when
// its holder's heartbeat is missed, or when the lease runs out.
//
// The reading matters more than the turn. Without the store, or after as long
// as a turn may last, a replica asks without one.
type turns struct {
	replica string // holders' names begin with it
	durable *durable.Store
	longest time.Duration // that a turn lasts, and that one is waited for

	mu sync.Mutex
	// owed are the leases that this replica has no use for and could not give
	// back, or may have been given without hearing of it, because the store did
	// not answer: names by holder.
	owed map[string]string
}

// turnPoll is how often a replica looks whether another's turn has ended. At
// first it looks sooner: the other may just be tidying up.
const turnPoll = 200 * time.Millisecond

// turn is a lease that one call has or wants.
type turn struct{ lease, holder string }

// newTurn is for calls of that name, which is hashed: it may hold a login. The
// holder is no other call's, this replica's included.
func (t *turns) newTurn(name string) turn {
	digest := sha256.Sum256([]byte(name))
	return turn{lease: "read/" + hex.EncodeToString(digest[:16]), holder: t.replica + "/" + rand.Text()}
}

// acquire makes a holder the holder of a lease, as store.AcquireLease does.
type acquire func(ctx context.Context, st *store.Store, lease, holder string, ttl time.Duration) (ours bool, err error)

// take waits while another replica makes a call of that name. try asks once for
// its lease, whose holder is to begin with this replica's name. look brings to
// memory what other replicas have read, ours tells that the turn was had before
// it. arrived tells whether the reading is at hand by now; waited is false if nobody was waited for. Then there is nothing
// left to do, and release is nil; else the call is ours to make, and release has
// to follow it.
func (t *turns) take(ctx context.Context, name string, try acquire, look func(ctx context.Context, ours bool), arrived func(waited bool) bool) (release func()) {
	ctx, cancel := context.WithTimeout(ctx, t.longest)
	defer cancel()
	mine, waited := t.newTurn(name), false
	for poll := time.Millisecond; ; poll = min(2*poll, turnPoll) {
		ours, err := t.ask(ctx, mine, try)
		if err != nil {
			return func() {}
		}
		if waited || ours {
			// It may just have been read: by whom we waited for, or since our
			// last look at the store.
			look(ctx, ours)
		}
		switch have := arrived(waited); {
		case ours && have:
			t.release(ctx, mine)
			return nil
		case ours:
			return func() { t.release(ctx, mine) }
		case have:
			return nil
		}
		waited = true
		select {
		case <-time.After(poll):
		case <-ctx.Done():
			return func() {}
		}
	}
}

// ask tells whether a turn is ours.
func (t *turns) ask(ctx context.Context, mine turn, try acquire) (ours bool, err error) {
	tried := false
	err = t.durable.Use(ctx, func(ctx context.Context, st *store.Store) (err error) {
		tried = true
		ours, err = try(ctx, st, mine.lease, mine.holder, t.longest)
		return err
	})
	if err != nil && tried {
		t.owe(mine)
	}
	return ours, err
}

func (t *turns) release(ctx context.Context, mine turn) {
	err := t.durable.Use(context.WithoutCancel(ctx), func(ctx context.Context, st *store.Store) error {
		return st.ReleaseLease(ctx, mine.lease, mine.holder)
	})
	if err != nil {
		t.owe(mine)
	}
}

func (t *turns) owe(mine turn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.owed == nil {
		t.owed = map[string]string{}
	}
	t.owed[mine.holder] = mine.lease
}

// settle gives back what is owed, now that the store answers, so that nobody
// waits until it runs out. It keeps what the store does not take.
func (t *turns) settle(ctx context.Context, st *store.Store) error {
	t.mu.Lock()
	owed := t.owed
	t.owed = nil
	t.mu.Unlock()
	for holder, lease := range owed {
		if err := st.ReleaseLease(ctx, lease, holder); err != nil {
			for holder, lease := range owed {
				t.owe(turn{lease, holder})
			}
			return err
		}
		delete(owed, holder)
	}
	return nil
}
