package httpapi

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"accountgateway/internal/account"
)

// maxFieldErrors is how many bad parameters one problem names.
const maxFieldErrors = 20

// params are a request's query parameters, and what is wrong with their values.
// Their names were checked by query.
type params struct {
	r      *http.Request
	values url.Values
	bad    invalidParameters
}

func readParams(r *http.Request) params {
	if r.URL.RawQuery == "" {
		return params{r: r}
	}
	return params{r: r, values: r.URL.Query()}
}

func (p *params) text(name string) (value string, given bool) {
	return p.values.Get(name), p.values.Has(name)
}

// limit is how many items a page may have.
func (p *params) limit() int {
	text, given := p.text("limit")
	if !given {
		return defaultLimit
	}
	n, err := strconv.Atoi(text)
	if err != nil || text[0] == '+' || n < 1 || n > maxLimit {
		p.refuse("limit", wantLimit)
	}
	return n
}

func (p *params) refuse(name, message string) {
	p.bad = append(p.bad, FieldError{Field: name, Message: message})
}

// bound is what the request says about the age of its answer. It fails with what
// was refused before.
func (p *params) bound() (account.Bound, error) {
	if err := p.err(); err != nil {
		return account.Bound{}, err
	}
	return boundOf(p.r.Header)
}

// err names every parameter that was refused; nil: none was.
func (p *params) err() error {
	if len(p.bad) == 0 {
		return nil
	}
	return p.bad
}

// query refuses every query parameter that the route does not have, repeated
// ones and empty ones: none of them may read as "all" or as "the default".
func (s *server) query(known ...string) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.RawQuery != "" {
				if bad := checkQuery(r.URL.RawQuery, known); len(bad) > 0 {
					s.fail(w, r, bad)
					return
				}
			}
			next.ServeHTTP(w, r)
		})
	}
}

func checkQuery(raw string, known []string) invalidParameters {
	values, err := url.ParseQuery(raw)
	if err != nil {
		return invalidParameters{{Field: "query", Message: "malformed query string"}}
	}
	var bad invalidParameters
	for name, given := range values {
		switch {
		case !slices.Contains(known, name):
			bad = append(bad, FieldError{Field: printable(name), Message: "unknown parameter" + listOf(known)})
		case len(given) > 1:
			bad = append(bad, FieldError{Field: name, Message: "must be given only once"})
		case given[0] == "":
			bad = append(bad, FieldError{Field: name, Message: "must not be empty; omit it instead"})
		}
	}
	slices.SortFunc(bad, func(a, b FieldError) int { return strings.Compare(a.Field, b.Field) })
	return bad[:min(len(bad), maxFieldErrors)]
}

func listOf(known []string) string {
	if len(known) == 0 {
		return "; this route has none"
	}
	return "; must be one of " + strings.Join(known, ", ")
}

// printable makes a caller's text fit to be said back: short, and plain where it
// is not. The bounds are in characters.
func printable(text string) string {
	const most = 64
	clean := []rune(strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == '\ufffd' {
			return '?'
		}
		return r
	}, text))
	if len(clean) > most {
		return string(clean[:most]) + "…"
	}
	return string(clean)
}
