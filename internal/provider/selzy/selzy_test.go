package selzy_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"accountgateway/internal/config"
	"accountgateway/internal/provider"
	"accountgateway/internal/provider/providertest"
	"accountgateway/internal/provider/selzy"
	"accountgateway/internal/provider/upstream"
)

const apiKey = "5k3yoftheaccount"

// newClient makes a client in front of a stub.
func newClient(stub *providertest.Stub) *selzy.Client { return counted(stub, prometheus.NewRegistry()) }

// counted makes a client whose metrics are in the registry.
func counted(stub *providertest.Stub, registry *prometheus.Registry) *selzy.Client {
	cfg := selzy.Config{APIKey: apiKey, Lang: "en"}
	cfg.BaseURL = config.BaseURL{URL: url.URL{Scheme: "https", Host: "vendor.test"}}
	up := upstream.New(upstream.Options{
		Account: "mail", Provider: "selzy", Secrets: config.Secrets(cfg), Timeout: 5 * time.Second, Transport: stub,
		Metrics: upstream.NewMetrics(registry),
	})
	return selzy.New(up, cfg)
}

func success(result string) string { return `{"result": ` + result + `}` }

// composed is the example of selzy.md 6.4.
const composed = `{
  "login": "acme_shop", "email": "owner@acme.example",
  "firstname": "Ada", "middlename": "", "lastname": "Byron",
  "reg_time": "2021-06-14 09:12:45", "phone": "+15550100",
  "company": "Acme", "channel": "", "timezone": "America/New_York",
  "master": "", "balance": -4.75, "currency": "USD",
  "emails_paid": 5000, "emails_used": 4321,
  "period_emails_paid": 15000, "period_emails_used": 212,
  "email_period_start": "2024-03-05 00:00:00",
  "email_period_end": "2024-04-05 00:00:00",
  "tariff_id": 71, "next_tariff_id": 71,
  "services": [{"id": 9, "tariff": "crm_basic_3m", "paidUntil": "2024-06-01 00:00:00"}],
  "country": "USA", "language": "en", "rights": "", "is_active": 1,
  "reg_ref": "", "reg_url": "https://selzy.com/en/registration/",
  "api_mode": "on", "subscribers_total": null, "subscribers_used": 998
}`

// documented is the vendor's example with its faults of JSON mended, and with every field that the page lists.
const documented = `{ "login":"test_user_login", "email":"test@test.com", "firstname":"test name", "middlename":"test name",
  "lastname":"test name", "reg_time":"2011-09-05 10:00:00", "phone":"+70000000000", "company":"test company",
  "channel":"test channel", "timezone":"Europe/Moscow", "master":"test_main_login", "balance":18.52, "currency":"USD",
  "emails_paid":0, "emails_used":40734, "period_emails_paid":1000, "period_emails_used":0,
  "email_period_start":"2011-01-03 00:46:02", "email_period_end":"2011-02-03 00:46:02", "tariff_id":1, "next_tariff_id":10,
  "services": [{"id":234, "tariff":"bitrix24_premium_3m", "paidUntil":"2017-04-28 10:51:33"}], "country":"USA", "language":"en",
  "rights":"reseller", "is_active":1, "disable_sending":0, "user_reg_info_subscribers_approx_num":"up to 5 thousand",
  "user_reg_info_industry_info":"retail", "user_reg_info_city":"Lviv", "reg_ref":"https://www.facebook.com/",
  "reg_url":"https://selzy.test.com/en/v5/two_step_register", "api_mode": "on", "subscribers_total":500, "subscribers_used":5,
  "balance_bonus": 3.5 }`

// with replaces the value of a member of composed, or adds it; JSON keeps the last of a name here, so that duplicates
// can't come up.
func with(member, value string) string {
	return change(func(m map[string]json.RawMessage) { m[member] = json.RawMessage(value) })
}

func without(member string) string {
	return change(func(m map[string]json.RawMessage) { delete(m, member) })
}

func change(f func(map[string]json.RawMessage)) string {
	members := map[string]json.RawMessage{}
	if err := json.Unmarshal([]byte(composed), &members); err != nil {
		panic(err)
	}
	f(members)
	text, err := json.Marshal(members)
	if err != nil {
		panic(err)
	}
	return string(text)
}

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

