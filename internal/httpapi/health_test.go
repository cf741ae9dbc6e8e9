package httpapi

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
)

// slowCollector takes its time, and counts how often it was asked.
type slowCollector struct {
	asked, now, most atomic.Int32
}

func (c *slowCollector) Describe(out chan<- *prometheus.Desc) { out <- slowDesc }

func (c *slowCollector) Collect(out chan<- prometheus.Metric) {
	c.asked.Add(1)
	c.most.Store(max(c.most.Load(), c.now.Add(1)))
	defer c.now.Add(-1)
	time.Sleep(300 * time.Millisecond)
	out <- prometheus.MustNewConstMetric(slowDesc, prometheus.GaugeValue, 310.2)
}

var slowDesc = prometheus.NewDesc("account_balance", "As of the test.", nil, nil)

// TestScrapesAreShared: however many scrape, one at a time is computed, and all
// get it for a second.
func TestScrapesAreShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := startDirect(t, nil)
		slow := new(slowCollector)
		g.registry.MustRegister(slow)
		scrape := func() {
			if a := g.get("/metrics"); a.status != http.StatusOK || !strings.Contains(string(a.body), "\naccount_balance 310.2\n") {
				t.Errorf("got %d %.200s", a.status, a.body)
			}
		}
		var wg sync.WaitGroup
		for range 64 {
			wg.Go(scrape)
		}
		wg.Wait()
		time.Sleep(999 * time.Millisecond)
		scrape()
		if asked := slow.asked.Load(); asked != 1 {
			t.Errorf("66 scrapes within a second were computed %d times", asked)
		}
		time.Sleep(time.Millisecond)
		scrape()
		if asked := slow.asked.Load(); asked != 2 {
			t.Errorf("after the second: computed %d times, want 2", asked)
		}
		// Other formats are others' answers; even so one at a time is made.
		time.Sleep(time.Second)
		for _, accept := range []string{"text/plain", "application/openmetrics-text;version=1.0.0", protobufAccept, "text/plain;version=0.0.4;escaping=dots", "nonsense"} {
			for range 8 {
				wg.Go(func() {
					g.ask(http.MethodGet, "/metrics", http.Header{"Accept": {accept}}, nil).wantStatus(http.StatusOK)
				})
			}
		}
		wg.Wait()
		if asked, most := slow.asked.Load(), slow.most.Load(); asked != 2+3 || most != 1 {
			t.Errorf("three formats were computed %d times, %d at once", asked-2, most)
		}
	})
}

const protobufAccept = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"

// TestScrapeIsCompressed for those who take it.
func TestScrapeIsCompressed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := startDirect(t, nil)
		plain := g.get("/metrics")
		for encodings, compressed := range map[string]bool{
			"gzip": true, "deflate, GZIP;q=0.5": true, "*": true, "br, zstd": false, "gzip;q=0": false, "gzip; q=0.0, identity": false, "gzipped": false,
		} {
			w := httptest.NewRecorder()
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost/metrics", nil)
			r.Header.Set("Accept-Encoding", encodings)
			g.direct.ServeHTTP(w, r)
			body := w.Body.Bytes()
			if got := w.Header().Get("Content-Encoding") == "gzip"; got != compressed {
				t.Fatalf("%s: compressed is %v", encodings, got)
			}
			if compressed {
				reader, err := gzip.NewReader(bytes.NewReader(body))
				if err != nil {
					t.Fatal(err)
				}
				if body, err = io.ReadAll(reader); err != nil {
					t.Fatal(err)
				}
			}
			if !bytes.Equal(body, plain.body) || !strings.Contains(string(body), "gateway_http_request_duration_seconds") {
				t.Errorf("%s: not the same figures", encodings)
			}
		}
	})
}

// TestScrapesAreLimited: one address may scrape so often, others as ever, and
// what one does by a token is not counted with it.
func TestScrapesAreLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st, stored := withStore(t, map[string]fake{"acme": everything()})
		k := newTokens(t, st)
		g := startDirect(t, nil, stored, k.options)
		g.from = "192.0.2.1:1000"
		for range 120 {
			g.get("/metrics").wantStatus(http.StatusOK)
		}
		a := g.get("/metrics")
		a.wantCode(ProblemCodeTooManyRequests)
		if a.header.Get("Retry-After") != "1" {
			t.Errorf("got %v", a.header)
		}
		g.get("/accounts").wantCode(ProblemCodeUnauthenticated)
		g.get("/healthz").wantStatus(http.StatusOK)
		g.from = "192.0.2.2:1000"
		g.get("/metrics").wantStatus(http.StatusOK)
		g.from = "192.0.2.1:1000"
		time.Sleep(500 * time.Millisecond)
		g.get("/metrics").wantStatus(http.StatusOK)
	})
}

// TestHealthIsNeverRefused: whatever a stranger does behind the same address, a
// probe gets its answer, and what is wrong is logged once.
func TestHealthIsNeverRefused(t *testing.T) {
	var broken atomic.Bool
	log := &lines{}
	st, stored := withStore(t, map[string]fake{"acme": everything()})
	k := newTokens(t, st)
	g := startDirect(t, nil, stored, k.options, func(o *Options) {
		o.Log = zerolog.New(log).Level(zerolog.InfoLevel)
		o.Ready = func(context.Context) error {
			if broken.Load() {
				return errors.New("dial db.internal: refused")
			}
			return nil
		}
	})
	g.from = "192.0.2.1:1000"
	flood := func(ready int) {
		t.Helper()
		for range 300 {
			g.get("/healthz").wantStatus(http.StatusOK)
			g.get("/readyz").wantStatus(ready)
		}
	}
	flood(http.StatusOK)
	broken.Store(true)
	flood(http.StatusServiceUnavailable)
	broken.Store(false)
	flood(http.StatusOK)
	if n := strings.Count(log.String(), "\n"); n != 2 || !strings.Contains(log.String(), "dial db.internal: refused") {
		t.Errorf("want one line for each change, got %d:\n%.2000s", n, log)
	}
}
