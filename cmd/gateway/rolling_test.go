package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"accountgateway/internal/simulator"
	"accountgateway/internal/simulator/regru"
)

// balancer shares requests out among replicas, as the Service of Kubernetes
// does: a replica is sent nothing before it is ready, and nothing any more
// before it is told to stop. It never tries twice.
type balancer struct {
	t      *testing.T
	url    string
	mu     sync.Mutex
	behind []*replica
	turn   int
}

// replica is one gateway behind a balancer.
type replica struct {
	*child
	proxy          *httputil.ReverseProxy
	flying, served int // requests; the balancer's lock guards them
}

func newBalancer(t *testing.T) *balancer {
	t.Helper()
	b := &balancer{t: t}
	server := httptest.NewServer(b)
	t.Cleanup(server.Close)
	b.url = server.URL
	return b
}

func (b *balancer) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	b.mu.Lock()
	b.turn++
	r := b.behind[b.turn%len(b.behind)]
	r.flying++
	b.mu.Unlock()
	defer func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		r.flying--
		r.served++
	}()
	r.proxy.ServeHTTP(w, req)
}

// add starts a gateway and sends it requests once it is ready.
func (b *balancer) add(settings map[string]string) *replica {
	b.t.Helper()
	c := spawn(b.t, settings)
	to, err := url.Parse(c.url)
	if err != nil {
		b.t.Fatal(err)
	}
	transport := &http.Transport{MaxIdleConnsPerHost: 16}
	b.t.Cleanup(transport.CloseIdleConnections)
	r := &replica{child: c, proxy: &httputil.ReverseProxy{
		Rewrite:   func(p *httputil.ProxyRequest) { p.SetURL(to) },
		Transport: transport,
		ErrorHandler: func(w http.ResponseWriter, req *http.Request, err error) {
			if req.Context().Err() == nil {
				b.t.Errorf("%s %s at %s: %v", req.Method, req.URL.Path, c.url, err)
			}
			w.WriteHeader(http.StatusBadGateway)
		},
	}}
	eventually(b.t, "a ready replica", func() bool {
		a, _ := fetch(b.t, c.url, "/readyz")
		return a.status == http.StatusOK
	})
	b.mu.Lock()
	defer b.mu.Unlock()
	b.behind = append(b.behind, r)
	return r
}

// remove sends a replica nothing any more, and waits for what it was sent: the
// preStop hook's time.
func (b *balancer) remove(r *replica) {
	b.t.Helper()
	b.mu.Lock()
	b.behind = slices.DeleteFunc(b.behind, func(other *replica) bool { return other == r })
	b.mu.Unlock()
	eventually(b.t, "no request on its way to the replica", func() bool {
		b.mu.Lock()
		defer b.mu.Unlock()
		return r.flying == 0
	})
}

func (b *balancer) served(r *replica) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return r.served
}

// load asks and writes all the time, and complains of whatever fails.
type load struct {
	t       *testing.T
	url     string
	stop    context.CancelFunc
	running sync.WaitGroup
	keys    []string // written; valid once it has stopped
	asked   int      // reads of one of the readers; the same
}

const loadPace = 20 * time.Millisecond

func newLoad(t *testing.T, url string) *load {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	l := &load{t: t, url: url, stop: stop}
	t.Cleanup(func() { l.end() })
	targets := []string{"/accounts/regru/balance", "/accounts/selzy/balance", "/accounts/regru/statistics", "/balances?require=all", "/accounts/regru/operations", "/accounts"}
	for reader := range 3 {
		l.every(ctx, func(i int) {
			var header []string
			if (i+reader)%4 == 0 {
				header = []string{"Cache-Control", "no-cache"}
			}
			target := targets[(i+reader)%len(targets)]
			if a, _ := fetch(t, url, target, header...); a.status != http.StatusOK {
				t.Errorf("GET %s: %d %s", target, a.status, a.body)
			}
			if reader == 0 {
				l.asked++
			}
		})
	}
	l.every(ctx, func(i int) {
		if i%2 == 0 {
			l.keys = append(l.keys, fmt.Sprint("load-", i))
		}
		key := l.keys[len(l.keys)-1]
		a, _, err := tryPost(t, url, "/accounts/regru/refills", key, aRefill)
		if err != nil {
			t.Errorf("%s: %v", key, err)
			return
		}
		a.wantStatus(http.StatusCreated, i%2 == 1)
	})
	return l
}

// every does something at the load's pace, again and again.
func (l *load) every(ctx context.Context, do func(i int)) {
	l.running.Go(func() {
		tick := time.NewTicker(loadPace)
		defer tick.Stop()
		for i := 0; ; i++ {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				do(i)
			}
		}
	})
}