func TestRequests(t *testing.T) {
	own := url.Values{"api_key": {apiKey}}
	lookup := url.Values{"api_key": {apiKey}, "login": {"b&b"}}
	info := func(form url.Values) providertest.Request {
		return providertest.Request{Method: "POST", Path: "/en/api/getUserInfo", Query: url.Values{"format": {"json"}}, Form: form}
	}
	for _, row := range []struct {
		name, body string
		call       func(context.Context, *selzy.Client) error
		want       []providertest.Request
	}{
		{"check", composed, func(ctx context.Context, c *selzy.Client) error { return c.CheckCredentials(ctx) }, []providertest.Request{info(own)}},
		{"balance", composed, func(ctx context.Context, c *selzy.Client) error {
			_, err := c.ReadBalance(ctx, provider.BalanceQuery{Currency: "USD"})
			return err
		}, []providertest.Request{info(own)}},
		{"statistics", composed, func(ctx context.Context, c *selzy.Client) error {
			_, err := c.ReadStatistics(ctx, provider.StatisticsQuery{})
			return err
		}, []providertest.Request{info(own)}},
		{"users", composed, func(ctx context.Context, c *selzy.Client) error {
			_, err := c.ReadUsers(ctx, provider.UserQuery{})
			return err
		}, []providertest.Request{info(own)}},
		{"itself", composed, func(ctx context.Context, c *selzy.Client) error {
			_, err := c.ReadUsers(ctx, provider.UserQuery{Login: "acme_shop"})
			return err
		}, []providertest.Request{info(own)}},
		{"a reseller's user", with("rights", `"reseller"`), func(ctx context.Context, c *selzy.Client) error {
			_, _ = c.ReadUsers(ctx, provider.UserQuery{Login: "b&b"}) // the stub answers about the owner
			return nil
		}, []providertest.Request{info(own), info(lookup)}},
	} {
		t.Run(row.name, func(t *testing.T) {
			stub := &providertest.Stub{Body: success(row.body)}
			if err := row.call(t.Context(), newClient(stub)); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(row.want, stub.Requests()); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
		})
	}
}

