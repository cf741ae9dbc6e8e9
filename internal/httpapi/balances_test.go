package httpapi

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"accountgateway/internal/account"
	"accountgateway/internal/httpapi/middleware"
	"accountgateway/internal/provider"
)

func TestFleet(t *testing.T) {
	g := start(t, map[string]fake{"b": balanceOf("250.7", "RUB"), "a": balanceOf("-4.75", "USD"), "c": balanceOf("1000.05", "RUB")})
	const item = `{"account":"%","provider":"vendor-of-%","status":"ok","problem":null,"balance":{"account":"%","provider":"vendor-of-%","as_of":"T",
		"stale":false,"balance":{"amount":"AMOUNT"},"blocked":null,"credit":null,"bonus":null,"wallets":[],"billing":null}}`
	row := func(name, amount string) string {
		return strings.ReplaceAll(strings.ReplaceAll(item, "%", name), `"AMOUNT"`, amount)
	}
	want := `{"complete":true,"balances":[` + row("a", `"-4.75","currency":"USD"`) + `,` + row("b", `"250.7","currency":"RUB"`) + `,` +
		row("c", `"1000.05","currency":"RUB"`) + `],"totals":[{"amount":"1250.75","currency":"RUB"},{"amount":"-4.75","currency":"USD"}]}`
	g.get("/balances").wantBody(want)
	g.get("/balances?require=any").wantBody(want)
	g.get("/balances?require=all").wantBody(want)
	start(t, nil).get("/balances?require=all").wantBody(`{"complete":true,"balances":[],"totals":[]}`)
}

func TestFleetWithFailures(t *testing.T) {
	g := start(t, map[string]fake{
		"good":   balanceOf("1.10", "USD"),
		"locked": failing(&provider.Error{Kind: provider.KindAccess, Message: "address not listed", Upstream: &provider.Upstream{Code: "ACCESS_DENIED_FROM_IP", Message: "denied"}}),
		"odd":    failing(provider.Errorf(provider.KindBadResponse, "not understood")),
	})
	a := g.get("/balances")
	body := string(a.body)
	for _, want := range []string{
		`"complete":false`, `"totals":[{"amount":"1.10","currency":"USD"}]`,
		`"account":"locked","balance":null,"problem":{"account":"locked","code":"provider_access","detail":"address not listed","provider":"vendor-of-locked"`,
		`"upstream":{"code":"ACCESS_DENIED_FROM_IP","message":"denied"}},"provider":"vendor-of-locked","status":"failed"`,
		`"code":"provider_bad_response"`, `"request_id":"` + a.header.Get(middleware.RequestIDHeader) + `"`,
	} {
		if !strings.Contains(body, want) {
			t.Errorf("no %s in %s", want, body)
		}
	}
	all := g.get("/balances?require=all")
	p := all.wantCode(ProblemCodeProviderError)
	if want := "not every balance could be read: locked (provider_access), odd (provider_bad_response)"; p.Detail != want || p.Account != nil {
		t.Errorf("got %s", all.body)
	}
	if got := all.header.Get("Retry-After"); got != "" {
		t.Errorf("Retry-After is %q, though waiting does not help them all", got)
	}
}

func TestFleetRetryAfter(t *testing.T) {
	limited := func(d time.Duration) fake {
		return failing(&provider.Error{Kind: provider.KindRateLimited, Message: "limit", RetryAfter: d})
	}
	a := start(t, map[string]fake{"a": limited(3 * time.Second), "b": limited(7 * time.Second), "c": balanceOf("1", "USD")}).get("/balances?require=all")
	if got := a.header.Get("Retry-After"); a.status != http.StatusBadGateway || got != "7" {
		t.Errorf("got %d, Retry-After %q", a.status, got)
	}
}

func TestFleetTotalIsNeverRounded(t *testing.T) {
	g := start(t, map[string]fake{"a": balanceOf("9999999999999999.99", "RUB"), "b": balanceOf("0.001", "RUB"), "c": balanceOf("1", "USD")})
	if body := string(g.get("/balances").body); !strings.Contains(body, `"totals":[{"amount":"9999999999999999.991","currency":"RUB"},{"amount":"1","currency":"USD"}]`) {
		t.Errorf("not the exact total: %s", body)
	}
	// A sum has as many digits as it takes, more than any amount may have.
	g = start(t, map[string]fake{
		"a": balanceOf("310.20000000000005", "RUB"), "b": balanceOf("1234567.89", "RUB"), "c": balanceOf("9999999999999999999", "RUB"),
		"d": balanceOf("-0.0000000000000000001", "USD"), "e": balanceOf("-9999999999999999999", "USD"),
	})
	if body := string(g.get("/balances").body); !strings.Contains(body, `"totals":[{"amount":"10000000000001234877.09000000000005","currency":"RUB"},`+
		`{"amount":"-9999999999999999999.0000000000000000001","currency":"USD"}]`) {
		t.Errorf("not the exact total: %s", body)
	}
}

// TestFleetTotalOfPots: every pot counts, once, the main one too.
func TestFleetTotalOfPots(t *testing.T) {
	pots := fake{balance: func(context.Context, provider.BalanceQuery) (provider.Balance, error) {
		return provider.Balance{Balance: money("81.69", "CNY"), Wallets: []provider.Wallet{
			{Balance: money("0.10", "USD")}, {Balance: money("81.69", "CNY")}, {Balance: money("-0.3", "USD")}, {Balance: money("81.69", "CNY")},
		}}, nil
	}}
	g := start(t, map[string]fake{"a": pots, "b": balanceOf("9999999999999999.999", "USD")})
	if body := string(g.get("/balances").body); !strings.Contains(body, `"totals":[{"amount":"163.38","currency":"CNY"},{"amount":"9999999999999999.799","currency":"USD"}]`) {
		t.Errorf("not the exact total: %s", body)
	}
}

func TestFleetStale(t *testing.T) {
	s := &server{}
	body, failed := s.fleetBody(&middleware.Request{}, []account.FleetItem{{
		Account: "a", Provider: "v",
		Balance: account.Reading[provider.Balance]{Stale: true, Value: &provider.Balance{Balance: money("1", "USD")}},
	}})
	if len(failed) != 0 || !body.Complete || body.Balances[0].Status != FleetItemStatusStale || len(body.Totals) != 1 {
		t.Errorf("got %+v", body)
	}
}
