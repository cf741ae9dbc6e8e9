package middleware

import (
	"errors"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
	"go.opentelemetry.io/otel/trace"
)

// Metrics is the histogram of requests. It keeps the series it has made,
// because to look one up by its labels costs more than to count.
type Metrics struct {
	histogram *prometheus.HistogramVec
	mu        sync.RWMutex
	series    map[requestSeries]prometheus.Observer
}

// requestSeries is one series' labels. Their values are bounded.
type requestSeries struct {
	route, method string
	status        int
}

// NewMetrics makes the histogram, or finds the one that another handler of
// this process has made.
func NewMetrics(reg prometheus.Registerer, log zerolog.Logger) *Metrics {
	histogram := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:                            "gateway_http_request_duration_seconds",
		Help:                            "How long callers' requests took, by route pattern.",
		Buckets:                         []float64{.001, .005, .01, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
		NativeHistogramBucketFactor:     1.1,
		NativeHistogramMaxBucketNumber:  100,
		NativeHistogramMinResetDuration: time.Hour,
	}, []string{"route", "method", "code"})
	err := reg.Register(histogram)
	var registered prometheus.AlreadyRegisteredError
	if errors.As(err, &registered) {
		if old, ok := registered.ExistingCollector.(*prometheus.HistogramVec); ok {
			histogram, err = old, nil
		}
	}
	if err != nil {
		log.Error().Err(err).Msg("the request metric is missing from the scrape")
	}
	return &Metrics{histogram: histogram, series: map[requestSeries]prometheus.Observer{}}
}

// Observe counts a request that has ended.
func (m *Metrics) Observe(r *http.Request) {
	n := Of(r.Context())
	m.observe(requestSeries{Route(r), method(r), n.Status()}, n.took, n.Trace)
}

func (m *Metrics) observe(labels requestSeries, took time.Duration, span trace.SpanContext) {
	series := m.of(labels)
	if span.IsSampled() {
		if exemplars, ok := series.(prometheus.ExemplarObserver); ok {
			exemplars.ObserveWithExemplar(took.Seconds(), prometheus.Labels{"trace_id": span.TraceID().String()})
			return
		}
	}
	series.Observe(took.Seconds())
}

func (m *Metrics) of(labels requestSeries) prometheus.Observer {
	m.mu.RLock()
	series, ok := m.series[labels]
	m.mu.RUnlock()
	if !ok {
		series = m.histogram.WithLabelValues(labels.route, labels.method, strconv.Itoa(labels.status))
		m.mu.Lock()
		m.series[labels] = series
		m.mu.Unlock()
	}
	return series
}

// Preset shows every route from the start, so that a rate has a zero to grow from.
func (m *Metrics) Preset(routes chi.Routes) {
	_ = chi.Walk(routes, func(method, route string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		status := http.StatusOK
		if method == http.MethodPost {
			status = http.StatusCreated
		}
		m.of(requestSeries{route, method, status})
		return nil
	})
}
