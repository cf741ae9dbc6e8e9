package account

import (
	"context"
	"encoding/json"
	"sync"
	"sync/atomic"
	"time"

	"accountgateway/internal/durable"
	"accountgateway/internal/provider"
	"accountgateway/internal/store"
)

// syncer brings to memory what is new in the store: at the start the readings
// of earlier runs, later those of other replicas.
type syncer struct {
	mu      sync.Mutex
	seq     int64 // of the last reading seen
	factSeq int64 // of the last fact

	// had is the number of a save up to which everything was seen, or was saved
	// by this replica.
	had atomic.Int64
}

const pullRows = 500

// look pulls if there is anything to be had, given the number of the last save.
func (y *syncer) look(ctx context.Context, s *Service, saved int64) {
	if saved <= y.had.Load() || !y.pull(ctx, s) {
		return
	}
	for had := y.had.Load(); had < saved && !y.had.CompareAndSwap(had, saved); had = y.had.Load() {
	}
}

// saved takes note of what this replica itself saved under numbers in a row. If
// others saved something before it, it is seen with that.
func (y *syncer) saved(first, last int64) { y.had.CompareAndSwap(first-1, last) }

// pull looks once; what it can't get now, a later pull gets. It tells whether it
// got everything.
func (y *syncer) pull(ctx context.Context, s *Service) bool {
	y.mu.Lock()
	defer y.mu.Unlock()
	for {
		asked := s.now()
		var facts []store.Fact
		rows, err := durable.Get(ctx, s.durable.Use, func(ctx context.Context, st *store.Store) (rows []store.Reading, err error) {
			if rows, err = st.ReadingsAfter(ctx, y.seq, pullRows); err != nil {
				return nil, err
			}
			facts, err = st.FactsAfter(ctx, y.factSeq) // second: no write is missed that was known when a reading was saved
			return rows, err
		})
		if err != nil {
			return false
		}
		for _, f := range facts {
			y.factSeq = f.Seq
			if err := s.adoptFact(f.Account, f.Name, f.Body, knownSince(asked, f.AsOf, f.Age, f.Unsure)); err != nil {
				s.options.Log.Error().Err(err).Str("account", f.Account).Str("fact", f.Name).Msg("a fact in the database is not understood, and not used")
			}
		}
		for _, row := range rows {
			y.seq = row.Seq
			if err := s.adopt(row, asked); err != nil {
				s.options.Log.Error().Err(err).Str("account", row.Key.Account).Str("operation", row.Key.Operation).
					Msg("ignoring an invalid reading in the database")
			}
		}
		if len(rows) < pullRows {
			return true
		}
	}
}

// knownSince is since when something from the store is known, which told its age
// after it was asked. A reading of unknown age is treated as if it were of now, which
// is safe for all but figures.
func knownSince(asked, asOf time.Time, age time.Duration, unsure bool) stamp {
	when := stamp{at: asked, label: asOf}
	if !unsure {
		when.at = asked.Add(-max(age, 0))
	}
	return when
}

// adopt takes over a reading from the store, which told its age after it was
// asked.
func (s *Service) adopt(row store.Reading, asked time.Time) error {
	a, ok := s.accounts[row.Key.Account]
	if !ok {
		return nil // of an account that is configured elsewhere, or no more
	}
	when := knownSince(asked, row.AsOf, row.Age, row.Unsure)
	var value any
	switch op := provider.Operation(row.Key.Operation); op {
	case provider.OpBalance:
		value = new(provider.Balance)
	case provider.OpStatistics:
		value = new(provider.Statistics)
	case provider.OpUsers:
		value = new(provider.Users)
	default: // gateways that have no table of facts yet keep them among the readings
		return s.adoptFact(row.Key.Account, row.Key.Operation, row.Body, when)
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
