package page_test

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"accountgateway/internal/provider"
	"accountgateway/internal/token"
)

// TestAsk has the vendor asked by the button, whatever is in memory.
func TestAsk(t *testing.T) {
	f := newFixture(t, aFleet, fleetNames...)
	wants(t, f.get("/ui/regru").Body.String(), `<form class="ask" method="post" action="/ui/regru/ask">`)
	got := f.post("/ui/regru/ask", nil)
	to := got.Header().Get("Location")
	if got.Code != http.StatusSeeOther || !strings.HasPrefix(to, "/ui/regru?asked=") {
		t.Fatalf("%d to %q: %s", got.Code, to, got.Body)
	}
	fake := f.fakes["regru"]
	if balance, statistics := fake.Calls(provider.OpBalance), fake.Calls(provider.OpStatistics); balance != 1 || statistics != 1 {
		t.Errorf("%d calls of balance and %d of statistics", balance, statistics)
	}
	wants(t, text(f.get(to).Body.String()), "The vendor answered: the figures are from just now.")
	for _, old := range []string{"x", "0", strconv.FormatInt(f.now.Add(-time.Hour).Unix(), 10)} {
		if page := f.get("/ui/regru?asked=" + old).Body.String(); strings.Contains(page, "The vendor answered") {
			t.Errorf("the page says so when asked=%s", old)
		}
	}
}

// TestAskFails: the page says why, and the lockout keeps the button from
// repeating a refused call.
func TestAskFails(t *testing.T) {
	f := newFixture(t, aFleet, fleetNames...)
	f.fakes["regru"].Balance = func(context.Context, provider.BalanceQuery) (provider.Readings, error) {
		return provider.Readings{}, provider.Errorf(provider.KindCredentials, "the vendor refused the password")
	}
	got := f.post("/ui/regru/ask", nil)
	if got.Code != http.StatusOK {
		t.Fatalf("%d to %q", got.Code, got.Header().Get("Location"))
	}
	wants(t, text(got.Body.String()), "No new reading. The vendor refused the password.", "184,350.20 RUB", "Credentials refused")
	wants(t, got.Body.String(), `<a href="/ui/regru">Reload</a>`)
	for range 3 {
		got = f.post("/ui/regru/ask", nil)
	}
	wants(t, text(got.Body.String()), "it is not called again for now", "Try again in 15 min.")
	if n := f.fakes["regru"].Calls(provider.OpBalance); n > 2 {
		t.Errorf("%d refused calls", n)
	}
	if n := f.fakes["regru"].Calls(provider.OpStatistics); n != 0 {
		t.Errorf("%d calls of statistics after a refusal", n)
	}
	if got := f.get("/ui/regru/ask"); got.Code != http.StatusSeeOther || got.Header().Get("Location") != "/ui/regru" {
		t.Errorf("the form's address, opened: %d to %q", got.Code, got.Header().Get("Location"))
	}
}

