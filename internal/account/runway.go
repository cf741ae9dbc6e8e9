package account

import (
	"context"
	"sync"
	"time"

	"accountgateway/internal/provider"
)

// runway keeps the last forecast of an account for the metrics: its end, so
// that what is left of it shrinks while nothing new is read.
type runway struct {
	mu       sync.Mutex
	currency provider.Currency
	end      time.Time // zero: no forecast
}

// left is the time until the money ends.
func (r *runway) left() (time.Duration, provider.Currency, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return max(time.Until(r.end), 0), r.currency, !r.end.IsZero()
}

// foresee renews an account's forecast for the metrics.
func (s *Service) foresee(ctx context.Context, a *watched) {
	age := AnyStaleness
	ctx = provider.WithCause(ctx, provider.CauseRefresh)
	f, err := s.Forecast(ctx, a.Name, Bound{MaxStale: &age, OnlyIfCached: true})
	if err != nil || len(f.Currencies) == 0 {
		return // without a reading or without the store: the last forecast stands
	}
	a.runway.mu.Lock()
	defer a.runway.mu.Unlock()
	a.runway.currency, a.runway.end = f.Currencies[0].Currency, time.Time{}
	if left := f.Currencies[0].Left; left != nil {
		a.runway.end = f.Balance.AsOf.Add(*left)
	}
}
