package middleware

import (
	"net/http"
	"net/url"
	"slices"

	"github.com/go-chi/chi/v5"
)

// Unmatched is the route of requests that no route takes.
const Unmatched = "unmatched"

// Route gives the pattern of the request's route. It is known only after the
// handler ran.
func Route(r *http.Request) string {
	if pattern := chi.RouteContext(r.Context()).RoutePattern(); pattern != "" {
		return pattern
	}
	return Unmatched
}

// method bounds the methods that callers can make appear in logs and metrics.
func method(r *http.Request) string {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch,
		http.MethodDelete, http.MethodOptions, http.MethodConnect, http.MethodTrace:
		return r.Method
	}
	return "other"
}

// PathParam gives a part of the request's path by its name in the route; false if
// the route has none of that name.
func PathParam(r *http.Request, name string) (value string, ok bool) {
	route := chi.RouteContext(r.Context())
	if route == nil {
		return "", false
	}
	at := slices.Index(route.URLParams.Keys, name)
	if at < 0 {
		return "", false
	}
	value = route.URLParams.Values[at]
	if r.URL.RawPath != "" { // then chi matched, and gives, the escaped form
		if plain, err := url.PathUnescape(value); err == nil {
			return plain, true
		}
	}
	return value, true
}

// Accounts are the providers of the configured accounts, by the account's name.
type Accounts map[string]string

// Of finds the configured account that a request's path names, if it does. A name
// that is not configured may be anything, and is in no log and no trace.
func (a Accounts) Of(r *http.Request) (name, provider string, ok bool) {
	name, _ = PathParam(r, "account")
	provider, ok = a[name]
	return name, provider, ok
}
