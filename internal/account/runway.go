package account

import (
	"context"
	"encoding/json"
	"time"

	"accountgateway/internal/provider"
	"accountgateway/internal/store"
)

// runwayRow is the operation under which an account's runway is kept in the
// store, so that every replica shows the same.
const runwayRow provider.Operation = "runway"

// runway is the last forecast of an account, for the metrics: its end, so that
// what is left of it shrinks while nothing new is read.
type runway struct {
	Currency provider.Currency `json:"currency"`
	End      time.Time         `json:"end"` // zero: no forecast
}

// left is the time until the money ends; false if there is no forecast.
func (r *runway) left(now time.Time) (time.Duration, bool) {
	if r == nil || r.End.IsZero() {
		return 0, false
	}
	return max(r.End.Sub(now), 0), true
}

// renewRunway renews an account's forecast for the metrics of all replicas.
func (s *Service) renewRunway(ctx context.Context, a *accountState) {
	age := AnyStaleness
	ctx = provider.WithCause(ctx, provider.CauseRefresh)
	f, err := s.Forecast(ctx, a.Name, Bound{MaxStale: &age, OnlyIfCached: true})
	if err != nil || len(f.Currencies) == 0 {
		return // without a reading or without the store: the last forecast stands
	}
	seen := &runway{Currency: f.Currencies[0].Currency}
	if left := f.Currencies[0].Left; left != nil {
		seen.End = f.Balance.AsOf.Add(*left)
	}
	a.runway.Store(seen)
	body, err := json.Marshal(seen)
	if err != nil {
		return // times after the year 9999 have no JSON form: this replica alone shows it
	}
	// durable logs it when the store goes away.
	_ = s.durable.use(ctx, func(ctx context.Context, st *store.Store) error {
		key := store.ReadingKey{Account: a.Name, Operation: string(runwayRow)}
		return st.SaveReadings(ctx, []store.Reading{{Key: key, AsOf: s.label(), Body: body}})
	})
}
