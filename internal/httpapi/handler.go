package httpapi

import (
	"context"
	"net/http"
	"net/url"
	"slices"

	"github.com/go-chi/chi/v5"

	"accountgateway/internal/account"
)

// handler answers a request with a reply or fails.
type handler func(ctx context.Context, r *http.Request) (reply, error)

// serve sends what a handler answers.
func (s *server) serve(h handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		a, err := h(withCaller(r.Context()), r)
		if err != nil {
			s.fail(w, r, err)
			return
		}
		a.send(w)
	}
}

// withCaller tells the account service who asks, so that one caller can't use up
// an account's vendor budget.
func withCaller(ctx context.Context) context.Context {
	if c := &noteOf(ctx).caller; c.ID != "" && !c.IsAnonymous() {
		return account.WithCaller(ctx, c.ID)
	}
	return ctx
}

// pathParam gives a part of the request's path by its name in the route.
func pathParam(r *http.Request, name string) string {
	value, _ := findPathParam(r, name)
	return value
}

// findPathParam is false if the route has no such part.
func findPathParam(r *http.Request, name string) (value string, ok bool) {
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
