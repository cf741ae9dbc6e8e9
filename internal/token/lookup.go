package token

import (
	"context"
	"crypto/subtle"
	"errors"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
)

// Tokens that memory does not know are looked up this often at most, whoever
// asks: enough for those who have just made one, and next to nothing for the
// store.
const (
	lookupsPerSecond = 5
	lookupsAtOnce    = 10
)

// lookups bound how often the store is asked about one token.
type lookups struct {
	limit *rate.Limiter
	turn  chan struct{} // holds one while somebody looks
	off   atomic.Bool   // the store failed, and has not been read since
}

func newLookups() lookups {
	return lookups{limit: rate.NewLimiter(lookupsPerSecond, lookupsAtOnce), turn: make(chan struct{}, 1)}
}

// Lookup is Check, but asks the store about a token that memory does not know:
// it may have been made or rotated a moment ago. How often it does so is bounded,
// so that guessing costs no database. Beyond that a new token is known once Run
// has read the store again.
func (k *Keeper) Lookup(ctx context.Context, text string, now time.Time) (Caller, error) {
	caller, err := k.Check(text, now)
	id, ok := IDOf(text)
	if !ok || !errors.Is(err, ErrUnknown) {
		return caller, err
	}
	bounded, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	select {
	case k.lookups.turn <- struct{}{}:
		defer func() { <-k.lookups.turn }()
	case <-bounded.Done():
		return caller, err
	}
	// Who had the turn before may have had the same token.
	if caller, err = k.Check(text, now); errors.Is(err, ErrUnknown) && k.isStored(bounded, id, text, now) && k.Load(bounded) == nil {
		return k.Check(text, now)
	}
	return caller, err
}

// isStored tells whether the store has this very token.
func (k *Keeper) isStored(ctx context.Context, id, text string, now time.Time) bool {
	s := k.store.Load()
	if s == nil || k.lookups.off.Load() || !k.lookups.limit.AllowN(now, 1) {
		return false
	}
	row, found, err := s.Token(ctx, id)
	if err != nil {
		if !errors.Is(ctx.Err(), context.Canceled) { // it was the store, not the asker who hung up
			k.lookups.off.Store(true) // until Run has read it again
		}
		return false
	}
	return found && row.RevokedAt.IsZero() && subtle.ConstantTimeCompare(row.Hash, hash(text)) == 1
}
