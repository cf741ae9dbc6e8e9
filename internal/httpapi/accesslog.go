package httpapi

import (
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/rs/zerolog"
)

// logRequest writes one line a request. It has the route's pattern and the name of
// a configured account, never the path, the query, a header or a body: callers
// put secrets and personal data there.
func (s *server) logRequest(n *note, r *http.Request, route, method string, took time.Duration) {
	line := s.Log.WithLevel(accessLevel(route, n.sent()))
	if name, _, ok := s.accountOf(r); ok {
		line = line.Str("account", name)
	}
	if n.caller.ID != "" && !n.caller.IsAnonymous() {
		line = line.Str("caller_name", n.caller.Name)
	}
	if n.code != "" {
		line = line.Str("code", string(n.code))
	}
	if n.err != nil {
		line = line.AnErr("error", n.err)
	}
	if n.stack != nil {
		line = line.Bytes("stack", n.stack)
	}
	if n.trace.HasTraceID() {
		line = line.Stringer("trace_id", n.trace.TraceID())
	}
	bytes := n.bytes
	if r.Method == http.MethodHead {
		bytes = 0
	}
	line.Str("request_id", n.requestID).Str("route", route).Str("method", method).Int("status", n.sent()).
		Int("bytes", bytes).Dur("duration_ms", took).Msg("request")
}

// accessLevel is error for our own faults, debug for what probes and scrapes ask
// all day, warn for other failures on this side of the caller.
func accessLevel(route string, status int) zerolog.Level {
	switch {
	case status == http.StatusInternalServerError:
		return zerolog.ErrorLevel
	case route == "/healthz" || route == "/readyz" || route == "/metrics":
		return zerolog.DebugLevel
	case status > http.StatusInternalServerError:
		return zerolog.WarnLevel
	}
	return zerolog.InfoLevel
}

// unmatched is the route of requests that no route takes.
const unmatched = "unmatched"

// routeOf gives the pattern of the request's route. It is known only after the
// handler ran.
func routeOf(r *http.Request) string {
	if pattern := chi.RouteContext(r.Context()).RoutePattern(); pattern != "" {
		return pattern
	}
	return unmatched
}

// methodOf bounds the methods that callers can make appear in logs and metrics.
func methodOf(r *http.Request) string {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch,
		http.MethodDelete, http.MethodOptions, http.MethodConnect, http.MethodTrace:
		return r.Method
	}
	return "other"
}
