package account

import (
	"context"
	"sync"
	"time"

	"accountgateway/internal/store"
)

// reservedFor is how long a slot is reserved for a call that has not begun. It is
// held for so much longer than the call can take.
const reservedFor = time.Second

// reservedSlot is a slot that was taken for the next call in a budget, before it
// was clear that there will be one. The zero value is none. It is safe for
// concurrent use.
type reservedSlot struct {
	mu     sync.Mutex
	budget *Budget
	slot   store.Slot
	until  time.Time // after that it would be free again while the call is under way
}

type reservedKey struct{}

// withReserved lets the next call under the context use a slot.
func withReserved(ctx context.Context, r *reservedSlot) context.Context {
	return context.WithValue(ctx, reservedKey{}, r)
}

// isReading tells whether calls under the context are for a reading.
func isReading(ctx context.Context) bool { return ctx.Value(reservedKey{}) != nil }

// reserved takes the slot that the context has for a budget, if there is one, and
// gives it back if it is too late to use it.
func reserved(ctx context.Context, b *Budget) store.Slot {
	r, ok := ctx.Value(reservedKey{}).(*reservedSlot)
	if !ok {
		return store.Slot{}
	}
	r.mu.Lock()
	if r.budget != b {
		r.mu.Unlock()
		return store.Slot{}
	}
	slot, late := r.slot, b.durable.Now().After(r.until)
	if !late {
		r.slot = store.Slot{}
	}
	r.mu.Unlock()
	if late {
		r.giveBack(ctx)
		return store.Slot{}
	}
	return slot
}

// put reserves a slot that was taken after a time.
func (r *reservedSlot) put(b *Budget, slot store.Slot, after time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.budget, r.slot, r.until = b, slot, after.Add(reservedFor)
}

// giveBack releases the slot if no call has used it.
func (r *reservedSlot) giveBack(ctx context.Context) {
	r.mu.Lock()
	b, slot := r.budget, r.slot
	r.slot = store.Slot{}
	r.mu.Unlock()
	if slot.Granted() {
		b.release(ctx, slot)
	}
}
