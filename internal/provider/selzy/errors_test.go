package selzy_test

import (
	"strings"
	"testing"
	"time"

	"accountgateway/internal/provider"
	"accountgateway/internal/provider/providertest"
)

func failureBody(code string) string { return `{"error": "Some text", "code": "` + code + `"}` }

func TestErrorCodes(t *testing.T) {
	for _, row := range []struct {
		code  string
		kind  provider.Kind
		says  string
		after time.Duration
		sure  bool // a write that fails so surely had no effect
	}{
		// selzy.md 3
		{"unspecified", provider.KindOther, "", 0, false},
		{"invalid_api_key", provider.KindCredentials, "refused the API key", 0, true},
		{"access_denied", provider.KindAccess, "enable it", 0, true},
		{"unknown_method", provider.KindUnsupportedOperation, "", 0, true},
		{"invalid_arg", provider.KindRejected, "", 0, true},
		{"not_enough_money", provider.KindInsufficientFunds, "", 0, true},
		{"retry_later", provider.KindUnavailable, "", 0, false},
		{"api_call_limit_exceeded_for_api_key", provider.KindRateLimited, "this API key", time.Minute, true},
		{"api_call_limit_exceeded_for_ip", provider.KindRateLimited, "address", time.Minute, true},
		// Codes of sending methods, and of no document.
		{"dest_invalid", provider.KindOther, "", 0, false},
		{"src_invalid", provider.KindOther, "", 0, false},
		{"has_been_sent", provider.KindOther, "", 0, false},
		{"unsubscribed_globally", provider.KindOther, "", 0, false},
		{"too_many_double_optins", provider.KindOther, "", 0, false},
		{"unspecified_error", provider.KindOther, "", 0, false},
		{"internal_error", provider.KindOther, "", 0, false},
		{"a-code-not-in-the-list", provider.KindOther, "", 0, false},
	} {
		t.Run(row.code, func(t *testing.T) {
			got, err := newClient(&providertest.Stub{Body: failureBody(row.code)}).ReadBalance(t.Context(), provider.BalanceQuery{})
			e := asError(t, err)
			if e.Kind != row.kind || !strings.Contains(e.Message, row.says) || e.RetryAfter != row.after || got != (provider.Readings{}) {
				t.Errorf("got %s, message %q, retry after %s; want %s, %q in it, %s", e.Kind, e.Message, e.RetryAfter, row.kind, row.says, row.after)
			}
			if e.OfAddress != strings.HasSuffix(row.code, "_for_ip") {
				t.Errorf("of the address: %v", e.OfAddress)
			}
			if e.Upstream == nil || *e.Upstream != (provider.Upstream{Code: row.code, Message: "Some text"}) {
				t.Errorf("the vendor's own words are lost: %+v", e.Upstream)
			}
			for status, sure := range map[int]bool{200: row.sure, 201: false, 400: false, 429: false, 500: false, 503: false} {
				stub := &providertest.Stub{Status: status, Body: failureBody(row.code)}
				_, err := newClient(stub).CreateUser(t.Context(), newUser())
				if e := asError(t, err); e.OfAddress || e.Refused != sure || e.NotSent || len(stub.Requests()) != 1 {
					t.Errorf("status %d: got %+v after %d requests; want Refused %v, 1 request", status, e, len(stub.Requests()), sure)
				}
			}
		})
	}
}

// An envelope that says two things at once leaves a doubt.
func TestDoubtfulRefusals(t *testing.T) {
	for _, row := range []struct {
		body string
		sure bool
	}{
		{`{"error":"x","code":"unspecified","result":""}`, false},
		{`{"error":"x","result":false}`, false},
		{`{"error":"x","code":"invalid_arg","result":""}`, true},
		{`{"code":"invalid_arg"}`, true},
		{`{"error":"","code":"invalid_arg","result":null}`, true},
		{`{"error":"x","code":"invalid_arg","result":[]}`, true},
		{`{"error":"x","code":"invalid_arg","result":{"api_key":"k"}}`, false},
		{`{"error":"x","result":true}`, false},
		{`{"error":{},"result":""}`, false},
		{`{"error":"","code":""}`, false},
	} {
		_, err := newClient(&providertest.Stub{Body: row.body}).CreateUser(t.Context(), newUser())
		if e := asError(t, err); e.Refused != row.sure {
			t.Errorf("%s: got %+v, want Refused %v", row.body, e, row.sure)
		}
	}
}

// What a code means beside getUserInfo's login and on the methods of resellers.
func TestErrorCodesOfResellers(t *testing.T) {
	reseller := success(with("rights", `"reseller"`))
	for _, row := range []struct {
		code string
		kind provider.Kind
	}{
		{"access_denied", provider.KindForbidden},
		{"invalid_arg", provider.KindRejected},
		{"retry_later", provider.KindUnavailable},
	} {
		stub := &providertest.Stub{Bodies: map[string]string{"getUserInfo": reseller, "getUsers": failureBody(row.code)}}
		_, err := newClient(stub).ReadUsers(t.Context(), provider.UserQuery{})
		if e := asError(t, err); e.Kind != row.kind || e.Field != "" {
			t.Errorf("getUsers, %s: got %+v", row.code, e)
		}
	}
}