func TestBalance(t *testing.T) {
	for _, row := range []struct {
		name, result string
		currency     provider.Currency
		want         string
	}{
		{"composed example", composed, "", `{"balance":{"amount":"-4.75","currency":"USD"},"blocked":null,"credit":null,"bonus":null}`},
		{"documented example", documented, "USD",
			`{"balance":{"amount":"18.52","currency":"USD"},"blocked":null,"credit":null,"bonus":{"amount":"3.5","currency":"USD"}}`},
		{"quoted, with its zeros", with("balance", `"18.5200"`), "", `{"balance":{"amount":"18.5200","currency":"USD"},"blocked":null,"credit":null,"bonus":null}`},
		{"whole", with("balance", `-3`), "", `{"balance":{"amount":"-3","currency":"USD"},"blocked":null,"credit":null,"bonus":null}`},
		{"zero", with("balance", `0`), "", `{"balance":{"amount":"0","currency":"USD"},"blocked":null,"credit":null,"bonus":null}`},
		{"no bonus", with("balance_bonus", `null`), "", `{"balance":{"amount":"-4.75","currency":"USD"},"blocked":null,"credit":null,"bonus":null}`},
		{"zero bonus", with("balance_bonus", `"0"`), "",
			`{"balance":{"amount":"-4.75","currency":"USD"},"blocked":null,"credit":null,"bonus":{"amount":"0","currency":"USD"}}`},
		{"roubles", with("currency", `"RUB"`), "RUB", `{"balance":{"amount":"-4.75","currency":"RUB"},"blocked":null,"credit":null,"bonus":null}`},
		{"small number with an exponent", strings.Replace(composed, `-4.75`, `2.0e-5`, 1), "",
			`{"balance":{"amount":"0.000020","currency":"USD"},"blocked":null,"credit":null,"bonus":null}`},
		{"large number with an exponent", strings.Replace(composed, `-4.75`, `-1.852E+3`, 1), "",
			`{"balance":{"amount":"-1852","currency":"USD"},"blocked":null,"credit":null,"bonus":null}`},
		{"empty bonus", with("balance_bonus", `""`), "", `{"balance":{"amount":"-4.75","currency":"USD"},"blocked":null,"credit":null,"bonus":null}`},
		{"false bonus", with("balance_bonus", `false`), "", `{"balance":{"amount":"-4.75","currency":"USD"},"blocked":null,"credit":null,"bonus":null}`},
		{"roubles by their old code", with("currency", `"RUR"`), "RUB", `{"balance":{"amount":"-4.75","currency":"RUB"},"blocked":null,"credit":null,"bonus":null}`},
		{"error: false beside a result", strings.TrimSuffix(composed, "}") + `}, "error": false, "code": ""`, "",
			`{"balance":{"amount":"-4.75","currency":"USD"},"blocked":null,"credit":null,"bonus":null}`},
		{"raw TAB elsewhere", with("company", `"Acme`+`TABBED"`), "", `{"balance":{"amount":"-4.75","currency":"USD"},"blocked":null,"credit":null,"bonus":null}`},
		{"a profile that is not understood", with("company", `{}`), "", `{"balance":{"amount":"-4.75","currency":"USD"},"blocked":null,"credit":null,"bonus":null}`},

		{"no balance", without("balance"), "", "balance"},
		{"null balance", with("balance", `null`), "", "balance"},
		{"empty balance", with("balance", `""`), "", "balance"},
		{"false balance", with("balance", `false`), "", "balance"},
		{"old code in small letters", with("currency", `"rur"`), "", "currency"},
		{"balance in words", with("balance", `"eighteen"`), "", "balance"},
		{"balance a flag", with("balance", `false`), "", "balance"},
		{"bonus in words", with("balance_bonus", `"some"`), "", "balance_bonus"},
		{"no currency", without("currency"), "", "currency"},
		{"null currency", with("currency", `null`), "", "currency"},
		{"empty currency", with("currency", `""`), "", "currency"},
		{"no code", with("currency", `"Dollar"`), "", "currency"},
		{"other letter case", strings.Replace(composed, `"balance"`, `"Balance"`, 1), "", "balance"},
		{"balance twice", strings.Replace(composed, `{`, `{"balance": 1000000, `, 1), "", "result"},
		{"empty PHP map", `[]`, "", "result"},
		{"empty text", `""`, "", "result"},
		{"false", `false`, "", "result"},
		{"null", `null`, "", "result"},
	} {
		t.Run(row.name, func(t *testing.T) {
			body := strings.Replace(success(row.result), "TABBED", "\t\n\x01", 1)
			got, err := newClient(&providertest.Stub{Body: body}).ReadBalance(t.Context(), provider.BalanceQuery{Currency: row.currency})
			check(t, row.want, got.Balance, err)
		})
	}
}

func TestOtherCurrencyIsRefused(t *testing.T) {
	got, err := newClient(&providertest.Stub{Body: success(composed)}).ReadBalance(t.Context(), provider.BalanceQuery{Currency: "EUR"})
	if e := asError(t, err); e.Kind != provider.KindUnsupportedCurrency || e.Field != "currency" || got != (provider.Readings{}) {
		t.Errorf("got %+v, %+v", got, e)
	}
}

const composedStatistics = `{"period":{"from":"2024-03-05T00:00:00Z","till":"2024-04-05T00:00:00Z"},"counters":[` +
	`{"name":"emails_payg","value":4321,"limit":5000,"unlimited":false,"scope":"lifetime"},` +
	`{"name":"emails_period","value":212,"limit":15000,"unlimited":false,"scope":"period"},` +
	`{"name":"contacts","value":998,"limit":null,"unlimited":true,"scope":"now"}],"amounts":[],` +
	`"plan":{"id":"71","next_id":"71"},"services":[{"id":"9","name":"crm_basic_3m","paid_until":"2024-06-01T00:00:00Z"}]}`

