package httpapi

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"accountgateway/internal/account"
)

// maxDelta is the most seconds that a directive may say. RFC 9111 1.2.2 has this
// number stand for more than anyone can count.
const maxDelta = 1 << 31

// boundOf reads what a request says about the age of its answer (RFC 9111 5.2.1).
// Directives that are not known are ignored; a known one that makes no sense is an
// error, because it would else let through what the caller wants kept out. Of a
// repeated directive the tightest counts.
func boundOf(h http.Header) (account.Bound, error) {
	lines := h["Cache-Control"]
	if lines == nil {
		return account.Bound{NoCache: pragmaNoCache(h["Pragma"])}, nil
	}
	var b account.Bound
	for _, line := range lines {
		for line != "" {
			var directive string
			var ok bool
			directive, line, ok = cutDirective(line)
			if !ok {
				return account.Bound{}, badCacheControl("unterminated quoted value")
			}
			if err := apply(&b, directive); err != nil {
				return account.Bound{}, err
			}
		}
	}
	return b, nil
}

func badCacheControl(message string) error {
	return invalidParameters{{Field: "Cache-Control", Message: message}}
}

// cutDirective cuts the first directive off a list. A comma in a quoted value
// does not end it.
func cutDirective(list string) (directive, rest string, ok bool) {
	quoted := false
	for i := 0; i < len(list); i++ {
		switch {
		case list[i] == '"':
			quoted = !quoted
		case list[i] == '\\' && quoted:
			i++
		case list[i] == ',' && !quoted:
			return list[:i], list[i+1:], true
		}
	}
	return list, "", !quoted
}

func apply(b *account.Bound, directive string) error {
	name, value, given := strings.Cut(strings.Trim(directive, " \t"), "=")
	switch name = strings.ToLower(strings.TrimRight(name, " \t")); name {
	case "no-cache", "only-if-cached":
		if given {
			return badCacheControl(name + " must not have a value")
		}
		if name == "no-cache" {
			b.NoCache = true
		} else {
			b.OnlyIfCached = true
		}
	case "max-age":
		age, ok := parseDelta(value)
		if !ok {
			return badCacheControl("max-age must be a number of seconds from 0 to " + strconv.Itoa(maxDelta))
		}
		b.NoCache = b.NoCache || age == 0
		b.MaxAge = tightest(b.MaxAge, age)
	case "max-stale":
		past := account.AnyStaleness
		if given {
			var ok bool
			if past, ok = parseDelta(value); !ok {
				return badCacheControl("max-stale must be a number of seconds from 0 to " + strconv.Itoa(maxDelta) + ", or no value")
			}
		}
		b.MaxStale = tightest(b.MaxStale, past)
	}
	return nil
}

func tightest(old *time.Duration, d time.Duration) *time.Duration {
	if old != nil && *old < d {
		return old
	}
	return &d
}

// parseDelta reads seconds, also from a quoted value (RFC 9111 5.2).
func parseDelta(text string) (time.Duration, bool) {
	if len(text) >= 2 && text[0] == '"' && text[len(text)-1] == '"' {
		text = text[1 : len(text)-1]
	}
	if text == "" || strings.Trim(text, "0123456789") != "" {
		return 0, false
	}
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil || seconds > maxDelta {
		return 0, false
	}
	return time.Duration(seconds) * time.Second, true
}

// pragmaNoCache tells whether a caller of HTTP/1.0's age asks for a new answer
// (RFC 9111 5.4).
func pragmaNoCache(lines []string) bool {
	for _, line := range lines {
		for directive := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(strings.Trim(directive, " \t"), "no-cache") {
				return true
			}
		}
	}
	return false
}
