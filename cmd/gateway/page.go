package main

import (
	"context"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"accountgateway/internal/page"
	"accountgateway/internal/token"
)

// page makes the pages for people.
func (g *gateway) page(publicURL string, secure, simulated bool, log zerolog.Logger) (*page.Page, error) {
	check := func(ctx context.Context, text string) (token.Caller, error) {
		return g.tokens.Lookup(ctx, text, time.Now())
	}
	return page.New(page.Options{
		Accounts: g.accounts, Log: log, Check: check, TokenName: g.tokens.Name, Vendors: g.vendors, PublicURL: publicURL, Secure: secure || strings.HasPrefix(publicURL, "https://"), Simulated: simulated,
	})
}
