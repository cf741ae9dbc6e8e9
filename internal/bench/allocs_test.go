package bench

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"accountgateway/internal/account"
	"accountgateway/internal/durable"
	"accountgateway/internal/httpapi"
	"accountgateway/internal/provider"
	"accountgateway/internal/provider/providertest"
)

// handler is the gateway's own, with its log and metrics, in front of a vendor
// in memory.
func handler() http.Handler {
	log := zerolog.New(io.Discard).With().Timestamp().Logger()
	ttl := map[provider.Operation]time.Duration{provider.OpBalance: time.Hour}
	registry := prometheus.NewRegistry()
	accounts := account.New([]account.Account{{Name: "a", Provider: "fake", Adapter: &providertest.Fake{}}}, durable.New(log),
		account.Options{TTL: ttl, StaleIfError: 24 * time.Hour, LoadTimeout: 10 * time.Second, Registry: registry, Log: log})
	return httpapi.New(httpapi.Options{Accounts: accounts, Log: log, AccessLog: log, Registry: registry})
}

// nowhere is a ResponseWriter that costs nothing.
type nowhere struct {
	header http.Header
	status int
}

func (n *nowhere) Header() http.Header         { return n.header }
func (n *nowhere) WriteHeader(status int)      { n.status = status }
func (n *nowhere) Write(p []byte) (int, error) { return len(p), nil }

// BenchmarkHandler is a hit without the network.
func BenchmarkHandler(b *testing.B) {
	h, w := handler(), &nowhere{header: http.Header{}}
	r := httptest.NewRequest(http.MethodGet, "http://127.0.0.1:8080"+balancePath, nil)
	ask := func() {
		clear(w.header)
		h.ServeHTTP(w, r)
	}
	if ask(); w.status != http.StatusOK {
		b.Fatalf("answered %d", w.status)
	}
	b.ReportAllocs()
	for b.Loop() {
		ask()
	}
	if b.N > 1 {
		row("hit: allocations in the gateway's handler", "%.0f; %.1f µs", testing.AllocsPerRun(1000, ask), float64(b.Elapsed().Microseconds())/float64(b.N))
	}
}

// BenchmarkServedHit is a hit with server and client in this process, for
// profiles: go test -run '^$' -bench ServedHit -cpuprofile cpu.out, then
// go tool pprof -focus 'http.*conn.*serve' cpu.out.
func BenchmarkServedHit(b *testing.B) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	server := &http.Server{Handler: handler(), ReadHeaderTimeout: 5 * time.Second}
	done := make(chan struct{})
	go func() { _ = server.Serve(l); close(done) }()
	defer func() { server.Close(); <-done }()
	for b.Loop() {
		hammer(b, l.Addr().String(), balancePath, "", 5*time.Second)
	}
}
