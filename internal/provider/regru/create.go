package regru

import (
	"context"
	"strings"

	"accountgateway/internal/provider"
	"accountgateway/internal/provider/wire"
)

// CreateUser creates a customer of a partner by user/create (regru.md 5.2). With CheckOnly, REG.RU checks the input and
// creates nothing.
//
// Without login and password, or with the attribute email_only=1, it is REG.RU's e-mail mode: REG.RU makes both up and
// mails them to the new user.
func (c *Client) CreateUser(ctx context.Context, u provider.NewUser) (provider.CreatedUser, error) {
	if err := provider.RefuseFaults(c.CheckUser(u)); err != nil {
		return provider.CreatedUser{}, err
	}
	var id string
	r := request{operation: provider.OpCreateUser, function: "user/create", input: userInput(u), write: true, secrets: []string{u.Password}, personal: wire.Personal(u)}
	err := c.call(ctx, r, func(a *answer) error {
		in := a.values()
		id = in.Text("user_id")
		return in.Err()
	})
	if err != nil || u.CheckOnly { // the id of a check is nobody's: always 777 (documented)
		return provider.CreatedUser{}, err
	}
	return provider.CreatedUser{ID: id}, nil
}

// userFields are the parameters that have common names.
var userFields = []struct {
	param string
	field string
	value func(provider.NewUser) string
}{
	{"user_login", "login", func(u provider.NewUser) string { return u.Login }},
	{"user_password", "password", func(u provider.NewUser) string { return u.Password }},
	{"user_email", "email", func(u provider.NewUser) string { return u.Email }},
	{"user_country_code", "country", func(u provider.NewUser) string { return u.Country }},
	{"user_first_name", "first_name", func(u provider.NewUser) string { return u.FirstName }},
	{"user_last_name", "last_name", func(u provider.NewUser) string { return u.LastName }},
	{"user_company", "company", func(u provider.NewUser) string { return u.Company }},
	{"user_phone", "phone", func(u provider.NewUser) string { return u.Phone }},
	{"user_language", "language", func(u provider.NewUser) string { return u.Language }},
}

// userAttributes are the attributes for the parameters that have none, by their names on the wire.
var userAttributes = map[string]string{
	"email_only": "", "user_ip": "", "default_country_code": "",
	"user_jabber_id": "", "user_icq": "", "user_fax": "", "user_addr": "", "user_city": "", "user_state": "", "user_postcode": "",
	"user_wmid": "", "user_website": "",
	"user_subsribe": "", "user_mailnotify": "", "set_me_as_referrer": "", // "user_subsribe": the vendor's spelling
	"set_me_as_referer": "set_me_as_referrer", // as a document of the vendor spells it
	whiteList:           "",
}

// whiteList is a list, which an attribute writes with commas.
const whiteList = "white_list_ips"

func attribute(param string) string { return "attributes." + param }

// paramOf is the parameter that an attribute is for.
func paramOf(name string) (param string, known bool) {
	param, known = userAttributes[name]
	if param == "" {
		param = name
	}
	return param, known
}

func listOf(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' })
}

// emailMode tells whether REG.RU is to make up login and password.
func emailMode(u provider.NewUser) bool {
	only := u.Attributes["email_only"]
	return only == "1" || only == "" && u.Login == "" && u.Password == ""
}

// userInput is the input of user/create for a user that CheckUser finds nothing wrong with. Only what is listed above
// gets through, so that no attribute replaces a common field, a control field or a credential.
func userInput(u provider.NewUser) map[string]any {
	input := map[string]any{}
	for _, f := range userFields {
		if value := f.value(u); value != "" {
			input[f.param] = value
		}
	}
	for name, value := range u.Attributes {
		switch param, known := paramOf(name); {
		case !known || value == "":
		case param == whiteList:
			input[param] = listOf(value)
		default:
			input[param] = value
		}
	}
	if emailMode(u) {
		input["email_only"] = "1"
	}
	if u.CheckOnly {
		input["check_only"] = "1"
	}
	return input
}
