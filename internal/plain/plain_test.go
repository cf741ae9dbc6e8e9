package plain_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"accountgateway/internal/plain"
)

func TestLine(t *testing.T) {
	for text, want := range map[string]string{
		"":                                "",
		"the balance is -4.75 ₽":          "the balance is -4.75 ₽",
		"a\x1b]0;pwned\x07\x1b[2Jb":       "a ]0;pwned [2Jb",
		"a\nb\r\nc\td\x00e\x7ff\u0085g":   "a b c d e f g",
		"a\u202eb\u2066c\u200ed\u061ce":   "a b c d e",
		"a\u2028b\u2029c":                 "a b c",
		" a  b\n":                         "a b",
		"a\xffb":                          "a\uFFFDb",
		"\u05e9\u05dc\u05d5\u05dd \u0434": "\u05e9\u05dc\u05d5\u05dd \u0434",
	} {
		if got := plain.Line(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func FuzzLine(f *testing.F) {
	f.Add("a\x1b[2J\u202eb\xff")
	f.Fuzz(func(t *testing.T, text string) {
		got := plain.Line(text)
		if !utf8.ValidString(got) || strings.ContainsFunc(got, plain.Steers) || strings.ContainsAny(got, "\u2028\u2029") || plain.Line(got) != got {
			t.Errorf("%q: got %q", text, got)
		}
	})
}
