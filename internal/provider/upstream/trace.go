package upstream

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"accountgateway/internal/provider"
)

// startSpan begins the span of a vendor call. It holds only our own names:
// nothing of the request or the answer, where secrets may be.
func (c *Client) startSpan(ctx context.Context, call Call) (context.Context, trace.Span) {
	return c.o.Tracer.Start(ctx, "vendor "+string(call.Operation), trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(
		attribute.String("gateway.account", c.o.Account),
		attribute.String("gateway.provider", c.o.Provider),
		attribute.String("gateway.operation", string(call.Operation)),
		attribute.String("gateway.cause", string(provider.CauseOf(ctx))),
	))
}

func endSpan(span trace.Span, status, tries int, outcome string) {
	if !span.IsRecording() {
		return
	}
	span.SetAttributes(attribute.Int("gateway.tries", tries), attribute.String("gateway.outcome", outcome))
	if status != 0 {
		span.SetAttributes(attribute.Int("http.response.status_code", status))
	}
	if outcome != "ok" {
		span.SetStatus(codes.Error, outcome)
	}
}
