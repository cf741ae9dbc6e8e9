package httpapi

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

// audit writes one line for each refused request, and for each that needs more
// than the scope read: who, from where, what, how it ended. Like the access log's
// it has no path, query, header or body, so neither a token nor personal data.
func (s *server) audit(n *note, r *http.Request, route, method string) {
	refused := n.code == ProblemCodeUnauthenticated || n.code == ProblemCodeForbidden || n.code == ProblemCodeTooManyRequests
	if !refused && (n.scope == "" || n.scope == token.Read) {
		return
	}
	level, outcome, dropped := zerolog.InfoLevel, "done", 0
	switch {
	case refused:
		p, q, err := s.refusals.begin(network(r), time.Now())
		if err != nil {
			return
		}
		s.refusals.end(p)
		level, outcome, dropped = zerolog.WarnLevel, "refused", q.refused
	case n.sent() >= http.StatusBadRequest:
		outcome = "failed"
	}
	line := s.auditLog.WithLevel(level).Bool("audit", true).Str("outcome", outcome)
	if n.caller.ID != "" {
		line = line.Str("caller", nameOf(n.caller)).Str("caller_name", n.caller.Name)
	} else if id, ok := claimed(r); ok {
		line = line.Str("claimed_token", id)
	}
	if at := address(r); at != "" {
		line = line.Str("address", at)
	}
	if name, _, ok := s.accountOf(r); ok {
		line = line.Str("account", name)
	}
	if n.operation != "" {
		line = line.Str("operation", n.operation)
	}
	if n.code != "" {
		line = line.Str("code", string(n.code))
	}
	if n.reason != "" {
		line = line.Str("reason", n.reason)
	}
	if dropped > 0 {
		line = line.Int("dropped", dropped)
	}
	line.Str("request_id", n.requestID).Str("route", route).Str("method", method).Int("status", n.sent()).Msg("audit")
}
