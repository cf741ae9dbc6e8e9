package httpapi

import (
	"context"
	"errors"
	"net/http"
	"time"

	"accountgateway/internal/httpapi/middleware"
)

// readyTimeout is how long GET /readyz waits for what it asks.
const readyTimeout = 5 * time.Second

// getSpec answers GET /openapi.yaml.
func (s *server) getSpec(context.Context, *http.Request) (reply, error) {
	return reply{status: http.StatusOK, contentType: yamlType, body: s.Spec}, nil
}

// getHealth answers GET /healthz: the process is up.
func (s *server) getHealth(context.Context, *http.Request) (reply, error) {
	return encode(http.StatusOK, ServiceHealth{Status: ServiceHealthStatusOK})
}

// getReady answers GET /readyz: the gateway can serve.
func (s *server) getReady(ctx context.Context, _ *http.Request) (reply, error) {
	if s.Ready == nil {
		return encode(http.StatusOK, ServiceHealth{Status: ServiceHealthStatusOK})
	}
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	err := s.Ready(ctx)
	s.logReady(err)
	if err == nil {
		return encode(http.StatusOK, ServiceHealth{Status: ServiceHealthStatusOK})
	}
	middleware.Of(ctx).Err = err
	reason := "a dependency is unavailable; the gateway's log has the cause"
	var public NotReady
	if errors.As(err, &public) {
		reason = string(public)
	}
	return encode(http.StatusServiceUnavailable, ServiceHealth{Status: ServiceHealthStatusUnavailable, Reason: &reason})
}

// logReady writes a line when readiness has changed, not for each who asks.
func (s *server) logReady(err error) {
	switch was := s.notReady.Swap(err != nil); {
	case err != nil && !was:
		s.Log.Warn().Err(err).Msg("not ready")
	case err == nil && was:
		s.Log.Info().Msg("ready again")
	}
}
