package main

import (
	"context"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/rs/zerolog"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"accountgateway/api"
	"accountgateway/internal/config"
)

// tracing sends spans by OTLP over HTTP as the OTEL_* variables say. It is off
// until one of them names an endpoint: then tracer is nil, and stop does
// nothing. The SDK reads the other variables (sampler, headers, service name)
// itself; those that it would warn of without a name are checked here.
func tracing(ctx context.Context, r *config.Reader, env environment, log zerolog.Logger) (tracer trace.Tracer, stop func(context.Context)) {
	off := func(context.Context) {}
	setting, endpoint := tracesEndpoint(env.lookup)
	if endpoint == "" {
		return nil, off
	}
	// The SDK would take its own default for a URL that it can't read.
	if u, err := url.Parse(endpoint); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		r.Fault(setting, "must be a URL, e.g. http://127.0.0.1:4318")
		return nil, off
	}
	for _, name := range []string{"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"} {
		if protocol, _ := env.lookup(name); protocol != "" && protocol != "http/protobuf" {
			r.Fault(name, "unsupported protocol; must be http/protobuf")
			return nil, off
		}
	}
	if !checkSampler(r, env.lookup) {
		return nil, off
	}
	exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(endpoint))
	if err != nil {
		r.Fault(setting, "%v", err)
		return nil, off
	}
	about, err := resource.New(ctx, resource.WithAttributes(
		attribute.String("service.name", "accountgateway"), attribute.String("service.version", api.Version)), resource.WithFromEnv())
	if err != nil {
		r.Fault("OTEL_RESOURCE_ATTRIBUTES", "%v", err)
		return nil, off
	}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { log.Warn().Err(err).Msg("exporting traces failed") }))
	spans := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(about))
	return spans.Tracer("accountgateway"), func(ctx context.Context) {
		if err := spans.Shutdown(ctx); err != nil {
			log.Warn().Err(err).Msg("exporting the last traces failed")
		}
	}
}

// samplers are the SDK's.
var samplers = []string{
	"always_on", "always_off", "traceidratio", "parentbased_always_on", "parentbased_always_off", "parentbased_traceidratio",
}

// checkSampler tells whether the SDK understands its sampler. Else it would take
// another one.
func checkSampler(r *config.Reader, lookup config.Lookup) bool {
	setting := func(name string) string {
		text, _ := lookup(name)
		return strings.ToLower(strings.TrimSpace(text)) // as the SDK reads it
	}
	sampler := setting("OTEL_TRACES_SAMPLER")
	if sampler != "" && !slices.Contains(samplers, sampler) {
		r.Fault("OTEL_TRACES_SAMPLER", "must be one of %s", strings.Join(samplers, ", "))
		return false
	}
	share := setting("OTEL_TRACES_SAMPLER_ARG")
	if share == "" || !strings.HasSuffix(sampler, "traceidratio") {
		return true
	}
	if n, err := strconv.ParseFloat(share, 64); err != nil || !(n >= 0 && n <= 1) {
		r.Fault("OTEL_TRACES_SAMPLER_ARG", "must be a number from 0 to 1, e.g. 0.1")
		return false
	}
	return true
}

// tracesEndpoint is where spans go and the setting that says so; "" if tracing
// is off.
func tracesEndpoint(lookup config.Lookup) (setting, endpoint string) {
	disabled, _ := lookup("OTEL_SDK_DISABLED")
	exporter, _ := lookup("OTEL_TRACES_EXPORTER")
	if strings.EqualFold(disabled, "true") || exporter == "none" {
		return "", ""
	}
	setting = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
	if endpoint, _ := lookup(setting); endpoint != "" {
		return setting, endpoint
	}
	setting = "OTEL_EXPORTER_OTLP_ENDPOINT"
	if endpoint, _ := lookup(setting); endpoint != "" {
		return setting, strings.TrimRight(endpoint, "/") + "/v1/traces"
	}
	return "", ""
}
