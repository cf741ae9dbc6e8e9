package selzy

import (
	"context"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"accountgateway/internal/provider"
	"accountgateway/internal/provider/wire"
)

// CreateUser creates a user of a reseller by register (selzy.md 8). The vendor mails nobody unless the attributes
// notify=1 or need_confirm=1 say so; with need_confirm=1 the user becomes one when he follows the link in the mail.
//
// With CheckOnly, the reseller's checkUserExists is asked instead: a read that finds a login or an e-mail address that
// is taken, and no other fault of the input.
func (c *Client) CreateUser(ctx context.Context, u provider.NewUser) (provider.CreatedUser, error) {
	if err := provider.RefuseFaults(c.CheckUser(u)); err != nil {
		return provider.CreatedUser{}, err
	}
	if u.CheckOnly {
		return provider.CreatedUser{}, c.checkFree(ctx, u)
	}
	args := userArgs(u)
	var created provider.CreatedUser
	r := request{operation: provider.OpCreateUser, method: "register", args: args, write: true, secrets: []string{u.Password}, personal: wire.Personal(u)}
	err := c.call(ctx, r, func(a *answer) (err error) {
		created, err = a.created(u)
		return err
	})
	if err != nil {
		return provider.CreatedUser{}, err
	}
	return created, nil
}

// userArguments are the arguments of register that have common names. The names in extra beside firstname are for
// only need_confirm=1 (documented).
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
	{"country_code", "country", false, alpha3},
}

// userAttributes are the arguments that have none, and what they may be: the first three documented, the others seen in
// a client.
var userAttributes = map[string]struct {
	good func(string) bool // nil: anything
	want string
}{
	"need_confirm":   {isFlag, "must be 0 or 1"},
	"notify":         {isFlag, "must be 0 or 1"},
	"extra[channel]": {},
	"currency_code":  {},
	"ip":             {isAddress, "want an IP address"},
	"api_mode":       {func(v string) bool { return v == "on" || v == "off" || v == "test" }, "want on, off or test"},
}

func isFlag(text string) bool { return text == "0" || text == "1" }

func isAddress(text string) bool {
	_, err := netip.ParseAddr(text)
	return err == nil
}

// CheckUser finds what the vendor's documents do not allow, and what has no place there.
func (c *Client) CheckUser(u provider.NewUser) []provider.Fault {
	var faults []provider.Fault
	bad := func(field, message string) { faults = append(faults, provider.Fault{Field: field, Message: message}) }
	unsupported := func(field, message string) {
		faults = append(faults, provider.Fault{Field: field, Message: message, Unsupported: true})
	}
	for _, name := range slices.Sorted(maps.Keys(u.Attributes)) {
		rule, known := userAttributes[name]
		switch value := u.Attributes[name]; {
		case !known:
			unsupported("attributes."+name, "the vendor takes no such attribute of a new user")
		case value != "" && rule.good != nil && !rule.good(value):
			bad("attributes."+name, rule.want)
		}
	}
	if u.MiddleName != "" {
		unsupported("middle_name", "the vendor takes no middle name of a new user: leave it out")
	}
	if u.Language != "" {
		unsupported("language", "the vendor takes no language of a new user: leave it out")
	}
	for _, a := range userArguments {
		if a.confirmed && a.value(u) != "" && u.Attributes["need_confirm"] != "1" {
			unsupported(a.field, "the vendor accepts this only with the attribute need_confirm=1: omit it")
		}
	}
	if u.Email == "" {
		bad("email", "the vendor needs one")
	}
	if u.Country != "" && alpha3(u) == noCountry {
		bad("country", "must be an upper-case ISO 3166-1 alpha-2 code, e.g. DE")
	}
	return faults
}

// userArgs are the arguments of register for a user that CheckUser finds nothing wrong with. Only what is listed above
// gets through, so that no attribute replaces a common field, a common parameter or the key.
func userArgs(u provider.NewUser) map[string]string {
	args := map[string]string{"notify": "0", "need_confirm": "0"}
	for name, value := range u.Attributes {
		if _, known := userAttributes[name]; known && value != "" {
			args[name] = value
		}
	}
	for _, a := range userArguments {
		if value := a.value(u); value != "" {
			args[a.name] = value
		}
	}
	return args
}

// utc is the zone of users without one (documented).
const utc = "UTC"

// created reads the answer of register: the new user's key, a secret, and the vendor's warnings. What need_confirm=1
// answers is not known: there may be no key. A zone that the vendor does not know becomes UTC, with a warning that says
// so (documented).
func (a *answer) created(u provider.NewUser) (provider.CreatedUser, error) {
	result := a.envelope.Afresh().Object("result")
	made := provider.CreatedUser{APIKey: result.Text("api_key"), Warnings: a.envelope.Remarks("warnings", "warning")}
	if err := result.Err(); err != nil && u.Attributes["need_confirm"] != "1" {
		return provider.CreatedUser{}, err
	}
	if u.Timezone == "" || slices.ContainsFunc(made.Warnings, func(w string) bool { return strings.Contains(w, utc) }) {
		made.Timezone = utc
	}
	return made, nil
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
