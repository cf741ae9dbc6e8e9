package main

import (
	"context"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"accountgateway/internal/apiclient"
	"accountgateway/internal/simulator"
)

// client calls a gateway with a token as a program in Go does that is made of the
// specification.
func client(t *testing.T, g *served, token string) *apiclient.ClientWithResponses {
	t.Helper()
	c, err := apiclient.NewClientWithResponses(g.url, apiclient.WithHTTPClient(caller), apiclient.WithRequestEditorFn(func(_ context.Context, r *http.Request) error {
		if token != "" {
			r.Header.Set("Authorization", "Bearer "+token)
		}
		return nil
	}))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// guarded serves a fleet to callers with tokens, and gives one with all scopes.
func (f *fleet) guarded(t *testing.T) (g *served, token string) {
	t.Helper()
	settings := with(f.settings, "GATEWAY_AUTH=token", "GATEWAY_DATABASE_URL=sqlite:"+filepath.Join(t.TempDir(), "gateway.db"))
	makeDatabase(t, settings["GATEWAY_DATABASE_URL"])
	token, _ = created(t, settings, "--name", "caller", "--accounts", "*",
		"--scopes", "read,users:read,users:write,refills:write,operations:read,operations:write")
	return serving(t, settings), token
}

// TestClientReads reads all that there is to read, by the generated client.
func TestClientReads(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	f.simulated("agency", "selzy", "resellerkey")
	f.misbehaving("broken", "selzy", "ordinarykey", faultBody("no JSON"))
	f.simulated("shop", "regru", "partner:partner-secret")
	g, token := f.guarded(t)
	c, ctx := client(t, g, token), t.Context()

	balance, err := c.GetBalanceWithResponse(ctx, "shop", &apiclient.GetBalanceParams{Currency: new("USD"), CacheControl: new("max-age=30")})
	if err != nil || balance.JSON200 == nil {
		t.Fatalf("the balance: %v, %s", err, balance.Body)
	}
	b := balance.JSON200
	if b.Balance.Currency != "USD" || b.Blocked == nil || b.Credit == nil || b.Bonus != nil || b.Billing != nil || b.Stale || b.AsOf.IsZero() {
		t.Errorf("the balance is %+v", b)
	}
	etag := balance.HTTPResponse.Header.Get("ETag")
	same, err := c.GetBalanceWithResponse(ctx, "shop", &apiclient.GetBalanceParams{Currency: new("USD"), IfNoneMatch: &etag})
	if err != nil || same.StatusCode() != http.StatusNotModified || same.JSON200 != nil {
		t.Errorf("the same balance: %v, %s", err, same.Status())
	}

	statistics, err := c.GetStatisticsWithResponse(ctx, "agency", &apiclient.GetStatisticsParams{})
	if err != nil || statistics.JSON200 == nil {
		t.Fatalf("statistics: %v, %s", err, statistics.Body)
	}
	for _, counter := range statistics.JSON200.Counters {
		if counter.Unlimited != (counter.Limit == nil) {
			t.Errorf("the counter %+v", counter)
		}
	}
	if forecast, err := c.GetForecastWithResponse(ctx, "shop", &apiclient.GetForecastParams{}); err != nil || forecast.JSON200 == nil ||
		forecast.JSON200.Currencies[0].Status != apiclient.CurrencyForecastStatusInsufficientHistory || forecast.JSON200.Currencies[0].DaysLeft != nil {
		t.Errorf("the forecast: %v, %s", err, forecast.Body)
	}
	eventually(t, "a balance is in the history", func() bool {
		history, err := c.GetBalanceHistoryWithResponse(ctx, "shop", &apiclient.GetBalanceHistoryParams{Step: new("1d")})
		if err != nil || history.JSON200 == nil {
			t.Fatalf("the history: %v, %s", err, history.Body)
		}
		points := history.JSON200.Points
		return len(points) == 1 && points[0].Balance.Currency == "RUB" && points[0].Bonus == nil
	})

	fleet, err := c.ListBalancesWithResponse(ctx, &apiclient.ListBalancesParams{Require: new(apiclient.ListBalancesParamsRequireAny)})
	if err != nil || fleet.JSON200 == nil || fleet.JSON200.Complete || len(fleet.JSON200.Totals) != 2 {
		t.Fatalf("the fleet: %v, %s", err, fleet.Body)
	}
	for _, item := range fleet.JSON200.Balances {
		failed := item.Account == "broken"
		if failed != (item.Status == apiclient.FleetBalanceStatusFailed) || failed != (item.Balance == nil) || failed != (item.Problem != nil) || failed != (item.Wallets == nil) {
			t.Errorf("the fleet's item %+v", item)
		}
	}
	alerts, err := c.ListAlertsWithResponse(ctx, &apiclient.ListAlertsParams{Account: new("shop")})
	if err != nil || alerts.JSON200 == nil {
		t.Errorf("alerts: %v, %s", err, alerts.Body)
	}
	account, err := c.GetAccountWithResponse(ctx, "broken")
	if err != nil || account.JSON200 == nil || account.JSON200.Health.State != apiclient.HealthStateBadResponse || account.JSON200.Health.LastSuccessAt != nil ||
		account.JSON200.Health.Remedy == nil || account.JSON200.Capabilities.Refill != apiclient.SupportUnsupported {
		t.Errorf("the account: %v, %s", err, account.Body)
	}
}

// TestClientPages follows next_cursor through lists.
func TestClientPages(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	for _, name := range []string{"a", "b", "c"} {
		f.simulated(name, "selzy", "resellerkey")
	}
	f.misbehaving("broken", "selzy", "ordinarykey", faultBody("no JSON"))
	g, token := f.guarded(t)
	c := client(t, g, token)

	// walk gathers the pages of a list.
	walk := func(page func(cursor *string) (names []string, next *string)) (all []string) {
		t.Helper()
		for cursor := (*string)(nil); ; {
			names, next := page(cursor)
			if all = append(all, names...); next == nil || len(all) > 100 {
				return all
			}
			cursor = next
		}
	}
	logins := walk(func(cursor *string) (names []string, next *string) {
		page, err := c.ListUsersWithResponse(t.Context(), "a", &apiclient.ListUsersParams{Limit: new(2), Cursor: cursor})
		if err != nil || page.JSON200 == nil {
			t.Fatalf("users: %v, %s", err, page.Body)
		}
		for _, u := range page.JSON200.Users {
			names = append(names, *u.Login)
		}
		return names, page.JSON200.NextCursor
	})
	if len(logins) != 7 || !slices.IsSorted(logins) {
		t.Errorf("users %v", logins)
	}
	if _, err := c.ListBalancesWithResponse(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	for health, want := range map[apiclient.HealthState][]string{
		apiclient.HealthStateOK: {"a", "b", "c"}, apiclient.HealthStateBadResponse: {"broken"}, apiclient.HealthStateUnavailable: nil,
	} {
		got := walk(func(cursor *string) (names []string, next *string) {
			page, err := c.ListAccountsWithResponse(t.Context(), &apiclient.ListAccountsParams{Health: &health, Limit: new(1), Cursor: cursor})
			if err != nil || page.JSON200 == nil {
				t.Fatalf("accounts: %v, %s", err, page.Body)
			}
			for _, a := range page.JSON200.Accounts {
				names = append(names, a.Name)
			}
			return names, page.JSON200.NextCursor
		})
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("accounts that are %s (-want +got):\n%s", health, diff)
		}
	}
}

// TestClientWrites writes, writes again, and settles what is unknown.
func TestClientWrites(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	vendor := f.refilling("shop")
	g, token := f.guarded(t)
	c, ctx := client(t, g, token), t.Context()

	user := apiclient.NewUser{Login: new("ada"), Password: new("correct-horse"), Email: "ada@customer.example", Country: new("DE")}
	made, err := c.CreateUserWithResponse(ctx, "shop", &apiclient.CreateUserParams{IdempotencyKey: "user"}, user)
	if err != nil || made.JSON201 == nil || made.JSON201.User == nil || made.JSON201.User.FirstName != nil || made.JSON201.APIKey != nil {
		t.Fatalf("a user: %v, %s", err, made.Body)
	}
	refill := apiclient.NewRefill{Method: apiclient.RefillMethodWebmoney, WalletID: new("123456789012"), Amount: "19.95", Currency: "USD"}
	first, err := c.CreateRefillWithResponse(ctx, "shop", &apiclient.CreateRefillParams{IdempotencyKey: "top-up"}, refill)
	if err != nil || first.JSON201 == nil || first.JSON201.State != apiclient.WriteStateSucceeded || first.JSON201.Invoice == nil {
		t.Fatalf("a refill: %v, %s", err, first.Body)
	}
	again, err := c.CreateRefillWithResponse(ctx, "shop", &apiclient.CreateRefillParams{IdempotencyKey: "top-up"}, refill)
	if err != nil || again.JSON201 == nil || again.HTTPResponse.Header.Get("Idempotent-Replayed") != "true" || vendor.refills() != 1 {
		t.Errorf("the same once more: %v, %s; the vendor was asked %d times", err, again.Body, vendor.refills())
	}

	vendor.inject(simulator.Fault{Kind: simulator.KindReset, Operation: "user/refill_balance", Times: 1})
	lost, err := c.CreateRefillWithResponse(ctx, "shop", &apiclient.CreateRefillParams{IdempotencyKey: "lost"}, refill)
	if err != nil || lost.JSON202 == nil || lost.JSON202.State != apiclient.WriteStateUnknown || lost.JSON202.Invoice != nil {
		t.Fatalf("a refill whose answer is lost: %v, %s", err, lost.Body)
	}
	unknown, err := c.ListAllOperationsWithResponse(ctx, &apiclient.ListAllOperationsParams{State: new(apiclient.OperationStateUnknown)})
	if err != nil || unknown.JSON200 == nil || len(unknown.JSON200.Operations) != 1 || unknown.JSON200.Operations[0].IdempotencyKey != "lost" ||
		unknown.JSON200.Operations[0].Problem == nil || unknown.JSON200.Operations[0].SettledAt != nil {
		t.Fatalf("what is unknown: %v, %s", err, unknown.Body)
	}
	verdict := apiclient.NewSettlement{State: apiclient.NewSettlementStateFailed, Reason: "no such invoice"}
	settled, err := c.SettleOperationWithResponse(ctx, "shop", lost.JSON202.ID, &apiclient.SettleOperationParams{IdempotencyKey: "settle"}, verdict)
	if err != nil || settled.JSON201 == nil || settled.JSON201.State != apiclient.OperationStateFailed || *settled.JSON201.Reason != "no such invoice" {
		t.Fatalf("settled: %v, %s", err, settled.Body)
	}
	operation, err := c.GetOperationWithResponse(ctx, "shop", lost.JSON202.ID)
	if err != nil || operation.JSON200 == nil || cmp.Diff(settled.JSON201, operation.JSON200) != "" {
		t.Errorf("the operation: %v, %s", err, operation.Body)
	}
}

// TestClientProblems: what a program can know of a failure without reading its
// words.
func TestClientProblems(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	f.refilling("shop")
	f.misbehaving("broken", "selzy", "ordinarykey", faultBody("no JSON"))
	g, token := f.guarded(t)
	c, ctx := client(t, g, token), t.Context()

	if r, err := client(t, g, "").ListAccountsWithResponse(ctx, nil); err != nil || r.JSON200 != nil || r.ApplicationProblemJSON401.Code != apiclient.ProblemCodeUnauthenticated {
		t.Errorf("no token: %v, %s", err, r.Body)
	}
	if r, err := c.GetAccountWithResponse(ctx, "nobody"); err != nil || r.ApplicationProblemJSON404.Code != apiclient.ProblemCodeAccountNotFound {
		t.Errorf("no account: %v, %s", err, r.Body)
	}
	r, err := c.GetBalanceWithResponse(ctx, "broken", nil)
	if err != nil || r.ApplicationProblemJSON502.Code != apiclient.ProblemCodeProviderBadResponse || *r.ApplicationProblemJSON502.Account != "broken" ||
		*r.ApplicationProblemJSON502.RequestID != r.HTTPResponse.Header.Get("X-Request-Id") {
		t.Errorf("a broken vendor: %v, %s", err, r.Body)
	}
	if r, err := c.GetBalanceWithResponse(ctx, "shop", &apiclient.GetBalanceParams{CacheControl: new("only-if-cached")}); err != nil ||
		r.ApplicationProblemJSON504.Code != apiclient.ProblemCodeNotAcceptableFreshness {
		t.Errorf("nothing in memory: %v, %s", err, r.Body)
	}
	bad := apiclient.NewRefill{Method: apiclient.RefillMethodWebmoney, WalletID: new("7"), Amount: "0", Currency: "KZT"}
	refused, err := c.CreateRefillWithResponse(ctx, "shop", &apiclient.CreateRefillParams{IdempotencyKey: "bad"}, bad)
	if err != nil || refused.ApplicationProblemJSON400 == nil {
		t.Fatalf("a bad refill: %v, %s", err, refused.Body)
	}
	var fields []string
	for _, e := range *refused.ApplicationProblemJSON400.Errors {
		fields = append(fields, e.Field)
	}
	if strings.Join(fields, " ") != "amount wallet_id currency" {
		t.Errorf("the bad fields are %v", fields)
	}
	verdict := apiclient.NewSettlement{State: apiclient.NewSettlementStateSucceeded, Reason: "seen"}
	if r, err := c.SettleOperationWithResponse(ctx, "shop", "none", &apiclient.SettleOperationParams{IdempotencyKey: "s"}, verdict); err != nil ||
		r.ApplicationProblemJSON404.Code != apiclient.ProblemCodeNotFound {
		t.Errorf("no operation: %v, %s", err, r.Body)
	}
}
