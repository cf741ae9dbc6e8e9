package httpapi

import (
	"context"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"accountgateway/internal/operation"
	"accountgateway/internal/provider"
)

const (
	maxText           = 255 // characters of a user's field
	maxEmail          = 254
	maxAttributes     = 50
	maxAttributeValue = 1000
)

// createUser answers POST /accounts/{account}/users.
func (s *server) createUser(ctx context.Context, r *http.Request) (reply, error) {
	order, err := s.order(ctx, r, provider.OpCreateUser)
	if err != nil {
		return reply{}, err
	}
	user, err := newUser(r.Body, func(u provider.NewUser) []provider.Fault { return s.Accounts.CheckUser(order.Account, u) })
	if err != nil {
		return reply{}, err
	}
	op, err := s.Accounts.CreateUser(ctx, order, user)
	if err != nil {
		return reply{}, err
	}
	return operationReply(ctx, op, creationBody(op))
}

func creationBody(op operation.Operation) UserCreation {
	body := UserCreation{
		ID: op.ID, Account: op.Account, Provider: op.Provider, State: WriteState(op.State), Recorded: op.Recorded, CheckOnly: op.CheckOnly,
		APIKey: present(op.APIKey), Warnings: append([]string{}, op.Warnings...),
	}
	if op.User != nil {
		body.User = new(userBody(*op.User))
	}
	return body
}

var userMembers = []string{
	"login", "password", "email", "first_name", "middle_name", "last_name", "phone", "company", "country", "language", "timezone",
	"check_only", "attributes",
}

var (
	languageForm      = regexp.MustCompile(`^[a-z]{2,3}$`)
	timezoneForm      = regexp.MustCompile(`^[A-Za-z0-9_+/-]{1,64}$`)
	attributeNameForm = regexp.MustCompile(`^[A-Za-z0-9_.\[\]-]{1,64}$`)
)

// newUser reads a body that asks for a user, and finds all that is wrong with it, by the vendor's rules too.
func newUser(body io.Reader, vendor func(provider.NewUser) []provider.Fault) (provider.NewUser, error) {
	f, err := readForm(body, userMembers...)
	if err != nil {
		return provider.NewUser{}, err
	}
	u := provider.NewUser{
		Login: f.text("login", maxText), Password: f.text("password", maxText), Email: f.text("email", maxEmail),
		FirstName: f.text("first_name", maxText), MiddleName: f.text("middle_name", maxText), LastName: f.text("last_name", maxText),
		Phone: f.text("phone", maxText), Company: f.text("company", maxText),
		Country: f.text("country", maxText), Language: f.text("language", maxText), Timezone: f.text("timezone", maxText),
		CheckOnly: f.flag("check_only"), Attributes: f.attributes("attributes"),
	}
	switch {
	case !f.has("email"):
		f.refuse("email", "is missing")
	case !isEmail(u.Email):
		f.refuse("email", "must be an email address, e.g. ada@customer.example")
	}
	if u.Country != "" && !isCountry(u.Country) {
		f.refuse("country", "must be an upper-case ISO 3166-1 alpha-2 code, e.g. DE")
	}
	if u.Language != "" && !languageForm.MatchString(u.Language) {
		f.refuse("language", "must be a lower-case ISO 639 code, e.g. en")
	}
	if u.Timezone != "" && !timezoneForm.MatchString(u.Timezone) {
		f.refuse("timezone", "must be an IANA time zone, e.g. Europe/Berlin")
	}
	// These are kept in the operation's record, where no password may be.
	if _, kept := u.Attributes[u.Password]; u.Password != "" && (kept || u.Password == u.Login) {
		f.refuse("password", "may not be the login or the name of an attribute")
	}
	faults := slices.DeleteFunc(vendor(u), func(fault provider.Fault) bool {
		return u.Password != "" && fault.Field == "attributes."+u.Password // refused above, without its name
	})
	return u, f.vendorSays(faults)
}

// isEmail tells what surely is no address; the vendor knows more.
func isEmail(text string) bool {
	local, domain, ok := strings.Cut(text, "@")
	return ok && local != "" && domain != "" && !strings.Contains(domain, "@") && len(text) <= maxEmail && len(strings.Fields(text)) == 1 &&
		strings.TrimSpace(text) == text
}

// attributes reads a member that is an object of texts.
func (f *form) attributes(member string) map[string]string {
	value, ok := f.members[member]
	if !ok {
		return nil
	}
	if value[0] != '{' {
		f.refuse(member, "must be an object with string values")
		return nil
	}
	given := f.object(member+".", value)
	if len(given) > maxAttributes {
		f.refuse(member, "must have at most 50 members")
		return nil
	}
	texts := map[string]string{}
	for _, name := range sortedNames(given) {
		if !attributeNameForm.MatchString(name) {
			f.refuse(member, "member names must be 1 to 64 of the characters A-Z a-z 0-9 _ . [ ] -")
			continue
		}
		text, message := textOf(given[name], maxAttributeValue)
		if message != "" {
			f.refuse(member+"."+name, message)
		}
		texts[name] = text
	}
	return texts
}

// countries are the codes of ISO 3166-1 alpha-2.
const countries = " AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR " +
	"CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN " +
	"IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA " +
	"NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD " +
	"TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW "

func isCountry(code string) bool {
	return len(code) == 2 && strings.Contains(countries, " "+code+" ")
}
