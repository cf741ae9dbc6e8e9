package account

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/govalues/decimal"

	"accountgateway/internal/durable"
	"accountgateway/internal/provider"
	"accountgateway/internal/store"
)

// The forecast's method. Its readers are told it in words (ForecastMethod).
const (
	forecastWindow = 14 * 24 * time.Hour // how far back readings are taken
	forecastStep   = time.Hour           // the last reading of each hour counts
	forecastSpan   = 24 * time.Hour      // that much must be measured, or it would be a guess
	forecastGaps   = 10                  // in percent of the time since the first reading: less than that may lack readings
)

// ForecastMethod says how a forecast is made.
const ForecastMethod = "mean spending: the falls between hourly readings of the last 14 days, divided by the time they cover; " +
	"hours in which the balance rose from one reading to the next are left out, so that top-ups do not count as negative spending, " +
	"and so are hours with more than two refresh intervals between two readings; " +
	"a top-up smaller than what was spent between the same two readings is not seen, and makes the burn look smaller than it is; " +
	"days left are (balance + credit) / burn per day"

// ForecastStatus tells whether there is a forecast.
type ForecastStatus string

// The statuses.
const (
	ForecastOK            ForecastStatus = "ok"
	InsufficientHistory   ForecastStatus = "insufficient_history" // less than a day is measured
	ForecastNoBurn        ForecastStatus = "no_burn"              // nothing was spent: it lasts for ever at this rate
	ForecastUnpredictable ForecastStatus = "unpredictable"        // the balance rose in every hour read
	ForecastPostpaid      ForecastStatus = "postpaid"             // what is spent is invoiced later: nothing ends
)

// ForecastQuality tells how much of the time since the first reading is
// measured.
type ForecastQuality string

// The qualities.
const (
	Measured ForecastQuality = "measured" // nine tenths of it at least
	HasGaps  ForecastQuality = "gaps"     // less: what was spent in the rest is not known, nor whether a top-up hid it
)

// Forecast is how fast an account's money goes and when it ends.
type Forecast struct {
	Balance    Reading[provider.Balance] // the reading that it starts from
	From, Till time.Time                 // the window of readings
	Currencies []CurrencyForecast        // the main pot's
}

// CurrencyForecast is the forecast of one currency.
type CurrencyForecast struct {
	Currency   provider.Currency
	Status     ForecastStatus
	Quality    ForecastQuality
	Readings   int             // that it is made from
	Since      *time.Time      // the first of them; nil if there are none
	BurnPerDay *provider.Money // nil unless Status is ok, no_burn or postpaid; rounded to the balance's scale, at least 2
	Left       *time.Duration  // until balance and credit are spent, counted from the balance's AsOf; nil unless Status is ok
}

// Forecast tells how long an account's money lasts at the rate at which it was
// spent. Its errors are those of Balance and *durable.UnavailableError.
func (s *Service) Forecast(ctx context.Context, name string, b Bound) (Forecast, error) {
	balance, err := s.Balance(ctx, name, provider.BalanceQuery{}, b)
	if err != nil {
		return Forecast{}, err
	}
	f := Forecast{Balance: balance, Till: balance.AsOf, From: balance.AsOf.Add(-forecastWindow)}
	steps, err := durable.Get(ctx, s.durable.Query, func(ctx context.Context, st *store.Store) ([]store.BalanceStep, error) {
		return st.BalanceSteps(ctx, name, f.From, f.Till, forecastStep)
	})
	if err != nil {
		return Forecast{}, durable.Unavailable(ctx, err)
	}
	one, err := forecast(balance, steps, 2*s.options.RefreshInterval)
	if err != nil {
		return Forecast{}, fmt.Errorf("forecast of %s: %w", name, err)
	}
	f.Currencies = []CurrencyForecast{one}
	return f, nil
}