func (l *load) end() {
	l.stop()
	l.running.Wait()
}

// heldRequests are requests that a vendor keeps waiting.
type heldRequests struct {
	gate    *gate
	running sync.WaitGroup
}

// hold asks a replica for a reading and for three writes, and returns once the vendor
// has them all.
func (r *replica) hold(t *testing.T, account string, g *gate) *heldRequests {
	t.Helper()
	h := &heldRequests{gate: g}
	h.running.Go(func() { get(t, r.url, "/accounts/"+account+"/users").decode(&struct{}{}) })
	for i := range 3 {
		h.running.Go(func() {
			post(t, r.url, "/accounts/"+account+"/refills", fmt.Sprint(account, "-", i), aRefill).wantStatus(http.StatusCreated, false)
		})
	}
	for range 4 {
		await(t, "the calls that are held", g.answered)
	}
	return h
}

// TestRollingRestart restarts two replicas in turn under load, by SIGTERM, as
// Kubernetes does: nobody notices, what is under way is answered, and no
// write reaches the vendor twice.
func TestRollingRestart(t *testing.T) {
	t.Parallel()
	for _, e := range engines {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			newVendor := func() *refillVendor {
				return &refillVendor{t: t, Server: regru.New(regru.Options{Refill: true, Rate: regru.Rate{Calls: -1}})}
			}
			f := newFleet(t)
			vendor := newVendor()
			vendor.inject(simulator.Fault{Kind: simulator.KindDelay, Delay: simulator.Duration(loadPace)})
			f.add("regru", "regru", vendor, append(slices.Clone(partner), "RATE=100000/1m")...)
			f.misbehaving("selzy", "selzy", "ordinarykey", simulator.Fault{Kind: simulator.KindDelay, Delay: simulator.Duration(loadPace)})
			held, gates := make([]*refillVendor, 2), make([]*gate, 2)
			for i := range held {
				held[i] = newVendor()
				gates[i] = newGate(held[i], "refill_balance", "nop")
				close(gates[i].before)
				f.add(fmt.Sprint("held", i), "regru", gates[i], partner...)
			}
			settings := with(f.settings, "GATEWAY_DATABASE_URL="+e.url(t), "GATEWAY_BALANCE_TTL=100ms", "GATEWAY_STATISTICS_TTL=1s", "GATEWAY_LOG_LEVEL=info", "GATEWAY_REFRESH_INTERVAL=1s")

			b := newBalancer(t)
			old := []*replica{b.add(settings), b.add(settings)}
			l := newLoad(t, b.url)
			all := slices.Clone(old)
			for i, r := range old {
				eventually(t, "some load", func() bool { return b.served(r) > 10 })
				underWay := r.hold(t, fmt.Sprint("held", i), gates[i])
				b.remove(r)
				if err := r.cmd.Process.Signal(syscall.SIGTERM); err != nil {
					t.Fatal(err)
				}
				(&program{t: t, stdout: newScreen(), stderr: r.stderr, done: r.ended}).see(r.stderr, `"draining`)
				close(gates[i].after)
				underWay.running.Wait()
				await(t, "the end of the replica", r.ended)
				if status := r.cmd.ProcessState.ExitCode(); status != 0 {
					t.Errorf("exit status %d", status)
				}
				if n := held[i].refills(); n != 3 || held[i].invoices() != 3 {
					t.Errorf("%d calls for 3 writes under way, %d invoices", n, held[i].invoices())
				}
				renewed := b.add(settings)
				all = append(all, renewed)
				eventually(t, "load on the new replica", func() bool { return b.served(renewed) > 10 })
			}
			l.end()

			if n := vendor.refills(); n != len(l.keys) || vendor.invoices() != n || n == 0 || l.asked == 0 {
				t.Errorf("%d calls for %d writes, %d invoices; %d reads", n, len(l.keys), vendor.invoices(), l.asked)
			}
			// Who repeats the first write of all is answered by whom it never asked.
			post(t, b.url, "/accounts/regru/refills", l.keys[0], aRefill).wantStatus(http.StatusCreated, true)
			if n := vendor.refills(); n != len(l.keys) {
				t.Errorf("repeating called the vendor: %d calls for %d writes", n, len(l.keys))
			}
			for _, r := range all {
				for line := range strings.Lines(r.stderr.String()) {
					if strings.Contains(line, `"level":"error"`) || strings.Contains(line, `"level":"warn"`) {
						t.Errorf("a restart is no trouble: %s", line)
					}
				}
			}
			t.Logf("%d writes, about %d reads", len(l.keys), 3*l.asked)
		})
	}
}
