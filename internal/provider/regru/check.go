package regru

import (
	"maps"
	"net"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"accountgateway/internal/provider"
)

// form is what the manual says of a parameter of user/create (regru.md 5.2).
type form struct {
	good func(string) bool
	want string
}

var (
	isFlag  = form{func(v string) bool { return v == "0" || v == "1" }, "must be 0 or 1"}
	isPhone = form{regexp.MustCompile(`^\+[0-9][0-9 .()-]*$`).MatchString, "REG.RU wants a number like +7.4951234567"}
)

var userForms = map[string]form{
	"user_login": {regexp.MustCompile(`^[a-z0-9_-]+$`).MatchString, "REG.RU accepts only a-z, 0-9, - and _"},
	// "Any Latin characters": a blank is none.
	"user_password":        {regexp.MustCompile(`^[!-~]+$`).MatchString, "REG.RU accepts only Latin letters, digits and punctuation"},
	"user_phone":           isPhone,
	"user_fax":             isPhone,
	"user_language":        {func(v string) bool { return v == "ru" || v == "en" }, "REG.RU accepts only ru and en"},
	"user_ip":              {isAddress, "want an IP address"},
	"default_country_code": {regexp.MustCompile(`^[A-Za-z]{2}$`).MatchString, "want an ISO 3166-1 alpha-2 code, like DE"},
	"user_wmid":            {isWMID, "a WebMoney id has 12 digits"},
	"email_only":           isFlag,
	"user_subsribe":        isFlag,
	"user_mailnotify":      isFlag,
	"set_me_as_referrer":   isFlag,
	whiteList: {func(v string) bool {
		return !slices.ContainsFunc(listOf(v), func(item string) bool { return !isRange(item) })
	},
		"want IP addresses and ranges like 192.0.2.1, 192.0.2.0/24, 192.0.2.0/255.255.255.0 or 192.0., with commas between"},
}

// CheckUser finds what the manual does not allow, and what has no place at REG.RU.
func (c *Client) CheckUser(u provider.NewUser) []provider.Fault {
	var faults []provider.Fault
	bad := func(field, message string) { faults = append(faults, provider.Fault{Field: field, Message: message}) }
	unsupported := func(field, message string) {
		faults = append(faults, provider.Fault{Field: field, Message: message, Unsupported: true})
	}
	check := func(field, param, value string) {
		if f, formed := userForms[param]; formed && value != "" && !f.good(value) {
			bad(field, f.want)
		}
	}
	for _, f := range userFields {
		check(f.field, f.param, f.value(u))
	}
	given := map[string]string{} // parameters among the attributes
	for _, name := range slices.Sorted(maps.Keys(u.Attributes)) {
		param, known := paramOf(name)
		value := u.Attributes[name]
		switch other := given[param]; {
		case !known:
			unsupported(attribute(name), "REG.RU takes no such attribute of a new user")
		case other != "" && value != "" && other != value:
			bad(attribute(name), "says something else than the same attribute in another spelling")
		default:
			check(attribute(name), param, value)
		}
		if value != "" {
			given[param] = value
		}
	}
	if u.MiddleName != "" {
		unsupported("middle_name", "REG.RU's users have no middle name: leave it out")
	}
	if u.Timezone != "" {
		unsupported("timezone", "REG.RU's users have no time zone: leave it out")
	}
	if u.Email == "" {
		bad("email", "REG.RU needs one")
	}
	switch {
	case !emailMode(u):
		const mode = "REG.RU needs login and password; without both it makes them up and mails them"
		if u.Login == "" {
			bad("login", mode)
		}
		if u.Password == "" {
			bad("password", mode)
		}
	case u.Login != "" || u.Password != "":
		unsupported(attribute("email_only"), "with email_only REG.RU makes up login and password itself: leave out either these two or email_only")
	}
	switch ip, country := given["user_ip"] != "", given["default_country_code"] != ""; {
	case ip && !country:
		bad(attribute("default_country_code"), "REG.RU needs it beside user_ip")
	case u.Country == "" && country && !ip:
		bad(attribute("user_ip"), "REG.RU needs it beside default_country_code")
	case u.Country == "" && !ip:
		bad("country", "REG.RU needs it, or the attributes user_ip and default_country_code")
	}
	return faults
}

func isAddress(text string) bool {
	addr, err := netip.ParseAddr(text)
	return err == nil && addr.Zone() == ""
}

// isRange tells an item of white_list_ips: an address, a range in CIDR, an address with a mask, or the beginning of one
// (regru.md 2.1).
func isRange(text string) bool {
	if isAddress(text) {
		return true
	}
	if _, err := netip.ParsePrefix(text); err == nil {
		return true
	}
	if ip, mask, ok := strings.Cut(text, "/"); ok {
		addr, err := netip.ParseAddr(ip)
		_, bits := net.IPMask(net.ParseIP(mask).To4()).Size()
		return err == nil && addr.Is4() && bits == 32
	}
	head, ok := strings.CutSuffix(text, ".")
	parts := strings.Split(head, ".")
	for len(parts) < 4 {
		parts = append(parts, "0")
	}
	return ok && len(strings.Split(head, ".")) < 4 && isAddress(strings.Join(parts, "."))
}
