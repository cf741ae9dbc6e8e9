package httpapi

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// nowhere is an exporter that costs nothing.
type nowhere struct{}

func (nowhere) ExportSpans(context.Context, []sdktrace.ReadOnlySpan) error { return nil }
func (nowhere) Shutdown(context.Context) error                             { return nil }

// BenchmarkHitTraced is BenchmarkHit's "balance" by what tracing does with the
// request: off, off by the sampler, on.
func BenchmarkHitTraced(b *testing.B) {
	for _, row := range []struct {
		name    string
		sampler sdktrace.Sampler // nil: off
	}{{"off", nil}, {"not sampled", sdktrace.NeverSample()}, {"on", sdktrace.AlwaysSample()}} {
		b.Run(row.name, func(b *testing.B) {
			var tracer trace.Tracer
			if row.sampler != nil {
				spans := sdktrace.NewTracerProvider(sdktrace.WithSampler(row.sampler), sdktrace.WithBatcher(nowhere{}))
				b.Cleanup(func() { _ = spans.Shutdown(context.Background()) }) // of an exporter that can't fail
				tracer = spans.Tracer("bench")
			}
			h := New(Options{
				Accounts: service(map[string]fake{"acme": everything()}), Registry: prometheus.NewRegistry(),
				Log: zerolog.New(io.Discard).With().Timestamp().Logger(), Tracer: tracer,
			})
			w := &sink{header: http.Header{}}
			r := httptest.NewRequest(http.MethodGet, "/accounts/acme/balance", nil)
			r.Host = "127.0.0.1:8080"
			h.ServeHTTP(w, r)
			b.ReportAllocs()
			for b.Loop() {
				clear(w.header)
				h.ServeHTTP(w, r)
			}
			if w.status != http.StatusOK {
				b.Fatalf("got %d", w.status)
			}
		})
	}
}
