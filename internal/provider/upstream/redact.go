package upstream

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode/utf16"
	"unicode/utf8"
)

const redacted = "[redacted]"

// redactor finds secrets in texts, however a vendor escapes them when it
// echoes them: raw, in a URL, in JSON or in HTML.
type redactor struct {
	secrets func() *regexp.Regexp // nil if there are none; made when first needed: it is large
}

func newRedactor(secrets []string) redactor {
	secrets = slices.DeleteFunc(slices.Clone(secrets), func(s string) bool { return s == "" })
	if len(secrets) == 0 {
		return redactor{}
	}
	// The longest first, so that a secret that begins with another goes whole.
	slices.SortFunc(secrets, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	return redactor{secrets: sync.OnceValue(func() *regexp.Regexp { return secretsPattern(secrets) })}
}

func secretsPattern(secrets []string) *regexp.Regexp {
	patterns := make([]string, len(secrets))
	for i, secret := range secrets {
		patterns[i] = secretPattern(secret)
	}
	re, err := regexp.Compile(strings.Join(patterns, "|"))
	if err != nil {
		// A secret too long to look for: then no text is shown at all.
		return regexp.MustCompile(`(?s).+`)
	}
	return re
}

func (r redactor) redact(text string) string {
	if r.secrets == nil || text == "" {
		return text
	}
	return r.secrets().ReplaceAllLiteralString(text, redacted)
}

// Redactor is Redact for the account's secrets and those of one call, such as a
// new user's password.
func (c *Client) Redactor(secrets ...string) func(string) string {
	if len(secrets) == 0 {
		return c.Redact
	}
	return newRedactor(append(slices.Clone(c.o.Secrets), secrets...)).redact
}

// secretPattern matches a secret of which each character may be escaped in its
// own way: servers differ in what they escape, and in the case of hex digits.
func secretPattern(secret string) string {
	var pattern strings.Builder
	for rest := secret; rest != ""; {
		r, width := utf8.DecodeRuneInString(rest)
		pattern.WriteString(charPattern(r, rest[:width]))
		rest = rest[width:]
	}
	return pattern.String()
}

// shortEscapes are JSON's escapes by a letter.
var shortEscapes = map[rune]string{'\b': "b", '\f': "f", '\n': "n", '\r': "r", '\t': "t"}

// namedEntities are HTML's entities of the characters that it must escape.
var namedEntities = map[rune]string{'&': "amp", '<': "lt", '>': "gt", '"': "quot", '\'': "apos"}

// charPattern matches a character in any form. The raw one comes last, because
// "%" and "&" begin their own escaped forms.
func charPattern(r rune, raw string) string {
	percent, unicode := "", ""
	for _, b := range []byte(raw) {
		percent += fmt.Sprintf("%%(?i:%02x)", b)
	}
	for _, unit := range utf16.Encode([]rune{r}) {
		unicode += fmt.Sprintf(`\\+u(?i:%04x)`, unit)
	}
	forms := []string{percent, unicode, fmt.Sprintf(`&#0*%d;`, r), fmt.Sprintf(`&#(?i:x0*%x);`, r)}
	if letter, ok := shortEscapes[r]; ok {
		forms = append(forms, `\\+`+letter)
	}
	if name, ok := namedEntities[r]; ok {
		forms = append(forms, "&"+name+";")
	}
	if r == ' ' {
		forms = append(forms, `\+`)
	}
	// Any backslashes before it: \" and \/ in JSON, more where it is quoted
	// twice.
	forms = append(forms, `\\*`+regexp.QuoteMeta(string(r)))
	return "(?:" + strings.Join(forms, "|") + ")"
}
