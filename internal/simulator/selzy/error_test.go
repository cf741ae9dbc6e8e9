package selzy_test

import (
	"net/http/httptest"
	"strings"
	"testing"

	"accountgateway/internal/simulator"
	"accountgateway/internal/simulator/selzy"
)

// TestErrors has one row for each rule that refuses a call.
func TestErrors(t *testing.T) {
	const transfer = "api_key=resellerkey&source_email=desk@nord.example&target_email=hello@lumi.example&currency=EUR&sum="
	for _, test := range []struct{ name, method, form, want string }{
		{"no key", "getUserInfo", "", `{"error":"The API key is not valid","code":"invalid_api_key"}`},
		{"unknown key", "getUserInfo", "api_key=nobodyskey", `{"error":"The API key is not valid","code":"invalid_api_key"}`},
		{"API off", "getUserInfo", "api_key=offkey", `{"error":"API access is switched off for this account","code":"access_denied"}`},
		{"unknown method", "getUser", "api_key=ordinarykey", `{"error":"Unknown method","code":"unknown_method"}`},
		{"answer not known", "getPayments", "api_key=resellerkey", `{"error":"Unknown method","code":"unknown_method"}`},
		{"answer not known", "getTariffs", "api_key=resellerkey", `{"error":"Unknown method","code":"unknown_method"}`},
		{"answer not known", "getAvailableTariffs", "api_key=resellerkey", `{"error":"Unknown method","code":"unknown_method"}`},

		{"order: key before method", "getUser", "api_key=nobodyskey", `{"error":"The API key is not valid","code":"invalid_api_key"}`},
		{"order: api_mode before method", "getUser", "api_key=offkey", `{"error":"API access is switched off for this account","code":"access_denied"}`},
		{"order: right before arguments", "checkUserExists", "api_key=ordinarykey", `{"error":"the method is open to resellers only","code":"access_denied"}`},
		{"reseller only", "getUsers", "api_key=crmkey", `{"error":"the method is open to resellers only","code":"access_denied"}`},
		{"reseller only", "transferMoney", "api_key=ordinarykey", `{"error":"the method is open to resellers only","code":"access_denied"}`},
		{"reseller only", "changeTariff", "api_key=ordinarykey", `{"error":"the method is open to resellers only","code":"access_denied"}`},
		{"test_mode", "getUserInfo", "api_key=ordinarykey&test_mode=yes", `{"error":"test_mode must be 0 or 1","code":"invalid_arg"}`},

		{"user of nobody", "getUserInfo", "api_key=resellerkey&login=acme_shop", `{"error":"login names no user of this account","code":"invalid_arg"}`},
		{"no such user", "getUserInfo", "api_key=resellerkey&login=nobody", `{"error":"login names no user of this account","code":"invalid_arg"}`},
		{"bad date", "getUsers", "api_key=resellerkey&registered_after=2024-01-01", `{"error":"registered_after must be YYYY-MM-DD hh:mm","code":"invalid_arg"}`},
		{"bad date", "getUsers", "api_key=resellerkey&registered_before=2024-13-01 00:00", `{"error":"registered_before must be YYYY-MM-DD hh:mm","code":"invalid_arg"}`},
		{"nothing to check", "checkUserExists", "api_key=resellerkey", `{"error":"login or email is required","code":"invalid_arg"}`},

		{"register, not a reseller", "register", "api_key=ordinarykey&email=a@b.example", `{"error":"need_confirm=0 is open to resellers only","code":"access_denied"}`},
		{"register, no key", "register", "email=a@b.example", `{"error":"The API key is not valid","code":"invalid_api_key"}`},
		{"register, no key, need_confirm=0", "register", "email=a@b.example&need_confirm=0", `{"error":"The API key is not valid","code":"invalid_api_key"}`},
		{"register, wrong key, need_confirm=1", "register", "api_key=nobodyskey&email=a@b.example&need_confirm=1", `{"error":"The API key is not valid","code":"invalid_api_key"}`},
		{"register, API off, need_confirm=1", "register", "api_key=offkey&email=a@b.example&need_confirm=1", `{"error":"API access is switched off for this account","code":"access_denied"}`},
		{"register, no email", "register", "api_key=resellerkey&login=x", `{"error":"email is required","code":"invalid_arg"}`},
		{"register, bad email", "register", "api_key=resellerkey&email=Me <a@b.example>", `{"error":"email is not an address","code":"invalid_arg"}`},
		{"register, bad login", "register", "api_key=resellerkey&email=a@b.example&login=a b", `{"error":"login must be up to 255 characters without blanks","code":"invalid_arg"}`},
		{"register, login taken", "register", "api_key=resellerkey&email=a@b.example&login=Acme_Shop", `{"error":"login is taken","code":"invalid_arg"}`},
		{"register, email taken", "register", "api_key=resellerkey&email=OWNER@acme.example&login=x", `{"error":"email is taken","code":"invalid_arg"}`},
		{"register, bad flag", "register", "api_key=resellerkey&email=a@b.example&notify=2", `{"error":"notify must be 0 or 1","code":"invalid_arg"}`},
		{"register, bad flag", "register", "api_key=resellerkey&email=a@b.example&need_confirm=yes", `{"error":"need_confirm must be 0 or 1","code":"invalid_arg"}`},
		{"register, bad country", "register", "api_key=resellerkey&email=a@b.example&country_code=XXX", `{"error":"country_code is not an ISO 3166-1 alpha-3 code","code":"invalid_arg"}`},
		{"register, country of two letters", "register", "api_key=resellerkey&email=a@b.example&country_code=DE", `{"error":"country_code is not an ISO 3166-1 alpha-3 code","code":"invalid_arg"}`},
		{"register, another brand's currency", "register", "api_key=resellerkey&email=a@b.example&currency_code=RUB", `{"error":"currency_code is not a currency of accounts","code":"invalid_arg"}`},
		{"register, bad api_mode", "register", "api_key=resellerkey&email=a@b.example&api_mode=ON", `{"error":"api_mode must be on, off or test","code":"invalid_arg"}`},
		{"register, array for a string", "register", "api_key=resellerkey&email=a@b.example&password[]=x", `{"error":"password must be a string","code":"invalid_arg"}`},

		{"transfer, no source", "transferMoney", "api_key=resellerkey&target_email=hello@lumi.example", `{"error":"source_email is required","code":"invalid_arg"}`},
		{"transfer, no target", "transferMoney", "api_key=resellerkey&source_email=desk@nord.example", `{"error":"target_email is required","code":"invalid_arg"}`},
		{"transfer, another's user", "transferMoney", "api_key=resellerkey&source_email=owner@acme.example", `{"error":"source_email names no user of this account","code":"invalid_arg"}`},
		{"transfer, to itself", "transferMoney", "api_key=resellerkey&source_email=desk@nord.example&target_login=nord_partner&sum=1&currency=EUR", `{"error":"source and target are the same user","code":"invalid_arg"}`},
		{"transfer, no sum", "transferMoney", transfer, `{"error":"sum is required","code":"invalid_arg"}`},
		{"transfer, negative", "transferMoney", transfer + "-1", `{"error":"sum must be more than 0, with up to two decimals","code":"invalid_arg"}`},
		{"transfer, zero", "transferMoney", transfer + "0.00", `{"error":"sum must be more than 0, with up to two decimals","code":"invalid_arg"}`},
		{"transfer, exponent", "transferMoney", transfer + "1e2", `{"error":"sum must be more than 0, with up to two decimals","code":"invalid_arg"}`},
		{"transfer, no currency", "transferMoney", strings.ReplaceAll(transfer, "currency=EUR&", "") + "1", `{"error":"currency is required","code":"invalid_arg"}`},
		{"transfer, other currency", "transferMoney", strings.ReplaceAll(transfer, "EUR", "KZT") + "1", `{"error":"currency must be one of EUR, UAH, USD, RUB","code":"invalid_arg"}`},
		{"transfer, too little money", "transferMoney", transfer + "1500.01", `{"error":"Your account balance is only 1500.00 eur, and you want to transfer 1500.01 eur","code":"unspecified","result":""}`},

		{"tariff, no login", "changeTariff", "api_key=resellerkey&tariff_id=72", `{"error":"login is required","code":"invalid_arg"}`},
		{"tariff, no tariff", "changeTariff", "api_key=resellerkey&login=lumi_cafe", `{"error":"tariff_id is required","code":"invalid_arg"}`},
		{"tariff, no number", "changeTariff", "api_key=resellerkey&login=lumi_cafe&tariff_id=x", `{"error":"tariff_id must be a whole number from 1 to 9223372036854775807","code":"invalid_arg"}`},
		{"tariff, unknown", "changeTariff", "api_key=resellerkey&login=lumi_cafe&tariff_id=2", `{"error":"The tariff change failed: there is no such tariff","result":false}`},
		{"tariff, too dear", "changeTariff", "api_key=resellerkey&login=lumi_cafe&tariff_id=72", `{"error":"The tariff change failed: there is not enough money on the account","result":false}`},

		{"contacts, no login", "getTotalContactsCount", "api_key=ordinarykey", `{"error":"login is required","code":"invalid_arg"}`},
		{"contacts of another", "getTotalContactsCount", "api_key=ordinarykey&login=lumi_cafe", `{"error":"login names no user of this account","code":"invalid_arg"}`},
		{"domain missing", "setSenderDomain", "api_key=ordinarykey&username=acme_shop", `{"error":"domain is required","code":"invalid_arg"}`},
		{"domain bad", "setSenderDomain", "api_key=ordinarykey&username=acme_shop&domain=a_b.example", `{"error":"domain is not a domain name","code":"invalid_arg"}`},
		{"domains of another", "getSenderDomainList", "api_key=ordinarykey&username=crm_desk", `{"error":"username names no user of this account","code":"invalid_arg"}`},
		{"limit too large", "getSenderDomainList", "api_key=ordinarykey&username=acme_shop&limit=101", `{"error":"limit must be a whole number from 1 to 100","code":"invalid_arg"}`},
		{"offset negative", "getSenderDomainList", "api_key=ordinarykey&username=acme_shop&offset=-1", `{"error":"offset must be a whole number from 0 to 9223372036854775807","code":"invalid_arg"}`},
		{"sender missing", "validateSender", "api_key=ordinarykey", `{"error":"email is required","code":"invalid_arg"}`},
		{"sender bad", "validateSender", "api_key=ordinarykey&email=x", `{"error":"email is not an address","code":"invalid_arg"}`},
		{"sender of another", "validateSender", "api_key=resellerkey&email=x@y.example&login=acme_shop", `{"error":"login names no user of this account","code":"invalid_arg"}`},
		{"checked, no login", "getCheckedEmail", "api_key=ordinarykey", `{"error":"login is required","code":"invalid_arg"}`},
	} {
		t.Run(test.method+"/"+test.name, func(t *testing.T) {
			if got := post(t, newServer(t, selzy.Options{}), test.method, test.form); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

// TestErrorQuirks has one row for each shape of an error, and for each published code.
func TestErrorQuirks(t *testing.T) {
	rows := []struct{ quirk, form, want string }{
		{"empty_result", "api_key=ordinarykey", `{"error":"The call failed","code":"unspecified","result":""}`},
		{"empty_result", "api_key=no", `{"error":"The API key is not valid","code":"invalid_api_key","result":""}`},
		{"result_false", "api_key=ordinarykey", `{"error":"The call failed","result":false}`},
		{"code_without_text", "api_key=no", `{"code":"invalid_api_key"}`},
		{"empty_text", "api_key=ordinarykey", `{"error":"","code":"unspecified"}`},
		{"unknown_code", "api_key=ordinarykey", `{"error":"The call failed","code":"code_of_tomorrow"}`},
		{"id_text", "api_key=ordinarykey", `{"error":"AK100310-02","code":"unspecified"}`},
	}
	for code, text := range map[string]string{
		"unspecified":                         "The call failed",
		"invalid_api_key":                     "The API key is not valid",
		"access_denied":                       "Access denied",
		"unknown_method":                      "Unknown method",
		"invalid_arg":                         "An argument has a wrong value",
		"not_enough_money":                    "There is not enough money on the account",
		"retry_later":                         "Temporary failure, retry later",
		"api_call_limit_exceeded_for_api_key": "Too many calls with this API key",
		"api_call_limit_exceeded_for_ip":      "Too many calls from this address",
	} {
		rows = append(rows, struct{ quirk, form, want string }{code, "api_key=ordinarykey", `{"error":"` + text + `","code":"` + code + `"}`})
	}
	for _, test := range rows {
		t.Run(test.quirk, func(t *testing.T) {
			s := newServer(t, selzy.Options{})
			quirk(t, s, test.quirk)
			if got := post(t, s, "getUserInfo", test.form); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
			if got := post(t, s, "getUserInfo", "api_key=ordinarykey"); !strings.Contains(got, `"result":{`) {
				t.Errorf("the quirk was for one call, then: %s", got)
			}
		})
	}
}

// TestErrorQuirkChangesNothing: a call that a quirk makes fail is not carried out.
func TestErrorQuirkChangesNothing(t *testing.T) {
	s := newServer(t, selzy.Options{})
	quirk(t, s, "retry_later")
	post(t, s, "register", "api_key=resellerkey&email=a@b.example&login=newcomer")
	if _, ok := s.Account("newcomer"); ok {
		t.Error("the user was created")
	}
}

// quirk turns a quirk on for one call.
func quirk(t *testing.T, s *selzy.Server, name string) {
	t.Helper()
	if err := s.Control.Inject(simulator.Fault{Kind: simulator.KindQuirk, Quirk: name, Times: 1}); err != nil {
		t.Fatal(err)
	}
}

// TestNoSecrets looks for key and password in every answer that could echo them.
func TestNoSecrets(t *testing.T) {
	s := newServer(t, selzy.Options{KeyLimit: -1, IPLimit: -1})
	for _, method := range []string{"getUserInfo", "getUsers", "checkUserExists", "register", "transferMoney", "getLists"} {
		for _, pairs := range []string{
			"api_key=resellerkey&password=hunter2hunter2&email=resellerkey@b.example&login=lumi_cafe",
			"api_key=wrong-resellerkey&password=hunter2hunter2&login=resellerkey",
			"api_key=ordinarykey&login=ordinarykey&password=hunter2hunter2",
		} {
			got := post(t, s, method, pairs)
			for _, secret := range []string{"resellerkey", "ordinarykey", "hunter2"} {
				if strings.Contains(got, secret) {
					t.Errorf("%s answers %s", method, got)
				}
			}
		}
	}
}

func TestUnknownQuirkIsRefused(t *testing.T) {
	w := httptest.NewRecorder()
	newServer(t, selzy.Options{}).ServeHTTP(w, httptest.NewRequest("POST", "/_simulator/faults", strings.NewReader(`{"kind":"quirk","quirk":"numbres"}`)))
	if w.Code != 400 {
		t.Errorf("status %d: %s", w.Code, w.Body)
	}
}
