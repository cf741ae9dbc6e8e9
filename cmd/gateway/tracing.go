package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/rs/zerolog"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"accountgateway/internal/config"
)

// tracing sends spans by OTLP over HTTP as the OTEL_* variables say. It is off
// until one of them names an endpoint: then tracer is nil, and stop does
// nothing. The SDK reads the other variables (sampler, headers, service name)
// itself.
func tracing(ctx context.Context, r *config.Reader, env environment, log zerolog.Logger) (tracer trace.Tracer, stop func(context.Context)) {
	off := func(context.Context) {}
	endpoint := tracesEndpoint(env.lookup)
	if endpoint == "" {
		return nil, off
	}
	for _, name := range []string{"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"} {
		if protocol, _ := env.lookup(name); protocol != "" && protocol != "http/protobuf" {
			r.Fault(name, "only http/protobuf is built")
			return nil, off
		}
	}
	exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(endpoint))
	if err != nil {
		r.Fault("OTEL_EXPORTER_OTLP_ENDPOINT", "%v", err)
		return nil, off
	}
	about, err := resource.New(ctx, resource.WithAttributes(
		attribute.String("service.name", "accountgateway"), attribute.String("service.version", version())), resource.WithFromEnv())
	if err != nil {
		r.Fault("OTEL_RESOURCE_ATTRIBUTES", "%v", err)
		return nil, off
	}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { log.Warn().Err(err).Msg("traces can't be sent") }))
	spans := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(about))
	return spans.Tracer("accountgateway"), func(ctx context.Context) {
		if err := spans.Shutdown(ctx); err != nil {
			log.Warn().Err(err).Msg("the last traces were not sent")
		}
	}
}

// tracesEndpoint is where spans go; "" if tracing is off.
func tracesEndpoint(lookup config.Lookup) string {
	disabled, _ := lookup("OTEL_SDK_DISABLED")
	exporter, _ := lookup("OTEL_TRACES_EXPORTER")
	if strings.EqualFold(disabled, "true") || exporter == "none" {
		return ""
	}
	if endpoint, _ := lookup("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"); endpoint != "" {
		return endpoint
	}
	if endpoint, _ := lookup("OTEL_EXPORTER_OTLP_ENDPOINT"); endpoint != "" {
		return fmt.Sprintf("%s/v1/traces", strings.TrimRight(endpoint, "/"))
	}
	return ""
}
