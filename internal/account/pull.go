package account

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"accountgateway/internal/durable"
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
		asked := s.now()
		rows, err := durable.Get(ctx, s.durable.Use, func(ctx context.Context, st *store.Store) ([]store.Reading, error) {
			return st.ReadingsAfter(ctx, y.seq, pullRows)
		})
		if err != nil {
			return
		}
		for _, row := range rows {
			y.seq = row.Seq
			if err := s.adopt(row, asked); err != nil {
				s.options.Log.Error().Err(err).Str("account", row.Key.Account).Str("operation", row.Key.Operation).
					Msg("a reading in the database is not understood, and not used")
			}
		}
		if len(rows) < pullRows {
			return
		}
	}
}

// adopt takes over a reading from the store, which told its age after it was
// asked.
func (s *Service) adopt(row store.Reading, asked time.Time) error {
	a, ok := s.accounts[row.Key.Account]
	if !ok {
		return nil // of an account that is configured elsewhere, or no more
	}
	when := stamp{at: asked, label: row.AsOf}
	if !row.Unsure { // else: as if it were of now, which is safe for all but figures
		when.at = asked.Add(-max(row.Age, 0))
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
		a.state.adopt(state, when.at)
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
		a.written(write{stamp: when})
		return nil
	default:
		return fmt.Errorf("no operation %q", op)
	}
	if err := json.Unmarshal(row.Body, value); err != nil {
		return err
	}
	k := key{account: row.Key.Account, op: provider.Operation(row.Key.Operation), query: row.Key.Query}
	if !row.Unsure {
		a.state.succeeded(row.AsOf, s.label())
	}
	e := &entry{stamp: when, unsure: row.Unsure, value: value}
	e.seq.Store(row.Seq)
	s.memory.put(k, e)
	return nil
}
