package selzy

import (
	"context"
	"maps"
	"slices"

	"accountgateway/internal/provider"
	"accountgateway/internal/provider/wire"
)

// CreateUser creates a user of a reseller by register (selzy.md 8). The vendor mails nobody unless the attributes
// notify=1 or need_confirm=1 say so; with need_confirm=1 the user becomes one when he follows the link in the mail.
//
// With CheckOnly, the reseller's checkUserExists is asked instead: a read that finds a login or an e-mail address that
// is taken, and no other fault of the input.
func (c *Client) CreateUser(ctx context.Context, u provider.NewUser) (provider.CreatedUser, error) {
	args, err := userArgs(u)
	if err != nil {
		return provider.CreatedUser{}, err
	}
	if u.CheckOnly {
		return provider.CreatedUser{}, c.checkFree(ctx, u)
	}
	var key string
	r := request{operation: provider.OpCreateUser, method: "register", args: args, write: true, secrets: []string{u.Password}, personal: wire.Personal(u)}
	err = c.call(ctx, r, func(a *answer) (err error) {
		key, err = a.apiKey(args["need_confirm"] == "1")
		return err
	})
	if err != nil {
		return provider.CreatedUser{}, err
	}
	return provider.CreatedUser{APIKey: key}, nil
}

// userArguments are the arguments of register that have common names. The names in extra beside firstname are for
// need_confirm=1 alone (documented).
var userArguments = []struct {
	name      string
	field     string
	confirmed bool
	value     func(provider.NewUser) string
}{
	{"email", "email", false, func(u provider.NewUser) string { return u.Email }},
	{"login", "login", false, func(u provider.NewUser) string { return u.Login }},
	{"password", "password", false, func(u provider.NewUser) string { return u.Password }},
	{"extra[firstname]", "first_name", false, func(u provider.NewUser) string { return u.FirstName }},
	{"extra[lastname]", "last_name", true, func(u provider.NewUser) string { return u.LastName }},
	{"extra[company]", "company", true, func(u provider.NewUser) string { return u.Company }},
	{"extra[phone]", "phone", true, func(u provider.NewUser) string { return u.Phone }},
	{"timezone", "timezone", false, func(u provider.NewUser) string { return u.Timezone }},
	{"country_code", "country", false, func(u provider.NewUser) string { return u.Country }},
}

// userAttributes are the arguments that have none: the first three documented, the others seen in a client.
var userAttributes = []string{"need_confirm", "notify", "extra[channel]", "currency_code", "ip", "api_mode"}

// userArgs are the arguments of register. Only what is listed above gets through, so that no attribute replaces a common
// field, a common parameter or the key.
func userArgs(u provider.NewUser) (map[string]string, error) {
	args := map[string]string{"notify": "0", "need_confirm": "0"}
	for _, name := range slices.Sorted(maps.Keys(u.Attributes)) {
		if !slices.Contains(userAttributes, name) {
			return nil, unsupported("attributes."+name, "the vendor takes no such attribute of a new user")
		}
		if value := u.Attributes[name]; value != "" {
			args[name] = value
		}
	}
	switch {
	case u.MiddleName != "":
		return nil, unsupported("middle_name", "the vendor takes no middle name of a new user: leave it out")
	case u.Language != "":
		return nil, unsupported("language", "the vendor takes no language of a new user: leave it out")
	}
	for _, a := range userArguments {
		value := a.value(u)
		if value != "" && a.confirmed && args["need_confirm"] != "1" {
			return nil, unsupported(a.field, "the vendor takes this beside the attribute need_confirm=1 alone: leave it out")
		}
		if value != "" {
			args[a.name] = value
		}
	}
	return args, nil
}

// unsupported is the failure of an input that is not sent.
func unsupported(field, message string) *provider.Error {
	return &provider.Error{Kind: provider.KindUnsupportedParameter, Message: message, Field: field, NotSent: true}
}

// apiKey reads the answer of register: the new user's key, a secret. What need_confirm=1 answers is not known: there may
// be none.
func (a *answer) apiKey(needConfirm bool) (string, error) {
	result := a.envelope.Afresh().Object("result")
	key := result.Text("api_key")
	if err := result.Err(); err != nil && !needConfirm {
		return "", err
	}
	return key, nil
}

// checkFree asks whether login and e-mail address are free (selzy.md 8, documented).
func (c *Client) checkFree(ctx context.Context, u provider.NewUser) error {
	asked := map[string]string{}
	if u.Login != "" {
		asked["login"] = u.Login
	}
	if u.Email != "" {
		asked["email"] = u.Email
	}
	r := request{operation: provider.OpCreateUser, method: "checkUserExists", args: asked, secrets: []string{u.Password}, personal: wire.Personal(u)}
	return c.call(ctx, r, func(a *answer) error {
		taken, err := a.taken(asked)
		if err != nil || taken == "" {
			return err
		}
		return &provider.Error{Kind: provider.KindConflict, Message: "the " + taken + " is taken at the vendor", Field: taken, Refused: true}
	})
}

// taken reads the answer of checkUserExists: the first of login and email that exists, "" if none does.
func (a *answer) taken(asked map[string]string) (string, error) {
	in := a.envelope.Afresh().Object("result")
	taken := ""
	for _, field := range []string{"email", "login"} {
		exists := in.OptionalFlag(field + "_exists")
		if exists == nil && asked[field] != "" {
			in.Fail(field+"_exists", "is missing")
		}
		if exists != nil && *exists && asked[field] != "" {
			taken = field
		}
	}
	return taken, in.Err()
}
