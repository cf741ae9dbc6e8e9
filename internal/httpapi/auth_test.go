package httpapi

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"

	"accountgateway/internal/httpapi/middleware"
	"accountgateway/internal/token"
)

// guarded is one method of one route as the specification has it.
type guarded struct {
	method, path string
	scope        token.Scope // "" for those that want no token
}

func (g guarded) named() bool { return strings.Contains(g.path, "{account}") }

func (g guarded) target(account string) string {
	return strings.NewReplacer("{account}", account, "{id}", "none").Replace(g.path)
}

func (g guarded) body() io.Reader {
	if g.method != http.MethodPost {
		return nil
	}
	return strings.NewReader("{}")
}

// allGuarded reads them out of the specification. A route that does not say who
// may ask is a fault.
func allGuarded(t *testing.T) (all []guarded) {
	t.Helper()
	for path, item := range contract(t).doc.Paths.Map() {
		for method, op := range item.Operations() {
			g := guarded{method: method, path: path}
			switch {
			case op.Security == nil:
				t.Errorf("%s %s: the specification has no security for it", method, path)
				continue
			case len(*op.Security) == 1 && len((*op.Security)[0]["token"]) == 1:
				g.scope = token.Scope((*op.Security)[0]["token"][0])
				if !slices.Contains(token.Scopes(), g.scope) {
					t.Errorf("%s %s: no scope %q", method, path, g.scope)
				}
			case len(*op.Security) != 0:
				t.Errorf("%s %s: want one scope of a token, not %v", method, path, *op.Security)
			}
			all = append(all, g)
			if method == http.MethodGet {
				g.method = http.MethodHead
				all = append(all, g)
			}
		}
	}
	return all
}

func allBut(scope token.Scope) []token.Scope {
	return slices.DeleteFunc(token.Scopes(), func(s token.Scope) bool { return s == scope })
}

// TestEveryRouteAsksWhoCalls has each route of the specification refuse everybody
// whom it should, alike, and nobody else. So the scopes of routes.go are those of
// the specification.
func TestEveryRouteAsksWhoCalls(t *testing.T) {
	st, stored := withStore(t, map[string]fake{"acme": everything(), "other": everything()})
	k := newTokens(t, st)
	g := startDirect(t, nil, stored, k.options)
	requests := 0
	ask := func(at guarded, account string, h http.Header) answer {
		t.Helper()
		requests++ // each from an address of its own, or else the limit would answer
		g.from = fmt.Sprintf("10.0.%d.%d:1234", requests/256, requests%256)
		if h == nil {
			h = http.Header{}
		}
		h.Set("Content-Type", "application/json")
		return g.ask(at.method, at.target(account), h, at.body())
	}
	everyScope, everyID := k.with(token.Scopes())
	revoked, revokedID := k.with(token.Scopes())
	k.revoke(revokedID)
	expired, _ := k.made(token.Spec{Name: "test", Scopes: token.Scopes(), Lifetime: time.Hour}, time.Now().Add(-2*time.Hour))
	unknown, _ := token.New(token.Spec{}, time.Now())
	strangers := map[string]http.Header{
		"no token": nil, "another scheme": {"Authorization": {"Basic " + everyScope}}, "no scheme": {"Authorization": {everyScope}},
		"two tokens": {"Authorization": {"Bearer " + everyScope, "Bearer " + everyScope}}, "empty": {"Authorization": {"Bearer "}},
		"wrong": as(otherSecret(everyScope)), "cut off": as(everyScope[:len(everyScope)-1]), "longer": as(everyScope + "a"), "in capitals": as(strings.ToUpper(everyScope)),
		"unknown": as(unknown), "expired": as(expired), "revoked": as(revoked), "only its id": as("gw_" + everyID),
		"not UTF-8": as("\xff\xfe"), "huge": as(strings.Repeat("a", 8000)), "in a cookie": {"Cookie": {"gateway_token=" + everyScope}},
		"in another header": {"X-Api-Key": {everyScope}},
	}

	var first []byte
	for _, at := range allGuarded(t) {
		t.Run(at.method+" "+at.path, func(t *testing.T) {
			g.t = t
			if at.scope == "" {
				if a := ask(at, "", nil); a.status != http.StatusOK {
					t.Errorf("without a token: %d %s", a.status, a.body)
				}
				return
			}
			for name, h := range strangers {
				accounts := []string{"acme"}
				if name == "no token" || name == "wrong" {
					accounts = append(accounts, "nobody")
				}
				for _, account := range accounts {
					a := ask(at, account, h)
					if a.status != http.StatusUnauthorized || a.header.Get("WWW-Authenticate") != `Bearer realm="gateway"` || a.header.Get("RateLimit") != "" {
						t.Errorf("%s: got %d %v %s", name, a.status, a.header, a.body)
					}
					if at.method == http.MethodHead {
						continue
					}
					said := withoutID(a)
					if first == nil {
						first = said
					}
					if diff := cmp.Diff(string(first), string(said)); diff != "" {
						t.Errorf("%s is answered in another way than the rest (-rest +this):\n%s", name, diff)
					}
				}
			}
			forbidden := func(text, account, detail string) {
				t.Helper()
				a := ask(at, account, as(text))
				if a.status != http.StatusForbidden || a.header.Get("WWW-Authenticate") != "" {
					t.Errorf("got %d %s", a.status, a.body)
				}
				if at.method != http.MethodHead {
					if p := a.wantCode(ProblemCodeForbidden); !strings.Contains(p.Detail, detail) || p.Account != nil {
						t.Errorf("got %s, want it to say %q", a.body, detail)
					}
				}
			}
			wrongScope, _ := k.with(allBut(at.scope))
			forbidden(wrongScope, "acme", string(at.scope))
			forbidden(wrongScope, "nobody", string(at.scope))
			if at.named() {
				otherAccount, _ := k.with(token.Scopes(), "other")
				forbidden(otherAccount, "acme", "does not grant access to this account")
				forbidden(otherAccount, "nobody", "does not grant access to this account")
				forbidden(otherAccount, "%61cme", "does not grant access to this account")
				forbidden(otherAccount, "other%2f..%2facme", "does not grant access to this account")
			}
			for _, accounts := range [][]string{{"acme"}, nil} {
				right, _ := k.with([]token.Scope{at.scope}, accounts...)
				for _, scheme := range []string{"Bearer ", "bearer ", "BEARER  "} {
					a := ask(at, "acme", http.Header{"Authorization": {scheme + right}})
					if a.status == http.StatusUnauthorized || a.status == http.StatusForbidden || a.status == http.StatusTooManyRequests {
						t.Errorf("with a token for %v: %d %s", accounts, a.status, a.body)
					}
				}
			}
			if at.named() {
				if a := ask(at, "nobody", as(everyScope)); a.status != http.StatusNotFound {
					t.Errorf("an account that is not there, for whom every one is granted: %d %s", a.status, a.body)
				}
			}
		})
	}
}

