// Package redacttest has the encodings in which a secret may come back, for tests of what hides it.
package redacttest

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"strings"
	"unicode/utf16"
)

// Encoding is a way in which servers write a text.
type Encoding struct {
	Name   string
	Encode func(string) string
	Around bool // it has bytes around the text, of which a few digits may stay
}

// Encodings are all that a Redactor knows. Plain is one of its own, so that two layers are also one and none.
var Encodings = []Encoding{
	{"plain", func(s string) string { return s }, false},
	{"JSON", func(s string) string { return inJSON(s, true) }, false},
	{"JSON, not HTML", func(s string) string { return inJSON(s, false) }, false},
	{"JSON, slashes", func(s string) string { return strings.ReplaceAll(inJSON(s, true), "/", `\/`) }, false},
	{"JSON, all as \\u", func(s string) string { return eachUnit(s, `\u%04x`) }, false},
	{"JSON, all as \\u, upper", func(s string) string { return eachUnit(s, `\u%04X`) }, false},
	{"query", url.QueryEscape, false},
	{"query, lower", func(s string) string { return lowerHex(url.QueryEscape(s)) }, false},
	{"path", url.PathEscape, false},
	{"URL, all", func(s string) string { return eachByte(s, "%%%02x") }, false},
	{"HTML", html.EscapeString, false},
	{"HTML, named", strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&apos;", "€", "&euro;").Replace, false},
	{"HTML, all decimal", func(s string) string { return eachRune(s, "&#%d;") }, false},
	{"HTML, all hex", func(s string) string { return eachRune(s, "&#x%X;") }, false},
	{"base64", func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }, false},
	{"base64, unpadded", func(s string) string { return base64.RawStdEncoding.EncodeToString([]byte(s)) }, false},
	{"base64 for URLs", func(s string) string { return base64.URLEncoding.EncodeToString([]byte(s)) }, false},
	{"base64 at 1", func(s string) string { return base64.RawStdEncoding.EncodeToString([]byte(":" + s + ":")) }, true},
	{"base64 at 2", func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte("u:" + s + "\n")) }, true},
	{"hex", func(s string) string { return hex.EncodeToString([]byte(s)) }, false},
	{"hex, upper", func(s string) string { return strings.ToUpper(hex.EncodeToString([]byte(s))) }, false},
	{"upper case", strings.ToUpper, false},
	{"lower case", strings.ToLower, false},
}

func inJSON(s string, escapeHTML bool) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(escapeHTML)
	_ = enc.Encode(s)
	quoted := strings.TrimSpace(b.String())
	return quoted[1 : len(quoted)-1]
}

func eachByte(s, format string) (out string) {
	for _, b := range []byte(s) {
		out += fmt.Sprintf(format, b)
	}
	return out
}

func eachRune(s, format string) (out string) {
	for _, r := range s {
		out += fmt.Sprintf(format, r)
	}
	return out
}

func eachUnit(s, format string) (out string) {
	for _, unit := range utf16.Encode([]rune(s)) {
		out += fmt.Sprintf(format, unit)
	}
	return out
}

// lowerHex makes %2B to %2b.
func lowerHex(s string) string {
	out := []byte(s)
	for i, b := range out {
		if b == '%' {
			copy(out[i:], strings.ToLower(s[i:i+3]))
		}
	}
	return string(out)
}
