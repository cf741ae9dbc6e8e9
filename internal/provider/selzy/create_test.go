package selzy_test

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"accountgateway/internal/config"
	"accountgateway/internal/provider"
	"accountgateway/internal/provider/providertest"
	"accountgateway/internal/simulator"
	selzysim "accountgateway/internal/simulator/selzy"
)

const newKey = "6newuserskey"

func TestCreateUserArguments(t *testing.T) {
	for _, row := range []struct {
		name string
		user provider.NewUser
		want map[string]string // beside api_key
	}{
		{"least", provider.NewUser{Email: "ada@example.com"}, map[string]string{"email": "ada@example.com", "country_code": "ZZZ", "notify": "0", "need_confirm": "0"}},
		{"common fields", provider.NewUser{Login: "ada", Password: "pass", Email: "ada@example.com", FirstName: "Ada", Timezone: "Europe/London", Country: "GB"},
			map[string]string{"login": "ada", "password": "pass", "email": "ada@example.com", "extra[firstname]": "Ada", "timezone": "Europe/London",
				"country_code": "GBR", "notify": "0", "need_confirm": "0"}},
		{"every attribute", provider.NewUser{Email: "ada@example.com", LastName: "Byron", Company: "Engines", Phone: "+442079460000", Attributes: map[string]string{
			"need_confirm": "1", "notify": "1", "extra[channel]": "friends", "currency_code": "USD", "ip": "192.0.2.1", "api_mode": "off",
		}}, map[string]string{"email": "ada@example.com", "extra[lastname]": "Byron", "extra[company]": "Engines", "extra[phone]": "+442079460000",
			"country_code": "ZZZ", "need_confirm": "1", "notify": "1", "extra[channel]": "friends", "currency_code": "USD", "ip": "192.0.2.1", "api_mode": "off"}},
		{"empty attributes", provider.NewUser{Email: "ada@example.com", Attributes: map[string]string{"notify": "", "need_confirm": "", "ip": ""}},
			map[string]string{"email": "ada@example.com", "country_code": "ZZZ", "notify": "0", "need_confirm": "0"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			stub := &providertest.Stub{Body: success(`{"api_key": "` + newKey + `"}`)}
			got, err := newClient(stub).CreateUser(t.Context(), row.user)
			if err != nil || got.APIKey != newKey || len(got.Warnings) > 0 {
				t.Fatalf("got %+v, %v", got, err)
			}
			form := url.Values{"api_key": {apiKey}}
			for name, value := range row.want {
				form.Set(name, value)
			}
			want := []providertest.Request{{Method: "POST", Path: "/en/api/register", Query: url.Values{"format": {"json"}}, Form: form}}
			if diff := cmp.Diff(want, stub.Requests()); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
		})
	}
}

