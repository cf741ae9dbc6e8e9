package httpapi

import (
	"context"
	"math"
	"net/http"

	"accountgateway/internal/account"
	"accountgateway/internal/provider"
)

// getForecast answers GET /accounts/{account}/forecast.
func (s *server) getForecast(ctx context.Context, r *http.Request) (reply, error) {
	bound, err := boundOf(r.Header)
	if err != nil {
		return reply{}, err
	}
	f, err := s.Accounts.Forecast(ctx, pathParam(r, "account"), bound)
	if err != nil {
		return reply{}, err
	}
	p, err := newPresentation(forecastBody(f))
	if err != nil {
		return reply{}, err
	}
	return s.reading(r, provider.OpBalance, metBy(f.Balance), p), nil
}

func forecastBody(f account.Forecast) Forecast {
	balance := f.Balance
	body := Forecast{
		Account: balance.Account, Provider: balance.Provider, AsOf: Time{balance.AsOf}, Stale: balance.Stale,
		Method: account.ForecastMethod, Window: ForecastWindow{From: Time{f.From}, Till: Time{f.Till}},
		Currencies: make([]CurrencyForecast, 0, len(f.Currencies)),
	}
	for _, c := range f.Currencies {
		item := CurrencyForecast{
			Currency: string(c.Currency), Status: CurrencyForecastStatus(c.Status), Quality: CurrencyForecastQuality(c.Quality), Readings: c.Readings,
			Balance: moneyBody(balance.Value.Balance), Credit: optionalMoney(balance.Value.Credit), BurnPerDay: optionalMoney(c.BurnPerDay),
		}
		if c.Since != nil {
			item.Since = optionalTime(c.Since)
		}
		if c.Left != nil {
			item.DaysLeft = new(math.Floor(c.Left.Hours()/24*10) / 10)
			item.EndsAt = &Time{balance.AsOf.Add(*c.Left)}
		}
		body.Currencies = append(body.Currencies, item)
	}
	return body
}
