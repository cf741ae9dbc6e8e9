package doctest

import (
	"regexp"
	"strings"
	"testing"
)

// variable is what differs each time: times, random names, ages and lengths.
// It stands in the documents as it was once.
var variable = []struct {
	pattern *regexp.Regexp
	becomes string
}{
	{regexp.MustCompile(`\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?`), "<time>"},
	{regexp.MustCompile(`\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT`), "<time>"},
	{regexp.MustCompile(`\bgw_[a-z2-7]{10}_[a-z2-7]+`), "<token>"},
	{regexp.MustCompile(`\btoken [a-z2-7]{10}\b`), "token <id>"},
	{regexp.MustCompile(`(?m)^[a-z2-7]{10}  `), "<id>  "},
	{regexp.MustCompile(`\b([A-Z2-7]{26}|[a-z2-7]{26})\b`), "<id>"},
	{regexp.MustCompile(`(?m)^(Age|Content-Length|Retry-After): \d+`), "$1: <n>"},
	{regexp.MustCompile(`(?m)^Etag: .*`), "Etag: <etag>"},
	{regexp.MustCompile(`\bttl=-?\d+`), "ttl=<n>"},
	{regexp.MustCompile(`\bt=\d+`), "t=<n>"},
	{regexp.MustCompile(`"(duration_ms|bytes)":[\d.]+`), `"$1":<n>`},
	{regexp.MustCompile(`\b(another|is) \d+ s\b`), "$1 <n> s"},
	{regexp.MustCompile(`\d\.\d+e\+09\b`), "<unix time>"},
	{regexp.MustCompile(`\bgo1\.[\d.]+`), "<go>"},
	{regexp.MustCompile(`\b(linux|darwin|windows)/\w+`), "<machine>"},
}

// plain makes two texts comparable: what is variable is named, runs of spaces
// are one, and white space between the tokens of JSON is none.
func plain(text string) string {
	text = strings.ReplaceAll(text, "\r", "")
	for _, v := range variable {
		text = v.pattern.ReplaceAllString(text, v.becomes)
	}
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = strings.TrimSpace(spaces.ReplaceAllString(line, " "))
	}
	text = strings.Join(lines, "\n")
	if at := strings.Index("\n"+text, "\n{"); at >= 0 {
		text = text[:at] + compact(text[at:])
	}
	return strings.TrimSpace(text)
}

var spaces = regexp.MustCompile(` +`)

// compact drops the white space outside of JSON's texts.
func compact(text string) string {
	var b strings.Builder
	quoted, escaped := false, false
	for _, r := range text {
		if quoted || !strings.ContainsRune(" \n\t", r) {
			b.WriteRune(r)
		}
		switch {
		case escaped:
			escaped = false
		case quoted && r == '\\':
			escaped = true
		case r == '"':
			quoted = !quoted
		}
	}
	return b.String()
}

// shows tells whether a document shows what was printed. A … in it stands for
// anything, also for nothing.
func shows(want, printed string) bool {
	pattern := regexp.QuoteMeta(plain(want))
	pattern = strings.ReplaceAll(pattern, "\n…", "…")
	pattern = strings.ReplaceAll(pattern, "…", `(?s:.*)`)
	return regexp.MustCompile(`\A` + pattern + `\z`).MatchString(plain(printed))
}

func TestShows(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		want, printed string
		same          bool
	}{
		{"one\ntwo\n", "one\ntwo", true},
		{"one\ntwo\n", "one\n2", false},
		{"one\n", "one\ntwo", false},
		{"one\n…\n", "one\ntwo\nthree", true},
		{"one\n…\nthree\n", "one\nthree", true},
		{"Age: 4\nEtag: \"a\"\n", "Age: 17\r\nEtag: \"b\"\r\n", true},
		{"{\n  \"a\": 1,\n  …\n}", `{"a":1,"b":2}`, true},
		{"{\n  \"a\": 1\n}", `{"a":2}`, false},
		{`{"a": "b c"}`, `{"a":"bc"}`, false},
		{`{"as_of": "2026-11-21T21:52:05.833Z"}`, `{"as_of":"2027-01-01T00:00:00Z"}`, true},
		{"NAME     VALUE\n", "NAME  VALUE", true},
	} {
		if got := shows(tt.want, tt.printed); got != tt.same {
			t.Errorf("%q shows %q: %v", tt.want, tt.printed, got)
		}
	}
}
