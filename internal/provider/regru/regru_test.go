package regru_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"accountgateway/internal/config"
	"accountgateway/internal/provider"
	"accountgateway/internal/provider/providertest"
	"accountgateway/internal/provider/regru"
	"accountgateway/internal/provider/upstream"
)

const (
	login    = "acme"
	password = `s3cr"t+&öß`
)

// newClient makes a client in front of a stub.
func newClient(stub *providertest.Stub) *regru.Client {
	cfg := regru.Config{Username: login, Password: password, Lang: "en"}
	cfg.BaseURL = config.BaseURL{URL: url.URL{Scheme: "https", Host: "vendor.test", Path: "/api/regru2"}}
	up := upstream.New(upstream.Options{
		Account: "shop", Provider: "regru", Secrets: config.Secrets(cfg), Timeout: 5 * time.Second, Transport: stub,
	})
	return regru.New(up, cfg)
}

func success(answer string) string {
	return `{"answer": ` + answer + `, "charset": "utf-8", "messagestore": null, "result": "success"}`
}

// asJSON is what callers would see, for comparing.
func asJSON(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func asError(t *testing.T, err error) *provider.Error {
	t.Helper()
	var e *provider.Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v, want a *provider.Error", err)
	}
	return e
}

func TestRequests(t *testing.T) {
	nop := success(`{"login": "acme", "user_id": "0"}`)
	balance := success(`{"currency": "USD", "prepay": "1"}`)
	statistics := success(sixCounters)
	for _, row := range []struct {
		name, body string
		call       func(context.Context, *regru.Client) error
		path       string
		input      string
		anonymous  bool
	}{
		{"ping", `{"result": "success"}`, func(ctx context.Context, c *regru.Client) error { return c.Ping(ctx) },
			"/user/nop", `{}`, true},
		{"check", nop, func(ctx context.Context, c *regru.Client) error { return c.CheckCredentials(ctx) },
			"/nop", `{}`, false},
		{"balance", success(`{"currency": "RUR", "prepay": "1"}`), readBalance(""), "/user/get_balance", `{}`, false},
		{"balance in dollars", balance, readBalance("USD"), "/user/get_balance", `{"currency":"USD"}`, false},
		{"balance in roubles", success(`{"currency": "RUR", "prepay": "1"}`), readBalance("RUB"), "/user/get_balance", `{"currency":"RUR"}`, false},
		{"statistics", statistics, readStatistics("", ""), "/user/get_statistics", `{}`, false},
		{"statistics of a month", statistics, readStatistics("2026-01-01", "2026-01-31"), "/user/get_statistics",
			`{"date_from":"2026-01-01","date_till":"2026-01-31"}`, false},
		{"statistics from a day", statistics, readStatistics("2026-01-01", ""), "/user/get_statistics", `{"date_from":"2026-01-01"}`, false},
		{"users", nop, readUsers(""), "/nop", `{}`, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			stub := &providertest.Stub{Body: row.body}
			if err := row.call(t.Context(), newClient(stub)); err != nil {
				t.Fatal(err)
			}
			form := url.Values{
				"username": {login}, "password": {password},
				"input_format": {"json"}, "output_format": {"json"}, "io_encoding": {"utf8"}, "lang": {"en"},
				"input_data": {row.input},
			}
			if row.anonymous {
				form.Del("username")
				form.Del("password")
			}
			want := []providertest.Request{{Method: "POST", Path: "/api/regru2" + row.path, Query: url.Values{}, Form: form}}
			if diff := cmp.Diff(want, stub.Requests()); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
		})
	}
}

func readBalance(c provider.Currency) func(context.Context, *regru.Client) error {
	return func(ctx context.Context, client *regru.Client) error {
		_, err := client.ReadBalance(ctx, provider.BalanceQuery{Currency: c})
		return err
	}
}

func readStatistics(from, till provider.Date) func(context.Context, *regru.Client) error {
	return func(ctx context.Context, client *regru.Client) error {
		_, err := client.ReadStatistics(ctx, provider.StatisticsQuery{From: from, Till: till})
		return err
	}
}

func readUsers(login string) func(context.Context, *regru.Client) error {
	return func(ctx context.Context, client *regru.Client) error {
		_, err := client.ReadUsers(ctx, provider.UserQuery{Login: login})
		return err
	}
}

