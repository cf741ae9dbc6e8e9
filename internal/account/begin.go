package account

import (
	"context"
	"time"

	"accountgateway/internal/store"
)

// beginning is what a call for a reading does in the store before it asks the
// vendor. If nobody has to be waited for it is one transaction, which takes the
// turn, looks what there is, and takes a slot of the budgets.
type beginning struct {
	s     *Service
	c     *call
	tries int // how often the turn was asked for
	had   store.Begun
	slot  reservedSlot
}

// acquire takes the turn if it is free.
func (b *beginning) acquire(ctx context.Context, st *store.Store, lease, holder string, ttl time.Duration) (ours bool, err error) {
	if err := b.s.introduce(ctx, st); err != nil {
		return false, err
	}
	want := store.Beginning{Lease: lease, Holder: holder, TTL: ttl, Account: b.c.key.account}
	b.tries++
	// Whoever had to wait finds the reading there, mostly, and takes a slot only if not.
	if budget := b.c.account.Budget; b.tries == 1 && budget != nil && b.sends() {
		want.Budgets, want.By, want.Hold = budget.wants(ctx), askerOf(ctx), budget.hold+reservedFor
	}
	asked := b.s.now()
	if b.had, err = st.BeginCall(ctx, want); err != nil {
		return false, err
	}
	b.slot.put(b.c.account.Budget, b.had.Slot, asked)
	return b.had.Ours, nil
}

// sends tells whether the call will be sent, as far as can be told before.
func (b *beginning) sends() bool {
	if circuit := b.c.account.Circuit; circuit != nil {
		if open, _ := circuit(); open {
			return false
		}
	}
	return b.c.account.lockout.refused(b.c.bound.NoCache) == nil
}

// look brings to memory what other replicas have read.
func (b *beginning) look(ctx context.Context, ours bool) {
	if !ours {
		b.s.sync.pull(ctx, b.s)
		return
	}
	b.s.sync.look(ctx, b.s, b.had.News.Saved)
}

// free tells that the account was found to have no lockout when the turn was had.
func (b *beginning) free() bool { return b.had.Ours && !b.had.News.LockedOut }
