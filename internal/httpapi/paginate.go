package httpapi

import (
	"encoding/base64"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"accountgateway/internal/httpapi/middleware"
	"accountgateway/internal/provider"
	"accountgateway/internal/store"
)

const (
	defaultLimit = 100
	maxLimit     = 1000
	wantLimit    = "must be an integer from 1 to 1000"
	wantCursor   = "must be the next_cursor of an earlier page"
)

// userPage is a part of a list of users that is sorted by login. A login is unique
// within an account.
type userPage struct {
	after *string // login of the last user before the page; nil: from the start
	limit int
}

// of cuts the page out of all users, whatever their order, and gives the cursor
// of the page after it: nil if there is none.
func (p userPage) of(users []provider.User) ([]provider.User, *string) {
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

// placeMark tells a place in a list of operations from other base64 text.
const placeMark = "operation:"

// formatPlace makes the cursor of the page after an operation.
func formatPlace(at store.OperationCursor) string {
	return cursorEncoding.EncodeToString([]byte(placeMark + strconv.FormatInt(at.CreatedAt.UnixMicro(), 10) + ":" + at.ID))
}

// parsePlace gives back what formatPlace was given.
func parsePlace(text string) (store.OperationCursor, bool) {
	raw, err := cursorEncoding.DecodeString(text)
	if err != nil {
		return store.OperationCursor{}, false
	}
	place, marked := strings.CutPrefix(string(raw), placeMark)
	micros, id, whole := strings.Cut(place, ":")
	n, err := strconv.ParseInt(micros, 10, 64)
	at := store.OperationCursor{CreatedAt: time.UnixMicro(n), ID: id}
	return at, marked && whole && err == nil && middleware.WellFormedID(id) && formatPlace(at) == text // it has one form
}