// What is not sent, because the vendor has no place for it or because it would be something else there.
func TestCreateUserRefusals(t *testing.T) {
	type row struct {
		change func(*provider.NewUser)
		field  string
		kind   provider.Kind // empty: unsupported_parameter
	}
	rows := []row{
		{func(u *provider.NewUser) { u.MiddleName = "King" }, "middle_name", ""},
		{func(u *provider.NewUser) { u.Language = "en" }, "language", ""},
		{func(u *provider.NewUser) { u.LastName = "Byron" }, "last_name", ""},
		{func(u *provider.NewUser) { u.Company = "Engines" }, "company", ""},
		{func(u *provider.NewUser) { u.Phone = "+442079460000" }, "phone", ""},
		{func(u *provider.NewUser) { u.Email = "" }, "email", provider.KindRejected},
		{func(u *provider.NewUser) { u.Country = "ZZ" }, "country", provider.KindRejected},
		{func(u *provider.NewUser) { u.Country = "USA" }, "country", provider.KindRejected},
	}
	for name, value := range map[string]string{"api_mode": "loud", "notify": "yes", "need_confirm": "true", "ip": "home"} {
		rows = append(rows, row{func(u *provider.NewUser) { u.Attributes = map[string]string{name: value} }, "attributes." + name, provider.KindRejected})
	}
	for _, name := range []string{
		"api_key", "format", "test_mode", "platform", "lang", "request_compression", "login", "password", "email", "extra", "extra[firstname]",
		"extra[lastname]", "timezone", "country_code", "NOTIFY", "notify ", "notify[]", "",
	} {
		rows = append(rows, row{func(u *provider.NewUser) { u.Attributes = map[string]string{"ip": "192.0.2.1", name: ""} }, "attributes." + name, ""})
	}
	for _, row := range rows {
		for _, checkOnly := range []bool{false, true} {
			stub := &providertest.Stub{Body: success(`{"api_key": "` + newKey + `"}`)}
			u := newUser()
			row.change(&u)
			u.CheckOnly = checkOnly
			got, err := newClient(stub).CreateUser(t.Context(), u)
			e := asError(t, err)
			if row.kind == "" {
				row.kind = provider.KindUnsupportedParameter
			}
			if e.Kind != row.kind || e.Field != row.field || !e.NotSent || e.Message == "" || !cmp.Equal(got, provider.CreatedUser{}) {
				t.Errorf("%s: got %+v", row.field, e)
			}
			if n := len(stub.Requests()); n != 0 {
				t.Errorf("%s: the vendor got %d requests", row.field, n)
			}
		}
	}
}

func TestCreateUserAnswers(t *testing.T) {
	const key = `{"api_key": "` + newKey + `"}`
	for _, row := range []struct {
		name, body string
		confirm    bool
		key, drift string
		warnings   []string
	}{
		{"key", success(key), false, newKey, "", nil},
		{"key beside a warning", `{"result": ` + key + `, "warnings": [{"warning": "time zone not found, UTC used"}]}`, false, newKey, "", []string{"time zone not found, UTC used"}},
		{"key beside warnings of text", `{"result": ` + key + `, "warnings": ["a", "b ` + newUser().Email + `"]}`, false, newKey, "", []string{"a", "b [redacted]"}},
		{"key beside a text", `{"result": ` + key + `, "warnings": "часовой пояс не найден, UTC"}`, false, newKey, "", []string{"часовой пояс не найден, UTC"}},
		{"key beside warnings as an object", `{"result": ` + key + `, "warnings": {"0": {"warning": "a"}, "2": "b"}}`, false, newKey, "", []string{"a", "b"}},
		{"key beside odd warnings", `{"result": ` + key + `, "warnings": [{"warning": {}}, null, [], false, {"text": "a"}, ""]}`, false, newKey, "", nil},
		{"key beside no warnings", `{"result": ` + key + `, "warnings": false}`, false, newKey, "", nil},
		{"to be confirmed, key", success(key), true, newKey, "", nil},
		{"to be confirmed, empty map", success(`[]`), true, "", "", nil},
		{"to be confirmed, other members", success(`{"login": "ada"}`), true, "", "", nil},
		{"to be confirmed, text", success(`""`), true, "", "", nil},
		{"to be confirmed, odd key", success(`{"api_key": {"a": "` + newKey + `"}}`), true, "", "", nil},
		{"no key", success(`{}`), false, "", "api_key", nil},
		{"empty key", success(`{"api_key": ""}`), false, "", "api_key", nil},
		{"null key", success(`{"api_key": null}`), false, "", "api_key", nil},
		{"odd key", success(`{"api_key": ["` + newKey + `"]}`), false, "", "api_key", nil},
		{"empty map", success(`[]`), false, "", "result", nil},
		{"the key itself", success(`"` + newKey + `"`), false, "", "result", nil},
		{"key without a result", key, false, "", "result", nil},
		{"key twice", `{"result": ` + key + `, "result": ` + key + `}`, false, "", "body", nil},
		{"truncated", success(key)[:30], true, "", "body", nil},
		{"nothing, to be confirmed", `{}`, true, "", "result", nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			u := newUser()
			if row.confirm {
				u.Attributes = map[string]string{"need_confirm": "1"}
			}
			got, err := newClient(&providertest.Stub{Body: row.body}).CreateUser(t.Context(), u)
			if row.drift != "" {
				e := asError(t, err)
				if e.Kind != provider.KindBadResponse || e.Drift != row.drift || e.NoEffect() || !cmp.Equal(got, provider.CreatedUser{}) {
					t.Errorf("got %+v", e)
				}
				if strings.Contains(e.Error(), newKey) {
					t.Error("the error holds the new key")
				}
				return
			}
			want := provider.CreatedUser{APIKey: row.key, Warnings: row.warnings}
			if slices.ContainsFunc(row.warnings, func(w string) bool { return strings.Contains(w, "UTC") }) {
				want.Timezone = "UTC" // though another was asked for
			}
			if err != nil || !cmp.Equal(got, want) {
				t.Errorf("got %+v, %v; want %+v", got, err, want)
			}
		})
	}
}

