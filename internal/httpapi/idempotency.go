package httpapi

import (
	"net/http"
	"strconv"
	"strings"
)

const (
	keyHeader = "Idempotency-Key"
	maxKey    = 255 // characters
)

// idempotencyKey reads the key that a write must have: a bare text, or a quoted
// string (RFC 8941 3.3.3). Both forms of one text are one key.
func idempotencyKey(h http.Header) (string, error) {
	lines := h[keyHeader]
	if len(lines) > 1 {
		return "", badKey("given more than once")
	}
	if len(lines) == 0 || strings.Trim(lines[0], " \t") == "" {
		return "", &problemError{
			code:   ProblemCodeIdempotencyKeyMissing,
			detail: "a write needs an Idempotency-Key header: a text of your own, new for each write, the same for each repetition of it",
		}
	}
	key, ok := strings.Trim(lines[0], " \t"), true
	if key[0] == '"' {
		key, ok = unquote(key)
	}
	if !ok || key == "" || len(key) > maxKey || strings.ContainsFunc(key, func(r rune) bool { return r < ' ' || r > '~' }) {
		return "", badKey("want 1 to " + strconv.Itoa(maxKey) + " printable ASCII characters, bare or as one quoted string")
	}
	return key, nil
}

func badKey(message string) error {
	return invalidParameters{{Field: keyHeader, Message: message}}
}

// unquote reads a quoted string to its end; false if it is none, or more than one.
func unquote(quoted string) (string, bool) {
	var b strings.Builder
	for i := 1; i < len(quoted); i++ {
		switch c := quoted[i]; c {
		case '"':
			return b.String(), i == len(quoted)-1
		case '\\':
			i++
			if i == len(quoted) || quoted[i] != '"' && quoted[i] != '\\' {
				return "", false
			}
			b.WriteByte(quoted[i])
		default:
			b.WriteByte(c)
		}
	}
	return "", false
}
