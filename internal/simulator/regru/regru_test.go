package regru_test

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"accountgateway/internal/simulator"
	"accountgateway/internal/simulator/regru"

	"github.com/google/go-cmp/cmp"
	"github.com/govalues/decimal"
)

// form is url.Values with one value a field.
type form map[string]string

func (f form) values() url.Values {
	v := url.Values{}
	for name, value := range f {
		v.Set(name, value)
	}
	return v
}

// with returns a copy with more fields.
func (f form) with(more form) form {
	all := maps.Clone(f)
	maps.Copy(all, more)
	return all
}

var (
	test    = form{"username": "test", "password": "test"}
	partner = form{"username": "partner", "password": "partner-secret"}
	shop    = form{"username": "shop", "password": "shop-secret"}
)

// request makes a POST from loopback.
func request(function string, v url.Values) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/api/regru2/"+function, strings.NewReader(v.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.RemoteAddr = "127.0.0.1:50000"
	return r
}

func do(s http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

// result is the envelope, numbers kept as text.
type result struct {
	Result string         `json:"result"`
	Answer map[string]any `json:"answer"`
	Code   string         `json:"error_code"`
	Text   string         `json:"error_text"`
	Params map[string]any `json:"error_params"`
}

func decode(t *testing.T, w *httptest.ResponseRecorder) result {
	t.Helper()
	var out result
	in := json.NewDecoder(w.Body)
	in.UseNumber()
	if err := in.Decode(&out); err != nil {
		t.Fatalf("answer is not JSON: %v", err)
	}
	return out
}

func post(t *testing.T, s http.Handler, function string, f form) result {
	t.Helper()
	w := do(s, request(function, f.values()))
	if w.Code != http.StatusOK {
		t.Fatalf("%s: status %d", function, w.Code)
	}
	return decode(t, w)
}

var newUser = form{
	"user_login": "othertest", "user_password": "xxxxx", "user_email": "test@example.com", "user_country_code": "RU",
}

func TestErrors(t *testing.T) {
	accounts := append(regru.Seeds(),
		regru.Account{Login: "far", Password: "p", AllowedIPs: []string{"203.0.113.0/24"}},
		regru.Account{Login: "nowhere", Password: "p", AllowedIPs: []string{}},
		regru.Account{Login: "blocked", Password: "p", Refuse: "ACCOUNT_BLOCKED"},
		regru.Account{Login: "closed", Password: "p", Refuse: "ACCESS_DENIED"},
		regru.Account{Login: "twin1", Password: "p", Email: "twin@example.ru"},
		regru.Account{Login: "twin2", Password: "p", Email: "twin@example.ru"},
	)
	current := regru.Options{Accounts: accounts}
	old := regru.Options{Accounts: accounts, Profile: regru.Profile2017}
	refill := form{"pay_type": "WM", "wmid": "123456789012", "currency": "USD", "amount": "19.95"}
	tests := []struct {
		name     string
		opts     regru.Options
		function string
		form     form
		code     string
		text     string
	}{
		{"no credentials", current, "nop", nil, "NO_AUTH", "No authorization mechanism selected"},
		{"no credentials, 2017", old, "nop", nil, "NO_USERNAME", "No username given"},
		{"no password", current, "nop", form{"username": "test"}, "NO_AUTH", ""},
		{"no login", current, "nop", form{"password": "test"}, "NO_USERNAME", ""},
		{"wrong password", current, "nop", form{"username": "test", "password": "x"}, "USER_AUTHENTICATION_FAILED", "Login or password is incorrect."},
		{"wrong password, 2017", old, "nop", form{"username": "test", "password": "x"}, "PASSWORD_AUTH_FAILED", "Username/password Incorrect"},
		{"wrong login", current, "nop", form{"username": "x", "password": "x"}, "USER_AUTHENTICATION_FAILED", ""},
		{"signature", current, "nop", form{"username": "shop", "sig": "x"}, "USER_AUTHENTICATION_FAILED", ""},
		{"e-mail of two", current, "nop", form{"username": "twin@example.ru", "password": "p"}, "MORE_THAN_ONE_ACCOUNT_WITH_THE_SAME_EMAIL", ""},
		{"e-mail, 2017", old, "nop", form{"username": "shop@example.ru", "password": "shop-secret"}, "PASSWORD_AUTH_FAILED", ""},
		{"other address", current, "user/get_balance", form{"username": "far", "password": "p"}, "ACCESS_DENIED_FROM_IP", "Access to API from this IP denied"},
		{"no address listed", current, "nop", form{"username": "nowhere", "password": "p"}, "ACCESS_DENIED_FROM_IP", ""},
		{"credentials before address", current, "nop", form{"username": "far", "password": "x"}, "USER_AUTHENTICATION_FAILED", ""},
		{"blocked", current, "nop", form{"username": "blocked", "password": "p"}, "ACCOUNT_BLOCKED", ""},
		{"closed", current, "nop", form{"username": "closed", "password": "p"}, "ACCESS_DENIED", ""},
		{"not a partner", current, "reseller_nop", shop, "RESELLER_AUTH_FAILED", "Only resellers can access to this function"},
		{"not a partner, create", current, "user/create", shop.with(newUser), "RESELLER_AUTH_FAILED", ""},
		{"Russian", current, "nop", form{"lang": "ru"}, "NO_AUTH", "Не определён способ авторизации"},
		{"Thai has English texts", current, "nop", form{"lang": "th"}, "NO_AUTH", "No authorization mechanism selected"},
		{"unknown function", current, "bad/command", test, "NO_SUCH_COMMAND", "Command bad/command not found"},
		{"https only", regru.Options{HTTPSOnly: true}, "nop", test, "HTTPS_ONLY", "Access to api over non secure interface (http) prohibited! Please use https only"},

		{"yaml", current, "nop", test.with(form{"output_format": "yaml"}), "PARAMETER_INCORRECT", "output_format has incorrect format or data"},
		{"xml input", current, "nop", test.with(form{"input_format": "xml"}), "PARAMETER_INCORRECT", "input_format has incorrect format or data"},
		{"utf-8 with a hyphen", current, "nop", test.with(form{"io_encoding": "utf-8"}), "PARAMETER_INCORRECT", "io_encoding has incorrect format or data"},
		{"broken input_data", current, "nop", test.with(form{"input_format": "json", "input_data": `{"a":`}), "PARAMETER_INCORRECT", "input_data has incorrect format or data"},
		{"input_data is a list", current, "nop", test.with(form{"input_format": "json", "input_data": `[]`}), "PARAMETER_INCORRECT", ""},
		{"input_data twice", current, "nop", test.with(form{"input_format": "json", "input_data": `{}{}`}), "PARAMETER_INCORRECT", ""},

		{"currency RUB", current, "user/get_balance", test.with(form{"currency": "RUB"}), "UNSUPPORTED_CURRENCY", "Unsupported currency"},
		{"currency in small letters", current, "user/get_balance", test.with(form{"currency": "usd"}), "UNSUPPORTED_CURRENCY", ""},
		{"date_from", current, "user/get_statistics", test.with(form{"date_from": "01.02.2026"}), "PARAMETER_INCORRECT", "date_from has incorrect format or data"},
		{"date_till", current, "user/get_statistics", test.with(form{"date_till": "2026-02-30"}), "PARAMETER_INCORRECT", "date_till has incorrect format or data"},
		{"dates turned round", current, "user/get_statistics", test.with(form{"date_from": "2026-02-02", "date_till": "2026-02-01"}), "PARAMETER_INCORRECT", "date_from has incorrect format or data"},

		{"create: no login", current, "user/create", test.with(newUser).with(form{"user_login": ""}), "PARAMETER_MISSING", "user_login required"},
		{"create: no password", current, "user/create", test.with(newUser).with(form{"user_password": ""}), "PARAMETER_MISSING", "user_password required"},
		{"create: no e-mail", current, "user/create", test.with(newUser).with(form{"user_email": ""}), "PARAMETER_MISSING", "user_email required"},
		{"create: no country", current, "user/create", test.with(newUser).with(form{"user_country_code": ""}), "PARAMETER_MISSING", "user_ip required"},
		{"create: no country, 2017", old, "user/create", test.with(newUser).with(form{"user_country_code": ""}), "PARAMETER_MISSING", "user_country_code required"},
		{"create: no default country", current, "user/create", test.with(newUser).with(form{"user_country_code": "", "user_ip": "10.0.0.1"}), "PARAMETER_MISSING", "default_country_code required"},
		{"create: e-mail mode", current, "user/create", test.with(form{"email_only": "1", "user_ip": "10.0.0.1"}), "PARAMETER_MISSING", "user_email required"},
		{"create: capital login", current, "user/create", test.with(newUser).with(form{"user_login": "Other"}), "PARAMETER_INCORRECT", "user_login has incorrect format or data"},
		{"create: Cyrillic password", current, "user/create", test.with(newUser).with(form{"user_password": "пароль"}), "PARAMETER_INCORRECT", "user_password has incorrect format or data"},
		{"create: e-mail", current, "user/create", test.with(newUser).with(form{"user_email": "test"}), "PARAMETER_INCORRECT", "user_email has incorrect format or data"},
		{"create: address", current, "user/create", test.with(newUser).with(form{"user_ip": "10.0.0"}), "PARAMETER_INCORRECT", "user_ip has incorrect format or data"},
		{"create: default country", current, "user/create", test.with(newUser).with(form{"default_country_code": "RUS"}), "PARAMETER_INCORRECT", "default_country_code has incorrect format or data"},
		{"create: phone", current, "user/create", test.with(newUser).with(form{"user_phone": "84951234567"}), "PARAMETER_INCORRECT", "user_phone has incorrect format or data"},
		{"create: fax", current, "user/create", test.with(newUser).with(form{"user_fax": "+7"}), "PARAMETER_INCORRECT", "user_fax has incorrect format or data"},
		{"create: wmid", current, "user/create", test.with(newUser).with(form{"user_wmid": "1"}), "PARAMETER_INCORRECT", "user_wmid has incorrect format or data"},
		{"create: language", current, "user/create", test.with(newUser).with(form{"user_language": "de"}), "PARAMETER_INCORRECT", "user_language has incorrect format or data"},
		{"create: flag", current, "user/create", test.with(newUser).with(form{"check_only": "yes"}), "PARAMETER_INCORRECT", "check_only has incorrect format or data"},
		{"create: addresses", current, "user/create", test.with(newUser).with(form{"white_list_ips": "192.168.0.256"}), "PARAMETER_INCORRECT", "white_list_ips has incorrect format or data"},
		{"create: login taken", current, "user/create", test.with(newUser).with(form{"user_login": "shop"}), "USER_LOGIN_NOT_UNIQUE", "This login already is busy"},
		{"create: taken, check only", current, "user/create", partner.with(newUser).with(form{"user_login": "test", "check_only": "1"}), "USER_LOGIN_NOT_UNIQUE", ""},
		{"create: country in small letters", current, "user/create", test.with(newUser).with(form{"user_country_code": "ru"}), "INVALID_CONTACTS", ""},

		{"refill: gone", current, "user/refill_balance", test.with(refill), "NO_SUCH_COMMAND", "Command user/refill_balance not found"},
		{"refill: no pay_type", old, "user/refill_balance", test.with(refill).with(form{"pay_type": ""}), "PARAMETER_MISSING", "pay_type required"},
		{"refill: no wmid", old, "user/refill_balance", test.with(refill).with(form{"wmid": ""}), "PARAMETER_MISSING", "wmid required"},
		{"refill: no currency", old, "user/refill_balance", test.with(refill).with(form{"currency": ""}), "PARAMETER_MISSING", "currency required"},
		{"refill: no amount", old, "user/refill_balance", test.with(refill).with(form{"amount": ""}), "PARAMETER_MISSING", "amount required"},
		{"refill: pay_type of orders", old, "user/refill_balance", test.with(refill).with(form{"pay_type": "bank"}), "PARAMETER_INCORRECT", "pay_type has incorrect format or data"},
		{"refill: short wmid", old, "user/refill_balance", test.with(refill).with(form{"wmid": "12345678901"}), "PARAMETER_INCORRECT", "wmid has incorrect format or data"},
		{"refill: amount", old, "user/refill_balance", test.with(refill).with(form{"amount": "1e3"}), "PARAMETER_INCORRECT", "amount has incorrect format or data"},
		{"refill: amount 0", old, "user/refill_balance", test.with(refill).with(form{"amount": "0.00"}), "PARAMETER_INCORRECT", ""},
		{"refill: amount below 0", old, "user/refill_balance", test.with(refill).with(form{"amount": "-5"}), "PARAMETER_INCORRECT", ""},
		{"refill: amount too long", old, "user/refill_balance", test.with(refill).with(form{"amount": "99999999999999999999"}), "PARAMETER_INCORRECT", ""},
		{"refill: currency", old, "user/refill_balance", test.with(refill).with(form{"currency": "RUB"}), "UNSUPPORTED_CURRENCY", ""},
		{"refill: ymbill in dollars", old, "user/refill_balance", test.with(refill).with(form{"pay_type": "ymbill"}), "UNSUPPORTED_CURRENCY", ""},

		{"bills: limit", current, "bill/get_not_payed", test.with(form{"limit": "1025"}), "PARAMETER_INCORRECT", "limit has incorrect format or data"},
		{"bills: offset", current, "bill/get_not_payed", test.with(form{"offset": "-1"}), "PARAMETER_INCORRECT", "offset has incorrect format or data"},
		{"bill/nop: number", current, "bill/nop", test.with(form{"bill_id": "x"}), "PARAMETER_INCORRECT", "bill_id has incorrect format or data"},

		{"url: no servtype", current, "user/get_reseller_url", test.with(form{"url_type": "refill"}), "PARAMETER_MISSING", "servtype required"},
		{"url: no url_type", current, "user/get_reseller_url", test.with(form{"servtype": "srv_seowizard"}), "PARAMETER_MISSING", "url_type required"},
		{"url: servtype", current, "user/get_reseller_url", test.with(form{"servtype": "domain", "url_type": "refill"}), "PARAMETER_INCORRECT", "servtype has incorrect format or data"},
		{"url: url_type", current, "user/get_reseller_url", test.with(form{"servtype": "srv_seowizard", "url_type": "x"}), "PARAMETER_INCORRECT", "url_type has incorrect format or data"},
		{"url: no url", current, "user/set_reseller_url", test.with(form{"servtype": "srv_seowizard", "url_type": "refill"}), "PARAMETER_MISSING", "url required"},
		{"url: url", current, "user/set_reseller_url", test.with(form{"servtype": "srv_seowizard", "url_type": "refill", "url": "x"}), "PARAMETER_INCORRECT", "url has incorrect format or data"},
		{"url: ordinary client", current, "user/get_reseller_url", shop, "RESELLER_AUTH_FAILED", ""},

		{"service: none named", current, "get_service_id", shop, "SERVICE_NOT_SPECIFIED", ""},
		{"service: domain", current, "get_service_id", shop.with(form{"domain_name": "qqq.ru"}), "DOMAIN_NOT_FOUND", "Domain qqq.ru not found or not owned by You"},
		{"service: id", current, "get_service_id", shop.with(form{"service_id": "7"}), "SERVICE_ID_NOT_FOUND", "Service 7 not found or not owned by You"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := post(t, regru.New(tt.opts), tt.function, tt.form)
			if got.Result != "error" || got.Code != tt.code {
				t.Errorf("got %s %s (%s), want %s", got.Result, got.Code, got.Text, tt.code)
			}
			if tt.text != "" && got.Text != tt.text {
				t.Errorf("text = %q, want %q", got.Text, tt.text)
			}
			if got.Answer != nil {
				t.Errorf("answer = %v", got.Answer)
			}
		})
	}
}

