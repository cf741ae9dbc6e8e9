package httpapi

import (
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"unicode/utf8"

	"accountgateway/internal/provider"
)

// page is a part of a list of users that is sorted by login. A login is unique
// within an account.
type page struct {
	after *string // login of the last user before the page; nil: from the start
	limit int
}

// of cuts the page out of all users, whatever their order, and gives the cursor
// of the page after it: nil if there is none.
func (p page) of(users []provider.User) ([]provider.User, *string) {
	sorted := slices.SortedStableFunc(slices.Values(users), func(a, b provider.User) int { return strings.Compare(a.Login, b.Login) })
	if p.after != nil {
		sorted = slices.DeleteFunc(sorted, func(u provider.User) bool { return u.Login <= *p.after })
	}
	if len(sorted) <= p.limit {
		return sorted, nil
	}
	return sorted[:p.limit], new(formatCursor(sorted[p.limit-1].Login))
}

// cursorMark tells a cursor from other base64 text.
const cursorMark = "login:"

var cursorEncoding = base64.RawURLEncoding.Strict()

func formatCursor(login string) string {
	return cursorEncoding.EncodeToString([]byte(cursorMark + login))
}

// parseCursor gives back the login of a cursor that formatCursor made.
func parseCursor(text string) (login string, err error) {
	raw, err := cursorEncoding.DecodeString(text)
	if err != nil {
		return "", err
	}
	login, ok := strings.CutPrefix(string(raw), cursorMark)
	// Base64 forgives line breaks; a cursor has one form.
	if !ok || !utf8.ValidString(login) || formatCursor(login) != text {
		return "", errors.New("not a cursor")
	}
	return login, nil
}
