package notify_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"testing"

	"accountgateway/internal/notify"
)

// TestMain gives the package a network of its own: services must not be called,
// and in a synctest bubble a real connection would stop the clock.
func TestMain(m *testing.M) {
	http.DefaultTransport = web
	notify.BoundClient(http.DefaultClient)
	os.Exit(m.Run())
}

// network answers by host; real connections are made to loopback addresses.
type network struct {
	real  http.Transport
	mu    sync.Mutex
	hosts map[string]http.HandlerFunc
}

var web = &network{real: http.Transport{DisableKeepAlives: true}, hosts: map[string]http.HandlerFunc{}}

// serve makes a host answer until the test ends.
func (n *network) serve(t testing.TB, host string, handler http.HandlerFunc) {
	t.Helper()
	n.mu.Lock()
	defer n.mu.Unlock()
	n.hosts[host] = handler
	t.Cleanup(func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		delete(n.hosts, host)
	})
}

func (n *network) RoundTrip(r *http.Request) (*http.Response, error) {
	if net.ParseIP(r.URL.Hostname()) != nil {
		return n.real.RoundTrip(r)
	}
	n.mu.Lock()
	handler := n.hosts[r.URL.Hostname()]
	if handler == nil {
		handler = n.hosts["*"]
	}
	n.mu.Unlock()
	if handler == nil {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: r.URL.Hostname(), IsNotFound: true}}
	}
	recorder := httptest.NewRecorder()
	handler(recorder, r)
	return recorder.Result(), nil
}

// parse reads one URL.
func parse(t testing.TB, url string) *notify.Destination {
	t.Helper()
	all, faults := notify.Parse(url)
	if len(faults) > 0 || len(all) != 1 {
		t.Fatalf("%s: got %d destinations, %v", url, len(all), faults)
	}
	return all[0]
}
