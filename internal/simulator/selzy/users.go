package selzy

import (
	"crypto/rand"
	"net/mail"
	"strings"
	"time"

	"golang.org/x/text/language"
)

// checkUserExists checks login and email each on its own, among all users of the vendor; one that was not asked for
// reads 0, since a client needs both fields (selzy.md 8, documented; seen: mkedo).
func checkUserExists(c *call) (any, *apiError) {
	login, failure := c.args.text("login")
	if failure != nil {
		return nil, failure
	}
	email, failure := c.args.text("email")
	if failure != nil {
		return nil, failure
	}
	if login == "" && email == "" {
		return nil, badArg("login or email is required")
	}
	return object{
		{"login_exists", flag(c.server.byLogin(login) != nil)},
		{"email_exists", flag(c.server.byEmail(email) != nil)},
	}, nil
}

// register creates a user (selzy.md 8). The password is neither checked nor kept. With need_confirm the user is not
// active yet and the answer is an empty map: what the vendor answers then is not known.
func register(c *call) (any, *apiError) {
	needConfirm, failure := c.args.flag("need_confirm")
	if failure != nil {
		return nil, failure
	}
	reseller := c.caller != nil && c.caller.Reseller
	if !needConfirm && !reseller {
		return nil, failText(codeAccessDenied, "need_confirm=0 is open to resellers only")
	}
	if !reseller && !c.server.registers.allow(c.ip, c.now) {
		return nil, failText(codeIPLimit, "one registration a minute from one address") // code assumed
	}
	a, failure := c.newUser(needConfirm)
	if failure != nil {
		return nil, failure
	}
	if !c.test {
		c.server.accounts = append(c.server.accounts, a)
	}
	if needConfirm {
		return []any{}, nil
	}
	return object{{"api_key", a.APIKey}}, nil
}

// newUser reads register's arguments.
func (c *call) newUser(needConfirm bool) (*account, *apiError) {
	var failure *apiError
	text := func(name string) string {
		v, f := c.args.text(name)
		if failure == nil {
			failure = f
		}
		return v
	}
	a := &account{Account{
		APIKey:     strings.ToLower(rand.Text() + rand.Text()),
		Email:      text("email"),
		Login:      text("login"),
		FirstName:  text("extra[firstname]"),
		Channel:    text("extra[channel]"),
		Country:    text("country_code"),
		Currency:   text("currency_code"),
		APIMode:    text("api_mode"),
		Language:   c.lang,
		Registered: c.now.Truncate(time.Second),
		Active:     !needConfirm,
	}}
	if needConfirm {
		a.LastName, a.Company, a.Phone = text("extra[lastname]"), text("extra[company]"), text("extra[phone]")
	}
	text("password") // must not be an array
	if failure != nil {
		return nil, failure
	}
	if _, failure := c.args.flag("notify"); failure != nil {
		return nil, failure
	}
	if failure := c.checkIdentity(a); failure != nil {
		return nil, failure
	}
	if failure := c.setDefaults(a); failure != nil {
		return nil, failure
	}
	t := tariffs[freeTariff]
	t.apply(a, c.now)
	return a, c.setTimezone(a)
}

// checkIdentity checks email and login, which are the vendor's keys. That login falls back to email and that a taken
// one is invalid_arg is assumed.
func (c *call) checkIdentity(a *account) *apiError {
	if a.Email == "" {
		return badArg("email is required")
	}
	if !validEmail(a.Email) {
		return badArg("email is not an address")
	}
	if a.Login == "" {
		a.Login = a.Email
	}
	if len(a.Login) > 255 || strings.ContainsAny(a.Login, " \t\r\n") {
		return badArg("login must be up to 255 characters without blanks")
	}
	if c.server.byLogin(a.Login) != nil {
		return badArg("login is taken")
	}
	if c.server.byEmail(a.Email) != nil {
		return badArg("email is taken")
	}
	return nil
}

// noCountry is what clients send for no country (seen: two public clients, which send alpha-3 codes else).
const noCountry = "ZZZ"

// setDefaults checks country, currency and API mode; without them the user gets those of its reseller (assumed).
func (c *call) setDefaults(a *account) *apiError {
	if c.caller != nil {
		a.Owner = c.caller.Login
	}
	switch {
	case a.Country != "" && a.Country != noCountry:
		region, err := language.ParseRegion(a.Country)
		if err != nil || !region.IsCountry() || region.ISO3() != a.Country {
			return badArg("country_code is not an ISO 3166-1 alpha-3 code")
		}
	case c.caller != nil:
		a.Country = c.caller.Country
	default:
		a.Country = "USA"
	}
	switch {
	case a.Currency == "" && c.caller != nil:
		a.Currency = c.caller.Currency
	case a.Currency == "":
		a.Currency = "USD"
	case !c.server.hasCurrency(a.Currency):
		return badArg("currency_code is not a currency of accounts")
	}
	switch a.APIMode {
	case "":
		a.APIMode = ModeOn
	case ModeOn, ModeOff, ModeTest:
	default:
		return badArg("api_mode must be on, off or test")
	}
	return nil
}

// setTimezone uses UTC, with a warning for a zone that is not known (selzy.md 2, documented).
func (c *call) setTimezone(a *account) *apiError {
	zone, failure := c.args.text("timezone")
	if failure != nil {
		return failure
	}
	a.Timezone = "UTC"
	if zone == "" {
		return nil
	}
	if _, err := time.LoadLocation(zone); err != nil || zone == "Local" {
		c.warnings = append(c.warnings, "time zone not found, UTC used")
		return nil
	}
	a.Timezone = zone
	return nil
}

func validEmail(email string) bool {
	parsed, err := mail.ParseAddress(email)
	return err == nil && parsed.Address == email && strings.Contains(email[strings.LastIndex(email, "@"):], ".")
}