func TestStatistics(t *testing.T) {
	replaced := func(old, new string) string {
		if !strings.Contains(composedStatistics, old) {
			t.Fatalf("no %s", old)
		}
		return strings.Replace(composedStatistics, old, new, 1)
	}
	const contacts = `"value":998,"limit":null,"unlimited":true`
	const period = `{"from":"2024-03-05T00:00:00Z","till":"2024-04-05T00:00:00Z"}`
	const services = `[{"id":"9","name":"crm_basic_3m","paid_until":"2024-06-01T00:00:00Z"}]`
	for _, row := range []struct{ name, result, want string }{
		{"composed example", composed, composedStatistics},
		{"documented example", documented, `{"period":{"from":"2011-01-03T00:46:02Z","till":"2011-02-03T00:46:02Z"},"counters":[` +
			`{"name":"emails_payg","value":40734,"limit":0,"unlimited":false,"scope":"lifetime"},` +
			`{"name":"emails_period","value":0,"limit":1000,"unlimited":false,"scope":"period"},` +
			`{"name":"contacts","value":5,"limit":500,"unlimited":false,"scope":"now"}],"amounts":[],` +
			`"plan":{"id":"1","next_id":"10"},"services":[{"id":"234","name":"bitrix24_premium_3m","paid_until":"2017-04-28T10:51:33Z"}]}`},
		{"quoted counter", with("emails_used", `"4321"`), composedStatistics},
		{"counter with a point", with("emails_used", `4321.0`), composedStatistics},
		{"none allowed is not unlimited", with("subscribers_total", `0`), replaced(contacts, `"value":998,"limit":0,"unlimited":false`)},
		{"no services", with("services", `[]`), replaced(services, `[]`)},
		{"services written as an object", with("services", `{"0": {"id": 9, "tariff": "crm_basic_3m", "paidUntil": "2024-06-01 00:00:00"}}`), composedStatistics},
		{"services written as an object with gaps", with("services", `{"3": {"id": 9, "tariff": "crm_basic_3m", "paidUntil": "0000-00-00"}, "1": {"id": 8}}`),
			replaced(services, `[{"id":"9","name":"crm_basic_3m","paid_until":null},{"id":"8","name":"","paid_until":null}]`)},
		{"no services, written as an object", with("services", `{}`), replaced(services, `[]`)},
		{"counter with an exponent", strings.Replace(composed, `4321`, `4.321e+3`, 1), composedStatistics},
		{"zero day", with("email_period_end", `"0000-00-00"`), replaced(period, `{"from":"2024-03-05T00:00:00Z","till":null}`)},
		{"services absent", without("services"), replaced(services, `[]`)},
		{"service without an end", with("services", `[{"id": "9", "tariff": "<b>x</b>", "paidUntil": "0000-00-00 00:00:00"}]`),
			replaced(services, `[{"id":"9","name":"\u003cb\u003ex\u003c/b\u003e","paid_until":null}]`)},
		{"no period", change(func(m map[string]json.RawMessage) {
			m["email_period_start"], m["email_period_end"] = json.RawMessage(`""`), json.RawMessage(`null`)
		}), replaced(period, `null`)},
		{"zero end", with("email_period_end", `"0000-00-00 00:00:00"`), replaced(period, `{"from":"2024-03-05T00:00:00Z","till":null}`)},
		{"no plan", without("tariff_id"), replaced(`{"id":"71","next_id":"71"}`, `null`)},
		{"no next plan", with("next_tariff_id", `null`), replaced(`"next_id":"71"`, `"next_id":null`)},
		{"a balance that is not understood", with("balance", `{}`), composedStatistics},

		{"no paid", without("emails_paid"), "emails_paid"},
		{"null used", with("emails_used", `null`), "emails_used"},
		{"negative", with("period_emails_used", `-1`), "period_emails_used"},
		{"no period paid", without("period_emails_paid"), "period_emails_paid"},
		{"half a mail", with("period_emails_paid", `0.5`), "period_emails_paid"},
		{"empty counter", with("subscribers_used", `""`), "subscribers_used"},
		{"no total", without("subscribers_total"), "subscribers_total"},
		{"empty total is not unlimited", with("subscribers_total", `""`), "subscribers_total"},
		{"false total is not unlimited", with("subscribers_total", `false`), "subscribers_total"},
		{"total in words", with("subscribers_total", `"unlimited"`), "subscribers_total"},
		{"no date", with("email_period_start", `"yesterday"`), "email_period_start"},
		{"no such day", with("email_period_end", `"2024-02-30 00:00:00"`), "email_period_end"},
		{"services no list", with("services", `{"id": 9}`), "services"},
		{"services a text", with("services", `"none"`), "services"},
		{"service no object", with("services", `[9]`), "services[]"},
		{"service without id", with("services", `[{"tariff": "x"}]`), "services[].id"},
		{"service with an odd end", with("services", `[{"id": 9, "paidUntil": 5}]`), "services[].paidUntil"},
	} {
		t.Run(row.name, func(t *testing.T) {
			got, err := newClient(&providertest.Stub{Body: success(row.result)}).ReadStatistics(t.Context(), provider.StatisticsQuery{})
			check(t, row.want, got.Statistics, err)
		})
	}
}