func TestAnswers(t *testing.T) {
	rates := map[string]decimal.Decimal{"USD": decimal.MustParse("80"), "EUR": decimal.MustParse("90.5"), "UAH": decimal.MustParse("2")}
	opts := regru.Options{Rates: rates}
	six := map[string]any{"active_domains_cnt": "5", "active_domains_get_ctrl_cnt": "3", "domain_folders_cnt": "2",
		"renew_domains_cnt": "4", "renew_domains_get_ctrl_cnt": "1", "undelegated_domains_cnt": "6", "balance_total": "100"}
	shopCounters := map[string]any{"active_domains_cnt": "4", "active_domains_get_ctrl_cnt": "0", "domain_folders_cnt": "1",
		"renew_domains_cnt": "1", "renew_domains_get_ctrl_cnt": "0", "undelegated_domains_cnt": "1", "balance_total": "312.40"}
	period := func(counters map[string]any, costs, registered string) map[string]any {
		all := maps.Clone(counters)
		all["costs_for_period"], all["reg_domains_cnt"] = costs, registered
		return all
	}
	tests := []struct {
		name     string
		opts     regru.Options
		function string
		form     form
		want     map[string]any
	}{
		{"nop", opts, "nop", test, map[string]any{"login": "test", "user_id": "0"}},
		{"nop with the alternative password", opts, "nop", form{"username": "partner", "password": "partner-api-secret"}, map[string]any{"login": "partner", "user_id": "4811201"}},
		{"nop by e-mail", opts, "nop", form{"username": "shop@example.ru", "password": "shop-secret"}, map[string]any{"login": "shop@example.ru", "user_id": "4811202"}},
		{"reseller_nop", opts, "reseller_nop", test, map[string]any{"login": "test", "user_id": "0"}},
		{"get_user_id is a number", opts, "get_user_id", test, map[string]any{"user_id": json.Number("0")}},
		{"get_service_id", opts, "get_service_id", test, map[string]any{"service_id": "12345"}},
		{"user/nop needs no login", opts, "user/nop", nil, nil},
		{"user/nop ignores a wrong one", opts, "user/nop", form{"username": "x", "password": "y"}, nil},
		{"domain/nop", opts, "domain/nop", nil, nil},
		{"folder/nop", opts, "folder/nop", nil, nil},
		{"zone/nop", opts, "zone/nop", test, nil},
		{"service/nop", opts, "service/nop", test, nil},
		{"dnssec/nop", opts, "dnssec/nop", test, nil},
		{"hosting/nop", opts, "hosting/nop", test, nil},
		{"shop/nop", opts, "shop/nop", test, nil},
		{"bill/nop", opts, "bill/nop", test, nil},

		{"balance of test", opts, "user/get_balance", test, map[string]any{"credit": "10", "currency": "RUR", "prepay": "1000"}},
		{"balance of a partner", opts, "user/get_balance", partner, map[string]any{"blocked": "1250.50", "credit": "30000", "currency": "RUR", "prepay": "48213.07"}},
		{"balance of a client", opts, "user/get_balance", shop, map[string]any{"currency": "RUR", "prepay": "312.40"}},
		{"balance in dollars", opts, "user/get_balance", partner.with(form{"currency": "USD"}), map[string]any{"blocked": "15.63", "credit": "375.00", "currency": "USD", "prepay": "602.66"}},
		{"balance in euros", opts, "user/get_balance", shop.with(form{"currency": "EUR"}), map[string]any{"currency": "EUR", "prepay": "3.45"}},
		{"balance in hryvnias", opts, "user/get_balance", test.with(form{"currency": "UAH"}), map[string]any{"credit": "5.00", "currency": "UAH", "prepay": "500.00"}},

		{"statistics of test", opts, "user/get_statistics", test, six},
		{"statistics of a client", opts, "user/get_statistics", shop, shopCounters},
		{"statistics, bounds inclusive", opts, "user/get_statistics", shop.with(form{"date_from": "2026-01-20", "date_till": "2026-01-20"}), period(shopCounters, "398.00", "2")},
		{"statistics, nothing in the period", opts, "user/get_statistics", shop.with(form{"date_till": "2026-01-19"}), period(shopCounters, "0.00", "0")},
		{"statistics, open end", opts, "user/get_statistics", shop.with(form{"date_from": "2026-01-01"}), period(shopCounters, "398.00", "2")},

		{"create by test", opts, "user/create", test.with(newUser), map[string]any{"user_id": "777"}},
		{"create, check only", opts, "user/create", partner.with(newUser).with(form{"check_only": "1", "user_first_name": "Ivan", "user_last_name": "Petrov"}), map[string]any{"user_id": "777"}},
		{"create", opts, "user/create", partner.with(newUser), map[string]any{"user_id": "4811203"}},
		{"create with everything", opts, "user/create", partner.with(newUser).with(form{"user_phone": "+7.4951234567", "user_fax": "+7 495 1234567",
			"user_wmid": "123456789012", "user_language": "ru", "user_mailnotify": "0", "set_me_as_referrer": "1", "user_country_code": "",
			"user_ip": "192.0.2.7", "default_country_code": "ru", "white_list_ips": "10.0.0.0/8"}), map[string]any{"user_id": "4811203"}},
		{"create in e-mail mode", opts, "user/create", partner.with(form{"email_only": "1", "user_email": "a@example.ru", "user_ip": "::1", "default_country_code": "RU"}), map[string]any{"user_id": "4811203"}},
		{"create in e-mail mode, 2017", regru.Options{Profile: regru.Profile2017}, "user/create", partner.with(form{"user_email": "a@example.ru", "user_ip": "::1", "default_country_code": "RU"}), map[string]any{"user_id": "4811203"}},
		{"create, country in small letters", regru.Options{AnyCountryCase: true}, "user/create", test.with(newUser).with(form{"user_country_code": "ru"}), map[string]any{"user_id": "777"}},

		{"refill by test", regru.Options{Profile: regru.Profile2017}, "user/refill_balance", test.with(form{"pay_type": "WM", "wmid": "123456789012", "currency": "RUR", "amount": "100"}),
			map[string]any{"currency": "RUR", "payment": "100", "pay_type": "WM", "wm_invid": "12345678", "total_payment": "100", "wmid": "123456789012"}},
		{"refill switched on", regru.Options{Refill: true, Rates: rates}, "user/refill_balance", shop.with(form{"pay_type": "WM", "wmid": "400500600700", "currency": "USD", "amount": "42.50"}),
			map[string]any{"bill_id": "70045", "currency": "USD", "payment": "42.50", "pay_type": "WM", "wm_invid": "88120045", "total_payment": "43.35", "wmid": "400500600700", "pay_notes": "Bill for prepay created"}},
		{"refill by Yandex.Money", regru.Options{Refill: true}, "user/refill_balance", shop.with(form{"pay_type": "ymbill", "currency": "RUR", "amount": "19.95"}),
			map[string]any{"bill_id": "70045", "currency": "RUR", "payment": "19.95", "pay_type": "ymbill", "total_payment": "19.95", "pay_notes": "Bill for prepay created"}},

		{"url of test", opts, "user/get_reseller_url", test.with(form{"servtype": "srv_seowizard", "url_type": "refill"}), map[string]any{"url": "http://test2.com"}},
		{"url never set", opts, "user/get_reseller_url", partner.with(form{"servtype": "srv_seowizard", "url_type": "refund"}), map[string]any{"url": ""}},
		{"bills of a client", opts, "bill/get_not_payed", shop, map[string]any{"bills": []any{}}},
		{"bill/nop with a bill of test", opts, "bill/nop", test.with(form{"bill_id": "12345"}),
			map[string]any{"bills": []any{map[string]any{"bill_id": "12345", "pay_status": "notpayed", "result": "success"}}}},
		{"bill/nop with somebody's bill", opts, "bill/nop", shop.with(form{"input_format": "json", "input_data": `{"bills":[{"bill_id":12345}]}`}),
			map[string]any{"bills": []any{map[string]any{"bill_id": "12345", "error_code": "BILL_ID_NOT_FOUND"}}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := post(t, regru.New(tt.opts), tt.function, tt.form)
			if got.Result != "success" {
				t.Fatalf("%s: %s", got.Code, got.Text)
			}
			if diff := cmp.Diff(tt.want, got.Answer); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestTransport(t *testing.T) {
	body := test.values()
	get := func(query string) *http.Request {
		r := httptest.NewRequest(http.MethodGet, "/api/regru2/nop"+query, nil)
		r.RemoteAddr = "127.0.0.1:50000"
		return r
	}
	withQuery := func(query string) *http.Request {
		r := request("nop", body)
		r.URL.RawQuery = query
		return r
	}
	tests := []struct {
		name    string
		profile regru.Profile
		request *http.Request
		code    string // empty: success
	}{
		{"POST", regru.ProfileCurrent, request("nop", body), ""},
		{"GET", regru.ProfileCurrent, get(""), "ONLY_POST_ALLOWED"},
		{"GET with parameters", regru.ProfileCurrent, get("?" + body.Encode()), "ONLY_POST_ALLOWED"},
		{"GET, 2017", regru.Profile2017, get("?" + body.Encode()), ""},
		{"PUT, 2017", regru.Profile2017, httptest.NewRequest(http.MethodPut, "/api/regru2/nop", nil), "ONLY_POST_ALLOWED"},
		{"parameters in the query", regru.ProfileCurrent, withQuery("lang=ru"), "QUERY_PARAMS_DISALLOWED"},
		{"parameters in the query, 2017", regru.Profile2017, withQuery("lang=ru"), ""},
		{"empty query", regru.ProfileCurrent, withQuery(""), ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := decode(t, do(regru.New(regru.Options{Profile: tt.profile}), tt.request))
			if got.Code != tt.code {
				t.Errorf("code = %q, want %q", got.Code, tt.code)
			}
		})
	}
	if w := do(regru.New(regru.Options{}), httptest.NewRequest(http.MethodPost, "/else", nil)); w.Code != http.StatusNotFound {
		t.Errorf("outside the base path: status %d", w.Code)
	}
}

func TestInputForms(t *testing.T) {
	json := func(f form, data string) *http.Request {
		return request("user/get_balance", f.with(form{"input_format": "json", "input_data": data}).values())
	}
	var parts bytes.Buffer
	m := multipart.NewWriter(&parts)
	for name, value := range partner.with(form{"input_format": "json", "input_data": `{"currency":"RUR"}`}) {
		if err := m.WriteField(name, value); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	multi := httptest.NewRequest(http.MethodPost, "/api/regru2/user/get_balance", &parts)
	multi.Header.Set("Content-Type", m.FormDataContentType())
	multi.RemoteAddr = "[::1]:50000"
	typeless := request("user/get_balance", partner.values())
	typeless.Header.Del("Content-Type")

	tests := []struct {
		name     string
		request  *http.Request
		currency string
		code     string
	}{
		{"plain", request("user/get_balance", partner.with(form{"currency": "USD"}).values()), "USD", ""},
		{"json", json(partner, `{"currency":"USD"}`), "USD", ""},
		{"json over fields", json(partner.with(form{"currency": "EUR"}), `{"currency":"USD"}`), "USD", ""},
		{"credentials inside", json(form{}, `{"username":"partner","password":"partner-secret"}`), "RUR", ""},
		{"null is absent", json(partner, `{"currency":null}`), "RUR", ""},
		{"unknown input_format is plain", request("user/get_balance", partner.with(form{"input_format": "pickle", "input_data": "{", "currency": "EUR"}).values()), "EUR", ""},
		{"json without input_data", request("user/get_balance", partner.with(form{"input_format": "json"}).values()), "RUR", ""},
		{"unknown parameters", json(partner, `{"colour":{"a":[1,true,null]}}`), "RUR", ""},
		{"multipart", multi, "RUR", ""},
		{"no content type: no parameters", typeless, "", "NO_AUTH"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := decode(t, do(regru.New(regru.Options{}), tt.request))
			if got.Code != tt.code || (tt.code == "" && got.Answer["currency"] != tt.currency) {
				t.Errorf("got %s %v", got.Code, got.Answer)
			}
		})
	}
}

func TestOutputForms(t *testing.T) {
	tests := []struct {
		name        string
		function    string
		form        form
		contentType string
		want        string
	}{
		{"json", "user/get_balance", test, "application/json; charset=utf-8", `{
   "answer" : {
      "credit" : "10",
      "currency" : "RUR",
      "prepay" : "1000"
   },
   "charset" : "utf-8",
   "messagestore" : null,
   "result" : "success"
}
`},
		{"no answer", "user/nop", nil, "application/json; charset=utf-8", `{
   "charset" : "utf-8",
   "messagestore" : null,
   "result" : "success"
}
`},
		{"error", "user/get_balance", nil, "application/json; charset=utf-8", `{
   "charset" : "utf-8",
   "error_code" : "NO_AUTH",
   "error_params" : {
      "command_name" : "user/get_balance"
   },
   "error_text" : "No authorization mechanism selected",
   "messagestore" : null,
   "result" : "error"
}
`},
		{"empty list, tokens kept", "bill/get_not_payed", shop.with(form{"show_input_params": "1", "note": "<email>&"}), "application/json; charset=utf-8", `{
   "answer" : {
      "bills" : []
   },
   "charset" : "utf-8",
   "input_params" : {
      "note" : "<email>&",
      "password" : "shop-secret",
      "show_input_params" : "1",
      "username" : "shop"
   },
   "messagestore" : null,
   "result" : "success"
}
`},
		{"plain", "nop", test.with(form{"output_format": "plain"}), "text/plain; charset=utf-8", "Success: ; login: test; user_id: 0\n"},
		{"plain drops what is nested", "bill/get_not_payed", test.with(form{"output_format": "plain"}), "text/plain; charset=utf-8", "Success: \n"},
		{"plain error", "nop", form{"output_format": "plain"}, "text/plain; charset=utf-8", "error; NO_AUTH; No authorization mechanism selected\n"},
		{"content type plain", "user/nop", form{"output_content_type": "plain", "output_format": "plain"}, "text/plain; charset=utf-8", "Success: \n"},
		{"any content type", "user/nop", form{"output_content_type": "text/javascript", "output_format": "plain"}, "text/javascript; charset=utf-8", "Success: \n"},
		{"Russian in cp1251", "nop", form{"output_format": "plain", "io_encoding": "cp1251", "lang": "ru", "username": "x"}, "text/plain; charset=cp1251",
			"error; NO_AUTH; \xcd\xe5 \xee\xef\xf0\xe5\xe4\xe5\xeb\xb8\xed \xf1\xef\xee\xf1\xee\xe1 \xe0\xe2\xf2\xee\xf0\xe8\xe7\xe0\xf6\xe8\xe8\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := do(regru.New(regru.Options{}), request(tt.function, tt.form.values()))
			if got := w.Header().Get("Content-Type"); got != tt.contentType {
				t.Errorf("Content-Type = %q, want %q", got, tt.contentType)
			}
			if diff := cmp.Diff(tt.want, w.Body.String()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestInputEncoding(t *testing.T) {
	// "Не" in koi8-r comes back as such in input_params.
	f := url.Values{"io_encoding": {"koi8-r"}, "user_city": {"\xee\xc5"}, "show_input_params": {"1"}}
	w := do(regru.New(regru.Options{}), request("user/nop", f))
	if !bytes.Contains(w.Body.Bytes(), []byte("\"user_city\" : \"\xee\xc5\"")) {
		t.Errorf("body = %q", w.Body.String())
	}
}

func TestErrorParams(t *testing.T) {
	s := regru.New(regru.Options{})
	for _, tt := range []struct {
		function string
		form     form
		want     map[string]any
	}{
		{"user/create", test, map[string]any{"param": "user_login"}},
		{"bad/command", test, map[string]any{"command_name": "bad/command"}},
		{"user/get_balance", test.with(form{"currency": "XXX"}), nil},
		{"reseller_nop", shop, map[string]any{"command_name": "reseller_nop"}},
	} {
		if diff := cmp.Diff(tt.want, post(t, s, tt.function, tt.form).Params); diff != "" {
			t.Errorf("%s: %s", tt.function, diff)
		}
	}
}

func TestCreateKeepsState(t *testing.T) {
	s := regru.New(regru.Options{})
	values := partner.with(newUser).values()
	values["white_list_ips"] = []string{"127.0.0.", "10.1.2.3/255.255.0.0"}
	if got := decode(t, do(s, request("user/create", values))); got.Result != "success" {
		t.Fatal(got.Code, got.Text)
	}
	if got := post(t, s, "user/create", partner.with(newUser)); got.Code != "USER_LOGIN_NOT_UNIQUE" {
		t.Errorf("second time: %q", got.Code)
	}
	if got := post(t, s, "nop", form{"username": "othertest", "password": "xxxxx"}); got.Answer["user_id"] != "4811203" {
		t.Errorf("new user's nop: %+v", got)
	}
	a, ok := s.Account("othertest")
	if !ok || a.Email != "test@example.com" || a.Partner {
		t.Errorf("account = %+v", a)
	}
	// Without addresses nothing works (2.1).
	post(t, s, "user/create", partner.with(newUser).with(form{"user_login": "second"}))
	if got := post(t, s, "nop", form{"username": "second", "password": "xxxxx"}); got.Code != "ACCESS_DENIED_FROM_IP" {
		t.Errorf("without addresses: %q", got.Code)
	}
	if _, ok := s.Account("third"); ok {
		t.Error("an account that nobody made")
	}
}

func TestTestAccountChangesNothing(t *testing.T) {
	s := regru.New(regru.Options{Refill: true})
	post(t, s, "user/create", test.with(newUser))
	post(t, s, "user/refill_balance", test.with(form{"pay_type": "WM", "wmid": "123456789012", "currency": "RUR", "amount": "100"}))
	key := form{"servtype": "srv_seowizard", "url_type": "refill"}
	post(t, s, "user/set_reseller_url", test.with(key).with(form{"url": "https://example.ru/"}))

	if _, ok := s.Account("othertest"); ok {
		t.Error("user/create made an account")
	}
	bills := post(t, s, "bill/get_not_payed", test).Answer["bills"].([]any)
	if len(bills) != 1 || bills[0].(map[string]any)["bill_id"] != "12345" {
		t.Errorf("bills = %v", bills)
	}
	if got := post(t, s, "user/get_reseller_url", test.with(key)).Answer["url"]; got != "http://test2.com" {
		t.Errorf("url = %v", got)
	}
}

func TestResellerURL(t *testing.T) {
	s := regru.New(regru.Options{})
	key := partner.with(form{"servtype": "srv_seowizard", "url_type": "refill"})
	const url = "https://example.ru/?id=<service_id>&mail=<email>"
	if got := post(t, s, "user/set_reseller_url", key.with(form{"url": url})); got.Result != "success" || got.Answer != nil {
		t.Fatalf("set: %+v", got)
	}
	if got := post(t, s, "user/get_reseller_url", key).Answer["url"]; got != url {
		t.Errorf("url = %v", got)
	}
	if got := post(t, s, "user/get_reseller_url", key.with(form{"url_type": "refund"})).Answer["url"]; got != "" {
		t.Errorf("the other url = %v", got)
	}
}

func TestInvoices(t *testing.T) {
	now := time.Date(2026, 5, 6, 7, 8, 9, 0, time.UTC)
	s := regru.New(regru.Options{Refill: true, Now: func() time.Time { return now },
		Rates: map[string]decimal.Decimal{"USD": decimal.MustParse("80.5")}})
	refill := shop.with(form{"pay_type": "WM", "wmid": "400500600700", "currency": "USD", "amount": "42.50"})
	for range 3 {
		post(t, s, "user/refill_balance", refill)
	}
	bill := func(id string) any {
		return map[string]any{"bill_id": id, "bill_date": "2026-05-06", "currency": "USD", "payment": "3421.25", "total_payment": "43.35",
			"pay_type": "WM", "pay_status": "notpayed", "pay_date": nil, "items": []any{map[string]any{"itemtype": "prepayment"}}}
	}
	for _, tt := range []struct {
		form form
		want []any
	}{
		{shop, []any{bill("70045"), bill("70046"), bill("70047")}},
		{shop.with(form{"limit": "1"}), []any{bill("70045")}},
		{shop.with(form{"limit": "1", "offset": "2"}), []any{bill("70047")}},
		{shop.with(form{"offset": "3"}), []any{}},
		{shop.with(form{"offset": "4"}), []any{}},
		{partner, []any{}},
	} {
		if diff := cmp.Diff(tt.want, post(t, s, "bill/get_not_payed", tt.form).Answer["bills"]); diff != "" {
			t.Errorf("%v: %s", tt.form, diff)
		}
	}
	if got := post(t, s, "bill/nop", shop.with(form{"bill_id": "70046"})).Answer["bills"].([]any)[0].(map[string]any)["pay_status"]; got != "notpayed" {
		t.Errorf("bill/nop: %v", got)
	}
	if a, _ := s.Account("shop"); a.Prepay.String() != "312.40" {
		t.Errorf("an unpaid invoice changed the balance to %v", a.Prepay)
	}
}

func TestRate(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	rate := regru.Rate{Calls: 2, Per: time.Minute}
	s := regru.New(regru.Options{Rate: rate, Now: func() time.Time { return now }})
	from := func(ip string, f form) string {
		r := request("nop", f.values())
		r.RemoteAddr = ip + ":1"
		return decode(t, do(s, r)).Code
	}
	for i, step := range []struct {
		wait time.Duration
		ip   string
		form form
		want string
	}{
		{0, "127.0.0.1", shop, ""},
		{0, "127.0.0.1", partner, ""},
		{0, "127.0.0.1", test, "IP_EXCEEDED_ALLOWED_CONNECTION_RATE"},
		{0, "127.0.0.2", shop, ""},
		{0, "127.0.0.2", shop, "ACCOUNT_EXCEEDED_ALLOWED_CONNECTION_RATE"},
		{0, "127.0.0.3", partner, ""},
		{59 * time.Second, "127.0.0.4", shop, "ACCOUNT_EXCEEDED_ALLOWED_CONNECTION_RATE"},
		{time.Second, "127.0.0.1", shop, ""},
	} {
		now = now.Add(step.wait)
		if got := from(step.ip, step.form); got != step.want {
			t.Errorf("step %d: %q, want %q", i, got, step.want)
		}
	}

	off := regru.New(regru.Options{Rate: regru.Rate{Calls: -1}})
	byDefault := regru.New(regru.Options{Now: func() time.Time { return now }})
	for i := range 1201 {
		if got := post(t, off, "nop", test).Code; got != "" {
			t.Fatalf("without a limit: %s", got)
		}
		want := ""
		if i == 1200 {
			want = "IP_EXCEEDED_ALLOWED_CONNECTION_RATE"
		}
		if got := post(t, byDefault, "nop", test).Code; got != want {
			t.Fatalf("call %d: %q, want %q", i+1, got, want)
		}
	}
}

func TestAllowedIPs(t *testing.T) {
	for _, tt := range []struct {
		allowed, source string
		code            string
	}{
		{"192.168.0.1", "192.168.0.1", ""},
		{"192.168.0.1", "192.168.0.2", "ACCESS_DENIED_FROM_IP"},
		{"192.168.0.1/24", "192.168.0.200", ""},
		{"192.168.0.1/32", "192.168.0.2", "ACCESS_DENIED_FROM_IP"},
		{"192.168.0.1/255.255.255.0", "192.168.0.9", ""},
		{"192.168.0.1/255.255.255.255", "192.168.0.9", "ACCESS_DENIED_FROM_IP"},
		{"192.168.0.1/255.0.255.0", "192.168.0.1", "ACCESS_DENIED_FROM_IP"},
		{"192.168.", "192.168.77.1", ""},
		{"192.168.", "192.169.0.1", "ACCESS_DENIED_FROM_IP"},
		{"2001:db8::/32", "[2001:db8::1]", ""},
		{"nonsense", "192.168.0.1", "ACCESS_DENIED_FROM_IP"},
	} {
		s := regru.New(regru.Options{Accounts: []regru.Account{{Login: "a", Password: "p", AllowedIPs: []string{tt.allowed}}}})
		r := request("nop", form{"username": "a", "password": "p"}.values())
		r.RemoteAddr = tt.source + ":1"
		if got := decode(t, do(s, r)).Code; got != tt.code {
			t.Errorf("%s from %s: %q, want %q", tt.allowed, tt.source, got, tt.code)
		}
	}
}

func TestQuirks(t *testing.T) {
	refill := shop.with(form{"pay_type": "WM", "wmid": "040050060070", "currency": "RUR", "amount": "42.50"})
	tests := []struct {
		quirk    string
		function string
		form     form
		status   int
		want     string // part of the body
	}{
		{"numbers", "user/get_balance", partner, 200, `"prepay" : 48213.07`},
		{"numbers", "user/refill_balance", refill, 200, `"wmid" : "040050060070"`},
		{"bare_envelope", "user/nop", nil, 200, "{\n   \"result\" : \"success\"\n}\n"},
		{"wm_invid_0", "user/refill_balance", refill, 200, `"wm_invid" : "0"`},
		{"billing_lock", "user/refill_balance", refill, 200, `"BILLING_LOCK"`},
		{"billing_lock", "user/get_balance", shop, 200, `"success"`},
		{"password_auth_failed", "nop", form{"username": "x", "password": "y"}, 200, `"PASSWORD_AUTH_FAILED"`},
		{"unavailable503", "user/get_balance", shop, 503, `"error_text" : "Внутренняя ошибка"`},
		{"NOT_ENOUGH_MONEY", "user/refill_balance", refill, 200, `"NOT_ENOUGH_MONEY"`},
		{"INTERNAL_ERROR", "user/get_balance", shop, 200, `"Internal error: simulated"`},
		{"SERVICE_UNAVAILABLE", "user/get_balance", form{}, 200, `"NO_AUTH"`},
	}
	for _, tt := range tests {
		t.Run(tt.quirk, func(t *testing.T) {
			s := regru.New(regru.Options{Refill: true})
			if err := s.Control.Inject(simulator.Fault{Kind: simulator.KindQuirk, Quirk: tt.quirk}); err != nil {
				t.Fatal(err)
			}
			w := do(s, request(tt.function, tt.form.values()))
			if w.Code != tt.status || !strings.Contains(w.Body.String(), tt.want) {
				t.Errorf("status %d, body %s", w.Code, w.Body)
			}
			if !json.Valid(w.Body.Bytes()) {
				t.Error("not JSON")
			}
		})
	}
	s := regru.New(regru.Options{})
	if err := s.Control.Inject(simulator.Fault{Kind: simulator.KindQuirk, Quirk: "wm_invid"}); err == nil {
		t.Error("an unknown quirk was taken")
	}
}

func TestWireLevel(t *testing.T) {
	s := regru.New(regru.Options{})
	server := httptest.NewServer(s)
	defer server.Close()
	resp, err := http.PostForm(server.URL+"/api/regru2/user/get_balance", shop.values())
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK || !strings.Contains(string(body), `"prepay" : "312.40"`) {
		t.Errorf("%v %d %s", err, resp.StatusCode, body)
	}
	big, err := http.PostForm(server.URL+"/api/regru2/user/nop", url.Values{"x": {strings.Repeat("x", 1<<20)}})
	if err != nil {
		t.Fatal(err)
	}
	defer big.Body.Close()
	if body, err = io.ReadAll(big.Body); err != nil || !strings.Contains(string(body), "request is too big") {
		t.Errorf("a body of more than 1 MiB: %v %s", err, body)
	}
	if diff := cmp.Diff(map[string]int{"user/get_balance": 1, "user/nop": 1}, s.Control.Calls()); diff != "" {
		t.Error(diff)
	}
}
