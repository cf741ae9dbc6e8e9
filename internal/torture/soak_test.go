//go:build linux

package torture

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"
)

var soakFor = flag.Duration("soak.for", 10*time.Second, "how long the gateway is soaked")

// TestSoak has two replicas with 200 accounts work for a while: callers read and write, vendors fail and recover, and
// the database and each replica are restarted. No answer may be wrong, no write may be sent twice, and no process may
// grow. How long answers take is left to TestTorture.
func TestSoak(t *testing.T) {
	c := newCluster(t)
	d := database{name: "postgres", replicas: 2, url: func(int) string { return c.url() }}
	h := newHarness(t, build(t), d, setup{
		accounts: 200, ttl: 20 * time.Second, refresh: 15 * time.Second, readPause: 100 * time.Millisecond, writePause: 400 * time.Millisecond,
	})
	first := *seed
	if first == 0 {
		first = rand.Uint64()
	}
	var watching sync.WaitGroup
	ctx, cancel := context.WithCancel(t.Context())
	watching.Go(func() { h.watchItself(ctx) })

	part := *soakFor / 10
	h.fill(t.Context())
	h.load(part, first, nil)
	begin := h.measure("at the beginning")
	h.load(4*part, first+1, func() { h.restartDatabase(c, syscall.SIGINT) })
	h.compare(begin, h.measure("before the replicas are restarted"))
	h.load(part, first+2, h.restartReplicas)
	h.fill(t.Context())
	begin = h.measure("after it")
	h.load(4*part, first+3, func() { h.restartDatabase(c, syscall.SIGQUIT) })
	h.compare(begin, h.measure("at the end"))

	h.heal(t.Context())
	h.audit(t.Context())
	cancel()
	watching.Wait()
	h.report(first)
}

// load has callers work for a time while vendors fail and recover, twice. In the middle of it, harm is done.
func (h *harness) load(lasts time.Duration, seed uint64, harm func()) {
	ctx, cancel := context.WithTimeout(h.t.Context(), lasts)
	defer cancel()
	h.work(ctx, seed)
	var running sync.WaitGroup
	running.Go(func() {
		rng := newRand(seed, "vendors")
		for ctx.Err() == nil {
			h.sicken(ctx, rng, lasts/4)
			rest(ctx, lasts/4)
		}
	})
	rest(ctx, lasts/2)
	if harm != nil {
		harm()
	}
	running.Wait()
	h.callers.Wait()
}

// sicken has vendors fail for a time, about twenty a second, one to three calls each.
func (h *harness) sicken(ctx context.Context, rng *rand.Rand, lasts time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, lasts)
	defer cancel()
	for ctx.Err() == nil {
		h.spoil(rng)
		rest(ctx, upTo(rng, 100*time.Millisecond))
	}
	for _, v := range h.vendors {
		v.heal()
	}
	h.truth.event("all vendors are well")
}

// restartDatabase stops the database, by SIGINT in order and by SIGQUIT in a crash, and starts it again.
func (h *harness) restartDatabase(c *cluster, how syscall.Signal) {
	h.truth.event("the database is stopped: %s", how)
	h.outages.Add(1)
	h.outage.Store(true)
	c.stop(how)
	time.Sleep(time.Second)
	c.start()
	h.truth.event("the database is well again")
	h.well.Store(int64(h.truth.now()))
	h.outage.Store(false)
}

// restartReplicas restarts one replica after the other, the first as an upgrade does, the second as a crash.
func (h *harness) restartReplicas() {
	ctx := h.t.Context()
	var running sync.WaitGroup
	h.truth.event("%s is stopped", h.replicas[0].name)
	h.replicas[0].stop()
	h.raise(ctx, h.replicas[0])
	second := h.replicas[1]
	h.killAndRaise(ctx, second, second.current.Load(), 0, 0, &running)
	running.Wait()
}

// stop ends a replica's process in order.
func (r *replica) stop() {
	p := r.current.Load()
	p.doomed.Store(true)
	r.current.Store(nil)
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		r.t.Error(err)
	}
	select {
	case <-p.ended:
		if !p.cmd.ProcessState.Success() {
			r.truth.broken(otherPromise, "%s, told to stop: %s\n%s", r.name, p.cmd.ProcessState, p.log)
		}
	case <-time.After(patience):
		r.truth.broken(otherPromise, "%s, told to stop, does not\n%s", r.name, p.log)
		r.end(p)
	}
	p.client.CloseIdleConnections()
}

// fill has each replica read and show every account, so that what it keeps of each is there.
func (h *harness) fill(ctx context.Context) {
	var running sync.WaitGroup
	for _, r := range h.replicas {
		p := r.current.Load()
		running.Go(func() {
			for _, v := range h.vendors {
				for _, path := range []string{"/balance", "/statistics", "/users", "/forecast", "/operations"} {
					h.readOther(ctx, p, "/accounts/"+v.account+path)
				}
			}
			for _, path := range []string{"/", "/accounts", "/balances?limit=1000", "/metrics"} {
				h.readOther(ctx, p, path)
			}
		})
	}
	running.Wait()
}

