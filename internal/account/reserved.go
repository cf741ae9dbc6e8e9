package account

import (
	"context"
	"sync"

	"accountgateway/internal/store"
)

// reservedSlot is a slot that was taken for the next call in a budget, before it
// was clear that there will be one. The zero value is none. It is safe for
// concurrent use.
type reservedSlot struct {
	mu     sync.Mutex
	budget *Budget
	slot   store.Slot
}

type reservedKey struct{}

// withReserved lets the next call under the context use a slot.
func withReserved(ctx context.Context, r *reservedSlot) context.Context {
	return context.WithValue(ctx, reservedKey{}, r)
}

// reserved takes the slot that the context has for a budget, if there is one.
func reserved(ctx context.Context, b *Budget) store.Slot {
	r, ok := ctx.Value(reservedKey{}).(*reservedSlot)
	if !ok {
		return store.Slot{}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.budget != b {
		return store.Slot{}
	}
	slot := r.slot
	r.slot = store.Slot{}
	return slot
}

func (r *reservedSlot) put(b *Budget, slot store.Slot) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.budget, r.slot = b, slot
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
