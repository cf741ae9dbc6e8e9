package httpapi

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"accountgateway/internal/account"
	"accountgateway/internal/httpapi/middleware"
	"accountgateway/internal/provider"
)

// TestProblems has a row a code: its status, and an error that becomes it.
func TestProblems(t *testing.T) {
	vendor := func(kind provider.Kind) error { return provider.Errorf(kind, "what happened") }
	own := func(code ProblemCode) error { return &problemError{code: code, detail: "what happened"} }
	tests := []struct {
		code   ProblemCode
		status int
		err    error
	}{
		{"invalid_parameter", 400, invalidParameters{{Field: "f", Message: "m"}}},
		{"idempotency_key_missing", 400, own("idempotency_key_missing")},
		{"unauthenticated", 401, own("unauthenticated")},
		{"forbidden", 403, own("forbidden")},
		{"account_not_found", 404, &account.NotFoundError{Name: "x"}},
		{"not_found", 404, vendor(provider.KindNotFound)},
		{"method_not_allowed", 405, own("method_not_allowed")},
		{"not_acceptable_freshness", 504, &account.FreshnessError{Cause: vendor(provider.KindTimeout)}},
		{"conflict", 409, vendor(provider.KindConflict)},
		{"operation_in_progress", 409, own("operation_in_progress")},
		{"outcome_unknown", 409, own("outcome_unknown")},
		{"idempotency_key_reused", 422, own("idempotency_key_reused")},
		{"payload_too_large", 413, &http.MaxBytesError{Limit: 5}},
		{"unsupported_media_type", 415, own("unsupported_media_type")},
		{"unsupported_operation", 501, vendor(provider.KindUnsupportedOperation)},
		{"unsupported_parameter", 422, vendor(provider.KindUnsupportedParameter)},
		{"unsupported_currency", 422, vendor(provider.KindUnsupportedCurrency)},
		{"provider_rejected", 422, vendor(provider.KindRejected)},
		{"insufficient_funds", 402, vendor(provider.KindInsufficientFunds)},
		{"provider_forbidden", 403, vendor(provider.KindForbidden)},
		{"provider_credentials", 502, vendor(provider.KindCredentials)},
		{"provider_access", 502, vendor(provider.KindAccess)},
		{"provider_rate_limited", 503, vendor(provider.KindRateLimited)},
		{"provider_unavailable", 503, vendor(provider.KindUnavailable)},
		{"provider_timeout", 504, vendor(provider.KindTimeout)},
		{"provider_bad_response", 502, vendor(provider.KindBadResponse)},
		{"provider_error", 502, vendor(provider.KindOther)},
		{"too_many_requests", 429, own("too_many_requests")},
		{"database_unavailable", 503, vendor(provider.KindDatabase)},
		{"internal", 500, errors.New("anything else")},
	}
	seen := map[ProblemCode]bool{}
	for _, tt := range tests {
		seen[tt.code] = true
		for _, err := range []error{tt.err, fmt.Errorf("on the way: %w", tt.err)} {
			p, _ := describe(err)
			if p.Code != tt.code || p.Status != tt.status || p.Title == "" || p.Detail == "" || p.Type != "urn:accountgateway:problem:"+string(tt.code) {
				t.Errorf("%v: got %+v, want %d %s", err, p, tt.status, tt.code)
			}
			if tt.code != ProblemCodeInternal && strings.Contains(p.Detail, "on the way") {
				t.Errorf("%s: the detail has what was said on the way: %s", tt.code, p.Detail)
			}
		}
	}
	for code := range problems {
		if !seen[code] {
			t.Errorf("no row for %s", code)
		}
	}
}

