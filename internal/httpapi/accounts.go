package httpapi

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"accountgateway/internal/account"
	"accountgateway/internal/httpapi/middleware"
	"accountgateway/internal/provider"
)

// listAccounts answers GET /accounts: with the caller's accounts.
func (s *server) listAccounts(ctx context.Context, r *http.Request) (reply, error) {
	params := readParams(r)
	vendor, _ := params.text("provider")
	health, given := params.text("health")
	if given && !slices.Contains(account.States(), health) {
		params.refuse("health", "must be one of "+strings.Join(account.States(), ", "))
	}
	pg := params.page(byAccount)
	if err := params.err(); err != nil {
		return reply{}, err
	}
	matching := slices.DeleteFunc(s.Accounts.List(), func(a account.Info) bool {
		return !middleware.Of(ctx).Caller.Sees(a.Name) || vendor != "" && a.Provider != vendor || health != "" && a.State.State != health
	})
	infos, next := cut(matching, pg, byAccount, func(a account.Info) string { return a.Name })
	body := AccountsBody(infos)
	body.NextCursor = next
	return encode(http.StatusOK, body)
}

// AccountsBody is what GET /accounts answers on its last page. It is also for
// the command that shows the same.
func AccountsBody(infos []account.Info) Accounts {
	body := Accounts{Accounts: make([]Account, 0, len(infos))}
	for _, info := range infos {
		body.Accounts = append(body.Accounts, accountBody(info))
	}
	return body
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
		Health: AccountHealth{
			State:         HealthState(info.State.State),
			Since:         Time{info.State.Since},
			LastSuccessAt: optionalTime(info.State.LastSuccessAt),
			Detail:        info.State.Detail,
			Remedy:        present(info.Remedy),
		},
		Alerts: alertBodies(info.Alerts),
	}
}
