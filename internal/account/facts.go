package account

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"accountgateway/internal/store"
)

// The facts that the store keeps of an account, so that every replica tells the
// same.
const (
	stateFact   = "state"   // a State
	runwayFact  = "runway"  // a runway
	writtenFact = "written" // nothing: an account was written to
)

// fact is one on its way to the store; false if it has no JSON form, as times
// after the year 9999: then only this replica has it.
func (s *Service) fact(a *accountState, name string, asOf time.Time, value any) (store.Fact, bool) {
	body, err := json.Marshal(value)
	if err != nil {
		s.options.Log.Error().Err(err).Str("account", a.Name).Str("fact", name).Msg("encoding a reading for the database failed")
	}
	return store.Fact{Account: a.Name, Name: name, AsOf: asOf, Body: body}, err == nil
}

// saveFact keeps one fact. Without the store only this replica has it.
func (s *Service) saveFact(ctx context.Context, a *accountState, name string, asOf time.Time, value any) {
	if f, ok := s.fact(a, name, asOf, value); ok {
		// durable logs it when the store goes away.
		_ = s.durable.Use(ctx, func(ctx context.Context, st *store.Store) error { return st.SaveReadings(ctx, nil, f) })
	}
}

// persistWrite lets other replicas know that an account was written to. Gateways
// that have no table of facts yet look for it among the readings.
func (s *Service) persistWrite(ctx context.Context, a *accountState) {
	at := a.writtenAt.Load().label
	_ = s.durable.Use(ctx, func(ctx context.Context, st *store.Store) error {
		return st.SaveReadings(ctx, []store.Reading{{Key: store.ReadingKey{Account: a.Name, Operation: writtenFact}, AsOf: at}},
			store.Fact{Account: a.Name, Name: writtenFact, AsOf: at})
	})
}

// adoptFact takes over a fact from the store, known since then.
func (s *Service) adoptFact(account, name string, body []byte, when stamp) error {
	a, ok := s.accounts[account]
	if !ok {
		return nil
	}
	switch name {
	case stateFact:
		var state State
		if err := json.Unmarshal(body, &state); err != nil {
			return err
		}
		a.state.adopt(state, when.at)
		if state.State == StateOK {
			a.backoff.succeeded()
		}
	case runwayFact:
		var seen runway
		if err := json.Unmarshal(body, &seen); err != nil {
			return err
		}
		a.runway.Store(&seen)
	case writtenFact:
		a.written(write{stamp: when})
	default:
		return fmt.Errorf("no reading or fact %q", name)
	}
	return nil
}
