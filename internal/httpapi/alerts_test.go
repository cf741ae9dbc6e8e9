package httpapi

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"accountgateway/internal/alert"
	"accountgateway/internal/store"
	"accountgateway/internal/token"
)

// openAlerts are alerts of acme and other, in the order in which they are shown.
func openAlerts() []alert.Alert {
	since := time.Date(2026, 1, 31, 10, 2, 12, 345678000, time.UTC)
	return []alert.Alert{
		{Account: "other", Provider: "vendor-of-other", Code: alert.AccessDenied, Severity: alert.Critical, Since: since, Detail: "no", Remedy: "ask"},
		{
			Account: "acme", Provider: "vendor-of-acme", Code: alert.BalanceLow, Severity: alert.Warning, Since: since.Add(-time.Hour),
			Detail: "the balance is 1 USD", Remedy: "top it up", Value: new("1 USD"), Threshold: new("5 USD"),
		},
		{Account: "acme", Provider: "vendor-of-acme", Code: alert.VendorUnavailable, Severity: alert.Warning, Since: since, Detail: "down", Remedy: "wait"},
	}
}

// withAlerts opens alerts in the database that a service is about to load.
func withAlerts(t *testing.T, st *store.Store, open ...alert.Alert) {
	t.Helper()
	var changes []store.AlertChange
	for _, a := range open {
		body, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		changes = append(changes, store.AlertChange{Account: a.Account, Code: string(a.Code), Body: body})
	}
	if _, done, err := st.ChangeAlerts(t.Context(), 0, changes); err != nil || !done {
		t.Fatal(done, err)
	}
}

func TestAlerts(t *testing.T) {
	st, stored := withStore(t, map[string]fake{"acme": everything(), "other": everything(), "calm": everything()})
	gone := openAlerts()[0]
	gone.Account = "gone" // as of an account that is not configured any more
	withAlerts(t, st, append(openAlerts(), gone)...)
	g := start(t, nil, stored, func(o *Options) { o.Accounts.Load(t.Context()) })

	const (
		denied = `{"account":"other","provider":"vendor-of-other","code":"access_denied","severity":"critical","since":"T",
			"detail":"no","remedy":"ask","value":null,"threshold":null}`
		low = `{"account":"acme","provider":"vendor-of-acme","code":"balance_low","severity":"warning","since":"T",
			"detail":"the balance is 1 USD","remedy":"top it up","value":"1 USD","threshold":"5 USD"}`
		down = `{"account":"acme","provider":"vendor-of-acme","code":"vendor_unavailable","severity":"warning","since":"T",
			"detail":"down","remedy":"wait","value":null,"threshold":null}`
	)
	for _, tt := range []struct{ query, want string }{
		{"", denied + "," + low + "," + down},
		{"?account=acme", low + "," + down},
		{"?account=calm", ""},
		{"?severity=critical", denied},
		{"?severity=warning&account=other", ""},
	} {
		g.get("/alerts" + tt.query).wantBody(`{"alerts":[` + tt.want + `]}`)
	}
	if body := string(g.get("/alerts?severity=critical").body); !strings.Contains(body, `"since":"2026-01-31T10:02:12.345Z"`) {
		t.Errorf("not since when it is open: %s", body)
	}
	g.get("/alerts?account=gone").wantCode(ProblemCodeAccountNotFound)
	g.get("/alerts?severity=fatal").wantFields("severity")

	var one Account
	g.get("/accounts/acme").decode(&one)
	var all Accounts
	g.get("/accounts").decode(&all)
	if len(one.Alerts) != 2 || one.Alerts[0].Code != AlertCodeBalanceLow || len(all.Accounts) != 3 || len(all.Accounts[0].Alerts) != 2 || len(all.Accounts[1].Alerts) != 0 {
		t.Errorf("accounts have other alerts: %+v, %+v", one, all)
	}
}

// A caller hears of no account that is not granted to it.
func TestAlertsOfGrantedAccounts(t *testing.T) {
	st, stored := withStore(t, map[string]fake{"acme": everything(), "other": everything()})
	withAlerts(t, st, openAlerts()...)
	k := newTokens(t, st)
	g := start(t, nil, stored, k.options, func(o *Options) { o.Accounts.Load(t.Context()) })
	text, _ := k.made(token.Spec{Name: "test", Scopes: []token.Scope{token.Read}, Accounts: []string{"acme"}, Lifetime: time.Hour}, time.Now())
	if body := string(g.ask(http.MethodGet, "/alerts", as(text), nil).body); strings.Contains(body, "other") || !strings.Contains(body, "balance_low") {
		t.Errorf("got %s", body)
	}
	for _, name := range []string{"other", "nobody"} {
		got, other := g.ask(http.MethodGet, "/alerts?account="+name, as(text), nil), g.ask(http.MethodGet, "/accounts/"+name, as(text), nil)
		got.wantCode(ProblemCodeForbidden)
		if !sameDetail(t, got.body, other.body) {
			t.Errorf("got %s, but of the account itself %s", got.body, other.body)
		}
	}
}

func sameDetail(t *testing.T, a, b []byte) bool {
	t.Helper()
	var one, other Problem
	if err := errors.Join(json.Unmarshal(a, &one), json.Unmarshal(b, &other)); err != nil {
		t.Fatal(err)
	}
	return one.Code == other.Code && one.Detail == other.Detail
}
