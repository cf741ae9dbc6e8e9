package notify

import (
	"net/url"
	"regexp"
	"slices"
	"strings"

	"accountgateway/internal/plain"
	"accountgateway/internal/redact"
)

// secrets hides the parts of a destination's URL in texts of others: shoutrrr's
// errors quote URLs, and servers quote what they were sent.
type secrets struct{ redactor *redact.Redactor }

// plainWords are parts of URLs that are no secret, and would be missed in an
// error.
var plainWords = []string{
	"api", "auto", "critical", "error", "false", "hook", "hooks", "html", "http", "https", "info", "json", "markdown", "markdownv2", "message", "messages", "none", "plain",
	"post", "services", "true", "warning", "webhook", "webhooks", "yes",
}

// minPart is the length of the shortest part of a URL that is worth hiding.
const minPart = 3

// newSecrets is for a URL as it was written, and as it was understood.
func newSecrets(text string, u *url.URL) *secrets {
	var parts []string
	add := func(all ...string) {
		for _, part := range all {
			if len(part) >= minPart && !slices.Contains(plainWords, strings.ToLower(part)) {
				parts = append(parts, part)
			}
		}
	}
	pieces := func(text string) {
		add(text)
		add(strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(":/,;-@ ", r) })...)
	}
	_, rest, _ := strings.Cut(text, "://")
	add(text, rest)
	password, _ := u.User.Password()
	pieces(u.User.Username())
	pieces(password)
	for _, host := range []string{u.Host, u.Hostname()} {
		if host != u.Scheme { // telegram://…@telegram is no host
			add(host)
		}
	}
	for _, parent, ok := strings.Cut(u.Hostname(), "."); ok && strings.Contains(parent, "."); _, parent, ok = strings.Cut(parent, ".") {
		add(parent) // certificates are for *.parent
	}
	pieces(u.Path)
	pieces(u.Fragment)
	add(u.RawQuery)
	for name, values := range u.Query() {
		if strings.ContainsAny(name, "@$") { // a header or a member with its value
			add(name[1:])
		}
		for _, value := range values {
			pieces(value)
		}
	}
	return &secrets{redact.New(redact.Texts{Secrets: parts})}
}

// addresses are what may be a secret address, whoever says it, and what is shown
// instead.
var addresses = []struct {
	found *regexp.Regexp
	shown string
}{
	{regexp.MustCompile(`[A-Za-z][A-Za-z0-9+.-]*://[^\s"'<>]+`), redact.Mark},
	{regexp.MustCompile(`[^\s"'<>:,;]+@[^\s"'<>:,;]+`), redact.Mark},
	{regexp.MustCompile(`\blookup [^\s:]+`), "lookup " + redact.Mark},
	{regexp.MustCompile(`\[[0-9a-fA-F:.%]+\](:\d+)?|\b\d{1,3}(\.\d{1,3}){3}(:\d+)?\b`), redact.Mark},
}

// maxError is how much of an error is shown, in bytes.
const maxError = 200

// hide gives what an error says, in one line, without what is secret.
func (s *secrets) hide(text string) string {
	text = plain.Line(text)
	for _, address := range addresses {
		text = address.found.ReplaceAllString(text, address.shown)
	}
	return cut(s.redactor.Quote(text), maxError)
}
