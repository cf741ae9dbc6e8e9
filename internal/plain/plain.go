// Package plain makes texts of others, such as vendors, fit to be shown to
// people: on a terminal, in a log, in a message.
package plain

import (
	"strings"
	"unicode"
)

// Steers tells whether a character steers whatever shows it, instead of being
// shown: a control character, such as those that move a terminal's cursor, or
// one that turns the direction of the text around it.
func Steers(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) }

// Line is a text in one line of valid UTF-8, with a space in place of all that
// steers and no space beside another.
func Line(text string) string {
	text = strings.Map(func(r rune) rune {
		if Steers(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD"))
	return strings.Join(strings.Fields(text), " ")
}
