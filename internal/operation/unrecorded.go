package operation

import (
	"context"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"accountgateway/internal/store"
)

const (
	// recordPatience is how long a caller waits for the end of its write to be
	// recorded before it is told the outcome as not recorded.
	recordPatience = 5 * time.Second
	// recordRetry is how often a waiting end is tried again.
	recordRetry = time.Second
)

// unrecorded are the ends of writes that the store could not take yet. Those
// that were sent answer replays. All are retried for as long as the process
// lives. A process that is killed loses them: then the operation becomes unknown.
type unrecorded struct {
	mu   sync.Mutex
	byID map[string]store.Operation
}

func (u *unrecorded) add(op store.Operation) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.byID == nil {
		u.byID = map[string]store.Operation{}
	}
	u.byID[op.ID] = op
}

func (u *unrecorded) remove(id string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.byID, id)
}

func (u *unrecorded) get(id string) (store.Operation, bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	op, ok := u.byID[id]
	return op, ok
}

// of finds the operation of a caller's key. One that was not sent is left to the
// store: its record keeps the key until its end is recorded, and if the store
// has lost the record the key is new.
func (u *unrecorded) of(caller, key string) (store.Operation, bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, op := range u.byID {
		if op.Caller == caller && op.Key == key && !op.KeyFree {
			return op, true
		}
	}
	return store.Operation{}, false
}

// DrainUntil says until when Run goes on after its context has ended to record
// the ends of writes that the store could not take. Without it that is
// recordPatience.
func (s *Service) DrainUntil(t time.Time) { s.drainUntil.Store(&t) }

func (s *Service) drain() (context.Context, context.CancelFunc) {
	if until := s.drainUntil.Load(); until != nil {
		return context.WithDeadline(context.Background(), *until)
	}
	return context.WithTimeout(context.Background(), recordPatience)
}

// settle tries to record the end of an operation for as long as the process
// lives. why it is not recorded yet goes to the log if it never is.
func (s *Service) settle(op store.Operation, why error) {
	defer s.unrecorded.remove(op.ID)
	ctx, closing := context.Background(), s.gateway.Closing
	retry := time.NewTicker(recordRetry)
	defer retry.Stop()
	for {
		select {
		case <-retry.C:
		case <-closing:
			var cancel context.CancelFunc
			ctx, cancel = s.drain()
			defer cancel()
			closing = nil
		case <-ctx.Done():
			s.logEnd(op).Err(why).Msg("the outcome of an operation could not be recorded before shutdown: settle it by hand")
			return
		}
		err := s.record(ctx, op.ID, op.Settlement)
		if err == nil {
			s.gateway.Log.Info().Str("account", op.Account).Str("operation", op.ID).Msg("recorded the outcome of an operation")
			return
		}
		if ctx.Err() == nil { // else it is only that there is no more time
			why = err
		}
	}
}

// logEnd begins a log line that has all that a person needs to settle an
// operation by hand.
func (s *Service) logEnd(op store.Operation) *zerolog.Event {
	return s.gateway.Log.Error().Str("account", op.Account).Str("operation", op.ID).Str("state", string(op.State)).Str("reference", op.Reference)
}