func TestDatesAreRefused(t *testing.T) {
	stub := &providertest.Stub{Body: success(composed)}
	for _, row := range []struct {
		query provider.StatisticsQuery
		field string
	}{
		{provider.StatisticsQuery{From: "2026-01-01"}, "date_from"},
		{provider.StatisticsQuery{Till: "2026-01-01"}, "date_till"},
		{provider.StatisticsQuery{From: "2026-01-01", Till: "2026-01-31"}, "date_from"},
	} {
		_, err := newClient(stub).ReadStatistics(t.Context(), row.query)
		if e := asError(t, err); e.Kind != provider.KindUnsupportedParameter || e.Field != row.field || !e.NotSent {
			t.Errorf("%+v: got %+v", row.query, e)
		}
	}
	if n := len(stub.Requests()); n != 0 {
		t.Errorf("the vendor was asked %d times", n)
	}
}

// One answer teaches all that it holds; what it holds and is not understood fails nothing else.
func TestOneAnswerTeachesAll(t *testing.T) {
	for _, row := range []struct {
		name, result               string
		balance, statistics, users bool
	}{
		{"ordinary", composed, true, true, true},
		{"reseller", with("rights", `"reseller"`), true, true, false},
		{"odd counter", with("emails_used", `-1`), true, false, true},
		{"odd profile", with("company", `[]`), true, true, false},
	} {
		got, err := newClient(&providertest.Stub{Body: success(row.result)}).ReadBalance(t.Context(), provider.BalanceQuery{})
		if err != nil {
			t.Errorf("%s: %v", row.name, err)
		}
		if (got.Balance != nil) != row.balance || (got.Statistics != nil) != row.statistics || (got.Users != nil) != row.users {
			t.Errorf("%s: got %+v", row.name, got)
		}
	}
}

// TestCharsets: an answer is read by the charset that its header names; what is not of that charset is refused, and
// never read with other characters in place of the vendor's.
func TestCharsets(t *testing.T) {
	utf8 := with("firstname", `"Ада"`)
	cp1251 := strings.Replace(utf8, "Ада", "\xc0\xe4\xe0", 1)
	for _, row := range []struct{ name, contentType, body, first string }{ // first "": refused
		{"UTF-8", "application/json; charset=utf-8", success(utf8), "Ада"},
		{"no header", "", success(utf8), "Ада"},
		{"byte order mark", "", "\uFEFF" + success(utf8), "Ада"},
		{"cp1251", "application/json; charset=windows-1251", success(cp1251), "Ада"},
		{"no charset", "application/json", success(cp1251), ""},
		{"not of its charset", "application/json; charset=utf-8", success(cp1251), ""},
		{"half a surrogate pair", "application/json", success(with("firstname", `"\ud800"`)), ""},
	} {
		got, err := newClient(&providertest.Stub{Type: row.contentType, Body: row.body}).ReadUsers(t.Context(), provider.UserQuery{})
		if row.first == "" {
			if e := asError(t, err); e.Kind != provider.KindBadResponse {
				t.Errorf("%s: got %+v", row.name, e)
			}
			continue
		}
		if err != nil || *got.Users.Users[0].FirstName != row.first {
			t.Errorf("%s: got %+v, %v", row.name, got.Users, err)
		}
	}
}
