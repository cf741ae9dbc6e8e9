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
		{"every attribute", provider.NewUser{Login: "ada", Password: "pass", Attributes: map[string]string{
			"user_jabber_id": "a", "user_icq": "b", "user_fax": "c", "user_addr": "d", "user_city": "e", "user_state": "f", "user_postcode": "g",
			"user_wmid": "h", "user_website": "i", "user_subsribe": "0", "user_mailnotify": "1", "set_me_as_referrer": "0",
			"white_list_ips": "192.0.2.1,198.51.100.0/24, 203.0.113.,", "user_ip": "j", "default_country_code": "k", "email_only": "0",
		}}, `{"default_country_code":"k","email_only":"0","set_me_as_referrer":"0","user_addr":"d","user_city":"e","user_fax":"c","user_icq":"b",` +
			`"user_ip":"j","user_jabber_id":"a","user_login":"ada","user_mailnotify":"1","user_password":"pass","user_postcode":"g","user_state":"f",` +
			`"user_subsribe":"0","user_website":"i","user_wmid":"h","white_list_ips":["192.0.2.1","198.51.100.0/24","203.0.113."]}`},
		{"empty attributes are not sent", provider.NewUser{Login: "ada", Password: "pass", Attributes: map[string]string{"user_city": "", "white_list_ips": "", "email_only": ""}},
			`{"user_login":"ada","user_password":"pass"}`},
		{"e-mail mode", provider.NewUser{Email: "ada@example.com", Country: "GB"},
			`{"email_only":"1","user_country_code":"GB","user_email":"ada@example.com"}`},
		{"e-mail mode, said", provider.NewUser{Email: "ada@example.com", Attributes: map[string]string{"email_only": "1"}},
			`{"email_only":"1","user_email":"ada@example.com"}`},
		{"a password alone is no e-mail mode", provider.NewUser{Email: "ada@example.com", Password: "pass"},
			`{"user_email":"ada@example.com","user_password":"pass"}`},
		{"e-mail mode denied", provider.NewUser{Email: "ada@example.com", Attributes: map[string]string{"email_only": "0"}},
			`{"email_only":"0","user_email":"ada@example.com"}`},
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
		"user_login", "user_password", "user_email", "user_country_code", "user_first_name", "user_phone", "user_country", "set_me_as_referer",
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
		if e.Kind != provider.KindUnsupportedParameter || e.Field != row.field || !e.NotSent || e.Message == "" || got != (provider.CreatedUser{}) {
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
			if e := asError(t, err); e.Kind != provider.KindBadResponse || e.Drift != row.drift || e.NoEffect() || got != (provider.CreatedUser{}) {
				t.Errorf("%s: got %+v, %+v", row.answer, got, e)
			}
			continue
		}
		if err != nil || got != (provider.CreatedUser{ID: row.id}) {
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
		{"login with capitals", "partner", "", user(func(u *provider.NewUser) { u.Login = "Ada" }), provider.KindRejected, "login"},
		{"no login", "partner", "", user(func(u *provider.NewUser) { u.Login = "" }), provider.KindRejected, "login"},
		{"no password", "partner", "", user(func(u *provider.NewUser) { u.Password = "" }), provider.KindRejected, "password"},
		{"password with blanks", "partner", "", user(func(u *provider.NewUser) { u.Password = "a b" }), provider.KindRejected, "password"},
		{"no e-mail address", "partner", "", user(func(u *provider.NewUser) { u.Email = "" }), provider.KindRejected, "email"},
		{"no country", "partner", "", user(func(u *provider.NewUser) { u.Country = "" }), provider.KindRejected, "attributes.user_ip"},
		// INVALID_CONTACTS, of which no document says that nothing was done.
		{"country in small letters", "partner", "", user(func(u *provider.NewUser) { u.Country = "gb" }), provider.KindRejected, ""},
		{"odd phone", "partner", "", user(func(u *provider.NewUser) { u.Phone = "none" }), provider.KindRejected, "phone"},
		{"odd language", "partner", "", user(func(u *provider.NewUser) { u.Language = "de" }), provider.KindRejected, "language"},
		{"odd attribute", "partner", "", user(func(u *provider.NewUser) { attributes(u, map[string]string{"user_fax": "none"}) }),
			provider.KindRejected, "attributes.user_fax"},
		{"odd flag", "partner", "", user(func(u *provider.NewUser) { attributes(u, map[string]string{"user_subsribe": "yes"}) }),
			provider.KindRejected, "attributes.user_subsribe"},
		{"odd list", "partner", "", user(func(u *provider.NewUser) { attributes(u, map[string]string{"white_list_ips": "192.0.2.1,home"}) }),
			provider.KindRejected, "attributes.white_list_ips"},
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
