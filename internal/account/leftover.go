package account

import (
	"context"
	"sync"

	"accountgateway/internal/store"
)

// leftovers are leases that this replica has no use for and could not give
// back, or may have been given without hearing of it, because the store did not
// answer. They are given back as soon as it does, so that nobody waits until
// they run out.
type leftovers struct {
	mu     sync.Mutex
	leases map[string]string // names by holder, which is that of one call
}

func (l *leftovers) add(lease, holder string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.leases == nil {
		l.leases = map[string]string{}
	}
	l.leases[holder] = lease
}

// release gives all of them back, and keeps those that the store does not take.
func (l *leftovers) release(ctx context.Context, st *store.Store) error {
	l.mu.Lock()
	leases := l.leases
	l.leases = nil
	l.mu.Unlock()
	for holder, lease := range leases {
		if err := st.ReleaseLease(ctx, lease, holder); err != nil {
			for holder, lease := range leases {
				l.add(lease, holder)
			}
			return err
		}
		delete(leases, holder)
	}
	return nil
}
