package httpapi

import (
	"encoding/base64"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"accountgateway/internal/httpapi/middleware"
	"accountgateway/internal/store"
)

const (
	defaultLimit = 100
	maxLimit     = 1000
	wantLimit    = "must be an integer from 1 to 1000"
	wantCursor   = "must be the next_cursor of an earlier page"
)

// What the cursors of a list are places of: the names that the list is sorted by.
const (
	byLogin   = "login:"
	byAccount = "account:"
)

// page is a part of a list that is sorted by names, each of which it has once.
type page struct {
	after *string // the last name before the page; nil: from the start
	limit int
}

// page is the one that the parameters limit and cursor ask for.
func (p *params) page(names string) (pg page) {
	pg.limit = p.limit()
	if text, given := p.text("cursor"); given {
		after, ok := parseCursor(names, text)
		if !ok {
			p.refuse("cursor", wantCursor)
		}
		pg.after = &after
	}
	return pg
}

// cut gives a page of a sorted list, and the cursor of the page after it: nil if
// there is none.
func cut[T any](sorted []T, pg page, names string, name func(T) string) ([]T, *string) {
	if pg.after != nil {
		for len(sorted) > 0 && name(sorted[0]) <= *pg.after {
			sorted = sorted[1:]
		}
	}
	if len(sorted) <= pg.limit {
		return sorted, nil
	}
	return sorted[:pg.limit], new(formatCursor(names, name(sorted[pg.limit-1])))
}

var cursorEncoding = base64.RawURLEncoding.Strict()

// formatCursor makes the cursor of the page after a name.
func formatCursor(names, after string) string {
	return cursorEncoding.EncodeToString([]byte(names + after))
}

// parseCursor gives back the name of a cursor that formatCursor made.
func parseCursor(names, text string) (after string, ok bool) {
	raw, err := cursorEncoding.DecodeString(text)
	after, ok = strings.CutPrefix(string(raw), names)
	// Base64 forgives line breaks; a cursor has one form.
	return after, err == nil && ok && utf8.ValidString(after) && formatCursor(names, after) == text
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
