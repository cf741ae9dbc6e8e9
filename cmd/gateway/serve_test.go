package main

import (
	"errors"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"accountgateway/internal/simulator/selzy"
)

// TestTakenPort names the setting to change, before a database is made or a
// vendor called.
func TestTakenPort(t *testing.T) {
	t.Parallel()
	taken := listen(t).Addr().String()
	for _, name := range []string{"GATEWAY_ADDR", "GATEWAY_METRICS_ADDR"} {
		database := filepath.Join(t.TempDir(), "gateway.db")
		status, stdout, stderr := complete(t, with(oneAccount(), name+"="+taken, "GATEWAY_DATABASE_URL=sqlite:"+database), "serve")
		const hint = " (to use another address: "
		if status != 1 || stdout != "" || !strings.Contains(stderr, "gateway serve: "+name+": listen tcp "+taken+": bind: address already in use"+hint+name+"=127.0.0.1:8090)\n") {
			t.Errorf("%s: exit status %d, wrote %q, %q", name, status, stdout, stderr)
		}
		if _, err := os.Stat(database); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: a database was made: %v", name, err)
		}
	}
}

// TestDrain stops a gateway while a vendor is slow. The request under way is
// answered, nobody else is let in, the balancer is told, and the end is no
// failure.
func TestDrain(t *testing.T) {
	t.Parallel()
	vendor := selzy.New(selzy.Options{Now: today})
	asked, goOn := make(chan struct{}), make(chan struct{})
	f := newFleet(t)
	f.add("selzy", "selzy", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(asked)
		<-goOn
		vendor.ServeHTTP(w, r)
	}), "API_KEY=ordinarykey")
	health := freeAddr(t)
	g := f.serve("GATEWAY_METRICS_ADDR=" + health)
	readiness := func() int { return get(t, "http://"+health, "/readyz").status }
	if status := readiness(); status != http.StatusOK {
		t.Errorf("/readyz before: %d", status)
	}

	answered := make(chan answer)
	go func() { answered <- g.get(t, "/accounts/selzy/balance") }()
	<-asked
	g.cancel()
	g.see(g.stderr, "draining")
	for deadline := time.Now().Add(patience); ; { // the log line comes first, the listener closes a moment later
		conn, err := net.Dial("tcp", strings.TrimPrefix(g.url, "http://"))
		if err != nil {
			break
		}
		conn.Close()
		if time.Now().After(deadline) {
			t.Fatal("the gateway still takes connections")
		}
	}
	if status := readiness(); status != http.StatusServiceUnavailable {
		t.Errorf("/readyz while it drains: %d", status)
	}
	if a := get(t, "http://"+health, "/healthz"); a.status != http.StatusOK {
		t.Errorf("/healthz while it drains: %d", a.status)
	}
	close(goOn)
	a := <-answered
	a.wantBody(balance("selzy", "selzy", "-4.75 USD", "", "", ""))
	if status := g.wait(); status != 0 {
		t.Errorf("exit status %d: %s", status, g.stderr)
	}
}

// TestServiceAddress moves health and metrics to an address of their own.
func TestServiceAddress(t *testing.T) {
	t.Parallel()
	service := freeAddr(t)
	g := serving(t, with(oneAccount(), "GATEWAY_METRICS_ADDR="+service))
	for _, target := range []string{"/healthz", "/readyz", "/metrics"} {
		if a := get(t, "http://"+service, target); a.status != http.StatusOK {
			t.Errorf("%s on the metrics address: %d", target, a.status)
		}
		g.get(t, target).wantProblem(404, "not_found")
	}
	elsewhere, _ := fetch(t, "http://"+service, "/accounts") // a 404 that the specification does not have on this route
	elsewhere.wantProblem(404, "not_found")
	if a := g.get(t, "/accounts"); a.status != http.StatusOK {
		t.Errorf("/accounts: %d", a.status)
	}
}

// TestStartAsksNobody: without background readings, neither the start nor what
// asks no vendor calls one.
func TestStartAsksNobody(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	f.add("regru", "regru", http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("REG.RU was called") }), "USERNAME=a", "PASSWORD=b")
	g := f.serve()
	for _, target := range []string{"/accounts", "/accounts/regru", "/healthz", "/readyz", "/metrics", "/openapi.yaml", "/accounts/regru/balance?currency=GBP"} {
		g.get(t, target)
	}
	if status := g.stop(); status != 0 {
		t.Errorf("exit status %d", status)
	}
}

// TestReadingsOutliveFailure: once a vendor fails, its last figures are served,
// marked as old, or not at all; never others.
func TestReadingsOutliveFailure(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	control := f.simulated("selzy", "selzy", "ordinarykey")
	g := f.serve("GATEWAY_BALANCE_TTL=0s", "GATEWAY_STATISTICS_TTL=0s", "GATEWAY_USERS_TTL=0s")
	first := map[string]string{} // as they read once they are old
	for _, op := range reads {
		a := g.get(t, "/accounts/selzy/"+op)
		if a.status != http.StatusOK {
			t.Fatalf("%s: %d %s", op, a.status, a.body)
		}
		first[op] = moment.ReplaceAllString(strings.Replace(string(a.body), `"stale":false`, `"stale":true`, 1), `"$1":"T"`)
	}
	if err := control.Inject(faultBody(`{"result":{"balance":0,"currency":"USD","login":""}`)); err != nil {
		t.Fatal(err)
	}
	for _, op := range reads {
		g.get(t, "/accounts/selzy/"+op).wantBody(first[op])
	}
}
