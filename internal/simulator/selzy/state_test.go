package selzy_test

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"accountgateway/internal/simulator/selzy"
)

// TestUserInfo compares whole answers: what is there, in which type and order.
func TestUserInfo(t *testing.T) {
	const ordinary = `{"result":{"login":"acme_shop","email":"owner@acme.example","firstname":"Ada","middlename":"",` +
		`"lastname":"Byron","reg_time":"2021-06-14 09:12:45","phone":"+15550100","company":"Acme","channel":"",` +
		`"timezone":"America/New_York","master":"","balance":-4.75,"currency":"USD","emails_paid":5000,"emails_used":5317,` +
		`"period_emails_paid":15000,"period_emails_used":212,"email_period_start":"2026-03-05 00:00:00",` +
		`"email_period_end":"2026-04-05 00:00:00","tariff_id":71,"next_tariff_id":71,` +
		`"services":[{"id":9,"tariff":"crm_basic_3m","paidUntil":"2026-06-05 00:00:00"}],"country":"USA","language":"en",` +
		`"rights":"","is_active":1,"reg_ref":"","reg_url":"https://selzy.com/en/registration/","api_mode":"on",` +
		`"subscribers_total":null,"subscribers_used":998}}`
	s := newServer(t, selzy.Options{})
	if got := post(t, s, "getUserInfo", "api_key=ordinarykey"); got != ordinary {
		t.Errorf("got  %s\nwant %s", got, ordinary)
	}
	if got := post(t, s, "getUserInfo", "api_key=ordinarykey&login=lumi_cafe"); got != ordinary {
		t.Errorf("login of others than resellers is ignored, got %s", got)
	}
}

