package httpapi

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"accountgateway/internal/account"
	"accountgateway/internal/httpapi/middleware"
	"accountgateway/internal/provider"
)

func TestFleet(t *testing.T) {
	g := start(t, map[string]fake{"b": balanceOf("250.7", "RUB"), "a": balanceOf("-4.75", "USD"), "c": balanceOf("1000.05", "RUB")})
	const item = `{"account":"%","provider":"vendor-of-%","as_of":"T","stale":false,"balance":{"amount":"AMOUNT"},"blocked":null,"credit":null,
		"bonus":null,"wallets":[],"billing":null,"status":"ok","problem":null}`
	row := func(name, amount string) string {
		return strings.ReplaceAll(strings.ReplaceAll(item, "%", name), `"AMOUNT"`, amount)
	}
	want := `{"complete":true,"balances":[` + row("a", `"-4.75","currency":"USD"`) + `,` + row("b", `"250.7","currency":"RUB"`) + `,` +
		row("c", `"1000.05","currency":"RUB"`) + `],"totals":[{"amount":"1250.75","currency":"RUB"},{"amount":"-4.75","currency":"USD"}],"next_cursor":null}`
	g.get("/balances").wantBody(want)
	g.get("/balances?require=any").wantBody(want)
	g.get("/balances?require=all&limit=3").wantBody(want)
	start(t, nil).get("/balances?require=all").wantBody(`{"complete":true,"balances":[],"totals":[],"next_cursor":null}`)
}

// TestFleetItemsAreBalances: an item has all that the account's own answer has.
func TestFleetItemsAreBalances(t *testing.T) {
	g := start(t, map[string]fake{"acme": everything()})
	own := string(g.get("/accounts/acme/balance").body)
	var fleet struct{ Balances []json.RawMessage }
	g.get("/balances").decode(&fleet)
	want := strings.Replace(own, "{", `{"status":"ok","problem":null,`, 1)
	if diff := cmp.Diff(sorted(t, []byte(want)), sorted(t, fleet.Balances[0])); diff != "" {
		t.Errorf("(-own +item):\n%s", diff)
	}
}

// TestFleetPages: totals, completeness and age are of all that match, whatever the
// page.
func TestFleetPages(t *testing.T) {
	g := start(t, map[string]fake{
		"a": balanceOf("1", "USD"), "b": balanceOf("2", "USD"), "c": balanceOf("4", "EUR"), "d": balanceOf("8", "USD"),
		"e": failing(provider.Errorf(provider.KindBadResponse, "not understood")),
	})
	names := func(query string) (list []string) {
		t.Helper()
		for cursor := ""; ; {
			a := g.get("/balances?" + query + cursor)
			var page Balances
			a.decode(&page)
			if got := money(page.Totals[1].Amount, "USD"); page.Complete || len(page.Totals) != 2 || got != money("11", "USD") || a.header.Get("Age") == "" {
				t.Errorf("?%s%s: %s", query, cursor, a.body)
			}
			for _, item := range page.Balances {
				list = append(list, item.Account)
			}
			if page.NextCursor == nil || len(list) > 5 {
				return list
			}
			cursor = "&cursor=" + *page.NextCursor
		}
	}
	for _, query := range []string{"", "limit=1", "limit=2", "limit=4", "limit=5", "limit=1000"} {
		if diff := cmp.Diff([]string{"a", "b", "c", "d", "e"}, names(query)); diff != "" {
			t.Errorf("?%s: accounts (-want +got):\n%s", query, diff)
		}
	}
	g.get("/balances?require=all&limit=1").wantCode(ProblemCodeProviderError)
	g.get("/balances?provider=nobody").wantBody(`{"complete":true,"balances":[],"totals":[],"next_cursor":null}`)
	var one Balances
	g.get("/balances?provider=vendor-of-c&require=all").decode(&one)
	if !one.Complete || len(one.Balances) != 1 || one.Balances[0].Account != "c" || len(one.Totals) != 1 || one.Totals[0].Currency != "EUR" {
		t.Errorf("one vendor's: %+v", one)
	}
	for query, fields := range map[string][]string{
		"limit=0": {"limit"}, "cursor=x": {"cursor"}, "provider=": {"provider"}, "require=some&limit=x": {"require", "limit"}, "health=ok": {"health"},
	} {
		g.get("/balances?" + query).wantFields(fields...)
	}
}

// TestFleetWithoutMoney: an account that holds no money is not part of a fleet's
// money, and keeps it from nothing. One whose money can't be read yet is.
func TestFleetWithoutMoney(t *testing.T) {
	credits := fake{statistics: everything().statistics}
	g := start(t, map[string]fake{"credits": credits, "money": balanceOf("1", "USD")})
	var fleet Balances
	g.get("/balances?require=all").decode(&fleet)
	if !fleet.Complete || len(fleet.Balances) != 1 || fleet.Balances[0].Account != "money" {
		t.Errorf("got %+v", fleet)
	}
	g.get("/accounts/credits/balance").wantCode(ProblemCodeUnsupportedOperation)

	g = start(t, map[string]fake{"later": {notBuilt: true}, "money": balanceOf("1", "USD")})
	g.get("/balances?require=all").wantCode(ProblemCodeProviderError)
	g.get("/balances").decode(&fleet)
	if fleet.Complete || fleet.Balances[0].Problem == nil || fleet.Balances[0].Problem.Code != ProblemCodeUnsupportedOperation {
		t.Errorf("got %+v", fleet)
	}
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
		`{"account":"locked","as_of":null,"balance":null,"billing":null,"blocked":null,"bonus":null,"credit":null,
			"problem":{"account":"locked","code":"provider_access","detail":"address not listed","provider":"vendor-of-locked"`,
		`"upstream":{"code":"ACCESS_DENIED_FROM_IP","message":"denied"}},"provider":"vendor-of-locked","stale":null,"status":"failed","wallets":null}`,
		`"code":"provider_bad_response"`, `"request_id":"` + a.header.Get(middleware.RequestIDHeader) + `"`,
	} {
		if want = strings.Join(strings.Fields(want), ""); !strings.Contains(strings.Join(strings.Fields(body), ""), want) {
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

// However many accounts fail, the log's line stays short.
func TestFleetFailuresAreLoggedShort(t *testing.T) {
	var items []account.FleetItem
	for i := range 1000 {
		items = append(items, account.FleetItem{Account: fmt.Sprint("a", i), Err: provider.Errorf(provider.KindTimeout, "too slow")})
	}
	s, n := &server{}, &middleware.Request{}
	_, failed := s.fleetBody(n, page{limit: 1}, items)
	if text := n.Err.Error(); len(failed) != 1000 || len(text) > 1000 || !strings.Contains(text, "a9: ") || !strings.HasSuffix(text, "and 990 more accounts") {
		t.Errorf("%d failed: %s", len(failed), text)
	}
}

func TestFleetStale(t *testing.T) {
	s := &server{}
	body, failed := s.fleetBody(&middleware.Request{}, page{limit: 1}, []account.FleetItem{{
		Account: "a", Provider: "v",
		Balance: account.Reading[provider.Balance]{Stale: true, Value: &provider.Balance{Balance: money("1", "USD")}},
	}})
	if item := body.Balances[0]; len(failed) != 0 || !body.Complete || item.Status != FleetBalanceStatusStale || !*item.Stale || len(body.Totals) != 1 {
		t.Errorf("got %+v", body)
	}
}
