package httpapi

import (
	"net/http"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// beginSpan begins the span of a request, under the caller's trace if it sent
// one. The route is not known yet.
func (s *server) beginSpan(r *http.Request, n *note) (*http.Request, trace.Span) {
	ctx := propagation.TraceContext{}.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
	ctx, span := s.Tracer.Start(ctx, methodOf(r), trace.WithSpanKind(trace.SpanKindServer))
	n.trace = span.SpanContext()
	return r.WithContext(ctx), span
}

// endSpan says what the request was and how it ended. Like the log line, it
// has the route's pattern and no path, query, header or body.
func endSpan(span trace.Span, n *note, route, method, account string) {
	span.SetName(method + " " + route)
	span.SetAttributes(
		attribute.String("http.route", route),
		attribute.String("http.request.method", method),
		attribute.Int("http.response.status_code", n.sent()),
		attribute.String("gateway.request_id", n.requestID),
	)
	if account != "" {
		span.SetAttributes(attribute.String("gateway.account", account))
	}
	if n.code != "" {
		span.SetAttributes(attribute.String("gateway.code", string(n.code)))
	}
	if n.sent() >= http.StatusInternalServerError {
		span.SetStatus(codes.Error, string(n.code))
	}
	span.End()
}

// configured is the account that a request names; "" if there is none of that
// name, which then may be anything.
func (s *server) configured(r *http.Request) string {
	if name, _, ok := s.accountOf(r); ok {
		return name
	}
	return ""
}
