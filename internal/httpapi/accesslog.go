package httpapi

import (
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"github.com/rs/zerolog"
)

// accessLog writes one line a request. It has the route's pattern and the name of
// a configured account, never the path, the query, a header or a body: callers
// put secrets and personal data there.
func (s *server) accessLog(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rec := record(w, r)
		defer s.logRequest(rec, r, time.Now())
		next.ServeHTTP(rec, r)
	})
}

func (s *server) logRequest(rec middleware.WrapResponseWriter, r *http.Request, start time.Time) {
	n, route, status := noteOf(r.Context()), routeOf(r), statusOf(rec)
	line := s.Log.WithLevel(accessLevel(route, status))
	if info, ok := s.accountOf(r); ok {
		line = line.Str("account", info.Name)
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
	bytes := rec.BytesWritten()
	if r.Method == http.MethodHead {
		bytes = 0
	}
	line.Str("request_id", n.requestID).Str("route", route).Str("method", methodOf(r)).Int("status", status).
		Int("bytes", bytes).Dur("duration_ms", time.Since(start)).Msg("request")
}

// accessLevel is error for our own faults, warn for other failures on this side
// of the caller, debug for what probes and scrapes ask all day.
func accessLevel(route string, status int) zerolog.Level {
	switch {
	case status == http.StatusInternalServerError:
		return zerolog.ErrorLevel
	case status > http.StatusInternalServerError:
		return zerolog.WarnLevel
	case route == "/healthz" || route == "/readyz" || route == "/metrics":
		return zerolog.DebugLevel
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
