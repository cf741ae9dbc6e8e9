package httpapi

import (
	"context"
	"net/http"

	"accountgateway/internal/account"
	"accountgateway/internal/provider"
)

// getBalance answers GET /accounts/{account}/balance.
func (s *server) getBalance(ctx context.Context, r *http.Request) (reply, error) {
	params := readParams(r)
	var q provider.BalanceQuery
	if text, given := params.text("currency"); given {
		var err error
		if q.Currency, err = provider.ParseCurrency(text); err != nil {
			params.refuse("currency", "must be an upper-case ISO 4217 code, e.g. USD")
		}
	}
	bound, err := params.bound()
	if err != nil {
		return reply{}, err
	}
	reading, err := s.Accounts.Balance(ctx, pathParam(r, "account"), q, bound)
	if err != nil {
		return reply{}, err
	}
	p, err := kept(reading.Kept, func() any { return balanceBody(reading) })
	if err != nil {
		return reply{}, err
	}
	return s.reading(r, provider.OpBalance, metBy(reading), p), nil
}

// getBalanceAtHand answers GET of a page's link to what getBalance answers: from
// memory, as pages do. Browsers keep it no longer than pages: they may be signed
// in as somebody else by then.
func (s *server) getBalanceAtHand(ctx context.Context, r *http.Request) (reply, error) {
	r.Header.Set("Cache-Control", "only-if-cached, max-stale")
	a, err := s.getBalance(ctx, r)
	a.cacheControl = noStore
	return a, err
}

var noStore = []string{"no-store"}

func balanceBody(r account.Reading[provider.Balance]) Balance {
	body := Balance{
		Account:  r.Account,
		Provider: r.Provider,
		AsOf:     Time{r.AsOf},
		Stale:    r.Stale,
		Balance:  moneyBody(r.Value.Balance),
		Blocked:  optionalMoney(r.Value.Blocked),
		Credit:   optionalMoney(r.Value.Credit),
		Bonus:    optionalMoney(r.Value.Bonus),
		Wallets:  make([]Wallet, 0, len(r.Value.Wallets)),
	}
	for _, w := range r.Value.Wallets {
		body.Wallets = append(body.Wallets, Wallet{Name: w.Name, Balance: moneyBody(w.Balance)})
	}
	if r.Value.Billing != "" {
		body.Billing = new(Billing(r.Value.Billing))
	}
	return body
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
