package account

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"accountgateway/internal/provider"
	"accountgateway/internal/store"
)

// syncer brings to memory what is new in the store: at the start the readings
// of earlier runs, later those of other replicas.
type syncer struct {
	mu  sync.Mutex
	seq int64 // of the last reading seen
}

const pullRows = 500

// pull looks once; what it can't get now, a later pull gets.
func (y *syncer) pull(ctx context.Context, s *Service) {
	y.mu.Lock()
	defer y.mu.Unlock()
	for {
		var rows []store.Reading
		err := s.durable.use(ctx, func(ctx context.Context, st *store.Store) (err error) {
			rows, err = st.ReadingsAfter(ctx, y.seq, pullRows)
			return err
		})
		if err != nil {
			return
		}
		for _, row := range rows {
			y.seq = row.Seq
			if err := s.adopt(row); err != nil {
				s.options.Log.Error().Err(err).Str("account", row.Key.Account).Str("operation", row.Key.Operation).
					Msg("a reading in the database is not understood, and not used")
			}
		}
		if len(rows) < pullRows {
			return
		}
	}
}

// adopt takes over a reading from the store.
func (s *Service) adopt(row store.Reading) error {
	a, ok := s.accounts[row.Key.Account]
	if !ok {
		return nil // of an account that is configured elsewhere, or no more
	}
	// Not later than now, by our clock: what is asked from here on comes after.
	asOf, now := row.AsOf, s.now()
	if asOf.After(now) {
		asOf = now
	}
	var value any
	switch op := provider.Operation(row.Key.Operation); op {
	case provider.OpBalance:
		value = new(provider.Balance)
	case provider.OpStatistics:
		value = new(provider.Statistics)
	case provider.OpUsers:
		value = new(provider.Users)
	case stateRow:
		var state State
		if err := json.Unmarshal(row.Body, &state); err != nil {
			return err
		}
		a.state.adopt(state, asOf)
		if state.State == StateOK {
			a.backoff.succeeded()
		}
		return nil
	case runwayRow:
		var seen runway
		if err := json.Unmarshal(row.Body, &seen); err != nil {
			return err
		}
		a.runway.Store(&seen)
		return nil
	case writtenRow:
		a.written(asOf)
		return nil
	default:
		return fmt.Errorf("no operation %q", op)
	}
	if err := json.Unmarshal(row.Body, value); err != nil {
		return err
	}
	k := key{account: row.Key.Account, op: provider.Operation(row.Key.Operation), query: row.Key.Query}
	if ahead := row.AsOf.Sub(now); ahead > clockSkew {
		// Read under a clock that was ahead, of a restart after a jump or of
		// another machine: no proof of anything, so at least a day old.
		asOf = now.Add(-max(ahead, 24*time.Hour))
	} else {
		a.state.succeeded(asOf)
	}
	s.memory.put(k, &entry{asOf: asOf, value: value})
	return nil
}