func TestCheckOnly(t *testing.T) {
	for _, row := range []struct {
		result       string
		login, email string
		kind         provider.Kind // empty: both are free
		field        string
		sure         bool
	}{
		{`{"login_exists":0,"email_exists":0}`, "ada", "ada@example.com", "", "", false},
		{`{"login_exists":"0","email_exists":false}`, "ada", "ada@example.com", "", "", false},
		{`{"login_exists":0,"email_exists":1}`, "ada", "ada@example.com", provider.KindConflict, "email", true},
		{`{"login_exists":1,"email_exists":0}`, "ada", "ada@example.com", provider.KindConflict, "login", true},
		{`{"login_exists":"1","email_exists":true}`, "ada", "ada@example.com", provider.KindConflict, "login", true},
		{`{"email_exists":0}`, "", "ada@example.com", "", "", false},
		{`{"login_exists":1,"email_exists":0}`, "", "ada@example.com", "", "", false}, // of nobody who was asked about
		{`{"login_exists":0}`, "ada", "ada@example.com", provider.KindBadResponse, "email_exists", false},
		{`{"email_exists":0}`, "ada", "ada@example.com", provider.KindBadResponse, "login_exists", false},
		{`{"login_exists":2,"email_exists":0}`, "ada", "ada@example.com", provider.KindBadResponse, "login_exists", false},
		{`{"login_exists":null,"email_exists":0}`, "ada", "ada@example.com", provider.KindBadResponse, "login_exists", false},
		{`[]`, "ada", "ada@example.com", provider.KindBadResponse, "result", false},
	} {
		stub := &providertest.Stub{Body: success(row.result)}
		u := newUser()
		u.Login, u.Email, u.CheckOnly = row.login, row.email, true
		got, err := newClient(stub).CreateUser(t.Context(), u)
		form := url.Values{"api_key": {apiKey}}
		for name, value := range map[string]string{"login": row.login, "email": row.email} {
			if value != "" {
				form.Set(name, value)
			}
		}
		want := []providertest.Request{{Method: "POST", Path: "/en/api/checkUserExists", Query: url.Values{"format": {"json"}}, Form: form}}
		if diff := cmp.Diff(want, stub.Requests()); diff != "" {
			t.Errorf("requests (-want +got):\n%s", diff)
		}
		if row.kind == "" {
			if err != nil || !cmp.Equal(got, provider.CreatedUser{}) {
				t.Errorf("%s: got %+v, %v", row.result, got, err)
			}
			continue
		}
		if e := asError(t, err); e.Kind != row.kind || e.Field+e.Drift != row.field || e.Refused != row.sure {
			t.Errorf("%s: got %+v; want %s, %s", row.result, e, row.kind, row.field)
		}
	}
}

