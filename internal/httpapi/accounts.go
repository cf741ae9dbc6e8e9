package httpapi

import (
	"context"
	"net/http"

	"accountgateway/internal/account"
	"accountgateway/internal/httpapi/middleware"
	"accountgateway/internal/provider"
)

// listAccounts answers GET /accounts: with the caller's accounts.
func (s *server) listAccounts(ctx context.Context, _ *http.Request) (reply, error) {
	accounts := []Account{}
	for _, info := range s.Accounts.List() {
		if middleware.Of(ctx).Caller.Sees(info.Name) {
			accounts = append(accounts, accountBody(info))
		}
	}
	return encode(http.StatusOK, Accounts{Accounts: accounts})
}

// getAccount answers GET /accounts/{account}.
func (s *server) getAccount(_ context.Context, r *http.Request) (reply, error) {
	info, err := s.Accounts.Info(pathParam(r, "account"))
	if err != nil {
		return reply{}, err
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
