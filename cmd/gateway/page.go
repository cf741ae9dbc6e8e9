package main

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"accountgateway/internal/page"
	"accountgateway/internal/token"
)

// page makes the pages for people. They know their reader by a bearer token or
// by the cookie that the page's own form sets; the API takes no cookie.
func (g *gateway) page(s settings, secure, simulated bool, log zerolog.Logger) (*page.Page, error) {
	check := func(ctx context.Context, text string) (token.Caller, error) {
		return g.tokens.Lookup(ctx, text, time.Now())
	}
	caller := func(r *http.Request) (token.Caller, bool) {
		text, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if !bearer {
			text = page.CookieToken(r)
		}
		c, err := check(r.Context(), text)
		return c, err == nil
	}
	if s.Auth == "none" {
		caller = func(*http.Request) (token.Caller, bool) { return token.Anonymous(), true }
	}
	return page.New(page.Options{Accounts: g.accounts, Log: log, Caller: caller, Check: check, Secure: secure, Simulated: simulated})
}
