package httpapi

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"

	"accountgateway/internal/config"
	"accountgateway/internal/httpapi/middleware"
	"accountgateway/internal/token"
)

// audited gives the lines of the audit log that came after so many bytes of log.
func (g *gateway) audited(after int) (got []map[string]any) {
	g.t.Helper()
	for line := range strings.Lines(g.log.String()[after:]) {
		var fields map[string]any
		if err := json.Unmarshal([]byte(line), &fields); err != nil {
			g.t.Fatalf("%v: %s", err, line)
		}
		if fields["audit"] == true {
			got = append(got, fields)
		}
	}
	return got
}

// TestAuditLog has one line for each refused and each privileged request, whatever
// the log's level, and none for others.
func TestAuditLog(t *testing.T) {
	st, stored := withStore(t, map[string]fake{"acme": everything()})
	k := newTokens(t, st)
	g := startDirect(t, nil, stored, k.options, func(o *Options) {
		o.Log = o.Log.Level(zerolog.ErrorLevel)
		o.CallerRate = config.Rate{Calls: 4, Per: time.Hour}
	})
	everything, id := k.made(token.Spec{Name: "billing", Scopes: token.Scopes()}, time.Now())
	reader, readerID := k.made(token.Spec{Name: "dashboard", Scopes: []token.Scope{token.Read}, Accounts: []string{"acme"}}, time.Now())
	expired, expiredID := k.made(token.Spec{Name: "old", Scopes: token.Scopes(), Lifetime: time.Hour}, time.Now().Add(-2*time.Hour))
	const balance, users = "/accounts/{account}/balance", "/accounts/{account}/users"
	tests := []struct {
		name, method, target string
		header               http.Header
		want                 map[string]any // nil: no line
	}{
		{"a read", "GET", "/accounts/acme/balance", as(everything), nil},
		{"what wants no token", "GET", "/healthz", nil, nil},
		{"a route that is not there", "GET", "/nowhere", nil, nil},
		{"users", "GET", "/accounts/acme/users?login=ada", as(everything), map[string]any{
			"level": "info", "outcome": "done", "status": 200.0, "caller": "token:" + id, "caller_name": "billing", "account": "acme", "route": users,
		}},
		{"users, a bad query", "GET", "/accounts/acme/users?topsecret=1", as(everything), map[string]any{
			"level": "info", "outcome": "failed", "status": 400.0, "code": "invalid_parameter", "caller": "token:" + id, "caller_name": "billing", "account": "acme", "route": users,
		}},
		{"no such account", "GET", "/accounts/topsecret/users", as(everything), map[string]any{
			"level": "info", "outcome": "failed", "status": 404.0, "code": "account_not_found", "caller": "token:" + id, "caller_name": "billing", "route": users,
		}},
		{"over the rate", "GET", "/accounts/acme/balance", as(everything), map[string]any{
			"level": "warn", "outcome": "refused", "status": 429.0, "code": "too_many_requests", "caller": "token:" + id, "caller_name": "billing", "account": "acme", "route": balance,
		}},
		{"no token", "GET", "/accounts/acme/balance", nil, map[string]any{
			"level": "warn", "outcome": "refused", "status": 401.0, "code": "unauthenticated", "reason": "no token", "account": "acme", "route": balance,
		}},
		{"no token at all", "GET", "/accounts/acme/balance", as("topsecret"), map[string]any{
			"level": "warn", "outcome": "refused", "status": 401.0, "code": "unauthenticated", "reason": "unknown token", "account": "acme", "route": balance,
		}},
		{"a wrong token", "HEAD", "/accounts/acme/users", as(otherSecret(everything)), map[string]any{
			"level": "warn", "outcome": "refused", "status": 401.0, "code": "unauthenticated", "reason": "unknown token", "account": "acme", "route": users,
			"claimed_token": id,
		}},
		{"an expired token", "GET", "/accounts/acme/balance", as(expired), map[string]any{
			"level": "warn", "outcome": "refused", "status": 401.0, "code": "unauthenticated", "reason": "the token has expired", "account": "acme", "route": balance,
			"claimed_token": expiredID,
		}},
		{"a missing scope", "GET", "/accounts/acme/users?login=topsecret", as(reader), map[string]any{
			"level": "warn", "outcome": "refused", "status": 403.0, "code": "forbidden", "caller": "token:" + readerID, "caller_name": "dashboard", "account": "acme", "route": users,
		}},
		{"a missing account", "GET", "/accounts/topsecret/balance", as(reader), map[string]any{
			"level": "warn", "outcome": "refused", "status": 403.0, "code": "forbidden", "caller": "token:" + readerID, "caller_name": "dashboard", "route": balance,
		}},
	}
	g.from = "[::ffff:192.0.2.7]:4711"
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g.t = t
			before := len(g.log.String())
			a := g.ask(tt.method, tt.target, tt.header, nil)
			var want []map[string]any
			if tt.want != nil {
				tt.want["audit"], tt.want["message"], tt.want["method"] = true, "audit", tt.method
				tt.want["address"], tt.want["request_id"] = "192.0.2.7", a.header.Get(middleware.RequestIDHeader)
				want = append(want, tt.want)
			}
			if diff := cmp.Diff(want, g.audited(before)); diff != "" {
				t.Errorf("lines (-want +got):\n%s", diff)
			}
		})
	}
	for _, secret := range []string{"topsecret", "ada", everything[14:], expired[14:], "4711"} {
		if strings.Contains(g.log.String(), secret) {
			t.Errorf("%q is in the log:\n%s", secret, g.log)
		}
	}
}

// TestAuditWithoutTokens: where nobody is asked who he is, lines say so.
func TestAuditWithoutTokens(t *testing.T) {
	g := startDirect(t, map[string]fake{"acme": everything()})
	g.get("/accounts/acme/balance")
	g.get("/accounts/acme/users")
	got := g.audited(0)
	if len(got) != 1 || got[0]["caller"] != "anonymous" || got[0]["route"] != "/accounts/{account}/users" {
		t.Errorf("got %v", got)
	}
}

// TestFloodOfRefusals: one address fills no disk. What is left out is counted.
func TestFloodOfRefusals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st, stored := withStore(t, map[string]fake{"acme": everything()})
		k := newTokens(t, st)
		g := startDirect(t, nil, stored, k.options)
		flood := func(from string) []map[string]any {
			before := len(g.log.String())
			g.from = from
			for range 1000 {
				g.ask(http.MethodHead, "/accounts", as("wrong"), nil)
			}
			return g.audited(before)
		}
		if got := flood("192.0.2.1:1"); len(got) != 10 {
			t.Errorf("%d lines", len(got))
		}
		if got := flood("192.0.2.2:1"); len(got) != 10 || got[0]["dropped"] != nil {
			t.Errorf("another address: %d lines, the first %v", len(got), got[0])
		}
		time.Sleep(time.Second)
		if got := flood("192.0.2.1:2"); len(got) != 10 || got[0]["dropped"] != 990.0 || got[1]["dropped"] != nil {
			t.Errorf("a second later: %d lines, the first %v", len(got), got[0])
		}
	})
}
