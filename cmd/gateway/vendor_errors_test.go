package main

import (
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"accountgateway/internal/simulator"
)

// TestVendorErrors has every error code that the vendors are known to send, and
// the odd shapes of their error envelopes. A refusal is asked for once: vendors
// lock out who repeats one.
func TestVendorErrors(t *testing.T) {
	t.Parallel()
	tests := []struct {
		provider, quirk string
		status          int
		code            string
		upstream        string // vendor's code in the problem; "": the quirk itself, "-": none
		field           string // the input field that the problem names
		retryAfter      bool
	}{
		{"regru", "NO_USERNAME", 502, "provider_credentials", "", "", false},
		{"regru", "NO_AUTH", 502, "provider_credentials", "", "", false},
		{"regru", "PASSWORD_AUTH_FAILED", 502, "provider_credentials", "", "", false},
		{"regru", "USER_AUTHENTICATION_FAILED", 502, "provider_credentials", "", "", false},
		{"regru", "MORE_THAN_ONE_ACCOUNT_WITH_THE_SAME_EMAIL", 502, "provider_credentials", "", "", false},
		{"regru", "RESELLER_AUTH_FAILED", 403, "provider_forbidden", "", "", false},
		{"regru", "PURCHASES_DISABLED", 403, "provider_forbidden", "", "", false},
		{"regru", "ACCESS_DENIED", 502, "provider_access", "", "", false},
		{"regru", "ACCESS_DENIED_FROM_IP", 502, "provider_access", "", "", false},
		{"regru", "ACCOUNT_BLOCKED", 502, "provider_access", "", "", false},
		{"regru", "HTTPS_ONLY", 502, "provider_access", "", "", false},
		{"regru", "IP_EXCEEDED_ALLOWED_CONNECTION_RATE", 503, "provider_rate_limited", "", "", true},
		{"regru", "ACCOUNT_EXCEEDED_ALLOWED_CONNECTION_RATE", 503, "provider_rate_limited", "", "", true},
		{"regru", "SERVICE_UNAVAILABLE", 503, "provider_unavailable", "", "", true},
		{"regru", "BILLING_LOCK", 503, "provider_unavailable", "", "", true},
		{"regru", "CONNECTION_FAILED", 503, "provider_unavailable", "", "", true},
		{"regru", "INTERNAL_ERROR", 503, "provider_unavailable", "", "", true},
		{"regru", "INTERNAL_API_ERROR", 503, "provider_unavailable", "", "", true},
		{"regru", "unavailable503", 503, "provider_unavailable", "INTERNAL_API_ERROR", "", true},
		{"regru", "NO_SUCH_COMMAND", 501, "unsupported_operation", "", "", false},
		{"regru", "PARAMETER_MISSING", 422, "provider_rejected", "", "", false},
		{"regru", "PARAMETER_INCORRECT", 422, "provider_rejected", "", "", false},
		{"regru", "INVALID_CONTACTS", 422, "provider_rejected", "", "", false},
		{"regru", "UNSUPPORTED_CURRENCY", 422, "unsupported_currency", "", "currency", false},
		{"regru", "NOT_ENOUGH_MONEY", 402, "insufficient_funds", "", "", false},
		{"regru", "ONLY_POST_ALLOWED", 502, "provider_error", "", "", false},
		{"regru", "QUERY_PARAMS_DISALLOWED", 502, "provider_error", "", "", false},
		{"regru", "DOMAIN_NOT_FOUND", 502, "provider_error", "", "", false},
		{"regru", "SERVICE_ID_NOT_FOUND", 502, "provider_error", "", "", false},

		{"selzy", "unspecified", 502, "provider_error", "", "", false},
		{"selzy", "invalid_api_key", 502, "provider_credentials", "", "", false},
		{"selzy", "access_denied", 502, "provider_access", "", "", false},
		{"selzy", "unknown_method", 501, "unsupported_operation", "", "", false},
		{"selzy", "invalid_arg", 422, "provider_rejected", "", "", false},
		{"selzy", "not_enough_money", 402, "insufficient_funds", "", "", false},
		{"selzy", "retry_later", 503, "provider_unavailable", "", "", true},
		{"selzy", "api_call_limit_exceeded_for_api_key", 503, "provider_rate_limited", "", "", true},
		{"selzy", "api_call_limit_exceeded_for_ip", 503, "provider_rate_limited", "", "", true},
		{"unisender", "invalid_api_key", 502, "provider_credentials", "", "", false},
		{"unisender", "retry_later", 503, "provider_unavailable", "", "", true},

		{"selzy", "empty_result", 502, "provider_error", "unspecified", "", false},
		{"selzy", "result_false", 502, "provider_error", "-", "", false},
		{"selzy", "code_without_text", 502, "provider_error", "unspecified", "", false},
		{"selzy", "empty_text", 502, "provider_error", "unspecified", "", false},
		{"selzy", "unknown_code", 502, "provider_error", "code_of_tomorrow", "", false},
		{"selzy", "id_text", 502, "provider_error", "unspecified", "", false},
		{"selzy", "no_result", 502, "provider_bad_response", "-", "", false},
		{"selzy", "empty_map", 502, "provider_bad_response", "-", "", false},
	}
	f := newFleet(t)
	controls := make([]*simulator.Control, len(tests))
	for i, tt := range tests {
		controls[i] = f.misbehaving(numbered(i), tt.provider, whoOf(tt.provider), simulator.Fault{Kind: simulator.KindQuirk, Quirk: tt.quirk})
		if strings.HasPrefix(tt.quirk, "IP_EXCEEDED") || strings.HasSuffix(tt.quirk, "_for_ip") { // holds back all accounts at its host
			base := strings.ToUpper(numbered(i)) + "_BASE_URL"
			f.settings[base] = strings.Replace(f.settings[base], "127.0.0.1", "localhost", 1)
		}
	}
	g := f.serve()
	var wg sync.WaitGroup
	for i, tt := range tests {
		wg.Go(func() {
			a := g.get(t, "/accounts/"+numbered(i)+"/balance")
			p := a.wantProblem(tt.status, tt.code)
			if p.Account != numbered(i) || p.Provider != tt.provider {
				t.Errorf("%s: the problem names account %q, provider %q", tt.quirk, p.Account, p.Provider)
			}
			if (a.header.Get("Retry-After") != "") != tt.retryAfter {
				t.Errorf("%s: Retry-After is %q", tt.quirk, a.header.Get("Retry-After"))
			}
			want, got := tt.upstream, "-"
			if want == "" {
				want = tt.quirk
			}
			if p.Upstream != nil && p.Upstream.Code != "" {
				got = p.Upstream.Code
			}
			if got != want {
				t.Errorf("%s: upstream.code is %s, want %s", tt.quirk, got, want)
			}
			if diff := cmp.Diff(strings.Fields(tt.field), append([]string{}, p.fields()...)); diff != "" {
				t.Errorf("%s: fields (-want +got):\n%s", tt.quirk, diff)
			}
			calls := 0
			for _, n := range controls[i].Calls() {
				calls += n
			}
			if retried := tt.quirk == "unavailable503"; retried != (calls > 1) || calls > 3 {
				t.Errorf("%s: the vendor was called %d times", tt.quirk, calls)
			}
		})
	}
	wg.Wait()
}

