package httpapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"accountgateway/internal/account"
	"accountgateway/internal/httpapi/middleware"
	"accountgateway/internal/provider"
)

// listBalances answers GET /balances: of the caller's accounts.
func (s *server) listBalances(ctx context.Context, r *http.Request) (reply, error) {
	params := readParams(r)
	text, given := params.text("require")
	require := ListBalancesParamsRequire(text)
	if given && !require.Valid() {
		params.refuse("require", "must be any or all")
	}
	vendor, _ := params.text("provider")
	pg := params.page(byAccount)
	bound, err := params.bound()
	if err != nil {
		return reply{}, err
	}
	matches := func(name string) bool {
		return middleware.Of(ctx).Caller.Sees(name) && (vendor == "" || s.accounts[name] == vendor)
	}
	items := s.Accounts.Balances(ctx, matches, bound)
	if err := ctx.Err(); err != nil {
		return reply{}, err
	}
	body, failed := s.fleetBody(middleware.Of(ctx), pg, items)
	if require == ListBalancesParamsRequireAll && len(failed) > 0 {
		return reply{}, fleetError(failed)
	}
	return s.fleetReply(r, body, items)
}

// fleetReply answers as a reading does where every item is one. A failure is for
// nobody to keep.
func (s *server) fleetReply(r *http.Request, body Balances, items []account.FleetItem) (reply, error) {
	m, ok := fleetMet(items)
	if !ok {
		return encode(http.StatusOK, body)
	}
	if !body.Complete {
		a, err := encode(http.StatusOK, body)
		a.age, a.cacheStatus = []string{strconv.FormatInt(m.age, 10)}, []string{cacheStatus(m)}
		return a, err
	}
	p, err := newPresentation(body)
	if err != nil {
		return reply{}, err
	}
	return s.reading(r, provider.OpBalance, m, p), nil
}

// fleetMet sums up how the readings came about: the age of the oldest, and a call
// or a failure if there was any. It is false if there are no readings.
func fleetMet(items []account.FleetItem) (sum met, ok bool) {
	for _, item := range items {
		if item.Err != nil {
			continue
		}
		m := metBy(item.Balance)
		if !ok {
			sum, ok = m, true
			continue
		}
		sum.age, sum.ttl = max(sum.age, m.age), min(sum.ttl, m.ttl)
		if sum.asked == "" {
			sum.asked, sum.source = m.asked, m.source
		}
		if sum.err == nil {
			sum.err = m.err
		}
	}
	return sum, ok
}

// fleetBody has the page's items, and says of all of them what they come to and
// which failed.
func (s *server) fleetBody(n *middleware.Request, pg page, items []account.FleetItem) (body Balances, failed []account.FleetItem) {
	var read []provider.Money
	for _, item := range items {
		if item.Err != nil {
			failed = append(failed, item)
			continue
		}
		read = append(read, item.Balance.Value.Pots()...)
	}
	n.Err = errors.Join(n.Err, fleetFailures(failed))
	body.Complete = len(failed) == 0
	totals := provider.Totals(read)
	body.Totals = make([]Money, 0, len(totals))
	for _, total := range totals {
		body.Totals = append(body.Totals, Money{Amount: total.Amount, Currency: string(total.Currency)})
	}
	items, body.NextCursor = cut(items, pg, byAccount, func(item account.FleetItem) string { return item.Account })
	body.Balances = make([]FleetBalance, 0, len(items))
	for _, item := range items {
		body.Balances = append(body.Balances, fleetBalance(n, item))
	}
	return body, failed
}

// failuresLogged is how many accounts the log line of a fleet read names.
const failuresLogged = 10

// fleetFailures is what the log has of the accounts that failed; nil if none did.
func fleetFailures(failed []account.FleetItem) error {
	var errs []error
	for _, item := range failed[:min(len(failed), failuresLogged)] {
		errs = append(errs, fmt.Errorf("%s: %w", item.Account, item.Err))
	}
	if more := len(failed) - len(errs); more > 0 {
		errs = append(errs, fmt.Errorf("and %d more accounts", more))
	}
	return errors.Join(errs...)
}

func fleetBalance(n *middleware.Request, item account.FleetItem) FleetBalance {
	if item.Err != nil {
		p, _ := describe(item.Err)
		p.Account, p.Provider, p.RequestID = &item.Account, &item.Provider, &n.ID
		return FleetBalance{Account: item.Account, Provider: item.Provider, Status: FleetBalanceStatusFailed, Problem: &p}
	}
	b := balanceBody(item.Balance)
	status := FleetBalanceStatusOK
	if b.Stale {
		status = FleetBalanceStatusStale
	}
	return FleetBalance{
		Account: item.Account, Provider: item.Provider, AsOf: &b.AsOf, Stale: &b.Stale, Balance: &b.Balance, Blocked: b.Blocked, Credit: b.Credit,
		Bonus: b.Bonus, Wallets: &b.Wallets, Billing: b.Billing, Status: status,
	}
}

// fleetError is the problem of a fleet that was wanted whole. Another try makes
// sense once every failed account's vendor can be asked again, if all of them say when.
func fleetError(failed []account.FleetItem) error {
	names := make([]string, 0, len(failed))
	var wait time.Duration
	known := true
	for _, item := range failed {
		p, retryAfter := describe(item.Err)
		names = append(names, fmt.Sprintf("%s (%s)", item.Account, p.Code))
		wait, known = max(wait, retryAfter), known && retryAfter > 0
	}
	if !known {
		wait = 0
	}
	return &problemError{
		code:       ProblemCodeProviderError,
		detail:     "not every balance could be read: " + strings.Join(names, ", "),
		retryAfter: wait,
	}
}
