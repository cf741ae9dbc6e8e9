package middleware

import (
	"net/http"
	"time"

	"github.com/rs/zerolog"

	"accountgateway/internal/config"
	"accountgateway/internal/token"
)

// refusalLines is how many lines of refusals one address may cause. The next
// line says how many were left out.
var refusalLines = config.Rate{Calls: 10, Per: time.Second}

// auditLog is the log for lines that no log level leaves out.
func auditLog(log zerolog.Logger) zerolog.Logger {
	return log.Level(min(log.GetLevel(), zerolog.InfoLevel))
}

// Audit writes one line for each refused request, and for each that needs more
// than the scope read: who, from where, what, how it ended. Like the access log's
// it has no path, query, header or body, so neither a token nor personal data.
func Audit(log zerolog.Logger, accounts Accounts) func(*http.Request) {
	log = auditLog(log)
	refusals := NewLimits(refusalLines, 0)
	return func(r *http.Request) { audit(&log, accounts, refusals, r) }
}

func audit(log *zerolog.Logger, accounts Accounts, refusals *Limits, r *http.Request) {
	n := Of(r.Context())
	refused := n.Code == CodeUnauthenticated || n.Code == CodeForbidden || n.Code == CodeTooManyRequests
	if !refused && (n.scope == "" || n.scope == token.Read) {
		return
	}
	level, outcome, dropped := zerolog.InfoLevel, "done", 0
	switch {
	case refused:
		p, q, err := refusals.begin(network(r), time.Now())
		if err != nil {
			return
		}
		refusals.end(p)
		level, outcome, dropped = zerolog.WarnLevel, "refused", q.refused
	case n.Status() >= http.StatusBadRequest:
		outcome = "failed"
	}
	line := log.WithLevel(level).Bool("audit", true).Str("outcome", outcome)
	if n.Caller.ID != "" {
		line = line.Str("caller", CallerName(n.Caller)).Str("caller_name", n.Caller.Name)
	} else if id, ok := claimed(r); ok {
		line = line.Str("claimed_token", id)
	}
	if at := address(r); at != "" {
		line = line.Str("address", at)
	}
	if name, _, ok := accounts.Of(r); ok {
		line = line.Str("account", name)
	}
	if n.Operation != "" {
		line = line.Str("operation", n.Operation)
	}
	if n.Code != "" {
		line = line.Str("code", n.Code)
	}
	if n.reason != "" {
		line = line.Str("reason", n.reason)
	}
	if dropped > 0 {
		line = line.Int("dropped", dropped)
	}
	line.Str("request_id", n.ID).Str("route", Route(r)).Str("method", method(r)).Int("status", n.Status()).Msg("audit")
}

// claimed is the id of the token that a request shows, good or not; false if it
// shows none.
func claimed(r *http.Request) (id string, ok bool) {
	if id, ok = token.IDOf(bearer(r)); ok {
		return id, true
	}
	return token.IDOf(CookieToken(r))
}