func TestBalance(t *testing.T) {
	for _, row := range []struct {
		name, answer string
		currency     provider.Currency
		want         string // the balance as JSON, or the member that is not understood
	}{
		{"manual's test account", `{"credit": "10", "currency": "RUR", "prepay": "1000"}`, "",
			`{"balance":{"amount":"1000","currency":"RUB"},"blocked":null,"credit":{"amount":"10","currency":"RUB"},"bonus":null}`},
		{"all fields", `{"blocked": "15.50", "credit": "5000", "currency": "USD", "prepay": "310.20"}`, "USD",
			`{"balance":{"amount":"310.20","currency":"USD"},"blocked":{"amount":"15.50","currency":"USD"},"credit":{"amount":"5000","currency":"USD"},"bonus":null}`},
		{"envelope of the manual", `{"currency": "RUR", "prepay": "250.75"}`, "RUB",
			`{"balance":{"amount":"250.75","currency":"RUB"},"blocked":null,"credit":null,"bonus":null}`},
		{"numbers", `{"blocked": 0, "currency": "EUR", "prepay": 310.20}`, "EUR",
			`{"balance":{"amount":"310.20","currency":"EUR"},"blocked":{"amount":"0","currency":"EUR"},"credit":null,"bonus":null}`},
		{"a number that no float holds", `{"currency": "UAH", "prepay": 90071992547409.931}`, "UAH",
			`{"balance":{"amount":"90071992547409.931","currency":"UAH"},"blocked":null,"credit":null,"bonus":null}`},
		{"negative", `{"currency": "RUR", "prepay": "-0.01"}`, "",
			`{"balance":{"amount":"-0.01","currency":"RUB"},"blocked":null,"credit":null,"bonus":null}`},
		{"null is absent", `{"blocked": null, "credit": null, "currency": "RUR", "prepay": "0"}`, "",
			`{"balance":{"amount":"0","currency":"RUB"},"blocked":null,"credit":null,"bonus":null}`},
		{"a new rouble code", `{"currency": "RUB", "prepay": "1"}`, "RUB",
			`{"balance":{"amount":"1","currency":"RUB"},"blocked":null,"credit":null,"bonus":null}`},
		{"large number with an exponent", `{"currency": "RUR", "prepay": 1.5e3}`, "",
			`{"balance":{"amount":"1500","currency":"RUB"},"blocked":null,"credit":null,"bonus":null}`},
		{"small number with an exponent", `{"currency": "RUR", "prepay": -2.0e-5, "blocked": "1.0E+2"}`, "",
			`{"balance":{"amount":"-0.000020","currency":"RUB"},"blocked":{"amount":"100","currency":"RUB"},"credit":null,"bonus":null}`},
		{"empty is absent", `{"blocked": "", "credit": "", "currency": "RUR", "prepay": "1"}`, "",
			`{"balance":{"amount":"1","currency":"RUB"},"blocked":null,"credit":null,"bonus":null}`},
		{"false is absent", `{"blocked": false, "credit": false, "currency": "RUR", "prepay": "1"}`, "",
			`{"balance":{"amount":"1","currency":"RUB"},"blocked":null,"credit":null,"bonus":null}`},

		{"no prepay", `{"currency": "RUR"}`, "", "prepay"},
		{"false prepay", `{"currency": "RUR", "prepay": false}`, "", "prepay"},
		{"more digits than can be kept, by an exponent", `{"currency": "RUR", "prepay": 1.5e19}`, "", "prepay"},
		{"an exponent without end", `{"currency": "RUR", "prepay": 1e999999999}`, "", "prepay"},
		{"null prepay", `{"currency": "RUR", "prepay": null}`, "", "prepay"},
		{"empty prepay", `{"currency": "RUR", "prepay": ""}`, "", "prepay"},
		{"prepay with a comma", `{"currency": "RUR", "prepay": "12,50"}`, "", "prepay"},
		{"prepay with a group", `{"currency": "RUR", "prepay": "1 000"}`, "", "prepay"},
		{"prepay too long", `{"currency": "RUR", "prepay": "12345678901234567890.12"}`, "", "prepay"},
		{"prepay a flag", `{"currency": "RUR", "prepay": true}`, "", "prepay"},
		{"prepay an object", `{"currency": "RUR", "prepay": {}}`, "", "prepay"},
		{"credit in words", `{"credit": "unlimited", "currency": "RUR", "prepay": "1"}`, "", "credit"},
		{"no currency", `{"prepay": "1"}`, "", "currency"},
		{"empty currency", `{"currency": "", "prepay": "1"}`, "", "currency"},
		{"no code", `{"currency": "руб", "prepay": "1"}`, "", "currency"},
		{"small letters", `{"currency": "usd", "prepay": "1"}`, "USD", "currency"},
		{"other currency than asked for", `{"currency": "RUR", "prepay": "1"}`, "USD", "currency"},
		{"other letter case", `{"currency": "RUR", "Prepay": "1"}`, "", "prepay"},
		{"prepay twice", `{"currency": "RUR", "prepay": "1", "prepay": "2"}`, "", "answer"},
		{"empty list", `[]`, "", "answer"},
		{"null", `null`, "", "answer"},
		{"text", `"1000"`, "", "answer"},
	} {
		t.Run(row.name, func(t *testing.T) {
			client := newClient(&providertest.Stub{Body: success(row.answer)})
			got, err := client.ReadBalance(t.Context(), provider.BalanceQuery{Currency: row.currency})
			check(t, row.want, got.Balance, err)
		})
	}
}

