package main

import (
	"net/http"
	"strings"
	"sync"
	"testing"

	"accountgateway/internal/simulator"
)

// TestManyAtOnce sends 200 requests of every sort together. Each gets its own
// account's figures, and the vendors are asked no more often than there are
// different questions.
func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	const requests = 200
	f := newFleet(t)
	controls := map[string]*simulator.Control{
		"regru":    f.simulated("regru", "regru", "test:test"),
		"partner":  f.simulated("partner", "regru", "partner:partner-secret"),
		"selzy":    f.simulated("selzy", "selzy", "ordinarykey"),
		"reseller": f.simulated("reseller", "selzy", "resellerkey"),
		"list":     f.simulated("list", "unisender", "crmkey"),
		"locked":   f.simulated("locked", "selzy", "wrongkey"),
		"html":     f.misbehaving("html", "regru", "test:test", faultBody("<html>")),
	}
	questions := map[string]int{"regru": 4, "partner": 4, "selzy": 3, "reseller": 5, "list": 2} // that reach the vendor, below
	tests := []struct {
		target string
		status int
		part   string // of the body
	}{
		{"/accounts/regru/balance", 200, `"amount":"1000","currency":"RUB"`},
		{"/accounts/regru/balance?currency=USD", 200, `"amount":"12.28","currency":"USD"`},
		{"/accounts/regru/statistics", 200, `"amount":"100"`},
		{"/accounts/regru/users", 200, `"login":"test"`},
		{"/accounts/partner/balance", 200, `"amount":"48213.07","currency":"RUB"`},
		{"/accounts/partner/balance?currency=USD", 200, `"amount":"592.10","currency":"USD"`},
		{"/accounts/partner/statistics?date_from=2026-01-01&date_till=2026-01-31", 200, `"amount":"5469.25"`},
		{"/accounts/partner/users?login=partner", 200, `"login":"partner"`},
		{"/accounts/selzy/balance", 200, `"amount":"-4.75","currency":"USD"`},
		{"/accounts/selzy/statistics", 200, `"value":5317`},
		{"/accounts/selzy/users", 200, `"login":"acme_shop"`},
		{"/accounts/reseller/balance", 200, `"amount":"1530.07","currency":"EUR"`},
		{"/accounts/reseller/statistics", 200, `"value":431207`},
		{"/accounts/reseller/users?limit=1", 200, `"login":"lumi_cafe"`},
		{"/accounts/list/balance", 200, `"amount":"2310.4","currency":"UAH"`},
		{"/accounts/list/users", 200, `"login":"crm_desk"`},
		{"/accounts/locked/balance", 502, `"code":"provider_credentials"`},
		{"/accounts/html/balance", 502, `"code":"provider_bad_response"`},
		{"/accounts/nobody/balance", 404, `"code":"account_not_found"`},
		{"/accounts/selzy/balance?curency=USD", 400, `"code":"invalid_parameter"`},
		{"/accounts", 200, `"name":"locked"`},
		{"/balances", 200, `"complete":false`},
		{"/healthz", 200, `"ok"`},
		{"/openapi.yaml", 200, "openapi: 3.1"},
	}
	g := f.serve()
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i := range requests {
		tt := tests[i%len(tests)]
		wg.Go(func() {
			<-start
			// The specification is checked by others; here it would be the load.
			a, _ := fetch(t, g.url, tt.target)
			if a.status != tt.status || !strings.Contains(string(a.body), tt.part) {
				t.Errorf("%s: got %d %.500s, want %d and %s", tt.target, a.status, a.body, tt.status, tt.part)
			}
		})
	}
	close(start)
	g.get(t, "/metrics") // one scrape meanwhile: more than four at once are turned away
	wg.Wait()
	// Those that were dialled and never used would hold up the end for 5 s.
	defer caller.CloseIdleConnections()
	for account, most := range questions {
		calls := 0
		for _, n := range controls[account].Calls() {
			calls += n
		}
		if calls == 0 || calls > most {
			t.Errorf("%s: the vendor was called %d times for %d questions", account, calls, most)
		}
	}
	// After a refusal the vendor is not called: it may lock out repeated calls.
	if calls := controls["locked"].Calls()["getUserInfo"]; calls != 1 {
		t.Errorf("locked: the vendor was called %d times with a wrong key", calls)
	}
	if a := g.get(t, "/readyz"); a.status != http.StatusOK {
		t.Errorf("/readyz: %d", a.status)
	}
}