// TestVendorFailures sends every kind of vendor failure through a route.
func TestVendorFailures(t *testing.T) {
	kinds := []provider.Kind{
		provider.KindUnsupportedOperation, provider.KindUnsupportedParameter, provider.KindUnsupportedCurrency, provider.KindRejected,
		provider.KindNotFound, provider.KindInsufficientFunds, provider.KindForbidden, provider.KindCredentials, provider.KindAccess,
		provider.KindRateLimited, provider.KindUnavailable, provider.KindTimeout, provider.KindBadResponse, provider.KindOther,
	}
	for _, kind := range kinds {
		t.Run(string(kind), func(t *testing.T) {
			vendor := failing(&provider.Error{
				Kind: kind, Message: "what to mend", Field: "currency", RetryAfter: 1500 * time.Millisecond,
				Upstream: &provider.Upstream{Code: "SOME_CODE", Message: "its words"},
			})
			// An account of its own for each, because some failures hold an account back.
			routes := []string{"balance", "statistics", "users"}
			g := start(t, map[string]fake{"balance": vendor, "statistics": vendor, "users": vendor})
			for _, route := range routes {
				a := g.get("/accounts/" + route + "/" + route)
				p := a.wantCode(ProblemCode(kind))
				if *p.Account != route || *p.Provider != "vendor-of-"+route || p.Detail != "what to mend" ||
					*p.Upstream != (UpstreamError{Code: "SOME_CODE", Message: "its words"}) || (*p.Errors)[0].Field != "currency" {
					t.Errorf("%s: got %s", route, a.body)
				}
				if got := a.header.Get("Retry-After"); got != "2" {
					t.Errorf("%s: Retry-After is %q, want whole seconds rounded up", route, got)
				}
			}
		})
	}
}

func TestOtherFailures(t *testing.T) {
	tests := []struct {
		name   string
		err    error
		code   ProblemCode
		logged string
	}{
		{"a kind that nobody knows", provider.Errorf("new_kind", "secret text"), ProblemCodeInternal, "secret text"},
		{"no vendor error at all", errors.New("secret text"), ProblemCodeInternal, "secret text"},
		{"a deadline", fmt.Errorf("secret text: %w", context.DeadlineExceeded), ProblemCodeProviderTimeout, "secret text"},
		{"a call given up, the caller still there", fmt.Errorf("secret text: %w", context.Canceled), ProblemCodeProviderUnavailable, "secret text"},
		{"a cause", &provider.Error{Kind: provider.KindUnavailable, Message: "refused", Err: errors.New("secret text")}, ProblemCodeProviderUnavailable, "secret text"},
		{"a caller's fault", &provider.Error{Kind: provider.KindRejected, Message: "no", Err: errors.New("secret text")}, ProblemCodeProviderRejected, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g := start(t, map[string]fake{"acme": failing(tt.err)})
			for _, target := range []string{"/accounts/acme/balance", "/balances"} {
				a := g.get(target)
				if target != "/balances" {
					a.wantCode(tt.code)
				}
				if strings.Contains(string(a.body), "secret") {
					t.Errorf("%s: the cause is in the answer: %s", target, a.body)
				}
				if id := a.header.Get(middleware.RequestIDHeader); tt.logged != "" && !logHas(g.log, id, tt.logged) {
					t.Errorf("%s: the cause is not in the log under %s:\n%s", target, id, g.log)
				}
			}
		})
	}
}

// logHas tells whether one line of the log has all the texts.
func logHas(log *lines, texts ...string) bool {
	for line := range strings.Lines(log.String()) {
		all := true
		for _, text := range texts {
			all = all && strings.Contains(line, text)
		}
		if all {
			return true
		}
	}
	return false
}

// TestCallerGone shows that nothing is made up for a caller who did not wait.
func TestCallerGone(t *testing.T) {
	ctx, leave := context.WithCancel(t.Context())
	log := &bytes.Buffer{}
	vendor := fake{balance: func(ctx context.Context, _ provider.BalanceQuery) (provider.Balance, error) {
		leave()
		<-ctx.Done()
		return provider.Balance{}, fmt.Errorf("dial: %w", ctx.Err())
	}}
	h := New(Options{Accounts: service(map[string]fake{"acme": vendor}), Log: zerolog.New(log), AccessLog: zerolog.New(log), Registry: prometheus.NewRegistry()})
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(ctx, http.MethodGet, "http://localhost/accounts/acme/balance", nil))
	if w.Code != statusClientGone || w.Body.Len() != 0 || !strings.Contains(log.String(), `"status":499`) || !strings.Contains(log.String(), `"level":"info"`) {
		t.Errorf("got %d %s\n%s", w.Code, w.Body, log)
	}
}