// What the strict vendor says to new users, and to checks of them.
func TestCreateUserAtTheVendor(t *testing.T) {
	user := func(change func(*provider.NewUser)) provider.NewUser {
		u := newUser()
		change(&u)
		return u
	}
	for _, row := range []struct {
		name  string
		key   config.Secret
		quirk string
		user  provider.NewUser
		check provider.Kind // of the check; empty: free
		kind  provider.Kind // of the creation; empty: created
		field string        // of the check
	}{
		{"created", "resellerkey", "", newUser(), "", "", ""},
		{"created, odd answer", "resellerkey", "raw_tab", newUser(), "", "", ""},
		{"created, flags and texts", "resellerkey", "bool_flags", newUser(), "", "", ""},
		{"unknown time zone: a warning", "resellerkey", "", user(func(u *provider.NewUser) { u.Timezone = "Europe/Nowhere" }), "", "", ""},
		{"to be confirmed", "resellerkey", "", user(func(u *provider.NewUser) { u.LastName, u.Attributes = "Hopper", map[string]string{"need_confirm": "1"} }), "", "", ""},
		{"login taken", "resellerkey", "", user(func(u *provider.NewUser) { u.Login = "acme_shop" }), provider.KindConflict, provider.KindRejected, "login"},
		{"e-mail address taken", "resellerkey", "", user(func(u *provider.NewUser) { u.Email = "owner@acme.example" }), provider.KindConflict, provider.KindRejected, "email"},
		{"no reseller", "ordinarykey", "", newUser(), provider.KindForbidden, provider.KindForbidden, ""},
		{"switched off", "offkey", "", newUser(), provider.KindForbidden, provider.KindForbidden, ""},
		{"no country", "resellerkey", "", user(func(u *provider.NewUser) { u.Country = "" }), "", "", ""},
		{"odd currency", "resellerkey", "", user(func(u *provider.NewUser) { u.Attributes = map[string]string{"currency_code": "XXX"} }), "", provider.KindRejected, ""},
		{"no such method", "resellerkey", "unknown_method", newUser(), provider.KindUnsupportedOperation, provider.KindUnsupportedOperation, ""},
		{"no money", "resellerkey", "not_enough_money", newUser(), provider.KindInsufficientFunds, provider.KindInsufficientFunds, ""},
		{"unspecified", "resellerkey", "empty_result", newUser(), provider.KindOther, provider.KindOther, ""},
		{"no code", "resellerkey", "result_false", newUser(), provider.KindOther, provider.KindOther, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			var quirks []string
			if row.quirk != "" {
				quirks = []string{row.quirk}
			}
			client, vendor := simulated(t, providertest.Healthy, selzysim.Selzy, row.key, quirks)
			refused := row.kind != provider.KindOther // the other codes say so
			check := row.user
			check.CheckOnly = true
			_, err := client.CreateUser(t.Context(), check)
			if provider.KindOf(err) != row.check {
				t.Errorf("check: got %v, want %q", err, row.check)
			}
			if row.check != "" {
				if e := asError(t, err); e.Field != row.field || e.Refused != refused {
					t.Errorf("check: got %+v, want the field %q, Refused %v", e, row.field, refused)
				}
			}
			if _, there := vendor.Account("grace"); there {
				t.Fatal("the check made a user")
			}
			got, err := client.CreateUser(t.Context(), row.user)
			if row.kind != "" {
				if e := asError(t, err); e.Kind != row.kind || e.Refused != refused || e.Upstream == nil {
					t.Errorf("got %+v, want %s, Refused %v", e, row.kind, refused)
				}
				return
			}
			made, there := vendor.Account("grace")
			if err != nil || !there || made.Email != row.user.Email || made.Owner != "nord_partner" || made.Country != map[string]string{"US": "USA", "": "DNK"}[row.user.Country] {
				t.Fatalf("got %v, the vendor's user is %s, %s, of %s", err, made.Login, made.Email, made.Owner)
			}
			if zone := map[bool]string{true: row.user.Timezone, false: got.Timezone}[got.Timezone == ""]; zone != made.Timezone {
				t.Errorf("the zone is told as %q, and is %q (%q)", zone, made.Timezone, got.Warnings)
			}
			if confirm := row.user.Attributes["need_confirm"] == "1"; confirm != (got.APIKey == "") || !confirm && strings.TrimSpace(got.APIKey) != made.APIKey {
				t.Error("the key is another")
			}
		})
	}
}

