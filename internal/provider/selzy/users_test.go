package selzy_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"accountgateway/internal/provider"
	"accountgateway/internal/provider/providertest"
)

func ptr[T any](v T) *T { return &v }

// composedUser is what selzy.md 6.4 says of the user.
func composedUser() provider.User {
	return provider.User{
		Login: "acme_shop", Email: ptr("owner@acme.example"), FirstName: ptr("Ada"), LastName: ptr("Byron"),
		Phone: ptr("+15550100"), Company: ptr("Acme"), Country: ptr("US"), Language: ptr("en"), Timezone: ptr("America/New_York"),
		RegisteredAt: ptr(time.Date(2021, 6, 14, 9, 12, 45, 0, time.UTC)), Roles: []string{}, Active: ptr(true), APIAccess: ptr("on"),
		Attributes: map[string]string{"reg_time": "2021-06-14 09:12:45", "reg_url": "https://selzy.com/en/registration/"},
	}
}

func TestUser(t *testing.T) {
	changed := func(f func(*provider.User)) *provider.User {
		u := composedUser()
		f(&u)
		return &u
	}
	attribute := func(name, text string) *provider.User {
		return changed(func(u *provider.User) { u.Attributes[name] = text })
	}
	same := ptr(composedUser())
	for _, row := range []struct {
		name, result string
		want         *provider.User // nil: drift
		drift        string
	}{
		{"composed example", composed, same, ""},
		{"null for empty texts", change(func(m map[string]json.RawMessage) {
			for _, field := range []string{"master", "middlename", "channel", "rights", "reg_ref"} {
				m[field] = json.RawMessage("null")
			}
		}), same, ""},
		{"absent for empty texts", change(func(m map[string]json.RawMessage) {
			for _, field := range []string{"master", "middlename", "channel", "rights", "reg_ref"} {
				delete(m, field)
			}
		}), same, ""},
		{"false for empty texts", change(func(m map[string]json.RawMessage) {
			for _, field := range []string{"master", "middlename", "channel", "rights", "reg_ref"} {
				m[field] = json.RawMessage("false")
			}
		}), same, ""},
		{"no parent, as a number", with("master", `0`), same, ""},
		{"no parent, as a text", with("master", `"0"`), same, ""},
		{"never registered, without a time", with("reg_time", `"0000-00-00"`), changed(func(u *provider.User) {
			u.RegisteredAt, u.Attributes["reg_time"] = nil, "0000-00-00"
		}), ""},
		{"additional user", with("master", `"boss"`), changed(func(u *provider.User) { u.ParentLogin = ptr("boss") }), ""},
		{"other right", with("rights", `"auditor"`), attribute("rights", "auditor"), ""},
		{"inactive", with("is_active", `"0"`), changed(func(u *provider.User) { u.Active = ptr(false) }), ""},
		{"active as a flag", with("is_active", `true`), same, ""},
		{"activity not told", without("is_active"), changed(func(u *provider.User) { u.Active = nil }), ""},
		{"test mode", with("api_mode", `"test"`), changed(func(u *provider.User) { u.APIAccess = ptr("test") }), ""},
		{"other mode", with("api_mode", `"paused"`), changed(func(u *provider.User) {
			u.APIAccess, u.Attributes["api_mode"] = nil, "paused"
		}), ""},
		{"no country", with("country", `""`), changed(func(u *provider.User) { u.Country = nil }), ""},
		{"no such country", with("country", `"ZZZ"`), changed(func(u *provider.User) { u.Country, u.Attributes["country"] = nil, "ZZZ" }), ""},
		{"vendor's Ukrainian", with("language", `"ua"`), changed(func(u *provider.User) { u.Language, u.Attributes["language"] = nil, "ua" }), ""},
		{"never registered", with("reg_time", `"0000-00-00 00:00:00"`), changed(func(u *provider.User) {
			u.RegisteredAt, u.Attributes["reg_time"] = nil, "0000-00-00 00:00:00"
		}), ""},
		{"no time of registration", with("reg_time", `null`), changed(func(u *provider.User) {
			u.RegisteredAt = nil
			delete(u.Attributes, "reg_time")
		}), ""},
		{"misspelt reg_time", strings.Replace(composed, "reg_time", "regtime", 1), changed(func(u *provider.User) {
			u.RegisteredAt = nil
			delete(u.Attributes, "reg_time")
		}), ""},
		{"phone as a number", with("phone", `15550100`), changed(func(u *provider.User) { u.Phone = ptr("15550100") }), ""},
		{"sending disabled", with("disable_sending", `1`), attribute("disable_sending", "1"), ""},
		{"sending a flag", with("disable_sending", `false`), attribute("disable_sending", "false"), ""},
		{"unknown members are not shown", with("api_key", `"5k3yoftheaccount"`), same, ""},

		{"no login", without("login"), nil, "login"},
		{"empty login", with("login", `""`), nil, "login"},
		{"email a list", with("email", `[]`), nil, "email"},
		{"odd flag", with("is_active", `2`), nil, "is_active"},
		{"odd time", with("reg_time", `"14.06.2021"`), nil, "reg_time"},
		{"odd attribute", with("channel", `{}`), nil, "channel"},
	} {
		t.Run(row.name, func(t *testing.T) {
			got, err := newClient(&providertest.Stub{Body: success(row.result)}).ReadUsers(t.Context(), provider.UserQuery{})
			if row.want == nil {
				check(t, row.drift, nil, err)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]provider.User{*row.want}, got.Users.Users); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// Every field of the documented answer reaches the caller.
func TestNoFieldIsLost(t *testing.T) {
	stub := &providertest.Stub{Bodies: map[string]string{
		"getUserInfo": success(documented),
		"getUsers":    success(`[` + with("balance_bonus", `"0.50"`) + `]`),
	}}
	got, err := newClient(stub).ReadUsers(t.Context(), provider.UserQuery{})
	if err != nil {
		t.Fatal(err)
	}
	owner := provider.User{
		Login: "test_user_login", Email: ptr("test@test.com"), FirstName: ptr("test name"), MiddleName: ptr("test name"),
		LastName: ptr("test name"), Phone: ptr("+70000000000"), Company: ptr("test company"), Country: ptr("US"), Language: ptr("en"),
		Timezone: ptr("Europe/Moscow"), RegisteredAt: ptr(time.Date(2011, 9, 5, 10, 0, 0, 0, time.UTC)), ParentLogin: ptr("test_main_login"),
		Roles: []string{"reseller"}, Active: ptr(true), APIAccess: ptr("on"),
		Attributes: map[string]string{
			"channel": "test channel", "reg_ref": "https://www.facebook.com/", "reg_url": "https://selzy.test.com/en/v5/two_step_register",
			"reg_time": "2011-09-05 10:00:00", "disable_sending": "0", "user_reg_info_subscribers_approx_num": "up to 5 thousand",
			"user_reg_info_industry_info": "retail", "user_reg_info_city": "Lviv",
		},
	}
	sub := composedUser()
	for name, text := range map[string]string{
		"balance": "-4.75", "balance_bonus": "0.50", "currency": "USD", "emails_paid": "5000", "emails_used": "4321",
		"period_emails_paid": "15000", "period_emails_used": "212", "email_period_start": "2024-03-05 00:00:00",
		"email_period_end": "2024-04-05 00:00:00", "tariff_id": "71", "next_tariff_id": "71", "subscribers_total": "null", "subscribers_used": "998",
		"services": `[{"id":9,"tariff":"crm_basic_3m","paidUntil":"2024-06-01 00:00:00"}]`,
	} {
		sub.Attributes[name] = text
	}
	if diff := cmp.Diff([]provider.User{owner, sub}, got.Users.Users); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	// The owner's money, counters, plan and services are other readings.
	check(t, `{"balance":{"amount":"18.52","currency":"USD"},"blocked":null,"credit":null,"bonus":{"amount":"3.5","currency":"USD"}}`, got.Balance, nil)
	if got.Statistics == nil || got.Statistics.Plan == nil || len(got.Statistics.Services) != 1 {
		t.Errorf("got the statistics %+v", got.Statistics)
	}
}

func TestUsersOfAReseller(t *testing.T) {
	reseller := with("rights", `"reseller"`)
	other := func(login string) string { return with("login", `"`+login+`"`) }
	odd := func(login, member, value string) string {
		return change(func(m map[string]json.RawMessage) {
			m["login"], m[member] = json.RawMessage(`"`+login+`"`), json.RawMessage(value)
		})
	}
	for _, row := range []struct {
		name, users string
		want        []string // logins; nil: drift
		drift       string   // of the answer, or of what is left out
		warning     string   // part of the only one; "" for none
	}{
		{"none", `[]`, []string{"acme_shop"}, "", ""},
		{"two", `[` + other("b") + `,` + other("a") + `]`, []string{"acme_shop", "b", "a"}, "", ""},
		{"the owner among them", `[` + other("b") + `,` + composed + `]`, []string{"acme_shop", "b"}, "", ""},
		{"written as an object", `{"4":` + other("b") + `,"2":` + other("a") + `}`, []string{"acme_shop", "b", "a"}, "", ""},
		{"none, written as an object", `{}`, []string{"acme_shop"}, "", ""},
		{"one with a date without time", `[` + other("b") + `,` + odd("c", "reg_time", `"2021-06-14"`) + `,` + other("d") + `]`, []string{"acme_shop", "b", "d"},
			"result[].reg_time", "user c is left out: invalid vendor response: result[].reg_time is not a time"},
		{"one with an odd flag", `[` + odd("c", "is_active", `"-"`) + `,` + other("b") + `,` + other("d") + `]`, []string{"acme_shop", "b", "d"},
			"result[].is_active", "user c is left out: "},
		{"one without login", `[` + other("b") + `,` + without("login") + `,` + other("d") + `]`, []string{"acme_shop", "b", "d"},
			"result[].login", "user number 2 of the vendor's list is left out: "},
		{"an error as item", `[` + other("b") + `,{"login": "u2", "error": "no rights"}]`, []string{"acme_shop", "b"}, "", "user u2 is left out: the vendor says: no rights"},
		{"only errors", `[{"login": "u2", "error": "no rights"}]`, []string{"acme_shop"}, "", "user u2 is left out: the vendor says: no rights"},
		{"no error as item", `[` + odd("b", "error", `false`) + `]`, []string{"acme_shop", "b"}, "", ""},

		{"none is understood", `[` + without("login") + `,` + odd("c", "is_active", `"-"`) + `]`, nil, "result[].login", ""},
		{"one no object", `["b"]`, nil, "result[]", ""},
		{"no list", `{"b": ` + other("b") + `}`, nil, "result", ""},
		{"null", `null`, nil, "result", ""},
		{"false", `false`, nil, "result", ""},
		{"empty text", `""`, nil, "result", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			stub := &providertest.Stub{Bodies: map[string]string{"getUserInfo": success(reseller), "getUsers": success(row.users)}}
			registry := prometheus.NewRegistry()
			got, err := counted(stub, registry).ReadUsers(t.Context(), provider.UserQuery{})
			if row.drift != "" {
				want := `# HELP gateway_provider_schema_drift_total Invalid answers of the vendor, or items of them, by the first invalid field.
# TYPE gateway_provider_schema_drift_total counter
gateway_provider_schema_drift_total{field="body",provider="selzy"} 0
gateway_provider_schema_drift_total{field="` + row.drift + `",provider="selzy"} 1
`
				if err := testutil.GatherAndCompare(registry, strings.NewReader(want), "gateway_provider_schema_drift_total"); err != nil {
					t.Error(err)
				}
			}
			if row.want == nil {
				check(t, row.drift, nil, err)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var logins []string
			for _, u := range got.Users.Users {
				logins = append(logins, u.Login)
			}
			if diff := cmp.Diff(row.want, logins); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if warnings := got.Users.Warnings; (row.warning != "") != (len(warnings) == 1) || row.warning != "" && !strings.HasPrefix(warnings[0], row.warning) {
				t.Errorf("got the warnings %q", warnings)
			}
		})
	}
}

// TestManyWarnings: a list with many odd users names some and counts the others.
func TestManyWarnings(t *testing.T) {
	users := strings.Repeat(without("login")+",", 30) + with("login", `"b"`)
	stub := &providertest.Stub{Bodies: map[string]string{"getUserInfo": success(with("rights", `"reseller"`)), "getUsers": success(`[` + users + `]`)}}
	got, err := newClient(stub).ReadUsers(t.Context(), provider.UserQuery{})
	if err != nil || len(got.Users.Users) != 2 || len(got.Users.Warnings) != 21 || got.Users.Warnings[20] != "10 more users are left out" {
		t.Errorf("got %+v, %v", got.Users, err)
	}
}

// TestItemsError: an error in place of the user that was asked for is that error, and not a user without anything.
func TestItemsError(t *testing.T) {
	for body, kind := range map[string]provider.Kind{
		`{"login": "u2", "error": "no rights"}`:                          provider.KindOther,
		`{"login": "u2", "error": "no rights", "code": "access_denied"}`: provider.KindAccess,
	} {
		_, err := newClient(&providertest.Stub{Body: success(body)}).ReadUsers(t.Context(), provider.UserQuery{})
		if e := asError(t, err); e.Kind != kind || e.Upstream == nil || e.Upstream.Message != "no rights" {
			t.Errorf("%s: got %+v", body, e)
		}
	}
}

// An answer about somebody else is never passed off as the one that was asked for.
func TestSomebodyElse(t *testing.T) {
	for _, row := range []struct {
		name, owner string
		kind        provider.Kind
	}{
		{"no reseller: the vendor ignores login", composed, provider.KindUnsupportedParameter},
		{"reseller, and the vendor answers about the owner", with("rights", `"reseller"`), provider.KindNotFound},
	} {
		got, err := newClient(&providertest.Stub{Body: success(row.owner)}).ReadUsers(t.Context(), provider.UserQuery{Login: "other"})
		if e := asError(t, err); e.Kind != row.kind || e.Field != "login" || got != (provider.Readings{}) {
			t.Errorf("%s: got %+v, %+v", row.name, got, e)
		}
	}
}

// alpha2 are ISO 3166-1's 249 codes.
const alpha2 = "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ " +
	"CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR " +
	"GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP " +
	"KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ " +
	"NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW " +
	"SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ " +
	"UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW"

// Of all texts of three letters, those that give a country are ISO 3166-1's codes, each of its own.
func TestCountries(t *testing.T) {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	want := map[string]bool{}
	for _, code := range strings.Fields(alpha2) {
		want[code] = true
	}
	var users []string
	for _, a := range letters {
		for _, b := range letters {
			for _, c := range letters {
				users = append(users, `{"login":"`+string(a)+string(b)+string(c)+`","country":"`+string(a)+string(b)+string(c)+`"}`)
			}
		}
	}
	stub := &providertest.Stub{Bodies: map[string]string{
		"getUserInfo": success(with("rights", `"reseller"`)),
		"getUsers":    success(`[` + strings.Join(users, ",") + `]`),
	}}
	got, err := newClient(stub).ReadUsers(t.Context(), provider.UserQuery{})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, u := range got.Users.Users[1:] {
		switch {
		case u.Country == nil && u.Attributes["country"] != u.Login:
			t.Errorf("%s is lost", u.Login)
		case u.Country != nil && (!want[*u.Country] || seen[*u.Country]):
			t.Errorf("%s gives %s", u.Login, *u.Country)
		case u.Country != nil:
			seen[*u.Country] = true
		}
	}
	if len(seen) != 249 {
		t.Errorf("%d countries, want 249", len(seen))
	}
	for code, country := range map[string]string{
		"USA": "US", "GBR": "GB", "UKR": "UA", "KAZ": "KZ", "BRA": "BR", "DEU": "DE", "RUS": "RU", "ROU": "RO", "SRB": "RS", "COD": "CD",
	} {
		u := got.Users.Users[1+int(code[0]-'A')*676+int(code[1]-'A')*26+int(code[2]-'A')]
		if u.Login != code || u.Country == nil || *u.Country != country {
			t.Errorf("%s: got %+v", code, u)
		}
	}
	for _, text := range []string{"840", "US", "usa", "USA ", "U-S", "GB-", "XKX"} {
		got, err := newClient(&providertest.Stub{Body: success(with("country", `"`+text+`"`))}).ReadUsers(t.Context(), provider.UserQuery{})
		if err != nil || got.Users.Users[0].Country != nil || got.Users.Users[0].Attributes["country"] != text {
			t.Errorf("%q: got %+v, %v", text, got.Users, err)
		}
	}
}
