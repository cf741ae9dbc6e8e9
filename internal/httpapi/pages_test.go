package httpapi

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"accountgateway/internal/config"
	"accountgateway/internal/httpapi/middleware"
	ui "accountgateway/internal/page"
	"accountgateway/internal/token"
)

// withPage adds the pages for people.
func (k *tokens) withPage(o *Options) {
	k.t.Helper()
	check := func(_ context.Context, text string) (token.Caller, error) { return k.keeper.Check(text, time.Now()) }
	p, err := ui.New(ui.Options{
		Accounts: o.Accounts, Log: zerolog.Nop(), Check: check,
	})
	if err != nil {
		k.t.Fatal(err)
	}
	o.Page = p
}

// TestPagesAskWhoCalls has the pages refuse whom the API would, answer the same
// of an account that is not granted and of one that is not there, and be counted.
func TestPagesAskWhoCalls(t *testing.T) {
	st, stored := withStore(t, map[string]fake{"acme": everything(), "other": everything()})
	k := newTokens(t, st)
	g := startDirect(t, nil, stored, k.options, k.withPage, func(o *Options) { o.CallerRate = config.Rate{Calls: 100, Per: time.Hour} })
	g.from = "192.0.2.1:1"
	good, id := k.with([]token.Scope{token.Read}, "acme")
	blind, blindID := k.with(allBut(token.Read))
	revoked, revokedID := k.with(token.Scopes())
	k.revoke(revokedID)
	cookie := func(text string) http.Header { return http.Header{"Cookie": {"gateway_token=" + text}} }

	ask := func(target string, h http.Header) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodGet, target, nil)
		r.RemoteAddr = g.from
		for name, values := range h {
			r.Header[name] = values
		}
		w := httptest.NewRecorder()
		g.direct.ServeHTTP(w, r)
		return w
	}
	for _, target := range []string{"/", "/ui/acme", "/ui/nobody"} {
		for name, row := range map[string]struct {
			header  http.Header
			status  int
			reason  string
			claimed string
		}{
			"no token": {nil, 401, "no token", ""}, "wrong": {cookie(otherSecret(good)), 401, "unknown token", id},
			"revoked": {cookie(revoked), 401, "unknown token", revokedID}, "wrong bearer": {as(otherSecret(good)), 401, "unknown token", id},
			"without the scope": {cookie(blind), 403, "", blindID},
		} {
			before := len(g.log.String())
			w := ask(target, row.header)
			if w.Code != row.status || strings.Contains(w.Body.String(), "vendor-of") {
				t.Errorf("%s, %s: got %d %s", target, name, w.Code, w.Body)
			}
			lines := g.audited(before)
			if len(lines) > 1 {
				t.Fatalf("%s, %s: %v", target, name, lines)
			}
			for _, line := range lines { // of a flood there are fewer
				claimed, _ := line["claimed_token"].(string)
				caller, _ := line["caller"].(string)
				reason, _ := line["reason"].(string)
				if line["outcome"] != "refused" || reason != row.reason || claimed+strings.TrimPrefix(caller, "token:") != row.claimed {
					t.Errorf("%s, %s: %v", target, name, line)
				}
			}
		}
	}
	for _, h := range []http.Header{cookie(good), as(good), {"Authorization": {"bearer " + good}}} {
		w := ask("/", h)
		if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "acme") || strings.Contains(w.Body.String(), "/ui/other") || w.Header().Get("Ratelimit") == "" {
			t.Errorf("/: got %d %v %s", w.Code, w.Header(), w.Body)
		}
		if w := ask("/ui/acme", h); w.Code != http.StatusOK {
			t.Errorf("/ui/acme: got %d", w.Code)
		}
		hidden, missing := ask("/ui/other", h), ask("/ui/nobody", h)
		if hidden.Code != missing.Code || strings.ReplaceAll(hidden.Body.String(), "other", "nobody") != missing.Body.String() {
			t.Errorf("an account that is not granted: %d %s\none that is not there: %d %s", hidden.Code, hidden.Body, missing.Code, missing.Body)
		}
	}
	if w := ask("/accounts", cookie(good)); w.Code != http.StatusUnauthorized {
		t.Errorf("the cookie opens the API: %d", w.Code)
	}
}

// TestGuessingAtTheForm: the form is no way around the limit of strangers.
func TestGuessingAtTheForm(t *testing.T) {
	st, stored := withStore(t, map[string]fake{"acme": everything()})
	k := newTokens(t, st)
	g := startDirect(t, nil, stored, k.options, k.withPage)
	good, _ := k.with([]token.Scope{token.Read})
	login := func(text string, h http.Header) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodPost, ui.LoginPath, strings.NewReader(url.Values{"token": {text}}.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		for name, values := range h {
			r.Header[name] = values
		}
		w := httptest.NewRecorder()
		g.direct.ServeHTTP(w, r)
		return w
	}
	if w := login(good, http.Header{"Sec-Fetch-Site": {"cross-site"}}); w.Code != http.StatusForbidden || w.Header().Get("Set-Cookie") != "" {
		t.Errorf("from another site: %d %v", w.Code, w.Header())
	}
	if w := login(good, nil); w.Code != http.StatusSeeOther || !strings.Contains(w.Header().Get("Set-Cookie"), "HttpOnly; SameSite=Lax") {
		t.Errorf("a good token: %d %v", w.Code, w.Header())
	}
	for range middleware.StrangerRate.Calls - 1 {
		if w := login(otherSecret(good), nil); w.Code != http.StatusUnauthorized || w.Header().Get("Set-Cookie") != "" {
			t.Fatalf("a wrong token: %d %v", w.Code, w.Header())
		}
	}
	if w := login(otherSecret(good), nil); w.Code != http.StatusTooManyRequests {
		t.Errorf("after %d: %d", middleware.StrangerRate.Calls, w.Code)
	}
	if strings.Contains(g.log.String(), good[14:]) {
		t.Error("the token is in the log")
	}
}
