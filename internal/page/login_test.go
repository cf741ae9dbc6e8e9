package page_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"accountgateway/internal/token"
)

func (f *fixture) signedIn() *http.Cookie {
	return &http.Cookie{Name: "gateway_token", Value: f.token}
}

// post sends a form as a browser does from a page of its own.
func (f *fixture) post(path string, form url.Values, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(f.t.Context(), http.MethodPost, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", "http://"+r.Host)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	f.handler.ServeHTTP(w, r)
	return w
}

func aReader(accounts ...string) token.Caller {
	return token.Caller{ID: "abcdefghij", Name: "finance", Scopes: []token.Scope{token.Read}, Accounts: accounts}
}

func TestLogin(t *testing.T) {
	f := newFixture(t, aFleet, fleetNames...).as(aReader("regru"))
	refused := f.get("/ui/regru?days=7")
	if refused.Code != http.StatusUnauthorized || refused.Header().Get("WWW-Authenticate") == "" {
		t.Errorf("without a token: %d %v", refused.Code, refused.Header())
	}
	wants(t, refused.Body.String(), `action="/login"`, `name="next" value="/ui/regru?days=7"`)

	got := f.post("/login", url.Values{"token": {" " + f.token + "\n"}, "next": {"/ui/regru?days=7"}})
	if got.Code != http.StatusSeeOther || got.Header().Get("Location") != "/ui/regru?days=7" {
		t.Fatalf("%d to %q", got.Code, got.Header().Get("Location"))
	}
	cookie := got.Result().Cookies()[0]
	if cookie.Value != f.token || !cookie.HttpOnly || cookie.SameSite != http.SameSiteLaxMode || cookie.Path != "/" || cookie.MaxAge != 0 || cookie.Domain != "" {
		t.Errorf("the cookie is %+v", cookie)
	}
	page := f.get("/", cookie)
	if page.Code != http.StatusOK {
		t.Fatalf("with the cookie: %d", page.Code)
	}
	wants(t, page.Body.String(), "finance", "Sign out", `href="/ui/regru"`)
	for _, w := range []*httptest.ResponseRecorder{refused, page} {
		if strings.Contains(w.Body.String(), f.token) {
			t.Error("the token is in a page")
		}
	}
	if strings.Contains(page.Body.String(), "selzy") {
		t.Error("the page shows accounts that the token does not grant")
	}
	for _, path := range []string{"/", "/ui/regru"} {
		if shown := text(f.get(path, cookie).Body.String()); strings.Contains(shown, "Writes") || strings.Contains(shown, "Settle it here") {
			t.Errorf("%s shows writes without the scope", path)
		}
	}
	if got := f.get("/ui/selzy", cookie); got.Code != http.StatusNotFound {
		t.Errorf("the page of another account: %d", got.Code)
	}

	gone := f.post("/logout", nil).Result().Cookies()[0]
	if gone.Value != "" || gone.MaxAge >= 0 || gone.Name != cookie.Name {
		t.Errorf("signing out sets %+v", gone)
	}
}

func TestSecureCookie(t *testing.T) {
	f := newFixture(t, nil, "a").as(aReader())
	f.page.Secure = true
	cookie := f.post("/login", url.Values{"token": {f.token}}).Result().Cookies()[0]
	if cookie.Name != "__Host-gateway_token" || !cookie.Secure {
		t.Errorf("the cookie is %+v", cookie)
	}
	if got := f.get("/", cookie); got.Code != http.StatusOK {
		t.Errorf("with the cookie: %d", got.Code)
	}
}

func TestLoginRefused(t *testing.T) {
	for _, test := range []struct {
		name    string
		token   string
		err     error
		headers []string
		status  int
		says    string
	}{
		{"unknown", "gw_x", token.ErrUnknown, nil, 401, "Invalid token: mistyped, incomplete, expired or revoked. Ask for a new one."},
		{"expired", "gw_x", token.ErrExpired, nil, 401, "Invalid token: mistyped, incomplete, expired or revoked. Ask for a new one."},
		{"nothing", " ", token.ErrUnknown, nil, 401, "Paste a token"},
		{"not loaded", "gw_x", token.ErrNotLoaded, nil, 503, "can&#39;t check tokens yet"},
		{"too long", strings.Repeat("x", 5000), nil, nil, 400, "The form was incomplete."},
		{"from another site", goodToken, nil, []string{"Origin", "http://evil.example"}, 403, "sent by another site"},
		{"from another site, as browsers tell", goodToken, nil, []string{"Sec-Fetch-Site", "cross-site"}, 403, "sent by another site"},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := newFixture(t, nil, "a")
			f.page.Check = func(context.Context, string) (token.Caller, error) { return aReader(), test.err }
			got := f.post("/login", url.Values{"token": {test.token}, "next": {"/ui/a"}}, test.headers...)
			if got.Code != test.status || len(got.Result().Cookies()) != 0 {
				t.Errorf("%d, cookies %v", got.Code, got.Result().Cookies())
			}
			wants(t, text(got.Body.String()), test.says)
			if len(test.token) > 2 && strings.Contains(got.Body.String(), test.token) {
				t.Error("the page says the token back")
			}
		})
	}
}

// TestLoginTellsNothingOfTokens: expired, unknown and wrong ones get one answer, byte
// for byte, so that a thief doesn't learn which were real.
func TestLoginTellsNothingOfTokens(t *testing.T) {
	f := newFixture(t, nil, "a")
	answer := func(err error) string {
		f.page.Check = func(context.Context, string) (token.Caller, error) { return token.Caller{}, err }
		got := f.post("/login", url.Values{"token": {goodToken}})
		got.Header().Del("X-Request-Id")
		return fmt.Sprint(got.Code, got.Header(), got.Body)
	}
	if unknown, expired := answer(token.ErrUnknown), answer(token.ErrExpired); unknown != expired {
		t.Errorf("an unknown token gets\n%s\n\nan expired one\n%s", unknown, expired)
	}
}

func TestScopeRead(t *testing.T) {
	f := newFixture(t, nil, "a").as(token.Caller{ID: "x", Name: "x", Scopes: []token.Scope{token.UsersRead}})
	if got := f.get("/", f.signedIn()); got.Code != http.StatusForbidden {
		t.Errorf("without the scope read: %d", got.Code)
	}
}
