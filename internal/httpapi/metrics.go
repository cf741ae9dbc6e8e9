package httpapi

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/rs/zerolog"
)

// newRequestMetric makes the histogram of requests, or finds the one that
// another handler of this process has made.
func newRequestMetric(reg prometheus.Registerer, log zerolog.Logger) *prometheus.HistogramVec {
	metric := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:                            "gateway_http_request_duration_seconds",
		Help:                            "How long callers' requests took, by route pattern.",
		Buckets:                         []float64{.001, .005, .01, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
		NativeHistogramBucketFactor:     1.1,
		NativeHistogramMaxBucketNumber:  100,
		NativeHistogramMinResetDuration: time.Hour,
	}, []string{"route", "method", "code"})
	err := reg.Register(metric)
	var registered prometheus.AlreadyRegisteredError
	if errors.As(err, &registered) {
		if old, ok := registered.ExistingCollector.(*prometheus.HistogramVec); ok {
			return old
		}
	}
	if err != nil {
		log.Error().Err(err).Msg("the requests' metric is not shown")
	}
	return metric
}

// observe counts requests.
func (s *server) observe(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		rec := record(w, r)
		defer func() {
			s.requests.WithLabelValues(routeOf(r), methodOf(r), strconv.Itoa(statusOf(rec))).Observe(time.Since(start).Seconds())
		}()
		next.ServeHTTP(rec, r)
	})
}

// preset shows every route from the start, so that a rate has a zero to grow from.
func (s *server) preset(routes chi.Routes) {
	_ = chi.Walk(routes, func(method, route string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		s.requests.WithLabelValues(route, method, "200")
		return nil
	})
}

// metrics serves the registry to Prometheus.
func (s *server) metrics() http.Handler {
	return promhttp.HandlerFor(s.Registry, promhttp.HandlerOpts{
		ErrorHandling:       promhttp.ContinueOnError,
		MaxRequestsInFlight: 4,
		Timeout:             10 * time.Second,
		EnableOpenMetrics:   true,
	})
}