// A user whose answer was lost is not called refused; a check finds it.
func TestLostUser(t *testing.T) {
	client, vendor := simulated(t, providertest.Healthy, selzysim.Selzy, "resellerkey", nil)
	if err := vendor.Control.Inject(simulator.Fault{Operation: "register", Kind: simulator.KindResetAfter}); err != nil {
		t.Fatal(err)
	}
	_, err := client.CreateUser(t.Context(), newUser())
	if e := asError(t, err); e.NoEffect() {
		t.Errorf("got %+v, though a user was made", e)
	}
	if n := vendor.Control.Calls()["register"]; n != 1 {
		t.Errorf("%d calls", n)
	}
	check := newUser()
	check.CheckOnly = true
	_, err = client.CreateUser(t.Context(), check)
	if e := asError(t, err); e.Kind != provider.KindConflict || e.Field != "login" {
		t.Errorf("got %+v", e)
	}
}

// A check is a read: it is tried again.
func TestCheckIsTriedAgain(t *testing.T) {
	client, vendor := simulated(t, providertest.Healthy, selzysim.Selzy, "resellerkey", nil)
	if err := vendor.Control.Inject(simulator.Fault{Kind: simulator.KindReset, Times: 1}); err != nil {
		t.Fatal(err)
	}
	check := newUser()
	check.CheckOnly = true
	if _, err := client.CreateUser(t.Context(), check); err != nil {
		t.Error(err)
	}
	var operations []string
	for _, call := range vendor.Control.CallTimes() {
		operations = append(operations, call.Operation)
	}
	if want := []string{"checkUserExists", "checkUserExists"}; !slices.Equal(operations, want) {
		t.Errorf("the vendor got %v, want %v", operations, want)
	}
}

// TestCountryCodes: each country goes out as its alpha-3 code, which comes back as the same country.
func TestCountryCodes(t *testing.T) {
	stub := &providertest.Stub{Body: success(`{"api_key": "` + newKey + `"}`)}
	client := newClient(stub)
	seen := map[string]bool{}
	for i, code := range strings.Fields(alpha2) {
		if _, err := client.CreateUser(t.Context(), provider.NewUser{Email: "ada@example.com", Country: code}); err != nil {
			t.Fatal(err)
		}
		sent := stub.Requests()[i].Form.Get("country_code")
		if len(sent) != 3 || seen[sent] {
			t.Errorf("%s goes out as %q", code, sent)
		}
		seen[sent] = true
	}
	for code, want := range map[string]string{"GB": "GBR", "RU": "RUS", "DE": "DEU", "UA": "UKR", "RO": "ROU", "CD": "COD"} {
		if !seen[want] {
			t.Errorf("%s does not go out as %s", code, want)
		}
	}
}

// TestCheckUserFindsAll: every fault of a new user is told at once.
func TestCheckUserFindsAll(t *testing.T) {
	u := provider.NewUser{MiddleName: "King", Language: "en", Company: "Engines", Country: "ZZ", Attributes: map[string]string{"notify": "yes", "x": "1", "api_mode": "loud"}}
	var fields []string
	for _, fault := range newClient(&providertest.Stub{}).CheckUser(u) {
		fields = append(fields, fault.Field)
	}
	want := []string{"attributes.api_mode", "attributes.notify", "attributes.x", "middle_name", "language", "company", "email", "country"}
	if diff := cmp.Diff(want, fields); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}
}
