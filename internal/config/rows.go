package config

import (
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// Row is one setting as it is in force, fit to be shown: a secret is redacted.
type Row struct {
	Name        string
	Value       string // as it was written; "" if there is none
	From        string // default, environment, or file and its name
	Description string
}

// Rows are the settings that were read, in that order.
func (r *Reader) Rows() []Row { return r.rows }

// Derived says what a setting that is not set comes to, and from what.
func (r *Reader) Derived(name, value, from string) {
	for i := range r.rows {
		if r.rows[i].Name == name {
			r.rows[i].Value, r.rows[i].From = value, from
		}
	}
}

// row shows a setting. Of a secret with the tag shown:"url", all but what may
// be secret is shown.
func row(name, text, from string, field reflect.StructField) Row {
	switch {
	case text == "":
	case field.Type != reflect.TypeFor[Secret]():
	case field.Tag.Get("shown") == "url":
		text = withoutSecrets(text)
	default:
		text = redacted
	}
	if quoted := strconv.Quote(text); quoted != `"`+text+`"` {
		text = quoted // it would spoil a table or a terminal
	}
	return Row{Name: name, Value: text, From: from, Description: field.Tag.Get("desc")}
}

// shownParameters are the query parameters of a database URL that no secret
// is in.
var shownParameters = []string{"application_name", "connect_timeout", "search_path", "sslmode"}

// withoutSecrets shows a URL of a database without its password. It shows
// nothing of one that it does not surely understand.
func withoutSecrets(text string) string {
	if strings.HasPrefix(text, "sqlite:") {
		return text // a file has no password
	}
	u, err := url.Parse(text)
	// An @ behind the host is the rest of a password with a / ? or #.
	if err != nil || u.Host == "" || u.Fragment != "" || strings.Contains(u.Path+u.RawQuery, "@") {
		return redacted
	}
	if _, has := u.User.Password(); has {
		u.User = url.UserPassword(u.User.Username(), "REDACTED")
	}
	parameters := u.Query()
	for name := range parameters {
		if !slices.Contains(shownParameters, name) {
			parameters[name] = []string{"REDACTED"}
		}
	}
	u.RawQuery = parameters.Encode()
	return strings.ReplaceAll(u.String(), "REDACTED", redacted)
}
