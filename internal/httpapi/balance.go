package httpapi

import (
	"context"
	"net/http"

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
	reading, err := s.Accounts.Balance(ctx, r.Account, q, account.Bound{})
	if err != nil {
		return nil, err
	}
	return encode(http.StatusOK, balanceBody(reading))
}

func balanceBody(r account.Reading[provider.Balance]) Balance {
	return Balance{
		Account:  r.Account,
		Provider: r.Provider,
		AsOf:     r.AsOf.UTC(),
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
