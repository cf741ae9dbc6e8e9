package httpapi

import (
	"context"
	"net/http"
	"net/url"
	"slices"

	"github.com/go-chi/chi/v5"

	"accountgateway/internal/account"
	"accountgateway/internal/provider"
)

// ListAccounts answers GET /accounts: with the caller's accounts.
func (s *server) ListAccounts(ctx context.Context, _ ListAccountsRequestObject) (ListAccountsResponseObject, error) {
	accounts := []Account{}
	for _, info := range s.Accounts.List() {
		if noteOf(ctx).caller.Sees(info.Name) {
			accounts = append(accounts, accountBody(info))
		}
	}
	return encode(http.StatusOK, Accounts{Accounts: accounts})
}

// GetAccount answers GET /accounts/{account}.
func (s *server) GetAccount(_ context.Context, r GetAccountRequestObject) (GetAccountResponseObject, error) {
	info, err := s.Accounts.Info(r.Account)
	if err != nil {
		return nil, err
	}
	return encode(http.StatusOK, accountBody(info))
}

func accountBody(info account.Info) Account {
	support := func(op provider.Operation) Support { return Support(info.Capabilities[op]) }
	return Account{
		Name:     info.Name,
		Provider: info.Provider,
		Capabilities: Capabilities{
			Balance:    support(provider.OpBalance),
			Statistics: support(provider.OpStatistics),
			Users:      support(provider.OpUsers),
			CreateUser: support(provider.OpCreateUser),
			Refill:     support(provider.OpRefill),
		},
		State: State{
			State:         StateState(info.State.State),
			Since:         Time{info.State.Since},
			LastSuccessAt: optionalTime(info.State.LastSuccessAt),
			Detail:        info.State.Detail,
		},
	}
}

// accountOf finds the configured account that a request's path names, if it does,
// and its provider.
func (s *server) accountOf(r *http.Request) (name, vendor string, ok bool) {
	name, ok = accountNamed(r)
	if !ok {
		return "", "", false
	}
	vendor, ok = s.providers[name]
	return name, vendor, ok
}

// accountNamed gives the account that a request's path names, configured or not;
// false if its route has none.
func accountNamed(r *http.Request) (name string, ok bool) {
	route := chi.RouteContext(r.Context())
	if route == nil {
		return "", false
	}
	at := slices.Index(route.URLParams.Keys, "account")
	if at < 0 {
		return "", false
	}
	name = route.URLParams.Values[at]
	if r.URL.RawPath != "" { // then chi matched, and gives, the escaped form
		if plain, err := url.PathUnescape(name); err == nil {
			return plain, true
		}
	}
	return name, true
}
