package httpapi

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
)

// sink is a ResponseWriter that costs nothing.
type sink struct {
	header http.Header
	status int
}

func (s *sink) Header() http.Header         { return s.header }
func (s *sink) WriteHeader(status int)      { s.status = status }
func (s *sink) Write(p []byte) (int, error) { return len(p), nil }

// BenchmarkHit is a reading from memory through the whole chain: routing, request
// id, access log, metrics.
func BenchmarkHit(b *testing.B) {
	rows := []struct {
		name, target string
		header       http.Header
		status       int
	}{
		{"balance", "/accounts/acme/balance", nil, http.StatusOK},
		{"statistics", "/accounts/acme/statistics", nil, http.StatusOK},
		{"users", "/accounts/acme/users", nil, http.StatusOK},
		{"currency", "/accounts/acme/balance?currency=USD", nil, http.StatusOK},
		{"bounded", "/accounts/acme/balance", http.Header{"Cache-Control": {"max-age=3600"}}, http.StatusOK},
		{"not modified", "/accounts/acme/balance", http.Header{"If-None-Match": {"*"}}, http.StatusNotModified},
	}
	for _, row := range rows {
		b.Run(row.name, func(b *testing.B) {
			h := New(Options{
				Accounts: service(map[string]fake{"acme": everything()}), Registry: prometheus.NewRegistry(),
				Log: zerolog.New(io.Discard).With().Timestamp().Logger(),
			})
			w := &sink{header: http.Header{}}
			r := httptest.NewRequest(http.MethodGet, row.target, nil)
			for name, values := range row.header {
				r.Header[name] = values
			}
			h.ServeHTTP(w, r)
			if w.status != row.status {
				b.Fatalf("got %d", w.status)
			}
			b.ReportAllocs()
			for b.Loop() {
				clear(w.header)
				h.ServeHTTP(w, r)
			}
			if w.status != row.status {
				b.Fatalf("got %d", w.status)
			}
		})
	}
}
