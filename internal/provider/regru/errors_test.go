package regru_test

import (
	"strings"
	"testing"

	"accountgateway/internal/provider"
	"accountgateway/internal/provider/providertest"
)

func failureBody(code, params string) string {
	return `{"charset": "utf-8", "error_code": "` + code + `", "error_params": ` + params +
		`, "error_text": "Some text", "messagestore": null, "result": "error"}`
}

func TestErrorCodes(t *testing.T) {
	for _, row := range []struct {
		code  string
		kind  provider.Kind
		field string
		says  string // part of the message: the remedy
		sure  bool   // a write that fails so surely had no effect
	}{
		// regru.md 2.3
		{"NO_USERNAME", provider.KindCredentials, "", "no username", true},
		{"NO_AUTH", provider.KindCredentials, "", "username and password", true},
		{"PASSWORD_AUTH_FAILED", provider.KindCredentials, "", "username or password", true},
		{"USER_AUTHENTICATION_FAILED", provider.KindCredentials, "", "username or password", true},
		{"MORE_THAN_ONE_ACCOUNT_WITH_THE_SAME_EMAIL", provider.KindCredentials, "", "USERNAME", true},
		// 4
		{"RESELLER_AUTH_FAILED", provider.KindForbidden, "", "partners", true},
		{"PURCHASES_DISABLED", provider.KindForbidden, "", "support", true},
		{"ACCESS_DENIED", provider.KindAccess, "", "support", true},
		{"ACCESS_DENIED_FROM_IP", provider.KindAccess, "", "add the address", true},
		{"ACCOUNT_BLOCKED", provider.KindAccess, "", "support", true},
		{"HTTPS_ONLY", provider.KindAccess, "", "BASE_URL", true},
		{"IP_EXCEEDED_ALLOWED_CONNECTION_RATE", provider.KindRateLimited, "", "hourly limit", true},
		{"ACCOUNT_EXCEEDED_ALLOWED_CONNECTION_RATE", provider.KindRateLimited, "", "hourly limit", true},
		{"SERVICE_UNAVAILABLE", provider.KindUnavailable, "", "", false},
		{"BILLING_LOCK", provider.KindUnavailable, "", "", true},
		{"CONNECTION_FAILED", provider.KindUnavailable, "", "", false},
		{"INTERNAL_ERROR", provider.KindUnavailable, "", "", false},
		{"INTERNAL_API_ERROR", provider.KindUnavailable, "", "", false},
		{"NO_SUCH_COMMAND", provider.KindUnsupportedOperation, "", "", true},
		{"PARAMETER_MISSING", provider.KindRejected, "", "", true},
		{"PARAMETER_INCORRECT", provider.KindRejected, "", "", true},
		{"INVALID_CONTACTS", provider.KindRejected, "", "", false},
		{"UNSUPPORTED_CURRENCY", provider.KindUnsupportedCurrency, "currency", "", true},
		{"NOT_ENOUGH_MONEY", provider.KindInsufficientFunds, "", "", true},
		{"USER_LOGIN_NOT_UNIQUE", provider.KindConflict, "login", "", true},
		{"ONLY_POST_ALLOWED", provider.KindOther, "", "", true},
		{"QUERY_PARAMS_DISALLOWED", provider.KindOther, "", "", true},
		// Legal in the envelope, but not for these functions; and codes of no document.
		{"DOMAIN_NOT_FOUND", provider.KindOther, "", "", false},
		{"SERVICE_ID_NOT_FOUND", provider.KindOther, "", "", false},
		{"TOO_MANY_OBJECTS_IN_ONE_REQUEST", provider.KindOther, "", "", false},
		{"CLIENT_NOT_FOUND", provider.KindOther, "", "", false},
		{"CODE_OF_TOMORROW", provider.KindOther, "", "", false},
		{"BILL_CREATED_BUT_NOT_SENT", provider.KindOther, "", "", false},
		{"access_denied", provider.KindOther, "", "", false},
	} {
		t.Run(row.code, func(t *testing.T) {
			client := newClient(&providertest.Stub{Body: failureBody(row.code, "null")})
			got, err := client.ReadBalance(t.Context(), provider.BalanceQuery{})
			e := asError(t, err)
			if e.Kind != row.kind || e.Field != row.field || !strings.Contains(e.Message, row.says) || got.Balance != nil {
				t.Errorf("got kind %s, field %q, message %q; want %s, %q, %q in it", e.Kind, e.Field, e.Message, row.kind, row.field, row.says)
			}
			if e.OfAddress != strings.HasPrefix(row.code, "IP_EXCEEDED") {
				t.Errorf("of the address: %v", e.OfAddress)
			}
			if e.Upstream == nil || *e.Upstream != (provider.Upstream{Code: row.code, Message: "Some text"}) {
				t.Errorf("the vendor's own words are lost: %+v", e.Upstream)
			}
			for name, write := range writes {
				for status, sure := range map[int]bool{200: row.sure, 201: false, 400: false, 403: false, 429: false, 500: false, 503: false} {
					stub := &providertest.Stub{Status: status, Body: failureBody(row.code, "null")}
					e := asError(t, write(t.Context(), newClient(stub)))
					if e.Refused != sure || e.NotSent || status == 200 && e.Kind != row.kind || len(stub.Requests()) != 1 {
						t.Errorf("%s, status %d: got %+v after %d requests; want %s, Refused %v, 1 request", name, status, e, len(stub.Requests()), row.kind, sure)
					}
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
		{`{"result": "error", "error_code": "BILLING_LOCK"}`, true},
		{`{"result": "error", "error_code": "BILLING_LOCK", "answer": null, "error_text": {}}`, true},
		{`{"result": "error", "error_code": "BILLING_LOCK", "answer": {}}`, false},
		{`{"result": "error", "error_code": "BILLING_LOCK", "answer": {"user_id": "1", "bill_id": "1"}}`, false},
		{`{"result": "success", "error_code": "BILLING_LOCK"}`, false},
		{`{"error_code": "BILLING_LOCK"}`, false},
		{`{"result": "error", "error_text": "x"}`, false},
		{`{"result": "error", "error_code": ""}`, false},
		{`{"result": "error", "error_code": {}}`, false},
	} {
		for name, write := range writes {
			if e := asError(t, write(t.Context(), newClient(&providertest.Stub{Body: row.body}))); e.Refused != row.sure {
				t.Errorf("%s, %s: got %+v, want Refused %v", name, row.body, e, row.sure)
			}
		}
	}
}

func TestRefusedField(t *testing.T) {
	for _, row := range []struct{ params, field string }{
		{`{"param": "date_from"}`, "date_from"},
		{`{"param": "date_till"}`, "date_till"},
		{`{"param": "currency"}`, "currency"},
		{`{"param": "input_data"}`, ""},
		{`{"command_name": "user/get_statistics"}`, ""},
		{`{"param": ["date_from"]}`, ""},
		{`{}`, ""},
		{`[]`, ""},
		{`null`, ""},
	} {
		client := newClient(&providertest.Stub{Body: failureBody("PARAMETER_INCORRECT", row.params)})
		_, err := client.ReadStatistics(t.Context(), provider.StatisticsQuery{From: "2026-02-30"})
		if e := asError(t, err); e.Kind != provider.KindRejected || e.Field != row.field {
			t.Errorf("%s: got %s, field %q; want %s, %q", row.params, e.Kind, e.Field, provider.KindRejected, row.field)
		}
	}
}

func TestEnvelopes(t *testing.T) {
	const balance = `{"currency": "RUR", "prepay": "1"}`
	for _, row := range []struct {
		name     string
		status   int
		body     string
		kind     provider.Kind // empty: a balance
		drift    string
		upstream string
	}{
		{"old envelope", 200, `{"answer": ` + balance + `, "result": "success"}`, "", "", ""},
		{"echoed input", 200, `{"answer": ` + balance + `, "result": "success", "input_params": {"username": "acme"}}`, "", "", ""},
		{"documented denial", 200, `{"charset": "utf-8", "error_code": "ACCESS_DENIED_FROM_IP", "error_params": {"command_name": "user/get_balance"},
			"error_text": "Access to API from this IP denied", "messagestore": null, "result": "error"}`, provider.KindAccess, "", "ACCESS_DENIED_FROM_IP"},
		{"error without params", 200, `{"result": "error", "error_code": "NO_AUTH", "error_text": "x"}`, provider.KindCredentials, "", "NO_AUTH"},
		{"error without text", 200, `{"result": "error", "error_code": "NO_AUTH"}`, provider.KindCredentials, "", "NO_AUTH"},
		{"odd text", 200, `{"result": "error", "error_code": "NO_AUTH", "error_text": {}}`, provider.KindCredentials, "", "NO_AUTH"},
		{"error beside an answer", 200, `{"result": "error", "error_code": "BILLING_LOCK", "answer": ` + balance + `}`, provider.KindUnavailable, "", "BILLING_LOCK"},
		{"code beside a success", 200, `{"result": "success", "error_code": "BILLING_LOCK", "answer": ` + balance + `}`, provider.KindUnavailable, "", "BILLING_LOCK"},
		{"error without code", 200, `{"result": "error", "error_text": "x"}`, provider.KindBadResponse, "error_code", ""},
		{"odd code", 200, `{"result": "error", "error_code": ["NO_AUTH"]}`, provider.KindBadResponse, "error_code", ""},
		{"other result", 200, `{"result": "maybe", "answer": ` + balance + `}`, provider.KindBadResponse, "result", ""},
		{"flag as result", 200, `{"result": true, "answer": ` + balance + `}`, provider.KindBadResponse, "result", ""},
		{"other letter case", 200, `{"Result": "success", "answer": ` + balance + `}`, provider.KindBadResponse, "result", ""},
		{"no result", 200, `{"answer": ` + balance + `}`, provider.KindBadResponse, "result", ""},
		{"no answer", 200, `{"result": "success"}`, provider.KindBadResponse, "answer", ""},
		{"empty object", 200, `{}`, provider.KindBadResponse, "result", ""},
		{"empty body", 200, ``, provider.KindBadResponse, "body", ""},
		{"page", 200, `<html>`, provider.KindBadResponse, "body", ""},
		{"plain format", 200, `Success: ; login: test; user_id: 0`, provider.KindBadResponse, "body", ""},
		{"two envelopes", 200, success(balance) + success(balance), provider.KindBadResponse, "body", ""},
		{"result twice", 200, `{"result": "error", "answer": ` + balance + `, "result": "success"}`, provider.KindBadResponse, "body", ""},
		{"raw control character", 200, "{\"answer\": {\"currency\": \"RUR\", \"prepay\": \"1\"}, \"x\": \"\t\", \"result\": \"success\"}", provider.KindBadResponse, "body", ""},

		{"seen outage", 503, `{"error_code": "INTERNAL_API_ERROR", "error_text": "Внутренняя ошибка", "result": "error"}`, provider.KindUnavailable, "", "INTERNAL_API_ERROR"},
		{"outage with a page", 502, `<html>`, provider.KindUnavailable, "", ""},
		{"outage with another code", 500, failureBody("SOMETHING", "{}"), provider.KindUnavailable, "", "SOMETHING"},
		{"outage that speaks of success", 500, success(balance), provider.KindUnavailable, "", ""},
		{"too many", 429, `slow down`, provider.KindRateLimited, "", ""},
		{"too many, with the code", 429, failureBody("IP_EXCEEDED_ALLOWED_CONNECTION_RATE", "{}"), provider.KindRateLimited, "", "IP_EXCEEDED_ALLOWED_CONNECTION_RATE"},
		{"not found", 404, `<html>`, provider.KindBadResponse, "body", ""},
		{"forbidden, with a code", 403, failureBody("ACCESS_DENIED_FROM_IP", "{}"), provider.KindAccess, "", "ACCESS_DENIED_FROM_IP"},
		{"created", 201, success(balance), provider.KindBadResponse, "body", ""},
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
			if e.Kind != row.kind || e.Drift != row.drift || got.Balance != nil {
				t.Errorf("got %v, drift %q; want %s, drift %q", e, e.Drift, row.kind, row.drift)
			}
			if code := upstreamCode(e); code != row.upstream {
				t.Errorf("got the vendor's code %q, want %q", code, row.upstream)
			}
		})
	}
}

func upstreamCode(e *provider.Error) string {
	if e.Upstream == nil {
		return ""
	}
	return e.Upstream.Code
}

func TestPingNeedsNoAnswer(t *testing.T) {
	client := newClient(&providertest.Stub{Body: `{"charset": "utf-8", "messagestore": null, "result": "success"}`})
	if err := client.Ping(t.Context()); err != nil {
		t.Error(err)
	}
}

// A vendor that echoes the password must not get it into an error; nor must a text be kept that is endless.
func TestErrorsHoldNoSecret(t *testing.T) {
	long := strings.Repeat("x", 480) + `s3cr\"t+&öß` + strings.Repeat("y", 1_000_000)
	body := strings.Replace(failureBody("USER_AUTHENTICATION_FAILED", `{"password": "s3cr\"t+&öß"}`), "Some text", long, 1)
	_, err := newClient(&providertest.Stub{Body: body}).ReadBalance(t.Context(), provider.BalanceQuery{})
	e := asError(t, err)
	if text := e.Error() + e.Upstream.Message; strings.Contains(text, "s3cr") {
		t.Error("the error holds the password")
	}
	if n := len(e.Upstream.Message); n > 600 {
		t.Errorf("the vendor's text is %d bytes long", n)
	}
}
