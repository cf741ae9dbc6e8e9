package upstream

import (
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

var circuitDesc = prometheus.NewDesc("gateway_provider_circuit_open",
	"1 while the circuit breaker blocks calls to the vendor because they kept failing.", []string{"account", "provider"}, nil)

// circuits are the circuit breakers of all accounts, as they are when they are
// looked at: that a breaker's wait is over is no event.
type circuits struct {
	mu        sync.Mutex
	byAccount map[string]*circuit
}

func (c *circuits) add(account, vendor string, state func() (open bool, wait time.Duration)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.byAccount[account] = &circuit{labels: prometheus.MakeLabelPairs(circuitDesc, []string{account, vendor}), state: state}
}

// Describe is part of prometheus.Collector.
func (c *circuits) Describe(out chan<- *prometheus.Desc) { out <- circuitDesc }

// Collect is part of prometheus.Collector.
func (c *circuits) Collect(out chan<- prometheus.Metric) {
	c.mu.Lock()
	all := slices.Collect(maps.Values(c.byAccount))
	c.mu.Unlock()
	for _, one := range all {
		out <- one
	}
}

// circuit is the metric of one breaker.
type circuit struct {
	labels []*dto.LabelPair
	state  func() (open bool, wait time.Duration)
}

// Desc is part of prometheus.Metric.
func (c *circuit) Desc() *prometheus.Desc { return circuitDesc }

// Write is part of prometheus.Metric.
func (c *circuit) Write(out *dto.Metric) error {
	value := 0.0
	if open, _ := c.state(); open {
		value = 1
	}
	out.Label, out.Gauge = c.labels, &dto.Gauge{Value: &value}
	return nil
}