// TestUserInfoRules has one row for each field whose presence or value depends on somebody.
func TestUserInfoRules(t *testing.T) {
	absent := "absent"
	for _, test := range []struct {
		name, form, field string
		brand             selzy.Brand
		want              any
	}{
		{"rights of a reseller", "api_key=resellerkey", "rights", "", "reseller"},
		{"balance as text of the decimal", "api_key=resellerkey", "balance", "", json.Number("1530.07")},
		{"bonus of a reseller", "api_key=resellerkey", "balance_bonus", "", json.Number("30.07")},
		{"bonus of a reseller", "api_key=resellerkey", "balance_bonus", selzy.UniSender, json.Number("30.07")},
		{"bonus of a user, Selzy", "api_key=resellerkey&login=steppe_books", "balance_bonus", "", json.Number("250.5")},
		{"bonus of a user, UniSender", "api_key=resellerkey&login=steppe_books", "balance_bonus", selzy.UniSender, absent},
		{"bonus for others", "api_key=ordinarykey", "balance_bonus", "", absent},
		{"currency, Selzy", "api_key=resellerkey&login=steppe_books", "currency", "", "KZT"},
		{"currency, UniSender", "api_key=resellerkey&login=steppe_books", "currency", selzy.UniSender, "RUB"},
		{"own login", "api_key=resellerkey&login=nord_partner", "login", "", "nord_partner"},
		{"api off of a user", "api_key=resellerkey&login=steppe_books", "api_mode", "", "off"},
		{"test mode of the caller", "api_key=testkey", "api_mode", "", "test"},
		{"not active", "api_key=resellerkey&login=rio_flores", "is_active", "", json.Number("0")},
		{"additional user", "api_key=resellerkey&login=lumi_cafe_staff", "master", "", "lumi_cafe"},
		{"no contacts allowed", "api_key=resellerkey&login=lumi_cafe_staff", "subscribers_total", "", json.Number("0")},
		{"unlimited contacts", "api_key=crmkey", "subscribers_total", "", nil},
		{"no services", "api_key=crmkey", "services", "", []any{}},
		{"no period", "api_key=resellerkey&login=old.timer@nord.example", "email_period_start", "", ""},
		{"CRM: sending", "api_key=crmkey", "disable_sending", "", json.Number("0")},
		{"CRM: contacts", "api_key=crmkey", "user_reg_info_subscribers_approx_num", "", "up to 5 thousand"},
		{"CRM: industry", "api_key=crmkey", "user_reg_info_industry_info", "", "retail"},
		{"CRM: city", "api_key=crmkey", "user_reg_info_city", "", "Lviv"},
		{"no CRM right", "api_key=resellerkey", "user_reg_info_city", "", absent},
		{"no CRM right", "api_key=ordinarykey", "disable_sending", "", absent},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, ok := fields(t, newServer(t, selzy.Options{Brand: test.brand}), "getUserInfo", test.form)[test.field]
			if !ok {
				got = absent
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestGetUsers(t *testing.T) {
	all := []string{"lumi_cafe", "lumi_cafe_staff", "steppe_books", "rio_flores", "old.timer@nord.example", "second_desk"}
	for _, test := range []struct {
		name, form string
		want       []string
	}{
		{"all of the reseller", "", all},
		{"after, inclusive", "registered_after=2023-11-05 07:30", []string{"lumi_cafe", "lumi_cafe_staff"}},
		{"before, inclusive", "registered_before=2019-05-05 05:05", []string{"old.timer@nord.example", "second_desk"}},
		{"between", "registered_after=2020-01-01 00:00&registered_before=2023-01-01 00:00", []string{"steppe_books", "rio_flores"}},
		{"none", "registered_after=2030-01-01 00:00", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			users, ok := result(t, newServer(t, selzy.Options{}), "getUsers", "api_key=resellerkey&"+test.form).([]any)
			if !ok {
				t.Fatal("result is no array")
			}
			var got []string
			for _, u := range users {
				user := u.(map[string]any)
				got = append(got, user["login"].(string))
				if user["balance_bonus"] == nil || user["is_active"] == nil {
					t.Errorf("%s lacks balance_bonus or is_active", user["login"])
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestCheckUserExists(t *testing.T) {
	for _, test := range []struct{ form, login, email string }{
		{"login=acme_shop", "1", "0"},
		{"email=hello@lumi.example", "0", "1"},
		{"login=nobody&email=owner@acme.example", "0", "1"},
		{"login=ACME_SHOP&email=nobody@nowhere.example", "1", "0"},
	} {
		t.Run(test.form, func(t *testing.T) {
			got := fields(t, newServer(t, selzy.Options{}), "checkUserExists", "api_key=resellerkey&"+test.form)
			want := map[string]any{"login_exists": json.Number(test.login), "email_exists": json.Number(test.email)}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestRegister(t *testing.T) {
	s := newServer(t, selzy.Options{})
	key := fields(t, s, "register", "api_key=resellerkey&email=new@shop.example&login=new_shop&password=hunter2&notify=1"+
		"&extra[firstname]=Zoë&extra[lastname]=ignored&extra[channel]=api&timezone=Europe/Berlin&country_code=DEU"+
		"&currency_code=USD&api_mode=test&ip=192.0.2.1")["api_key"].(string)

	if len(key) < 32 || strings.ToLower(key) != key {
		t.Errorf("key %q", key)
	}
	info := fields(t, s, "getUserInfo", "api_key="+key)
	want := map[string]any{
		"login": "new_shop", "email": "new@shop.example", "firstname": "Zoë", "lastname": "", "channel": "api",
		"timezone": "Europe/Berlin", "country": "DEU", "currency": "USD", "api_mode": "test", "balance": json.Number("0"),
		"reg_time": "2026-03-20 12:00:00", "is_active": json.Number("1"), "rights": "",
	}
	for field, value := range want {
		if diff := cmp.Diff(value, info[field]); diff != "" {
			t.Errorf("%s: %s", field, diff)
		}
	}
	if got := fields(t, s, "getUserInfo", "api_key=resellerkey&login=new_shop")["login"]; got != "new_shop" {
		t.Errorf("the reseller sees %v", got)
	}
	if users := result(t, s, "getUsers", "api_key=resellerkey&registered_after=2026-03-20 12:00").([]any); len(users) != 1 {
		t.Errorf("getUsers has %d new users", len(users))
	}
	again := decode(t, post(t, s, "register", "api_key=resellerkey&email=other@shop.example&login=new_shop"))
	if again.Code != "invalid_arg" {
		t.Errorf("the login is taken, got %+v", again)
	}
}

func TestRegisterDefaults(t *testing.T) {
	s := newServer(t, selzy.Options{})
	fields(t, s, "register", "api_key=resellerkey&email=new@shop.example")
	got, _ := s.Account("new@shop.example")
	if got.Owner != "nord_partner" || got.Currency != "EUR" || got.Country != "DNK" || got.Timezone != "UTC" || got.APIMode != selzy.ModeOn {
		t.Errorf("%+v", got)
	}
}

func TestRegisterUnknownTimezoneWarns(t *testing.T) {
	for _, zone := range []string{"Mars/Olympus", "Local", "../etc/passwd"} {
		s := newServer(t, selzy.Options{})
		e := decode(t, post(t, s, "register", "api_key=resellerkey&email=new@shop.example&timezone="+zone))
		if e.Code != "" || string(e.Warnings) != `[{"warning":"time zone not found, UTC used"}]` {
			t.Errorf("%s: %+v", zone, e)
		}
		if a, _ := s.Account("new@shop.example"); a.Timezone != "UTC" {
			t.Errorf("%s: zone %q", zone, a.Timezone)
		}
	}
}

// TestRegisterWithConfirmation: open to everybody, once a minute and address, and not active until confirmed.
func TestRegisterWithConfirmation(t *testing.T) {
	now := noon
	s := newServer(t, selzy.Options{Now: func() time.Time { return now }})
	const first = "email=one@shop.example&login=one&need_confirm=1&extra[lastname]=L&extra[company]=C&extra[phone]=%2B1"
	if got := post(t, s, "register", first); got != `{"result":[]}` {
		t.Fatal(got)
	}
	a, ok := s.Account("one")
	if !ok || a.Active || a.LastName != "L" || a.Company != "C" || a.Owner != "" || a.Country != "USA" || a.Currency != "USD" {
		t.Errorf("%v %+v", ok, a)
	}
	if e := decode(t, post(t, s, "register", "api_key=ordinarykey&email=two@shop.example&need_confirm=1")); e.Code != "api_call_limit_exceeded_for_ip" {
		t.Errorf("second in a minute: %+v", e)
	}
	if e := decode(t, post(t, s, "register", "api_key=resellerkey&email=three@shop.example&need_confirm=1")); e.Code != "" {
		t.Errorf("a reseller has no such limit: %+v", e)
	}
	now = now.Add(time.Minute)
	if e := decode(t, post(t, s, "register", "api_key=ordinarykey&email=two@shop.example&need_confirm=1")); e.Code != "" {
		t.Errorf("a minute later: %+v", e)
	}
}

// TestTransferMoney has one row for each rule about sums.
func TestTransferMoney(t *testing.T) {
	for _, test := range []struct{ name, form, want string }{
		{"from the reseller, 10 % discount on top", "source_email=desk@nord.example&target_email=hello@lumi.example&sum=10.01&currency=EUR",
			`{"result":{"source_old_balance":1530.07,"source_new_balance":1520.06,"source_currency":"EUR","target_old_balance":18.52,"target_new_balance":29.53,"target_currency":"EUR"}}`},
		{"back to the reseller, no discount", "source_email=hello@lumi.example&target_email=desk@nord.example&sum=18.52&currency=EUR",
			`{"result":{"source_old_balance":18.52,"source_new_balance":0,"source_currency":"EUR","target_old_balance":1530.07,"target_new_balance":1548.59,"target_currency":"EUR"}}`},
		{"between users, by login, converted", "source_login=lumi_cafe&target_login=old.timer@nord.example&sum=10&currency=USD",
			`{"result":{"source_old_balance":18.52,"source_new_balance":9.29,"source_currency":"EUR","target_old_balance":0,"target_new_balance":10,"target_currency":"USD"}}`},
		{"into a debt", "source_login=lumi_cafe&target_login=second_desk&sum=0.25&currency=EUR",
			`{"result":{"source_old_balance":18.52,"source_new_balance":18.27,"source_currency":"EUR","target_old_balance":-0.5,"target_new_balance":-0.25,"target_currency":"EUR"}}`},
		{"other currencies than the sum's", "source_login=steppe_books&target_login=rio_flores&sum=92.75&currency=RUB",
			`{"result":{"source_old_balance":184250.5,"source_new_balance":183729.2,"source_currency":"KZT","target_old_balance":0.01,"target_new_balance":5.65,"target_currency":"BRL"}}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newServer(t, selzy.Options{})
			if got := post(t, s, "transferMoney", "api_key=resellerkey&"+test.form); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestTransferMoneyIsKept(t *testing.T) {
	s := newServer(t, selzy.Options{})
	const move = "api_key=resellerkey&source_email=desk@nord.example&target_email=hello@lumi.example&sum=1000&currency=EUR"
	result(t, s, "transferMoney", move)
	if got := fields(t, s, "getUserInfo", "api_key=lumikey")["balance"]; got != json.Number("1118.52") {
		t.Errorf("balance %v", got)
	}
	refused := post(t, s, "transferMoney", move)
	if refused != `{"error":"Your account balance is only 500.00 eur, and you want to transfer 1000 eur","code":"unspecified","result":""}` {
		t.Error(refused)
	}
	if got := fields(t, s, "getUserInfo", "api_key=resellerkey")["balance"]; got != json.Number("530.07") {
		t.Errorf("balance %v", got)
	}
}

func TestChangeTariff(t *testing.T) {
	s := newServer(t, selzy.Options{})
	got := post(t, s, "changeTariff", "api_key=resellerkey&login=steppe_books&tariff_id=72")
	// 35.50 USD are 18506.15 KZT, 250.5 of them from the bonus.
	want := `{"result":{"tariff_id":72,"charged_sum":18255.65,"charged_bonus":250.5,"start_time":"2026-03-20 12:00:00","end_time":"2026-04-20 12:00:00"}}`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	info := fields(t, s, "getUserInfo", "api_key=resellerkey&login=steppe_books")
	for field, value := range map[string]any{
		"balance": json.Number("165744.35"), "balance_bonus": json.Number("0"), "tariff_id": json.Number("72"),
		"next_tariff_id": json.Number("72"), "period_emails_paid": json.Number("60000"), "period_emails_used": json.Number("0"),
		"email_period_start": "2026-03-20 12:00:00", "email_period_end": "2026-04-20 12:00:00", "subscribers_total": json.Number("5000"),
	} {
		if diff := cmp.Diff(value, info[field]); diff != "" {
			t.Errorf("%s: %s", field, diff)
		}
	}
	free := fields(t, s, "changeTariff", "api_key=resellerkey&login=second_desk&tariff_id=1")
	if free["charged_sum"] != json.Number("0") {
		t.Errorf("the free tariff is open to an account below zero: %v", free)
	}
	fields(t, s, "changeTariff", "api_key=resellerkey&login=steppe_books&tariff_id=71")
	if got := fields(t, s, "getUserInfo", "api_key=resellerkey&login=steppe_books")["subscribers_total"]; got != nil {
		t.Errorf("tariff 71 is unlimited, got %v", got)
	}
}

func TestSenders(t *testing.T) {
	s := newServer(t, selzy.Options{})
	const domains = "api_key=ordinarykey&username=acme_shop"
	first := fields(t, s, "setSenderDomain", domains+"&domain=Acme.example")["dkim"]
	if again := fields(t, s, "setSenderDomain", domains+"&domain=acme.example")["dkim"]; first != again || first == "" {
		t.Errorf("dkim %v, then %v", first, again)
	}
	fields(t, s, "setSenderDomain", domains+"&domain=mail.acme.example")
	for _, test := range []struct {
		form string
		want []string
	}{
		{"", []string{"acme.example", "mail.acme.example"}},
		{"&domain=mail.acme.example", []string{"mail.acme.example"}},
		{"&limit=1", []string{"acme.example"}},
		{"&limit=1&offset=1", []string{"mail.acme.example"}},
		{"&offset=2", nil},
	} {
		answer := fields(t, s, "getSenderDomainList", domains+test.form)
		var got []string
		for _, d := range answer["domains"].([]any) {
			got = append(got, d.(map[string]any)["Domain"].(string))
		}
		if diff := cmp.Diff(test.want, got); diff != "" || answer["status"] != "success" {
			t.Errorf("%q: %v %s", test.form, answer["status"], diff)
		}
	}

	post(t, s, "validateSender", "api_key=ordinarykey&email=news@acme.example&login=lumi_cafe") // login ignored
	want := []any{
		map[string]any{"email": "owner@acme.example", "name": "Acme", "is_checked": true},
		map[string]any{"email": "news@acme.example", "name": "Acme", "is_checked": false},
	}
	if diff := cmp.Diff(want, result(t, s, "getCheckedEmail", "api_key=ordinarykey&login=acme_shop")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(want[1:], result(t, s, "getCheckedEmail", "api_key=ordinarykey&login=acme_shop&email=news@acme.example")); diff != "" {
		t.Error(diff)
	}
	post(t, s, "validateSender", "api_key=resellerkey&email=x@lumi.example&login=lumi_cafe")
	if a, _ := s.Account("lumi_cafe"); len(a.Senders) != 1 {
		t.Errorf("a reseller adds a sender for its user, got %v", a.Senders)
	}
	if got := fields(t, s, "getTotalContactsCount", "api_key=resellerkey&login=lumi_cafe")["total"]; got != json.Number("4321") {
		t.Errorf("total %v", got)
	}
}

func TestCurrencyRates(t *testing.T) {
	for brand, visible := range map[selzy.Brand][]string{
		selzy.Selzy:     {"USD", "EUR", "UAH", "KZT", "BRL"},
		selzy.UniSender: {"USD", "EUR", "UAH", "RUB"},
	} {
		var got []string
		for _, r := range result(t, newServer(t, selzy.Options{Brand: brand}), "getCurrencyRates", "api_key=ordinarykey").([]any) {
			rate := r.(map[string]any)
			if _, quoted := rate["rate_to_usd"].(string); !quoted {
				t.Errorf("rate_to_usd %v is not quoted", rate["rate_to_usd"])
			}
			if rate["is_visible"] == true {
				got = append(got, rate["code"].(string))
			}
		}
		if diff := cmp.Diff(visible, got); diff != "" {
			t.Errorf("%s: %s", brand, diff)
		}
	}
}

// TestTestMode: methods that change something report success and change nothing, by account or by call.
func TestTestMode(t *testing.T) {
	for _, test := range []struct{ name, method, form, login string }{
		{"register", "register", "api_key=testkey&email=a@b.example&login=newcomer", "newcomer"},
		{"register, this call", "register", "api_key=resellerkey&test_mode=1&email=a@b.example&login=newcomer", "newcomer"},
		{"register, this call, from Python", "register", "api_key=resellerkey&test_mode=True&email=a@b.example&login=newcomer", "newcomer"},
		{"transfer", "transferMoney", "api_key=testkey&source_login=sandbox_lab&target_login=sandbox_user&sum=5&currency=USD", "sandbox_user"},
		{"tariff", "changeTariff", "api_key=testkey&login=sandbox_user&tariff_id=72", "sandbox_user"},
		{"domain", "setSenderDomain", "api_key=testkey&username=sandbox_user&domain=a.example", "sandbox_user"},
		{"sender", "validateSender", "api_key=testkey&login=sandbox_user&email=a@b.example", "sandbox_user"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newServer(t, selzy.Options{})
			before, existed := s.Account(test.login)
			result(t, s, test.method, test.form)
			after, exists := s.Account(test.login)
			if existed != exists || before.Balance.Cmp(after.Balance) != 0 || before.TariffID != after.TariffID ||
				len(before.Senders) != len(after.Senders) || len(before.SenderDomains) != len(after.SenderDomains) {
				t.Errorf("changed from %+v to %+v", before, after)
			}
		})
	}
}

// TestLimits: fixed windows, the key's counter before the address's.
func TestLimits(t *testing.T) {
	now := noon
	s := newServer(t, selzy.Options{KeyLimit: 2, IPLimit: 4, Window: time.Minute, Now: func() time.Time { return now }})
	call := func(key, address string) string {
		r := httptest.NewRequest("GET", "/en/api/getUserInfo?format=json&api_key="+key, nil)
		r.RemoteAddr = address + ":1234"
		return decode(t, body(t, s, r)).Code
	}
	for i, test := range []struct {
		key, address, want string
		after              time.Duration
	}{
		{"ordinarykey", "192.0.2.1", "", 0},
		{"ordinarykey", "192.0.2.2", "", 0},
		{"ordinarykey", "192.0.2.3", "api_call_limit_exceeded_for_api_key", 0}, // whatever the address
		{"nobodyskey", "192.0.2.1", "invalid_api_key", 0},
		{"resellerkey", "192.0.2.1", "", 0},
		{"nobodyskey", "192.0.2.1", "invalid_api_key", 0},
		{"nobodyskey", "192.0.2.1", "api_call_limit_exceeded_for_ip", 0}, // before the key is looked up
		{"resellerkey", "192.0.2.1", "api_call_limit_exceeded_for_ip", 0},
		{"ordinarykey", "192.0.2.1", "api_call_limit_exceeded_for_api_key", 59 * time.Second},
		{"ordinarykey", "192.0.2.1", "", time.Minute},
	} {
		now = noon.Add(test.after)
		if got := call(test.key, test.address); got != test.want {
			t.Errorf("call %d: code %q, want %q", i+1, got, test.want)
		}
	}
}

func TestDefaultLimit(t *testing.T) {
	s := newServer(t, selzy.Options{})
	for i := range 1200 {
		if e := decode(t, post(t, s, "getTotalContactsCount", "api_key=ordinarykey&login=acme_shop")); e.Code != "" {
			t.Fatalf("call %d: %s", i+1, e.Code)
		}
	}
	if e := decode(t, post(t, s, "getUserInfo", "api_key=ordinarykey")); e.Code != "api_call_limit_exceeded_for_api_key" {
		t.Errorf("call 1201: %q", e.Code)
	}
}

// TestAnswerQuirks has one row for each quirk of an answer that succeeds.
func TestAnswerQuirks(t *testing.T) {
	for _, test := range []struct {
		quirk, form string
		want        []string // parts of the answer
	}{
		{"numbers", "api_key=ordinarykey", []string{`"balance":"-4.75"`, `"tariff_id":"71"`, `"is_active":"1"`, `"services":[{"id":"9",`, `"subscribers_total":null`}},
		{"floats", "api_key=ordinarykey", []string{`"balance":-4.75,`, `"tariff_id":71.0,`, `"emails_used":5317.0,`, `"is_active":1,`}},
		{"bool_flags", "api_key=ordinarykey", []string{`"is_active":true`}},
		{"null_strings", "api_key=ordinarykey", []string{`"middlename":null`, `"master":null`, `"company":"Acme"`}},
		{"empty_dates", "api_key=ordinarykey", []string{`"reg_time":""`, `"email_period_end":""`, `"paidUntil":""`}},
		{"zero_dates", "api_key=ordinarykey", []string{`"reg_time":"0000-00-00 00:00:00"`, `"paidUntil":"0000-00-00 00:00:00"`}},
		{"null_dates", "api_key=ordinarykey", []string{`"reg_time":null`, `"email_period_start":null`, `"paidUntil":null`}},
		{"negative_balance", "api_key=resellerkey", []string{`"balance":-1530.07`}},
		{"negative_balance", "api_key=ordinarykey", []string{`"balance":-4.75`}},
		{"raw_tab", "api_key=ordinarykey", []string{"\"login\":\"\tacme_shop\""}},
		{"warnings", "api_key=ordinarykey", []string{`"warnings":[{"warning":"this is only a warning"}]`, `"login":"acme_shop"`}},
		{"warning_strings", "api_key=ordinarykey", []string{`"warnings":["this is only a warning"]`}},
		{"empty_map", "api_key=ordinarykey", []string{`{"result":[]}`}},
		{"no_result", "api_key=ordinarykey", []string{`{}`}},
		{"without:is_active", "api_key=ordinarykey", []string{`"rights":"","reg_ref"`}},
		{"without:balance", "api_key=ordinarykey", []string{`"master":"","currency"`}},
		{"null:balance", "api_key=ordinarykey", []string{`"balance":null`}},
		{"null:currency", "api_key=ordinarykey", []string{`"currency":null`}},
	} {
		t.Run(test.quirk, func(t *testing.T) {
			s := newServer(t, selzy.Options{})
			plain := post(t, s, "getUserInfo", test.form)
			quirk(t, s, test.quirk)
			got := post(t, s, "getUserInfo", test.form)
			for _, want := range test.want {
				if !strings.Contains(got, want) {
					t.Errorf("answer %s\nlacks %s", got, want)
				}
			}
			if json.Valid([]byte(got)) == (test.quirk == "raw_tab") {
				t.Errorf("valid JSON or not: %s", got)
			}
			if again := post(t, s, "getUserInfo", test.form); again != plain {
				t.Errorf("the quirk was for one call, then: %s", again)
			}
		})
	}
}

// TestSeeds checks what the default accounts promise for both brands.
func TestSeeds(t *testing.T) {
	currencies := map[selzy.Brand]string{selzy.Selzy: "USD EUR UAH KZT BRL", selzy.UniSender: "RUB USD EUR UAH"}
	for brand, allowed := range currencies {
		var logins, emails, keys []string
		for _, a := range selzy.DefaultAccounts(brand, noon) {
			if !slices.Contains(strings.Fields(allowed), a.Currency) {
				t.Errorf("%s: %s has %s", brand, a.Login, a.Currency)
			}
			if a.Registered.IsZero() || a.Country == "" || a.Email == "" {
				t.Errorf("%s: %s lacks a field", brand, a.Login)
			}
			if _, err := time.LoadLocation(a.Timezone); err != nil {
				t.Errorf("%s: %s: %v", brand, a.Login, err)
			}
			for _, list := range []struct {
				values *[]string
				value  string
			}{{&logins, a.Login}, {&emails, a.Email}, {&keys, a.APIKey}} {
				if list.value != "" && slices.Contains(*list.values, list.value) {
					t.Errorf("%s: %q twice", brand, list.value)
				}
				*list.values = append(*list.values, list.value)
			}
		}
	}
}

// TestPeriodAroundNow: the seeded period holds the present, also in the first days of a month.
func TestPeriodAroundNow(t *testing.T) {
	for _, now := range []time.Time{noon, time.Date(2026, 3, 5, 0, 0, 0, 0, time.UTC), time.Date(2026, 1, 4, 23, 59, 59, 0, time.UTC)} {
		a := selzy.DefaultAccounts(selzy.Selzy, now)[0]
		if a.PeriodStart.After(now) || !a.PeriodEnd.After(now) {
			t.Errorf("at %s: %s to %s", now, a.PeriodStart, a.PeriodEnd)
		}
	}
}

// TestConcurrentCalls is for the race detector, and counts that no write is lost.
func TestConcurrentCalls(t *testing.T) {
	s := newServer(t, selzy.Options{})
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 5 {
				post(t, s, "register", fmt.Sprintf("api_key=resellerkey&email=u%d-%d@shop.example", i, j))
				post(t, s, "transferMoney", "api_key=resellerkey&source_login=lumi_cafe&target_login=nord_partner&sum=0.01&currency=EUR")
				post(t, s, "getUsers", "api_key=resellerkey")
			}
		})
	}
	wg.Wait()
	if users := result(t, s, "getUsers", "api_key=resellerkey").([]any); len(users) != 46 {
		t.Errorf("%d users", len(users))
	}
	if a, _ := s.Account("lumi_cafe"); a.Balance.String() != "18.12" {
		t.Errorf("balance %s", a.Balance)
	}
}