// TestAccountStates follows the state that GET /accounts shows after each kind
// of outcome.
func TestAccountStates(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, provider, who string
		faults              []simulator.Fault
		state               string
		detail              string // a part of it
		remedy              string // "": any
	}{
		{"fine", "regru", "test:test", nil, "ok", "succeeded", ""},
		{"wrong-password", "regru", "test:guess", nil, "bad_credentials", "username or password", "check WRONG_PASSWORD_USERNAME and WRONG_PASSWORD_PASSWORD; then run gateway check"},
		{"wrong-key", "selzy", "guess", nil, "bad_credentials", "API key", "check WRONG_KEY_API_KEY; then run gateway check"},
		{"off", "selzy", "offkey", nil, "access_denied", "disabled API access", ""},
		{"limited", "unisender", "ordinarykey", []simulator.Fault{{Kind: "quirk", Quirk: "api_call_limit_exceeded_for_ip"}}, "rate_limited", "limit", ""},
		{"down", "regru", "test:test", []simulator.Fault{{Kind: "status", Status: 502, Body: "<html>Bad Gateway</html>"}}, "unavailable", "502", ""},
		{"drifted", "selzy", "ordinarykey", []simulator.Fault{{Kind: "quirk", Quirk: "without:balance"}}, "bad_response", "balance", ""},
		{"told-no", "regru", "test:test", []simulator.Fault{{Kind: "quirk", Quirk: "PURCHASES_DISABLED"}}, "ok", "orders", ""},
	}
	f := newFleet(t)
	for _, tt := range tests {
		f.misbehaving(tt.name, tt.provider, tt.who, tt.faults...)
	}
	g := f.serve()
	for _, tt := range tests {
		var account struct {
			Health struct {
				State, Detail, Remedy string
				LastSuccessAt         *string `json:"last_success_at"`
			}
		}
		g.get(t, "/accounts/"+tt.name).decode(&account)
		if account.Health.State != "unknown" || account.Health.LastSuccessAt != nil {
			t.Errorf("%s: before any call: %+v", tt.name, account.Health)
		}
		succeeded := g.get(t, "/accounts/"+tt.name+"/balance").status == http.StatusOK
		g.get(t, "/accounts/"+tt.name).decode(&account)
		if account.Health.State != tt.state || !strings.Contains(account.Health.Detail, tt.detail) {
			t.Errorf("%s: got %+v, want %s and %q in the detail", tt.name, account.Health, tt.state, tt.detail)
		}
		if tt.remedy != "" && account.Health.Remedy != tt.remedy {
			t.Errorf("%s: remedy %q, want %q", tt.name, account.Health.Remedy, tt.remedy)
		}
		if succeeded && account.Health.LastSuccessAt == nil || strings.Contains(account.Health.Detail, "\n") {
			t.Errorf("%s: got %+v", tt.name, account.Health)
		}
	}

	var fleet struct {
		Complete bool
		Balances []struct{ Account, Status string }
	}
	g.get(t, "/balances").decode(&fleet)
	for _, item := range fleet.Balances {
		if want := map[bool]string{true: "ok", false: "failed"}[item.Account == "fine"]; item.Status != want {
			t.Errorf("GET /balances: %s is %s, want %s", item.Account, item.Status, want)
		}
	}
	if fleet.Complete {
		t.Error("GET /balances says that it is complete")
	}
	p := g.get(t, "/balances?require=all").wantProblem(502, "provider_error")
	for _, tt := range tests {
		if named := strings.Contains(p.Detail, tt.name); named != (tt.name != "fine") {
			t.Errorf("GET /balances?require=all: %q", p.Detail)
		}
	}
}
