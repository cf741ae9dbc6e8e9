package account

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"accountgateway/internal/provider"
)

// metrics are those of the service as a whole, which its registry has. Those of
// its accounts are Families.
type metrics struct {
	service  *Service
	reads    map[provider.Operation]map[Source]prometheus.Counter
	clockSet prometheus.Counter
}

var (
	databaseDesc = prometheus.NewDesc("gateway_database_up", "1 if the gateway's database answers, however slowly.", nil, nil)
	impairedDesc = prometheus.NewDesc("gateway_database_impaired", "1 while the gateway's database is unavailable, slow or full, and reads continue without it.", nil, nil)
	skewDesc     = prometheus.NewDesc("gateway_clock_skew_seconds", "How far this machine's clock is ahead of the database's, which is the one that counts; absent until it is measured.", nil, nil)
	lagDesc      = prometheus.NewDesc("gateway_refresh_lag_seconds", "How long the account that has waited longest for its background reading is behind its turn.", nil, nil)
)

func newMetrics(s *Service, reg prometheus.Registerer) *metrics {
	reads := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "gateway_reads_total",
		Help: "Requests for readings, by result: from memory (hit, stale), by a vendor call (miss), by one already in flight (collapsed).",
	}, []string{"operation", "result"})
	m := &metrics{service: s, reads: map[provider.Operation]map[Source]prometheus.Counter{}, clockSet: prometheus.NewCounter(prometheus.CounterOpts{
		Name: "gateway_clock_set_total",
		Help: "Number of times this process saw the database's clock change, forward or back; one replica counts each change.",
	})}
	for _, op := range []provider.Operation{provider.OpBalance, provider.OpStatistics, provider.OpUsers} {
		m.reads[op] = map[Source]prometheus.Counter{}
		for _, source := range []Source{Hit, Stale, Miss, Collapsed} {
			m.reads[op][source] = reads.WithLabelValues(string(op), string(source))
		}
	}
	reg.MustRegister(reads, m.clockSet, m)
	return m
}

// read counts a request for a reading; background readings are no requests.
func (m *metrics) read(ctx context.Context, op provider.Operation, source Source) {
	if provider.CauseOf(ctx) != provider.CauseRefresh {
		m.reads[op][source].Inc()
	}
}

// Describe is part of prometheus.Collector.
func (m *metrics) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{databaseDesc, impairedDesc, skewDesc, lagDesc} {
		out <- d
	}
}

// Collect is part of prometheus.Collector.
func (m *metrics) Collect(out chan<- prometheus.Metric) {
	out <- prometheus.MustNewConstMetric(databaseDesc, prometheus.GaugeValue, one(m.service.durable.Err() == nil))
	out <- prometheus.MustNewConstMetric(impairedDesc, prometheus.GaugeValue, one(m.service.durable.Impaired()))
	out <- prometheus.MustNewConstMetric(lagDesc, prometheus.GaugeValue, time.Duration(m.service.lag.nanoseconds.Load()).Seconds())
	if ahead := m.service.skew.measured.Load(); ahead != nil {
		out <- prometheus.MustNewConstMetric(skewDesc, prometheus.GaugeValue, ahead.Seconds())
	}
}

func one(is bool) float64 {
	if is {
		return 1
	}
	return 0
}
