package account

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/govalues/decimal"

	"accountgateway/internal/provider"
	"accountgateway/internal/store"
)

// The forecast's method. Its readers are told it in words (ForecastMethod).
const (
	forecastWindow = 14 * 24 * time.Hour // how far back readings are taken
	forecastStep   = time.Hour           // the last reading of each hour counts
	forecastSpan   = 24 * time.Hour      // readings must span that much, or it would be a guess
)

// ForecastMethod says how a forecast is made.
const ForecastMethod = "mean spending: the falls between hourly readings of the last 14 days, divided by the time they cover; " +
	"hours in which the balance rose are left out, so that top-ups do not count as negative spending; " +
	"days left are (balance + credit) / burn per day"

// ForecastStatus tells whether there is a forecast.
type ForecastStatus string

// The statuses.
const (
	ForecastOK            ForecastStatus = "ok"
	InsufficientHistory   ForecastStatus = "insufficient_history" // readings span less than a day
	ForecastNoBurn        ForecastStatus = "no_burn"              // nothing was spent: it lasts for ever at this rate
	ForecastUnpredictable ForecastStatus = "unpredictable"        // the balance rose in every hour read
)

// Forecast is how fast an account's money goes and when it ends.
type Forecast struct {
	Balance    Reading[provider.Balance] // the reading that it starts from
	From, Till time.Time                 // the window of readings
	Currencies []CurrencyForecast        // by currency
}

// CurrencyForecast is the forecast of one currency.
type CurrencyForecast struct {
	Currency   provider.Currency
	Status     ForecastStatus
	Readings   int             // that it is made from
	Since      *time.Time      // the first of them; nil if there are none
	BurnPerDay *provider.Money // nil unless Status is ok or no_burn; rounded to the balance's scale, at least 2
	Left       *time.Duration  // until balance and credit are spent, counted from the balance's AsOf; nil unless Status is ok
}

// Forecast tells how long an account's money lasts at the rate at which it was
// spent. Its errors are those of Balance and *UnavailableError.
func (s *Service) Forecast(ctx context.Context, name string, b Bound) (Forecast, error) {
	balance, err := s.Balance(ctx, name, provider.BalanceQuery{}, b)
	if err != nil {
		return Forecast{}, err
	}
	f := Forecast{Balance: balance, Till: balance.AsOf, From: balance.AsOf.Add(-forecastWindow)}
	points, err := s.History(ctx, name, f.From, f.Till, forecastStep)
	if err != nil {
		return Forecast{}, err
	}
	// The reading itself may be on its way to the store still.
	if len(points) == 0 || points[len(points)-1].AsOf.Before(balance.AsOf.Truncate(time.Microsecond)) {
		points = append(points, Point{AsOf: balance.AsOf, Balance: *balance.Value})
	}
	one, err := forecast(balance.Value, points)
	if err != nil {
		return Forecast{}, fmt.Errorf("forecast of %s: %w", name, err)
	}
	f.Currencies = []CurrencyForecast{one}
	return f, nil
}

// forecast makes the forecast of the balance's currency from points in the
// order of time, which may be of other currencies too.
func forecast(balance *provider.Balance, points []Point) (CurrencyForecast, error) {
	f := CurrencyForecast{Currency: balance.Balance.Currency, Status: InsufficientHistory}
	var last *Point
	var spent decimal.Decimal
	var covered time.Duration
	for i, p := range points {
		if p.Balance.Balance.Currency != f.Currency {
			continue
		}
		f.Readings++
		if last == nil {
			f.Since = &points[i].AsOf
		} else {
			fall, err := last.Balance.Balance.Amount.Sub(p.Balance.Balance.Amount)
			if err != nil {
				return f, err
			}
			if !fall.IsNeg() {
				if spent, err = spent.Add(fall); err != nil {
					return f, err
				}
				covered += p.AsOf.Sub(last.AsOf)
			}
		}
		last = &points[i]
	}
	switch {
	case last == nil || last.AsOf.Sub(*f.Since) < forecastSpan:
		return f, nil
	case covered < time.Second:
		f.Status = ForecastUnpredictable
		return f, nil
	}
	burn, err := perDay(spent, covered)
	if err != nil {
		return f, err
	}
	shown := burn.Rescale(max(balance.Balance.Amount.Scale(), 2))
	f.BurnPerDay = &provider.Money{Amount: shown, Currency: f.Currency}
	if spent.IsZero() {
		f.Status = ForecastNoBurn
		return f, nil
	}
	left, err := timeLeft(balance, burn)
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

// storeError marks an error of the durable state, unless it is about the
// question or about who asks.
func storeError(ctx context.Context, err error) error {
	var tooMany *store.TooManyPointsError
	if ctx.Err() != nil || errors.As(err, &tooMany) {
		return err
	}
	return &UnavailableError{Err: err}
}