// withoutID is a body without the request's id.
func withoutID(a answer) []byte {
	return []byte(strings.ReplaceAll(string(a.body), a.header.Get(middleware.RequestIDHeader), "ID"))
}

// TestTokensNotLoaded: until the store was read nobody can be told apart.
func TestTokensNotLoaded(t *testing.T) {
	g := start(t, map[string]fake{"acme": everything()}, func(o *Options) { o.Tokens = token.NewKeeper(zerolog.Nop()) })
	for _, h := range []http.Header{nil, as("gw_x")} {
		a := g.ask(http.MethodGet, "/accounts/acme/balance", h, nil)
		a.wantCode(ProblemCodeDatabaseUnavailable)
		if a.header.Get("Retry-After") != "5" || a.header.Get("WWW-Authenticate") != "" {
			t.Errorf("got %v", a.header)
		}
	}
	g.get("/healthz").wantStatus(http.StatusOK)
}

// TestOwnAccountsAlone: lists and fleet reads have a caller's own accounts, and
// no other vendor is asked.
func TestOwnAccountsAlone(t *testing.T) {
	st, stored := withStore(t, map[string]fake{"a": balanceOf("1", "USD"), "b": failing(fmt.Errorf("b was asked")), "c": balanceOf("2", "USD")})
	k := newTokens(t, st)
	g := start(t, nil, stored, k.options)
	tests := []struct {
		accounts []string
		want     []string
	}{
		{[]string{"a"}, []string{"a"}},
		{[]string{"a", "c"}, []string{"a", "c"}},
		{[]string{"gone"}, nil},
		{[]string{token.AllAccounts}, []string{"a", "b", "c"}},
	}
	for _, tt := range tests {
		text, _ := k.with([]token.Scope{token.Read}, tt.accounts...)
		for _, target := range []string{"/accounts", "/balances"} {
			a := g.ask(http.MethodGet, target, as(text), nil)
			a.wantStatus(http.StatusOK)
			for _, name := range []string{"a", "b", "c"} {
				in := strings.Contains(string(a.body), `"`+name+`"`) || strings.Contains(string(a.body), "vendor-of-"+name)
				if in != slices.Contains(tt.want, name) {
					t.Errorf("%s for %v: %s in it: %v: %s", target, tt.accounts, name, in, a.body)
				}
			}
		}
		if asked := strings.Contains(g.log.String(), "b was asked"); asked != slices.Contains(tt.want, "b") {
			t.Errorf("for %v, b was asked: %v", tt.accounts, asked)
		}
	}
	// Its totals and its tag are of what the caller sees.
	text, _ := k.with([]token.Scope{token.Read}, "a")
	if a := g.ask(http.MethodGet, "/balances?require=all", as(text), nil); !strings.Contains(string(a.body), `"complete":true`) || !strings.Contains(string(a.body), `"totals":[{"amount":"1","currency":"USD"}]`) {
		t.Errorf("got %s", a.body)
	}
}

