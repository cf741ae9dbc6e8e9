package regru

import (
	"fmt"
	"net/mail"
	"net/netip"
	"regexp"
	"slices"
	"strings"
)

var (
	loginForm    = regexp.MustCompile(`^[a-z0-9_-]+$`)
	passwordForm = regexp.MustCompile(`^[!-~]+$`)
	countryForm  = regexp.MustCompile(`^[A-Z]{2}$`)
	phoneForm    = regexp.MustCompile(`^\+[0-9][0-9 .()-]{6,20}$`)
	wmidForm     = regexp.MustCompile(`^[0-9]{12}$`)
)

// checkedUser is what user/create answers when nothing was created.
const checkedUser = numeric("777")

// createUser is user/create (5.2).
func (s *Server) createUser(c *call) (answer, *apiError) {
	emailOnly, err := s.checkNewUser(c)
	if err != nil {
		return nil, err
	}
	login := c.params.text("user_login")
	if !emailOnly && s.find(login) != nil {
		return nil, fail("USER_LOGIN_NOT_UNIQUE")
	}
	if c.account.test || c.params.text("check_only") == "1" {
		return answer{"user_id": checkedUser}, nil
	}
	a := Account{
		Login:      login,
		Password:   c.params.text("user_password"),
		Email:      c.params.text("user_email"),
		AllowedIPs: []string{}, // nothing works until the owner lists an address (2.1)
	}
	for _, item := range c.params.list("white_list_ips") {
		if text, ok := item.(string); ok {
			a.AllowedIPs = append(a.AllowedIPs, text)
		}
	}
	if emailOnly {
		// Login and password are made up by the vendor and mailed; nobody knows them here.
		a.Login, a.Password = fmt.Sprintf("user%d", s.lastID+1), ""
	}
	return answer{"user_id": id(s.addAccount(a))}, nil
}

// checkNewUser checks the fields one by one and says if the e-mail mode was asked for.
func (s *Server) checkNewUser(c *call) (emailOnly bool, _ *apiError) {
	for _, flag := range []string{"email_only", "user_subsribe", "user_mailnotify", "set_me_as_referrer", "check_only"} {
		if v := c.params.text(flag); !slices.Contains([]string{"", "0", "1"}, v) {
			return false, incorrect(flag)
		}
	}
	emailOnly = c.params.text("email_only") == "1"
	if s.opts.Profile == Profile2017 { // the mode was implied
		emailOnly = c.params.text("user_login") == "" && c.params.text("user_password") == "" && c.params.text("user_ip") != ""
	}
	required := []string{"user_login", "user_password", "user_email"}
	if emailOnly {
		required = []string{"user_email"}
	}
	// Today's table asks for the address and a default instead of the country, but its sample sends the country.
	switch {
	case c.params.text("user_country_code") != "":
	case s.opts.Profile == Profile2017 && !emailOnly:
		required = append(required, "user_country_code")
	default:
		required = append(required, "user_ip", "default_country_code")
	}
	for _, name := range required {
		if c.params.text(name) == "" {
			return false, missing(name)
		}
	}
	if !emailOnly {
		if !loginForm.MatchString(c.params.text("user_login")) {
			return false, incorrect("user_login")
		}
		if !passwordForm.MatchString(c.params.text("user_password")) {
			return false, incorrect("user_password")
		}
	}
	return emailOnly, s.checkContacts(c)
}

func (s *Server) checkContacts(c *call) *apiError {
	optional := func(name string, good func(string) bool) *apiError {
		if v := c.params.text(name); v != "" && !good(v) {
			return incorrect(name)
		}
		return nil
	}
	country := func(v string) bool { return countryForm.MatchString(strings.ToUpper(v)) }
	for _, field := range []struct {
		name string
		good func(string) bool
	}{
		{"user_email", goodEmail},
		{"user_ip", goodIP},
		{"default_country_code", country},
		{"user_phone", phoneForm.MatchString},
		{"user_fax", phoneForm.MatchString},
		{"user_wmid", wmidForm.MatchString},
		{"user_language", func(v string) bool { return v == "ru" || v == "en" }},
	} {
		if err := optional(field.name, field.good); err != nil {
			return err
		}
	}
	for _, item := range c.params.list("white_list_ips") {
		text, _ := item.(string)
		if _, ok := parseRange(text); !ok {
			return incorrect("white_list_ips")
		}
	}
	code := c.params.text("user_country_code")
	if s.opts.AnyCountryCase {
		code = strings.ToUpper(code)
	}
	if code != "" && !countryForm.MatchString(code) {
		return fail("INVALID_CONTACTS")
	}
	return nil
}

func goodEmail(v string) bool {
	a, err := mail.ParseAddress(v)
	return err == nil && a.Address == v
}

func goodIP(v string) bool {
	_, err := netip.ParseAddr(v)
	return err == nil
}
