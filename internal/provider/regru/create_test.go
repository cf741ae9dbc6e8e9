package regru_test

import (
	"context"
	"encoding/json"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"accountgateway/internal/provider"
	"accountgateway/internal/provider/providertest"
	"accountgateway/internal/provider/regru"
)

// writes are the writes, with input that REG.RU takes.
var writes = map[string]func(context.Context, *regru.Client) error{
	"create user": func(ctx context.Context, c *regru.Client) error {
		_, err := c.CreateUser(ctx, newUser())
		return err
	},
	"refill": func(ctx context.Context, c *regru.Client) error {
		_, err := c.Refill(ctx, refill("19.95", "USD"))
		return err
	},
}

// inputOf is the input_data of the only request.
func inputOf(t *testing.T, stub *providertest.Stub) string {
	t.Helper()
	requests := stub.Requests()
	if len(requests) != 1 {
		t.Fatalf("the vendor got %d requests", len(requests))
	}
	var input map[string]any
	if err := json.Unmarshal([]byte(requests[0].Form.Get("input_data")), &input); err != nil {
		t.Fatal(err)
	}
	return asJSON(t, input)
}

func TestCreateUserInput(t *testing.T) {
	for _, row := range []struct {
		name string
		user provider.NewUser
		want string
	}{
		{"manual's sample", provider.NewUser{Login: "othertest", Password: "xxxxx", Email: "test@test.ru", Country: "RU"},
			`{"user_country_code":"RU","user_email":"test@test.ru","user_login":"othertest","user_password":"xxxxx"}`},
		{"common fields", provider.NewUser{
			Login: "ada", Password: "pass", Email: "ada@example.com", Country: "GB", FirstName: "Ada", LastName: "Byron", Company: "Engines",
			Phone: "+44.2079460000", Language: "en", CheckOnly: true,
		}, `{"check_only":"1","user_company":"Engines","user_country_code":"GB","user_email":"ada@example.com","user_first_name":"Ada",` +
			`"user_language":"en","user_last_name":"Byron","user_login":"ada","user_password":"pass","user_phone":"+44.2079460000"}`},
		{"today's country", provider.NewUser{Login: "ada", Password: "pass", Email: "ada@example.com",
			Attributes: map[string]string{"user_ip": "192.0.2.1", "default_country_code": "GB"}},
			`{"default_country_code":"GB","user_email":"ada@example.com","user_ip":"192.0.2.1","user_login":"ada","user_password":"pass"}`},
		{"every attribute", provider.NewUser{Login: "ada", Password: "pass", Email: "a@b.example", Attributes: map[string]string{
			"user_jabber_id": "a", "user_icq": "b", "user_fax": "+7.4951234567", "user_addr": "d", "user_city": "e", "user_state": "f", "user_postcode": "g",
			"user_wmid": "123456789012", "user_website": "i", "user_subsribe": "0", "user_mailnotify": "1", "set_me_as_referrer": "0",
			"white_list_ips": "192.0.2.1,198.51.100.0/24, 203.0.113.,2001:db8::1,192.0.2.0/255.255.255.0,10.", "user_ip": "192.0.2.1", "default_country_code": "gb", "email_only": "0",
		}}, `{"default_country_code":"gb","email_only":"0","set_me_as_referrer":"0","user_addr":"d","user_city":"e","user_email":"a@b.example","user_fax":"+7.4951234567","user_icq":"b",` +
			`"user_ip":"192.0.2.1","user_jabber_id":"a","user_login":"ada","user_mailnotify":"1","user_password":"pass","user_postcode":"g","user_state":"f",` +
			`"user_subsribe":"0","user_website":"i","user_wmid":"123456789012",` +
			`"white_list_ips":["192.0.2.1","198.51.100.0/24","203.0.113.","2001:db8::1","192.0.2.0/255.255.255.0","10."]}`},
		{"empty attributes are not sent", provider.NewUser{Login: "ada", Password: "pass", Email: "a@b.example", Country: "GB",
			Attributes: map[string]string{"user_city": "", "white_list_ips": "", "email_only": ""}},
			`{"user_country_code":"GB","user_email":"a@b.example","user_login":"ada","user_password":"pass"}`},
		{"another spelling of the vendor", provider.NewUser{Login: "ada", Password: "pass", Email: "a@b.example", Country: "GB", Attributes: map[string]string{"set_me_as_referer": "1"}},
			`{"set_me_as_referrer":"1","user_country_code":"GB","user_email":"a@b.example","user_login":"ada","user_password":"pass"}`},
		{"both spellings", provider.NewUser{Login: "ada", Password: "pass", Email: "a@b.example", Country: "GB", Attributes: map[string]string{"set_me_as_referer": "1", "set_me_as_referrer": "1"}},
			`{"set_me_as_referrer":"1","user_country_code":"GB","user_email":"a@b.example","user_login":"ada","user_password":"pass"}`},
		{"e-mail mode", provider.NewUser{Email: "ada@example.com", Country: "GB"},
			`{"email_only":"1","user_country_code":"GB","user_email":"ada@example.com"}`},
		{"e-mail mode, said", provider.NewUser{Email: "ada@example.com", Country: "GB", Attributes: map[string]string{"email_only": "1"}},
			`{"email_only":"1","user_country_code":"GB","user_email":"ada@example.com"}`},
	} {
		t.Run(row.name, func(t *testing.T) {
			stub := &providertest.Stub{Body: success(`{"user_id": "777"}`)}
			if _, err := newClient(stub).CreateUser(t.Context(), row.user); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(row.want, inputOf(t, stub)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			form := stub.Requests()[0]
			if form.Path != "/api/regru2/user/create" || form.Form.Get("username") != login || form.Form.Get("password") != password || len(form.Query) != 0 {
				t.Errorf("the request is not the account's: %s", form.Path)
			}
		})
	}
}

// TestCheckUser has what the manual forbids. None of it is sent.
func TestCheckUser(t *testing.T) {
	attributes := func(more ...string) func(*provider.NewUser) {
		return func(u *provider.NewUser) {
			u.Attributes = map[string]string{}
			for i := 0; i < len(more); i += 2 {
				u.Attributes[more[i]] = more[i+1]
			}
		}
	}
	for _, row := range []struct {
		name   string
		change func(*provider.NewUser)
		fields string // "": nothing is wrong
	}{
		{"good", func(*provider.NewUser) {}, ""},
		{"capitals and a blank", func(u *provider.NewUser) { u.Login = "Bad Login!" }, "login"},
		{"dot", func(u *provider.NewUser) { u.Login = "a.b" }, "login"},
		{"letters of another script", func(u *provider.NewUser) { u.Login, u.Password = "ада", "пароль" }, "login password"},
		{"all that may be in a login", func(u *provider.NewUser) { u.Login = "a-z_09" }, ""},
		{"no login", func(u *provider.NewUser) { u.Login = "" }, "login"},
		{"no password", func(u *provider.NewUser) { u.Password = "" }, "password"},
		{"password with a blank", func(u *provider.NewUser) { u.Password = "a b" }, "password"},
		{"e-mail mode", func(u *provider.NewUser) { u.Login, u.Password = "", "" }, ""},
		{"e-mail mode denied", func(u *provider.NewUser) {
			attributes("email_only", "0")(u)
			u.Login, u.Password = "", ""
		}, "login password"},
		{"e-mail mode with a login", attributes("email_only", "1"), "attributes.email_only"},
		{"no e-mail address", func(u *provider.NewUser) { u.Email = "" }, "email"},
		{"no country", func(u *provider.NewUser) { u.Country = "" }, "country"},
		{"address without a country", attributes("user_ip", "192.0.2.1"), "attributes.default_country_code"},
		{"country without an address", func(u *provider.NewUser) {
			attributes("default_country_code", "GB")(u)
			u.Country = ""
		}, "attributes.user_ip"},
		{"phone", func(u *provider.NewUser) { u.Phone = "none" }, "phone"},
		{"phone without +", func(u *provider.NewUser) { u.Phone = "74951234567" }, "phone"},
		{"language", func(u *provider.NewUser) { u.Language = "de" }, "language"},
		{"fax", attributes("user_fax", "none"), "attributes.user_fax"},
		{"flags", attributes("user_subsribe", "yes", "user_mailnotify", "true", "set_me_as_referrer", "2", "email_only", "no"),
			"attributes.email_only attributes.set_me_as_referrer attributes.user_mailnotify attributes.user_subsribe"},
		{"address", attributes("user_ip", "home", "default_country_code", "GBR"), "attributes.default_country_code attributes.user_ip"},
		{"wallet", attributes("user_wmid", "Z12345678901"), "attributes.user_wmid"},
		{"list", attributes("white_list_ips", "192.0.2.1,home"), "attributes.white_list_ips"},
		{"ranges that are none", attributes("white_list_ips", "192.0.2.0/33"), "attributes.white_list_ips"},
		{"five parts", attributes("white_list_ips", "1.2.3.4."), "attributes.white_list_ips"},
		{"part over 255", attributes("white_list_ips", "256."), "attributes.white_list_ips"},
		{"mask that is none", attributes("white_list_ips", "192.0.2.0/255.0.255.0"), "attributes.white_list_ips"},
		{"two spellings, two values", attributes("set_me_as_referer", "1", "set_me_as_referrer", "0"), "attributes.set_me_as_referrer"},
		{"many", func(u *provider.NewUser) {
			*u = provider.NewUser{Login: "Bad Login!", MiddleName: "King", Timezone: "UTC", Attributes: map[string]string{"x": "1", "user_fax": "none"}}
		}, "login attributes.user_fax attributes.x middle_name timezone email password country"},
	} {
		u := newUser()
		row.change(&u)
		stub := &providertest.Stub{Body: success(`{"user_id": "1"}`)}
		client := newClient(stub)
		var fields []string
		for _, fault := range client.CheckUser(u) {
			fields = append(fields, fault.Field)
			if fault.Message == "" {
				t.Errorf("%s: nothing is said of %s", row.name, fault.Field)
			}
		}
		if got := strings.Join(fields, " "); got != row.fields {
			t.Errorf("%s: got %q, want %q", row.name, got, row.fields)
		}
		_, err := client.CreateUser(t.Context(), u)
		if refused := row.fields != ""; refused != (err != nil) || refused != (len(stub.Requests()) == 0) || refused && asError(t, err).Field != fields[0] {
			t.Errorf("%s: got %v and %d requests", row.name, err, len(stub.Requests()))
		}
	}
}

// What is not sent, because REG.RU has no place for it or because it would be something else there.
func TestCreateUserRefusals(t *testing.T) {
	type row struct {
		change func(*provider.NewUser)
		field  string
	}
	rows := []row{
		{func(u *provider.NewUser) { u.MiddleName = "King" }, "middle_name"},
		{func(u *provider.NewUser) { u.Timezone = "Europe/London" }, "timezone"},
	}
	for _, name := range []string{
		"username", "password", "sig", "input_data", "input_format", "output_format", "io_encoding", "lang", "show_input_params", "check_only",
		"user_login", "user_password", "user_email", "user_country_code", "user_first_name", "user_phone", "user_country",
		"USER_CITY", "user_city ", "", "timezone",
	} {
		rows = append(rows, row{func(u *provider.NewUser) { u.Attributes = map[string]string{"user_city": "x", name: ""} }, "attributes." + name})
	}
	rows = append(rows, row{func(u *provider.NewUser) { u.Attributes = map[string]string{"email_only": "1"} }, "attributes.email_only"})
	for _, row := range rows {
		stub := &providertest.Stub{Body: success(`{"user_id": "1"}`)}
		u := newUser()
		row.change(&u)
		got, err := newClient(stub).CreateUser(t.Context(), u)
		e := asError(t, err)
		if e.Kind != provider.KindUnsupportedParameter || e.Field != row.field || !e.NotSent || e.Message == "" || !cmp.Equal(got, provider.CreatedUser{}) {
			t.Errorf("%s: got %+v", row.field, e)
		}
		if n := len(stub.Requests()); n != 0 {
			t.Errorf("%s: the vendor got %d requests", row.field, n)
		}
	}
}

func TestCreateUserAnswers(t *testing.T) {
	for _, row := range []struct {
		answer    string
		checkOnly bool
		id        string
		drift     string
	}{
		{`{"user_id": "4811203"}`, false, "4811203", ""},
		{`{"user_id": 4811203}`, false, "4811203", ""},
		{`{"user_id": "777"}`, true, "", ""},
		{`{"user_id": ""}`, false, "", "user_id"},
		{`{"user_id": null}`, false, "", "user_id"},
		{`{"user_id": [1]}`, true, "", "user_id"},
		{`{}`, false, "", "user_id"},
		{`[]`, false, "", "answer"},
		{`null`, false, "", "answer"},
	} {
		u := newUser()
		u.CheckOnly = row.checkOnly
		got, err := newClient(&providertest.Stub{Body: success(row.answer)}).CreateUser(t.Context(), u)
		if row.drift != "" {
			if e := asError(t, err); e.Kind != provider.KindBadResponse || e.Drift != row.drift || e.NoEffect() || !cmp.Equal(got, provider.CreatedUser{}) {
				t.Errorf("%s: got %+v, %+v", row.answer, got, e)
			}
			continue
		}
		if err != nil || !cmp.Equal(got, provider.CreatedUser{ID: row.id}) {
			t.Errorf("%s: got %+v, %v; want %s", row.answer, got, err, row.id)
		}
	}
}

// What the strict vendor says to new users.
func TestCreateUserAtTheVendor(t *testing.T) {
	user := func(change func(*provider.NewUser)) provider.NewUser {
		u := newUser()
		change(&u)
		return u
	}
	attributes := func(u *provider.NewUser, more map[string]string) {
		u.Attributes = maps.Clone(u.Attributes)
		maps.Copy(u.Attributes, more)
	}
	for _, row := range []struct {
		name  string
		login string
		quirk string
		user  provider.NewUser
		kind  provider.Kind // empty: created
		field string
	}{
		{"created", "partner", "", newUser(), "", ""},
		{"numbers", "partner", "numbers", newUser(), "", ""},
		{"e-mail mode", "partner", "", user(func(u *provider.NewUser) { u.Login, u.Password = "", "" }), "", ""},
		{"no partner", "shop", "", newUser(), provider.KindForbidden, ""},
		{"login taken", "partner", "", user(func(u *provider.NewUser) { u.Login = "shop" }), provider.KindConflict, "login"},
		// INVALID_CONTACTS, of which no document says that nothing was done.
		{"country in small letters", "partner", "", user(func(u *provider.NewUser) { u.Country = "gb" }), provider.KindRejected, ""},
		{"country by address", "partner", "", user(func(u *provider.NewUser) {
			u.Country = ""
			attributes(u, map[string]string{"user_ip": "192.0.2.1", "default_country_code": "GB"})
		}), "", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			client, vendor := simulated(t, providertest.Healthy, row.login, map[string]string{"partner": "partner-secret", "shop": "shop-secret"}[row.login], row.quirk)
			dry := row.user
			dry.CheckOnly = true
			for _, u := range []provider.NewUser{dry, row.user} {
				got, err := client.CreateUser(t.Context(), u)
				switch {
				case row.kind == "" && (err != nil || (got.ID == "") != u.CheckOnly):
					t.Errorf("check only %v: got %+v, %v", u.CheckOnly, got, err)
				case row.kind != "":
					refused := row.name != "country in small letters"
					if e := asError(t, err); e.Kind != row.kind || e.Field != row.field || e.Refused != refused {
						t.Errorf("check only %v: got %+v; want %s, field %q, Refused %v", u.CheckOnly, e, row.kind, row.field, refused)
					}
				}
				_, there := vendor.Account("ada")
				if want := row.kind == "" && !u.CheckOnly && u.Login == "ada"; there != want {
					t.Errorf("check only %v: the user is there: %v, want %v", u.CheckOnly, there, want)
				}
			}
			if row.kind != "" || row.user.Login == "" {
				return
			}
			made, _ := vendor.Account("ada")
			if made.Password != row.user.Password || made.Email != row.user.Email || strings.Join(made.AllowedIPs, " ") != "192.0.2.1 198.51.100." {
				t.Errorf("the vendor's user is another: %s, %s, %q", made.Login, made.Email, made.AllowedIPs)
			}
			_, err := client.CreateUser(t.Context(), row.user)
			if e := asError(t, err); e.Kind != provider.KindConflict || e.Field != "login" || !e.Refused {
				t.Errorf("again: got %+v", e)
			}
		})
	}
}
