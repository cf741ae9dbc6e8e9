package upstream

import (
	"context"
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"go.opentelemetry.io/otel/trace"

	"accountgateway/internal/provider"
)

// Metrics count the calls of all accounts. None of their labels holds what a
// vendor said.
type Metrics struct {
	duration *prometheus.HistogramVec
	calls    *prometheus.CounterVec
	drift    *prometheus.CounterVec
}

// NewMetrics registers the metrics; once for each registry.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	auto := promauto.With(reg)
	return &Metrics{
		duration: auto.NewHistogramVec(prometheus.HistogramOpts{
			Name:                            "gateway_provider_request_duration_seconds",
			Help:                            "Time of timeout of one vendor call, including retries. Outcome is ok, canceled or the kind of error.",
			Buckets:                         []float64{.05, .1, .25, .5, 1, 2.5, 5, 10, 30},
			NativeHistogramBucketFactor:     1.1,
			NativeHistogramMaxBucketNumber:  100,
			NativeHistogramMinResetDuration: time.Hour,
		}, []string{"account", "provider", "operation", "outcome"}),
		calls: auto.NewCounterVec(prometheus.CounterOpts{
			Name: "gateway_provider_calls_total",
			Help: "Requests sent to the vendor, each retry counted.",
		}, []string{"account", "provider", "operation", "cause"}),
		drift: auto.NewCounterVec(prometheus.CounterOpts{
			Name: "gateway_provider_schema_drift_total",
			Help: "Invalid answers of the vendor, or items of them, by the first invalid field.",
		}, []string{"provider", "field"}),
	}
}

// accountMetrics are the metrics of one account.
type accountMetrics struct {
	*Metrics
	account, provider string
}

// of makes what counts calls appear with the first one: each series takes most of
// a kilobyte, and most are never used.
func (m *Metrics) of(account, vendor string) accountMetrics {
	m.drift.WithLabelValues(vendor, wholeBody)
	return accountMetrics{Metrics: m, account: account, provider: vendor}
}

func (a accountMetrics) called(operation provider.Operation, cause provider.Cause) {
	a.calls.WithLabelValues(a.account, a.provider, string(operation), string(cause)).Inc()
}

func (a accountMetrics) ended(ctx context.Context, operation provider.Operation, outcome string, took time.Duration) {
	series := a.duration.WithLabelValues(a.account, a.provider, string(operation), outcome)
	if span := trace.SpanContextFromContext(ctx); span.IsSampled() {
		if exemplars, ok := series.(prometheus.ExemplarObserver); ok {
			exemplars.ObserveWithExemplar(took.Seconds(), prometheus.Labels{"trace_id": span.TraceID().String()})
			return
		}
	}
	series.Observe(took.Seconds())
}

func (a accountMetrics) drifted(field string) {
	a.drift.WithLabelValues(a.provider, field).Inc()
}

// outcome is how a call ended, as a label.
func outcome(err error) string {
	kind := provider.KindOf(err)
	switch {
	case err == nil:
		return "ok"
	case errors.Is(err, context.Canceled):
		return "canceled"
	case kind == "":
		return "internal" // read failed in a way that is no vendor's
	}
	return string(kind)
}
