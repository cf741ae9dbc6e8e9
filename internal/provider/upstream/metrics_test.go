package upstream_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"accountgateway/internal/provider"
	"accountgateway/internal/provider/upstream"
)

// samples gives the series of a metric that are not 0, as name{labels} value;
// a histogram gives its count.
func samples(t *testing.T, reg prometheus.Gatherer) map[string]float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			value := m.GetCounter().GetValue() + float64(m.GetHistogram().GetSampleCount())
			if value == 0 {
				continue
			}
			var labels []string
			for _, l := range m.GetLabel() {
				labels = append(labels, l.GetValue())
			}
			got[strings.TrimPrefix(family.GetName(), "gateway_provider_")+" "+strings.Join(labels, " ")] = value
		}
	}
	return got
}

func TestMetrics(t *testing.T) {
	closed := httptest.NewServer(nil)
	closed.Close()
	refresh := provider.WithCause(t.Context(), provider.CauseRefresh)
	ok := status(200, `{"ok":true}`)

	tests := []struct {
		name    string
		ctx     context.Context
		handler http.HandlerFunc // nil: the connection is refused
		read    func(upstream.Answer) error
		want    map[string]float64 // labels are in alphabetical order of their names
	}{
		{"ok", t.Context(), ok, readJSON, map[string]float64{
			"calls_total shop caller balance regru":          1,
			"request_duration_seconds shop balance ok regru": 1,
		}},
		{"a refresh with a retry", refresh, answers(status(500, "{}"), ok), readJSON, map[string]float64{
			"calls_total shop refresh balance regru":         1,
			"calls_total shop retry balance regru":           1,
			"request_duration_seconds shop balance ok regru": 1,
		}},
		{"never sent, never counted as a call", t.Context(), nil, readJSON, map[string]float64{
			"request_duration_seconds shop balance provider_unavailable regru": 1,
		}},
		{"drift", t.Context(), status(200, "{}"), func(upstream.Answer) error {
			e := provider.Errorf(provider.KindBadResponse, "no prepay")
			e.Drift = "prepay"
			return e
		}, map[string]float64{
			"calls_total shop caller balance regru":                             1,
			"request_duration_seconds shop balance provider_bad_response regru": 1,
			"schema_drift_total prepay regru":                                   1,
		}},
		{"drift of an answer that is tried again counts once", t.Context(), status(502, "<html>"), readJSON, map[string]float64{
			"calls_total shop caller balance regru":                             1,
			"calls_total shop retry balance regru":                              2,
			"request_duration_seconds shop balance provider_bad_response regru": 1,
			"schema_drift_total body regru":                                     1,
		}},
		{"a redirect is no drift", t.Context(), status(302, ""), readJSON, map[string]float64{
			"calls_total shop caller balance regru":                             1,
			"request_duration_seconds shop balance provider_bad_response regru": 1,
		}},
		{"read fails by itself", t.Context(), ok, func(upstream.Answer) error { return errors.New("disk full") }, map[string]float64{
			"calls_total shop caller balance regru":                1,
			"request_duration_seconds shop balance internal regru": 1,
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			reg := prometheus.NewRegistry()
			url := closed.URL
			if tt.handler != nil {
				url = serve(t, tt.handler).URL
			}
			c := upstream.New(upstream.Options{Account: "shop", Provider: "regru", Metrics: upstream.NewMetrics(reg)})
			_ = c.Do(tt.ctx, call(url), tt.read)
			if diff := cmp.Diff(tt.want, samples(t, reg)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestMetricsOfACallGivenUp(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	reg := prometheus.NewRegistry()
	c := upstream.New(upstream.Options{Account: "shop", Provider: "regru", Metrics: upstream.NewMetrics(reg)})
	_ = c.Do(ctx, call("http://127.0.0.1:1"), readJSON)
	want := map[string]float64{"request_duration_seconds shop balance canceled regru": 1}
	if diff := cmp.Diff(want, samples(t, reg)); diff != "" {
		t.Error(diff)
	}
}

// Ten thousand accounts are mostly idle: what was never counted takes no room.
func TestMetricsBeforeTheFirstCall(t *testing.T) {
	reg := prometheus.NewRegistry()
	m := upstream.NewMetrics(reg)
	upstream.New(upstream.Options{Account: "a", Provider: "regru", Metrics: m})
	upstream.New(upstream.Options{Account: "b", Provider: "regru", Metrics: m})
	for name, want := range map[string]int{
		"gateway_provider_calls_total": 0, "gateway_provider_request_duration_seconds": 0,
		"gateway_provider_schema_drift_total": 1,
	} {
		if got, err := testutil.GatherAndCount(reg, name); err != nil || got != want {
			t.Errorf("%s: %d series and %v, want %d", name, got, err, want)
		}
	}
	if problems, err := testutil.GatherAndLint(reg); err != nil || len(problems) > 0 {
		t.Errorf("lint: %v %v", problems, err)
	}
}
