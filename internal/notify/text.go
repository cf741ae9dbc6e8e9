package notify

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"accountgateway/internal/plain"
)

// cut is a text that has at most so many bytes.
func cut(text string, most int) string {
	const rest = "…"
	if len(text) <= most {
		return text
	}
	end := max(most-len(rest), 0)
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + rest
}

// maxPhrase is how much of a detail or a remedy is told, in bytes.
const maxPhrase = 300

// phrase is a sentence that others may have had a part in, such as a vendor's
// error: in one line, and with nobody mentioned in a chat by @name.
func phrase(text string) string {
	text = cut(strings.ReplaceAll(plain.Line(text), "@", "@\u200b"), maxPhrase)
	switch {
	case text == "":
		return ""
	case strings.ContainsRune(".!?…", rune(text[len(text)-1])) || strings.HasSuffix(text, "…"):
	default:
		text += "."
	}
	if word, _, _ := strings.Cut(text, " "); strings.ContainsAny(word, "_:") { // a code, such as provider_bad_response
		return text
	}
	first, size := utf8.DecodeRuneInString(text)
	return string(unicode.ToUpper(first)) + text[size:]
}

// sentences are phrases in one line.
func sentences(all ...string) string {
	var said []string
	for _, one := range all {
		if one = phrase(one); one != "" {
			said = append(said, one)
		}
	}
	return strings.Join(said, " ")
}