// TestForms: only the gateway's own pages can send them, and only who may.
func TestForms(t *testing.T) {
	f := newFixture(t, aFleet, fleetNames...).as(aReader("regru"))
	cookie := func() []string { return []string{"Cookie", "gateway_token=" + f.token} }
	for _, test := range []struct {
		name, path string
		headers    []string
		status     int
		calls      int
	}{
		{"no cookie", "/ui/regru/ask", nil, http.StatusUnauthorized, 0},
		{"another site", "/ui/regru/ask", append(cookie(), "Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site"), http.StatusForbidden, 0},
		{"a sister site", "/ui/regru/ask", append(cookie(), "Origin", "https://evil.example", "Sec-Fetch-Site", "same-site"), http.StatusForbidden, 0},
		{"another account", "/ui/selzy/ask", cookie(), http.StatusNotFound, 0},
		{"no such account", "/ui/nobody/ask", cookie(), http.StatusNotFound, 0},
		{"a bearer token", "/ui/regru/ask", []string{"Authorization", "Bearer " + f.token}, http.StatusSeeOther, 1},
		{"the page", "/ui/regru/ask", cookie(), http.StatusSeeOther, 2},
	} {
		got := f.post(test.path, nil, test.headers...)
		if got.Code != test.status {
			t.Errorf("%s: %d, want %d", test.name, got.Code, test.status)
		}
		if n := f.fakes["regru"].Calls(provider.OpBalance) + f.fakes["selzy"].Calls(provider.OpBalance); n != test.calls {
			t.Errorf("%s: %d calls, want %d", test.name, n, test.calls)
		}
	}
	blind := newFixture(t, aFleet, "regru").as(token.Caller{Name: "x", Scopes: []token.Scope{token.UsersRead}, Accounts: []string{"regru"}})
	if got := blind.post("/ui/regru/ask", nil, "Cookie", "gateway_token="+blind.token); got.Code != http.StatusForbidden || blind.fakes["regru"].Calls(provider.OpBalance) != 0 {
		t.Errorf("without the scope read: %d", got.Code)
	}
}

// TestFiles are what an account's page offers for other programs.
func TestFiles(t *testing.T) {
	f := newFixture(t, func(f *fixture) {
		f.balance("regru", time.Minute, provider.Balance{Balance: *money("12.5", "RUB")})
		f.history("regru", 25*time.Hour, "-310.20", "RUB")
		f.history("regru", 2*time.Minute, "12.5", "RUB")
		f.history("regru", 8*day, "99", "RUB")
	}, "regru", "selzy").as(aReader("regru"))
	file := f.get("/ui/regru/history.csv?days=7", f.signedIn())
	at := func(age time.Duration) string { return f.now.Add(-age).Format("2006-01-02T15:04:05.000Z") }
	want := "as_of,currency,balance,blocked,credit,bonus\n" + at(25*time.Hour) + ",RUB,-310.20,,,\n" + at(2*time.Minute) + ",RUB,12.5,,,\n"
	if file.Body.String() != want || file.Header().Get("Content-Type") != "text/csv; charset=utf-8" ||
		file.Header().Get("Content-Disposition") != `attachment; filename="regru-7-days.csv"` {
		t.Errorf("%v\n%s", file.Header(), file.Body)
	}
	answer := f.get("/ui/regru/balance.json", f.signedIn())
	if answer.Code != http.StatusOK || answer.Header().Get("Content-Type") != "application/json" || !strings.Contains(answer.Body.String(), `"amount":"12.5"`) {
		t.Errorf("%d %v %s", answer.Code, answer.Header(), answer.Body)
	}
	for path, status := range map[string]int{
		"/ui/selzy/history.csv": 404, "/ui/nobody/history.csv": 404, "/ui/selzy/balance.json": 404, "/ui/nobody/balance.json": 404,
	} {
		if got := f.get(path, f.signedIn()); got.Code != status {
			t.Errorf("%s: %d", path, got.Code)
		}
	}
	for _, path := range []string{"/ui/regru/history.csv", "/ui/regru/balance.json"} {
		if got := f.get(path); got.Code != http.StatusUnauthorized || strings.Contains(got.Body.String(), "12.5") {
			t.Errorf("%s without a token: %d", path, got.Code)
		}
	}
	if n := f.fakes["regru"].Calls(provider.OpBalance); n != 0 {
		t.Errorf("looking cost %d vendor calls", n)
	}
	wants(t, f.get("/ui/regru", f.signedIn()).Body.String(), `curl -s http://example.com/accounts/regru/balance -H &#34;Authorization: Bearer $GATEWAY_TOKEN&#34;`)
	f.store.Close()
	if got := f.get("/ui/regru/history.csv", f.signedIn()); got.Code != http.StatusServiceUnavailable {
		t.Errorf("without the database: %d", got.Code)
	}
}
