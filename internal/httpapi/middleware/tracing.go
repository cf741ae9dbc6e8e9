package middleware

import (
	"net/http"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// Tracing makes a span of each request, under the caller's trace if it sent one.
// Like the log line, it has the route's pattern and no path, query, header or body.
func Tracing(tracer trace.Tracer, accounts Accounts) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			ctx := propagation.TraceContext{}.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
			ctx, span := tracer.Start(ctx, method(r), trace.WithSpanKind(trace.SpanKindServer))
			Of(ctx).Trace = span.SpanContext()
			r = r.WithContext(ctx)
			defer endSpan(span, r, accounts)
			next.ServeHTTP(w, r)
		})
	}
}

// endSpan says what the request was and how it ended.
func endSpan(span trace.Span, r *http.Request, accounts Accounts) {
	n, route := Of(r.Context()), Route(r)
	span.SetName(method(r) + " " + route)
	span.SetAttributes(
		attribute.String("http.route", route),
		attribute.String("http.request.method", method(r)),
		attribute.Int("http.response.status_code", n.Status()),
		attribute.String("gateway.request_id", n.ID),
	)
	if name, _, ok := accounts.Of(r); ok {
		span.SetAttributes(attribute.String("gateway.account", name))
	}
	if n.Code != "" {
		span.SetAttributes(attribute.String("gateway.code", n.Code))
	}
	if n.Status() >= http.StatusInternalServerError {
		span.SetStatus(codes.Error, n.Code)
	}
	span.End()
}
