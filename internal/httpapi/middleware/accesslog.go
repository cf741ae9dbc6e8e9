package middleware

import (
	"net/http"

	"github.com/rs/zerolog"
)

// AccessLog writes one line for each request that has ended. It has the route's pattern and the name of
// a configured account, never the path, the query, a header or a body: callers
// put secrets and personal data there.
func AccessLog(log zerolog.Logger, accounts Accounts) func(*http.Request) {
	return func(r *http.Request) { logRequest(&log, accounts, r) }
}

func logRequest(log *zerolog.Logger, accounts Accounts, r *http.Request) {
	n, route := Of(r.Context()), Route(r)
	line := log.WithLevel(accessLevel(route, n.Status()))
	if name, _, ok := accounts.Of(r); ok {
		line = line.Str("account", name)
	}
	if n.Caller.ID != "" && !n.Caller.IsAnonymous() {
		line = line.Str("caller_name", n.Caller.Name)
	}
	if n.Code != "" {
		line = line.Str("code", n.Code)
	}
	if n.Err != nil {
		line = line.AnErr("error", n.Err)
	}
	if n.stack != nil {
		line = line.Bytes("stack", n.stack)
	}
	if n.Trace.HasTraceID() {
		line = line.Stringer("trace_id", n.Trace.TraceID())
	}
	bytes := n.bytes
	if r.Method == http.MethodHead {
		bytes = 0
	}
	line.Str("request_id", n.ID).Str("route", route).Str("method", method(r)).Int("status", n.Status()).
		Int("bytes", bytes).Dur("duration_ms", n.took).Msg("request")
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