func TestEnvelopes(t *testing.T) {
	for _, row := range []struct {
		name     string
		status   int
		body     string
		kind     provider.Kind // empty: a balance
		drift    string
		upstream provider.Upstream
	}{
		{"success", 200, success(composed), "", "", provider.Upstream{}},
		{"warnings", 200, `{"result": ` + composed + `, "warnings": [{"warning": "time zone not found, UTC used"}]}`, "", "", provider.Upstream{}},
		{"warnings as texts", 200, `{"result": ` + composed + `, "warnings": ["x"]}`, "", "", provider.Upstream{}},
		{"warnings as anything", 200, `{"result": ` + composed + `, "warnings": 5}`, "", "", provider.Upstream{}},
		{"null error and code", 200, `{"result": ` + composed + `, "error": null, "code": null}`, "", "", provider.Upstream{}},

		{"documented", 200, `{"error": "human text", "code": "invalid_api_key"}`, provider.KindCredentials, "", provider.Upstream{Code: "invalid_api_key", Message: "human text"}},
		{"empty result", 200, `{"error":"x","code":"unspecified","result":""}`, provider.KindOther, "", provider.Upstream{Code: "unspecified", Message: "x"}},
		{"false result, no code", 200, `{"error":"x","result":false}`, provider.KindOther, "", provider.Upstream{Message: "x"}},
		{"only a code", 200, `{"code":"retry_later"}`, provider.KindUnavailable, "", provider.Upstream{Code: "retry_later"}},
		{"code with empty text", 200, `{"error":"","code":"retry_later"}`, provider.KindUnavailable, "", provider.Upstream{Code: "retry_later"}},
		{"text like an id", 200, `{"error":"AK100310-02","code":"invalid_api_key"}`, provider.KindCredentials, "", provider.Upstream{Code: "invalid_api_key", Message: "AK100310-02"}},
		{"error beside a result", 200, `{"error":"x","code":"access_denied","result":` + composed + `}`, provider.KindAccess, "", provider.Upstream{Code: "access_denied", Message: "x"}},
		{"raw TAB in the text", 200, "{\"error\":\"a\tb\",\"code\":\"retry_later\"}", provider.KindUnavailable, "", provider.Upstream{Code: "retry_later", Message: "a b"}},

		{"odd error", 200, `{"error":{},"result":` + composed + `}`, provider.KindBadResponse, "error", provider.Upstream{}},
		{"odd code", 200, `{"code":[],"result":` + composed + `}`, provider.KindBadResponse, "code", provider.Upstream{}},
		{"neither", 200, `{}`, provider.KindBadResponse, "result", provider.Upstream{}},
		{"only warnings", 200, `{"warnings": []}`, provider.KindBadResponse, "result", provider.Upstream{}},
		{"empty body", 200, ``, provider.KindBadResponse, "body", provider.Upstream{}},
		{"page", 200, `<html>`, provider.KindBadResponse, "body", provider.Upstream{}},
		{"list", 200, `[]`, provider.KindBadResponse, "body", provider.Upstream{}},
		{"two envelopes", 200, success(composed) + success(composed), provider.KindBadResponse, "body", provider.Upstream{}},
		{"result twice", 200, `{"result": {}, "result": ` + composed + `}`, provider.KindBadResponse, "body", provider.Upstream{}},
		{"truncated", 200, success(composed)[:200], provider.KindBadResponse, "body", provider.Upstream{}},
		{"the page's faulty example", 200, `{ "result":{ "login":"test_user_login", "balance":18.52, "currency":"USD", "next_tariff_id":10 "services": [{id:234}] } }`,
			provider.KindBadResponse, "body", provider.Upstream{}},

		{"outage", 502, `<html>`, provider.KindUnavailable, "", provider.Upstream{}},
		{"outage with its code", 500, failureBody("retry_later"), provider.KindUnavailable, "", provider.Upstream{Code: "retry_later", Message: "Some text"}},
		{"outage with a refusal", 500, failureBody("invalid_api_key"), provider.KindCredentials, "", provider.Upstream{Code: "invalid_api_key", Message: "Some text"}},
		{"outage with another code", 503, failureBody("boom"), provider.KindUnavailable, "", provider.Upstream{Code: "boom", Message: "Some text"}},
		{"outage that speaks of success", 500, success(composed), provider.KindUnavailable, "", provider.Upstream{}},
		{"too many", 429, ``, provider.KindRateLimited, "", provider.Upstream{}},
		{"not found", 404, `<html>`, provider.KindBadResponse, "body", provider.Upstream{}},
	} {
		t.Run(row.name, func(t *testing.T) {
			got, err := newClient(&providertest.Stub{Status: row.status, Body: row.body}).ReadBalance(t.Context(), provider.BalanceQuery{})
			if row.kind == "" {
				if err != nil || got.Balance == nil {
					t.Errorf("got %+v, %v", got, err)
				}
				return
			}
			e := asError(t, err)
			if e.Kind != row.kind || e.Drift != row.drift || got != (provider.Readings{}) {
				t.Errorf("got %v, drift %q; want %s, drift %q", e, e.Drift, row.kind, row.drift)
			}
			if e.Upstream == nil {
				e.Upstream = &provider.Upstream{}
			}
			if *e.Upstream != row.upstream {
				t.Errorf("got the vendor's words %+v, want %+v", *e.Upstream, row.upstream)
			}
		})
	}
}

func TestErrorsHoldNoSecret(t *testing.T) {
	body := `{"error": "no account with the key ` + apiKey + `", "code": "` + apiKey + `"}`
	_, err := newClient(&providertest.Stub{Body: body}).ReadBalance(t.Context(), provider.BalanceQuery{})
	e := asError(t, err)
	if text := e.Error() + e.Upstream.Message + e.Upstream.Code; strings.Contains(text, apiKey) {
		t.Error("the error holds the key")
	}
}