// standing is what a process holds while nobody asks for anything.
type standing struct {
	goroutines, descriptors int
	heap                    int // bytes that a garbage collection found in use
	series                  int // lines of /metrics
}

func (s standing) String() string {
	return fmt.Sprintf("%d goroutines, %d descriptors, %.1f MB of heap, %d series", s.goroutines, s.descriptors, float64(s.heap)/1e6, s.series)
}

// measure gives what each replica holds, without connections that nobody uses.
func (h *harness) measure(when string) []standing {
	h.server.SetKeepAlivesEnabled(false)
	defer h.server.SetKeepAlivesEnabled(true)
	for _, v := range h.vendors { // calls that hang end by their deadline
		for v.waiting() > 0 {
			rest(h.t.Context(), 20*time.Millisecond)
		}
	}
	all := make([]standing, len(h.replicas))
	var running sync.WaitGroup
	for i, r := range h.replicas {
		running.Go(func() { all[i] = r.measure(h.t.Context()) })
	}
	running.Wait()
	for i, r := range h.replicas {
		h.t.Logf("%6.1f s, %s, %s: %s", h.truth.now().Seconds(), when, r.name, all[i])
	}
	return all
}

// measure takes the least of what is seen until the garbage was collected twice and a moment later: what a reading in
// the background holds for a moment is not meant.
func (r *replica) measure(ctx context.Context) (least standing) {
	p := r.current.Load()
	p.client.CloseIdleConnections()
	first := -1
	for settled := 0; settled < 2; {
		a, err := p.do(ctx, http.MethodGet, "/metrics", "", nil)
		open, err2 := os.ReadDir(fmt.Sprintf("/proc/%d/fd", p.cmd.Process.Pid))
		if err != nil || a.status != http.StatusOK || err2 != nil {
			r.t.Errorf("%s: GET /metrics: %s, %v, %v", r.name, a, err, err2)
			return standing{}
		}
		now := standing{goroutines: r.metric(a, "go_goroutines"), descriptors: len(open), series: len(seriesLine.FindAllIndex(a.body, -1))}
		// The next collection is due when what the last one left has grown by so many percent.
		now.heap = r.metric(a, "go_memstats_next_gc_bytes") * 100 / (100 + r.metric(a, "go_gc_gogc_percent"))
		collected := r.metric(a, "go_gc_duration_seconds_count")
		if first < 0 {
			first, least = collected, now
		}
		least = standing{
			goroutines: min(least.goroutines, now.goroutines), descriptors: min(least.descriptors, now.descriptors),
			heap: min(least.heap, now.heap), series: now.series,
		}
		if collected >= first+2 {
			settled++
		}
		for range 30 { // makes garbage
			if _, _, err := p.get(ctx, "/"); err != nil {
				r.t.Errorf("%s: GET /: %v", r.name, err)
				return standing{}
			}
		}
		rest(ctx, 1100*time.Millisecond) // scrapes within a second are one
	}
	return least
}

var seriesLine = regexp.MustCompile(`(?m)^[^#]`)

// metric is the value of one that has no labels.
func (r *replica) metric(a answer, name string) int {
	match := regexp.MustCompile(`(?m)^` + name + ` (\S+)$`).FindSubmatch(a.body)
	if match == nil {
		r.t.Errorf("%s: no %s", r.name, name)
		return 0
	}
	value, err := strconv.ParseFloat(string(match[1]), 64)
	if err != nil {
		r.t.Errorf("%s: %s: %v", r.name, name, err)
	}
	return int(value)
}

// seriesSize is what one series takes at most: a native histogram, of twelve, takes 13 KB once it has all its buckets.
// Series appear on first use, so a process grows by them until each account has had each fault.
const seriesSize = 1100

// grown tells whether a process holds more than before, beyond what comes and goes.
func grown(before, now standing) bool {
	series := (now.series - before.series) * seriesSize
	return now.goroutines > before.goroutines+10 || now.descriptors > before.descriptors+20 || 2*(now.heap-series) > 3*before.heap
}

// compare finds processes that have grown.
func (h *harness) compare(before, now []standing) {
	for i, b := range before {
		if grown(b, now[i]) {
			h.truth.broken(noGrowth, "%s has grown from %s to %s", h.replicas[i].name, b, now[i])
		}
	}
}

// What comes and goes is no growth.
func TestGrown(t *testing.T) {
	before := standing{30, 20, 20_000_000, 1000}
	for _, test := range []struct {
		name string
		now  standing
		want bool
	}{
		{"the same", before, false},
		{"a little more", standing{40, 40, 30_000_000, 1000}, false},
		{"less", standing{1, 1, 1, 1000}, false},
		{"goroutines", standing{41, 20, 20_000_000, 1000}, true},
		{"descriptors", standing{30, 41, 20_000_000, 1000}, true},
		{"heap", standing{30, 20, 31_000_000, 1000}, true},
		{"heap, of series", standing{30, 20, 40_000_000, 11_000}, false},
		{"heap, of more than series", standing{30, 20, 42_000_000, 11_000}, true},
	} {
		if got := grown(before, test.now); got != test.want {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
}
