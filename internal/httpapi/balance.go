package httpapi

import (
	"context"

	"accountgateway/internal/account"
	"accountgateway/internal/provider"
)

// GetBalance answers GET /accounts/{account}/balance.
func (s *server) GetBalance(ctx context.Context, r GetBalanceRequestObject) (GetBalanceResponseObject, error) {
	var q provider.BalanceQuery
	if text := r.Params.Currency; text != nil {
		currency, err := provider.ParseCurrency(*text)
		if err != nil {
			return nil, invalidParameters{{Field: "currency", Message: "want an ISO 4217 code in capitals, like USD"}}
		}
		q.Currency = currency
	}
	bound, err := boundOf(noteOf(ctx).request)
	if err != nil {
		return nil, err
	}
	reading, err := s.Accounts.Balance(ctx, r.Account, q, bound)
	if err != nil {
		return nil, err
	}
	p := reading.Kept.Load()
	if p == nil {
		if p, err = keep(reading.Kept, balanceBody(reading)); err != nil {
			return nil, err
		}
	}
	return s.reading(ctx, provider.OpBalance, metBy(reading), p), nil
}

func balanceBody(r account.Reading[provider.Balance]) Balance {
	return Balance{
		Account:  r.Account,
		Provider: r.Provider,
		AsOf:     Time{r.AsOf},
		Stale:    r.Stale,
		Balance:  moneyBody(r.Value.Balance),
		Blocked:  optionalMoney(r.Value.Blocked),
		Credit:   optionalMoney(r.Value.Credit),
		Bonus:    optionalMoney(r.Value.Bonus),
	}
}

func moneyBody(m provider.Money) Money {
	return Money{Amount: m.Amount.String(), Currency: string(m.Currency)}
}

func optionalMoney(m *provider.Money) *Money {
	if m == nil {
		return nil
	}
	return new(moneyBody(*m))
}