// forecast makes the forecast of the balance's currency from steps in the order
// of time, which may be of other currencies too. Where readings are more than
// longest apart nothing is measured; 0 is any time, of which little is known.
func forecast(balance Reading[provider.Balance], steps []store.BalanceStep, longest time.Duration) (CurrencyForecast, error) {
	now := balance.Value.Balance
	f := CurrencyForecast{Currency: now.Currency, Status: InsufficientHistory, Quality: HasGaps}
	steps = slices.DeleteFunc(steps, func(s store.BalanceStep) bool { return s.Currency != string(f.Currency) })
	// The reading itself may be on its way to the store still.
	if len(steps) == 0 || steps[len(steps)-1].AsOf.Before(balance.AsOf.Truncate(time.Microsecond)) {
		latest := store.BalanceStep{AsOf: balance.AsOf, Balance: now.Amount}
		if len(steps) > 0 {
			last := steps[len(steps)-1]
			latest.Gap, latest.Rose = latest.AsOf.Sub(last.AsOf), now.Amount.Cmp(last.Balance) > 0
		}
		steps = append(steps, latest)
	}
	f.Readings, f.Since = len(steps), &steps[0].AsOf
	span := steps[len(steps)-1].AsOf.Sub(steps[0].AsOf)
	var spent decimal.Decimal
	var measured, falling time.Duration // falling: the part of it in which the balance did not rise
	for i := 1; i < len(steps); i++ {
		took := steps[i].AsOf.Sub(steps[i-1].AsOf)
		if longest > 0 && steps[i].Gap > longest {
			continue
		}
		measured += took
		if steps[i].Rose {
			continue
		}
		falling += took
		fall, err := steps[i-1].Balance.Sub(steps[i].Balance)
		if err == nil {
			spent, err = spent.Add(fall)
		}
		if err != nil {
			return f, err
		}
	}
	if longest > 0 && span > 0 && (span-measured)*100 < span*forecastGaps {
		f.Quality = Measured
	}
	switch {
	case measured < forecastSpan:
		return f, nil
	case falling < forecastStep: // the latest reading may be minutes after the last hour's
		f.Status = ForecastUnpredictable
		return f, nil
	}
	burn, err := perDay(spent, falling)
	if err != nil {
		return f, err
	}
	shown := burn.Rescale(max(now.Amount.Scale(), 2))
	f.BurnPerDay = &provider.Money{Amount: shown, Currency: f.Currency}
	if spent.IsZero() {
		f.Status = ForecastNoBurn
		return f, nil
	}
	if balance.Value.Billing == provider.Postpaid {
		f.Status = ForecastPostpaid
		return f, nil
	}
	left, err := timeLeft(balance.Value, burn)
	if err != nil {
		return f, err
	}
	f.Status, f.Left = ForecastOK, &left
	return f, nil
}

func perDay(spent decimal.Decimal, covered time.Duration) (decimal.Decimal, error) {
	days, err := decimal.New(int64(covered/time.Second), 0)
	if err == nil {
		days, err = days.Quo(decimal.MustNew(int64(24*time.Hour/time.Second), 0))
	}
	if err != nil {
		return decimal.Decimal{}, err
	}
	return spent.Quo(days)
}

// timeLeft is how long balance and credit last; 0 once they are spent.
func timeLeft(b *provider.Balance, burnPerDay decimal.Decimal) (time.Duration, error) {
	money := b.Balance.Amount
	if b.Credit != nil {
		var err error
		if money, err = money.Add(b.Credit.Amount); err != nil {
			return 0, err
		}
	}
	if !money.IsPos() {
		return 0, nil
	}
	// An estimate: no money is made from these floats.
	have, _ := money.Float64()
	burn, _ := burnPerDay.Float64()
	return time.Duration(min(have/burn, maxDaysLeft) * float64(24*time.Hour)), nil
}

// maxDaysLeft is a hundred years: more is not worth telling apart.
const maxDaysLeft = 36_500

// runway is the last forecast of an account, for the metrics: its end, so that
// what is left of it shrinks while nothing new is read.
type runway struct {
	Currency provider.Currency `json:"currency"`
	End      time.Time         `json:"end"`    // zero: no forecast of it
	Status   ForecastStatus    `json:"status"` // "" of earlier versions
}

// left is the time until the money ends; false if there is no forecast.
func (r *runway) left(now time.Time) (time.Duration, bool) {
	if r == nil || r.End.IsZero() {
		return 0, false
	}
	return max(r.End.Sub(now), 0), true
}

// Runway is when an account's money ends, by its last forecast.
type Runway struct {
	Status ForecastStatus // "" if there is none yet
	End    time.Time      // zero unless Status is ok
}

// Runway gives the last forecast that background readings of any replica made,
// from memory.
func (s *Service) Runway(name string) Runway {
	a, ok := s.accounts[name]
	if !ok {
		return Runway{}
	}
	r := a.runway.Load()
	switch {
	case r == nil:
		return Runway{}
	case !r.End.IsZero():
		return Runway{Status: ForecastOK, End: r.End}
	}
	return Runway{Status: r.Status}
}

// RenewRunways makes the last forecasts of all accounts, of what is at hand, as
// background readings do one after the other.
func (s *Service) RenewRunways(ctx context.Context) {
	for _, name := range s.names {
		s.renewRunway(ctx, s.accounts[name])
	}
}

// renewRunway renews an account's forecast for the metrics of all replicas.
func (s *Service) renewRunway(ctx context.Context, a *accountState) {
	age := AnyStaleness
	ctx = provider.WithCause(ctx, provider.CauseRefresh)
	f, err := s.Forecast(ctx, a.Name, Bound{MaxStale: &age, OnlyIfCached: true})
	if err != nil || len(f.Currencies) == 0 {
		return // without a reading or without the store: the last forecast stands
	}
	seen := &runway{Currency: f.Currencies[0].Currency, Status: f.Currencies[0].Status}
	if left := f.Currencies[0].Left; left != nil {
		seen.End = f.Balance.AsOf.Add(*left)
	}
	a.runway.Store(seen)
	s.saveFact(ctx, a, runwayFact, s.label(), seen)
}
