package regru

import (
	"context"
	"maps"
	"slices"
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
	input, err := userInput(u)
	if err != nil {
		return provider.CreatedUser{}, err
	}
	var id string
	r := request{operation: provider.OpCreateUser, function: "user/create", input: input, write: true, secrets: []string{u.Password}, personal: wire.Personal(u)}
	err = c.call(ctx, r, func(a *answer) error {
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

// userAttributes are the parameters that have none, and whether they are lists, which an attribute writes with commas.
var userAttributes = map[string]struct{ list bool }{
	"email_only": {}, "user_ip": {}, "default_country_code": {},
	"user_jabber_id": {}, "user_icq": {}, "user_fax": {}, "user_addr": {}, "user_city": {}, "user_state": {}, "user_postcode": {},
	"user_wmid": {}, "user_website": {},
	"user_subsribe": {}, "user_mailnotify": {}, "set_me_as_referrer": {}, // "user_subsribe": the vendor's spelling
	"white_list_ips": {list: true},
}

func attribute(param string) string { return "attributes." + param }

// userInput is the input of user/create. Only what is listed above gets through, so that no attribute replaces a common
// field, a control field or a credential.
func userInput(u provider.NewUser) (map[string]any, error) {
	switch {
	case u.MiddleName != "":
		return nil, refuse(provider.KindUnsupportedParameter, "middle_name", "REG.RU's users have no middle name: leave it out")
	case u.Timezone != "":
		return nil, refuse(provider.KindUnsupportedParameter, "timezone", "REG.RU's users have no time zone: leave it out")
	}
	input := map[string]any{}
	for _, f := range userFields {
		if value := f.value(u); value != "" {
			input[f.param] = value
		}
	}
	for _, param := range slices.Sorted(maps.Keys(u.Attributes)) {
		kind, known := userAttributes[param]
		value := u.Attributes[param]
		switch {
		case !known:
			return nil, refuse(provider.KindUnsupportedParameter, attribute(param), "REG.RU takes no such attribute of a new user")
		case value == "":
		case kind.list:
			input[param] = strings.FieldsFunc(value, func(r rune) bool { return r == ',' || r == ' ' })
		default:
			input[param] = value
		}
	}
	none := u.Login == "" && u.Password == ""
	switch {
	case none && u.Attributes["email_only"] == "":
		input["email_only"] = "1"
	case !none && u.Attributes["email_only"] == "1":
		return nil, refuse(provider.KindUnsupportedParameter, attribute("email_only"),
			"with email_only REG.RU makes up login and password itself: leave out either these two or email_only")
	}
	if u.CheckOnly {
		input["check_only"] = "1"
	}
	return input, nil
}

// refuse is the failure of an input that is not sent, because REG.RU would refuse it, or ignore it.
func refuse(kind provider.Kind, field, message string) *provider.Error {
	return &provider.Error{Kind: kind, Message: message, Field: field, NotSent: true}
}