// TestRevocation: a token that is revoked is no good from the next look at the
// store on.
func TestRevocation(t *testing.T) {
	st, stored := withStore(t, map[string]fake{"acme": everything()})
	k := newTokens(t, st)
	g := start(t, nil, stored, k.options)
	text, id := k.with([]token.Scope{token.Read})
	g.ask(http.MethodGet, "/accounts/acme/balance", as(text), nil).wantStatus(http.StatusOK)
	k.revoke(id)
	g.ask(http.MethodGet, "/accounts/acme/balance", as(text), nil).wantCode(ProblemCodeUnauthenticated)
}

// TestSecurityHeaders are on every answer, and no other site is invited.
func TestSecurityHeaders(t *testing.T) {
	for _, secure := range []bool{false, true} {
		g := start(t, map[string]fake{"acme": everything()}, func(o *Options) { o.Secure = secure })
		for _, target := range []string{"/accounts", "/accounts/acme/balance", "/accounts/nobody", "/nowhere", "/healthz", "/metrics", "/openapi.yaml"} {
			a := g.ask(http.MethodGet, target, http.Header{"Origin": {"https://elsewhere.example"}}, nil)
			if got := a.header.Get("Cross-Origin-Resource-Policy"); got != "same-origin" {
				t.Errorf("%s: Cross-Origin-Resource-Policy is %q", target, got)
			}
			if got := a.header.Get("Strict-Transport-Security"); (got == "max-age=31536000") != secure {
				t.Errorf("%s over https %v: Strict-Transport-Security is %q", target, secure, got)
			}
			for name := range a.header {
				if strings.HasPrefix(name, "Access-Control") {
					t.Errorf("%s has %s", target, name)
				}
			}
		}
		preflight := http.Header{"Origin": {"https://elsewhere.example"}, "Access-Control-Request-Method": {"POST"}}
		g.ask(http.MethodOptions, "/accounts", preflight, nil).wantCode(ProblemCodeMethodNotAllowed)
	}
}

// TestCheckComesFirst: who may not ask learns nothing of what else is wrong.
func TestCheckComesFirst(t *testing.T) {
	st, stored := withStore(t, map[string]fake{"acme": everything()})
	k := newTokens(t, st)
	g := start(t, nil, stored, k.options)
	g.get("/accounts/acme/balance?surprise=1").wantCode(ProblemCodeUnauthenticated)
	text, _ := k.with(allBut(token.Read))
	g.ask(http.MethodGet, "/accounts/acme/balance?surprise=1", as(text), nil).wantCode(ProblemCodeForbidden)
}

// TestOtherNamesWithoutTokens: where nobody is asked for a token, a site cannot
// have a browser on this machine ask, by giving its name the address 127.0.0.1.
func TestOtherNamesWithoutTokens(t *testing.T) {
	g := startDirect(t, map[string]fake{"acme": everything()})
	for host, status := range map[string]int{
		"": 403, ":8080": 403, "[]": 403, "localhost": 200, "localhost:8080": 200, "127.0.0.1:8080": 200, "127.0.0.2": 200, "[::1]:8080": 200, "[::1]": 200,
		"rebound.example:8080": 403, "rebound.example": 403, "localhost.rebound.example": 403, "127.0.0.1.rebound.example": 403, "192.0.2.1:8080": 403, "[::]:8080": 403, "x:y:z": 403,
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "/accounts", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = host
		w := httptest.NewRecorder()
		g.direct.ServeHTTP(w, r)
		if w.Code != status {
			t.Errorf("%q: got %d, want %d", host, w.Code, status)
		}
	}
	st, stored := withStore(t, map[string]fake{"acme": everything()})
	k := newTokens(t, st)
	guarded := startDirect(t, nil, stored, k.options)
	text, _ := k.with([]token.Scope{token.Read})
	r := httptest.NewRequest(http.MethodGet, "/accounts", nil)
	r.Host, r.Header = "gateway.example", as(text)
	w := httptest.NewRecorder()
	if guarded.direct.ServeHTTP(w, r); w.Code != http.StatusOK {
		t.Errorf("with a token, any name is good: got %d", w.Code)
	}
}
