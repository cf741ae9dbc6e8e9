package httpapi

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"time"

	"accountgateway/internal/config"
	"accountgateway/internal/token"
)

// grant lets a request in whose token has the scope and, if its path names an
// account, that account. Where nobody is asked for a token, everybody may do
// everything, and nothing is limited.
func (s *server) grant(scope token.Scope) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			n := noteOf(r.Context())
			n.scope = scope
			if s.Tokens == nil {
				s.letIn(w, r, next)
				return
			}
			now := time.Now()
			caller, err := s.Tokens.Lookup(r.Context(), bearer(r.Header), now)
			if err != nil {
				s.stranger(w, r, err, now)
				return
			}
			n.caller = caller
			p, left, err := s.callers.begin(caller.ID, now)
			s.tellQuota(n, left)
			if err != nil {
				s.fail(w, r, err)
				return
			}
			defer s.callers.end(p)
			if err := authorize(caller, scope, r); err != nil {
				s.fail(w, r, err)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}

// letIn serves anybody who comes by a name of this machine, and nobody who gives
// none. Such a gateway listens on loopback alone, and a site that a browser here
// shows could reach it by giving its own name that address.
func (s *server) letIn(w http.ResponseWriter, r *http.Request, next http.Handler) {
	host := r.Host
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	if !s.AnyName && !config.IsLoopback(strings.Trim(host, "[]")) {
		s.fail(w, r, &problemError{code: ProblemCodeForbidden, detail: "a gateway that asks for no token answers to localhost, 127.0.0.1 and [::1] alone, not to other names"})
		return
	}
	noteOf(r.Context()).caller = s.anonymous
	next.ServeHTTP(w, r)
}

// local keeps figures that need no token from other sites, where no token
// guards anything.
func (s *server) local(next http.Handler) http.Handler {
	if s.Tokens != nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.letIn(w, r, next) })
}

// open lets in who has no token, within bounds. Where nobody is asked for one
// nothing is limited.
func (s *server) open(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.Tokens != nil {
			if err := s.limitStranger(r, time.Now()); err != nil {
				s.fail(w, r, err)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// authorize says the same of an account that is not granted and of one that
// does not exist, so that nobody can find out by asking which there are.
func authorize(c token.Caller, scope token.Scope, r *http.Request) error {
	if !c.May(scope) {
		return &problemError{code: ProblemCodeForbidden, detail: "the token has not the scope " + string(scope)}
	}
	if name, ok := findPathParam(r, "account"); ok && !c.Sees(name) {
		return &problemError{code: ProblemCodeForbidden, detail: "the token grants no such account; GET /accounts lists those that it does"}
	}
	return nil
}

// stranger answers a request without a good token. What was wrong with it is
// for the audit log alone; the answer is the same for all.
func (s *server) stranger(w http.ResponseWriter, r *http.Request, cause error, now time.Time) {
	if errors.Is(cause, token.ErrNotLoaded) {
		s.fail(w, r, cause)
		return
	}
	n := noteOf(r.Context())
	n.reason = cause.Error()
	if len(r.Header["Authorization"]) == 0 {
		n.reason = "no token"
	}
	if err := s.limitStranger(r, now); err != nil {
		s.fail(w, r, err)
		return
	}
	w.Header()["Www-Authenticate"] = challenge
	s.fail(w, r, &problemError{
		code:   ProblemCodeUnauthenticated,
		detail: "send a token that is good, as the header Authorization: Bearer gw_…; whoever runs this gateway makes them",
	})
}

var challenge = []string{`Bearer realm="gateway"`}

// bearer gives the token of a request; "", which is no token, if there is none
// or it is not clear which.
func bearer(h http.Header) string {
	lines := h["Authorization"]
	if len(lines) != 1 {
		return ""
	}
	const scheme = "Bearer "
	line := lines[0]
	if len(line) < len(scheme) || !strings.EqualFold(line[:len(scheme)], scheme) {
		return ""
	}
	return strings.TrimLeft(line[len(scheme):], " ")
}

// callerName is what operations are kept under, and their idempotency keys.
func callerName(ctx context.Context) string { return nameOf(noteOf(ctx).caller) }

func nameOf(c token.Caller) string {
	if c.IsAnonymous() || c.ID == "" {
		return c.ID
	}
	return "token:" + c.ID
}