// check compares a reading as JSON or, where no JSON is wanted, the member that is not understood.
func check(t *testing.T, want string, got any, err error) {
	t.Helper()
	if !strings.HasPrefix(want, "{") {
		e := asError(t, err)
		if e.Kind != provider.KindBadResponse || e.Drift != want {
			t.Errorf("got %v with drift %q, want a bad response with drift %q", e, e.Drift, want)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, asJSON(t, got)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestBalanceInAnUnknownCurrencyAsksNobody(t *testing.T) {
	stub := &providertest.Stub{Body: success(`{"currency": "RUR", "prepay": "1"}`)}
	for _, currency := range []provider.Currency{"KZT", "GBP", "RUR", "usd"} {
		_, err := newClient(stub).ReadBalance(t.Context(), provider.BalanceQuery{Currency: currency})
		e := asError(t, err)
		if e.Kind != provider.KindUnsupportedCurrency || e.Field != "currency" || !e.NotSent {
			t.Errorf("%s: got %+v", currency, e)
		}
	}
	if n := len(stub.Requests()); n != 0 {
		t.Errorf("the vendor was asked %d times", n)
	}
}

// sixCounters is the manual's example (regru.md 5.3).
const sixCounters = `{"active_domains_cnt": "5", "active_domains_get_ctrl_cnt": "3", "domain_folders_cnt": "2",
	"renew_domains_cnt": "4", "renew_domains_get_ctrl_cnt": "1", "undelegated_domains_cnt": "6"}`

const sixRead = `{"name":"domains_active","value":5,"limit":null,"unlimited":false,"scope":"now"},` +
	`{"name":"domains_active_partial_control","value":3,"limit":null,"unlimited":false,"scope":"now"},` +
	`{"name":"domains_renewal_due","value":4,"limit":null,"unlimited":false,"scope":"now"},` +
	`{"name":"domains_renewal_due_partial_control","value":1,"limit":null,"unlimited":false,"scope":"now"},` +
	`{"name":"domains_undelegated","value":6,"limit":null,"unlimited":false,"scope":"now"},` +
	`{"name":"domain_folders","value":2,"limit":null,"unlimited":false,"scope":"now"}`

func TestStatistics(t *testing.T) {
	// with changes or adds members of the manual's example.
	with := func(members string) string { return strings.TrimSuffix(sixCounters, "}") + ", " + members + "}" }
	without := func(field string) string { return strings.Replace(sixCounters, field, "gone", 1) }
	for _, row := range []struct {
		name, answer string
		query        provider.StatisticsQuery
		want         string
	}{
		{"manual's example", sixCounters, provider.StatisticsQuery{},
			`{"period":null,"counters":[` + sixRead + `],"amounts":[],"plan":null,"services":[]}`},
		{"live answer of test", with(`"balance_total": "100"`), provider.StatisticsQuery{},
			`{"period":null,"counters":[` + sixRead + `],"amounts":[{"name":"balance_total","scope":"now","money":{"amount":"100","currency":"RUB"}}],"plan":null,"services":[]}`},
		{"a month", with(`"balance_total": "250.75", "costs_for_period": "1990.00", "reg_domains_cnt": "2", "trans_in_domains_cnt": "7"`),
			provider.StatisticsQuery{From: "2026-01-01", Till: "2026-01-31"},
			`{"period":{"from":"2026-01-01","till":"2026-01-31"},"counters":[` + sixRead + `,` +
				`{"name":"domains_transferring_in","value":7,"limit":null,"unlimited":false,"scope":"now"},` +
				`{"name":"domains_registered","value":2,"limit":null,"unlimited":false,"scope":"period"}],` +
				`"amounts":[{"name":"costs","scope":"period","money":{"amount":"1990.00","currency":"RUB"}},` +
				`{"name":"balance_total","scope":"now","money":{"amount":"250.75","currency":"RUB"}}],"plan":null,"services":[]}`},
		{"numbers", `{"active_domains_cnt": 5, "active_domains_get_ctrl_cnt": 3.0, "domain_folders_cnt": "2.00", "renew_domains_cnt": 4,
			"renew_domains_get_ctrl_cnt": 1, "undelegated_domains_cnt": 6, "costs_for_period": 0.10}`, provider.StatisticsQuery{Till: "2026-01-31"},
			`{"period":{"from":null,"till":"2026-01-31"},"counters":[` + sixRead + `],"amounts":[{"name":"costs","scope":"period","money":{"amount":"0.10","currency":"RUB"}}],"plan":null,"services":[]}`},
		{"empty is absent", with(`"reg_domains_cnt": "", "costs_for_period": ""`), provider.StatisticsQuery{},
			`{"period":null,"counters":[` + sixRead + `],"amounts":[],"plan":null,"services":[]}`},
		{"numbers with exponents", with(`"trans_in_domains_cnt": 1.2e1, "costs_for_period": 1.99e3`), provider.StatisticsQuery{},
			`{"period":null,"counters":[` + sixRead + `,{"name":"domains_transferring_in","value":12,"limit":null,"unlimited":false,"scope":"now"}],` +
				`"amounts":[{"name":"costs","scope":"period","money":{"amount":"1990","currency":"RUB"}}],"plan":null,"services":[]}`},
		{"null is absent", with(`"reg_domains_cnt": null, "costs_for_period": null`), provider.StatisticsQuery{},
			`{"period":null,"counters":[` + sixRead + `],"amounts":[],"plan":null,"services":[]}`},

		{"no active", without("active_domains_cnt"), provider.StatisticsQuery{}, "active_domains_cnt"},
		{"no active partial", without("active_domains_get_ctrl_cnt"), provider.StatisticsQuery{}, "active_domains_get_ctrl_cnt"},
		{"no renew", without("renew_domains_cnt"), provider.StatisticsQuery{}, "renew_domains_cnt"},
		{"no renew partial", without("renew_domains_get_ctrl_cnt"), provider.StatisticsQuery{}, "renew_domains_get_ctrl_cnt"},
		{"no undelegated", without("undelegated_domains_cnt"), provider.StatisticsQuery{}, "undelegated_domains_cnt"},
		{"folders under another name", strings.Replace(sixCounters, "domain_folders_cnt", "folders_cnt", 1), provider.StatisticsQuery{}, "domain_folders_cnt"},
		{"negative", with(`"trans_in_domains_cnt": "-1"`), provider.StatisticsQuery{}, "trans_in_domains_cnt"},
		{"half a domain", with(`"reg_domains_cnt": 2.5`), provider.StatisticsQuery{}, "reg_domains_cnt"},
		{"counter in words", with(`"reg_domains_cnt": "-"`), provider.StatisticsQuery{}, "reg_domains_cnt"},
		{"empty counter that is always there", strings.Replace(sixCounters, `"5"`, `""`, 1), provider.StatisticsQuery{}, "active_domains_cnt"},
		{"too many", with(`"reg_domains_cnt": 9223372036854775808`), provider.StatisticsQuery{}, "reg_domains_cnt"},
		{"costs in words", with(`"costs_for_period": "none"`), provider.StatisticsQuery{}, "costs_for_period"},
		{"empty list", `[]`, provider.StatisticsQuery{}, "answer"},
	} {
		t.Run(row.name, func(t *testing.T) {
			got, err := newClient(&providertest.Stub{Body: success(row.answer)}).ReadStatistics(t.Context(), row.query)
			check(t, row.want, got.Statistics, err)
		})
	}
}

func TestUsers(t *testing.T) {
	user := func(id, login string) string {
		return `{"users":[{"id":"` + id + `","login":"` + login + `","email":null,"first_name":null,"middle_name":null,"last_name":null,` +
			`"phone":null,"company":null,"country":null,"language":null,"timezone":null,"registered_at":null,"parent_login":null,` +
			`"roles":[],"active":null,"api_access":null,"attributes":{}}]}`
	}
	for _, row := range []struct {
		name, answer, login, want string
	}{
		{"id as text", `{"login": "test", "user_id": "0"}`, "", user("0", "test")},
		{"id as number", `{"login": "test", "user_id": 4811200}`, "", user("4811200", "test")},
		{"itself", `{"login": "acme", "user_id": "7"}`, "acme", user("7", "acme")},
		{"login of digits", `{"login": 12345, "user_id": "7"}`, "12345", user("7", "12345")},
		{"no login", `{"user_id": "7"}`, "", "login"},
		{"no id", `{"login": "acme"}`, "", "user_id"},
		{"nothing", `{}`, "", "user_id"},
	} {
		t.Run(row.name, func(t *testing.T) {
			got, err := newClient(&providertest.Stub{Body: success(row.answer)}).ReadUsers(t.Context(), provider.UserQuery{Login: row.login})
			check(t, row.want, got.Users, err)
		})
	}
}

func TestSomebodyElseIsRefused(t *testing.T) {
	client := newClient(&providertest.Stub{Body: success(`{"login": "acme", "user_id": "7"}`)})
	for _, login := range []string{"other", "ACME", "acme "} {
		got, err := client.ReadUsers(t.Context(), provider.UserQuery{Login: login})
		e := asError(t, err)
		if e.Kind != provider.KindUnsupportedParameter || e.Field != "login" || got.Users != nil {
			t.Errorf("%q: got %+v, %+v", login, got, e)
		}
	}
}

// TestCharsets: an answer is read by the charset that its header or its envelope names; what is not of that charset is
// refused, and never read with other characters in place of the vendor's.
func TestCharsets(t *testing.T) {
	const (
		utf8   = `{"charset": "utf-8", "answer": {"login": "привет", "user_id": "7"}, "result": "success"}`
		cp1251 = "{\"charset\" : \"windows-1251\", \"answer\": {\"login\": \"\xef\xf0\xe8\xe2\xe5\xf2\", \"user_id\": \"7\"}, \"result\": \"success\"}"
	)
	other := strings.Replace(cp1251, "windows-1251", "utf-8", 1)
	for _, row := range []struct{ name, contentType, body, login string }{ // login "": refused
		{"UTF-8", "application/json; charset=utf-8", utf8, "привет"},
		{"no header", "", utf8, "привет"},
		{"byte order mark", "application/json", "\uFEFF" + utf8, "привет"},
		{"by the header", "application/json; charset=windows-1251", cp1251, "привет"},
		{"by the header's other name", `text/html; Charset="CP1251"`, cp1251, "привет"},
		{"by the envelope", "application/json", cp1251, "привет"},
		{"the header's word goes first", "application/json; charset=cp1251", other, "привет"},
		{"no charset", "application/json", other, ""},
		{"not of its charset", "application/json; charset=utf-8", cp1251, ""},
	} {
		got, err := newClient(&providertest.Stub{Type: row.contentType, Body: row.body}).ReadUsers(t.Context(), provider.UserQuery{})
		if row.login == "" {
			check(t, "body", nil, err)
			continue
		}
		if err != nil || got.Users.Users[0].Login != row.login {
			t.Errorf("%s: got %+v, %v", row.name, got.Users, err)
		}
	}
}
