//go:build linux

package torture

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// harness is one gateway under torture, of one or two replicas, and all that is around it.
type harness struct {
	t        *testing.T
	setup    setup
	truth    *truth
	database database
	server   *http.Server // all vendors are behind it
	vendors  []*vendor
	replicas []*replica

	callers    sync.WaitGroup
	recentLock sync.Mutex
	recent     []*write
	lastWrite  atomic.Int64

	peace  sync.Mutex   // held by an outage, and by who can't use one just now
	outage atomic.Bool  // one is going on
	well   atomic.Int64 // since when no outage is going on, in the truth's time
	stall  atomic.Int64 // when this process itself was last late

	kills, outages, diskRounds, jumps, faults, reads, writes atomic.Int64
}

// setup is how large the gateway is, and how much it has to do.
type setup struct {
	accounts              int
	ttl, refresh          time.Duration // how long readings are fresh, and how often they are read in the background
	readPause, writePause time.Duration // of one caller, on average
	timed                 bool          // an answer that comes late for no reason is a fault
}

// The settings under test. A load's lease lasts callTimeout and five seconds more, which is more than anybody may wait
// for a dead process.
const (
	callTimeout  = 5 * time.Second
	staleIfError = time.Hour
)

// Promises about time, with an allowance for a busy machine.
const (
	longestWait = 2*time.Second + 4*time.Second // for a dead process's lease
	recovery    = 4 * time.Second               // after a database outage
)

// kinds are the providers of the accounts, over and over.
var kinds = []string{"regru", "regru", "selzy", "regru"}

func newHarness(t *testing.T, program string, d database, s setup) *harness {
	t.Helper()
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	h := &harness{t: t, setup: s, truth: newTruth(limits{ttl: s.ttl, staleIfError: staleIfError}), database: d, server: server.Config}
	settings := []string{
		"GATEWAY_ADDR=127.0.0.1:0", "GATEWAY_AUTH=none", "GATEWAY_CALLER_RATE=0", "GATEWAY_LOG_LEVEL=info", "GATEWAY_REFRESH_INTERVAL=" + s.refresh.String(),
		"GATEWAY_BALANCE_TTL=" + s.ttl.String(), "GATEWAY_STATISTICS_TTL=" + s.ttl.String(), "GATEWAY_USERS_TTL=" + s.ttl.String(),
		"GATEWAY_STALE_IF_ERROR=" + staleIfError.String(), "GATEWAY_PROVIDER_TIMEOUT=" + callTimeout.String(),
	}
	var accounts []string
	for i := range s.accounts {
		provider := kinds[i%len(kinds)]
		v := newVendor(fmt.Sprint(provider, "-", i), provider, i+1, h.truth)
		v.saint = i%len(kinds) == 0
		h.vendors = append(h.vendors, v)
		mux.Handle("/"+v.account+"/", http.StripPrefix("/"+v.account, v))
		base := server.URL + "/" + v.account
		if provider == "regru" {
			base += "/api/regru2"
		}
		accounts = append(accounts, v.account+"="+provider)
		settings = append(settings, v.prefix()+"BASE_URL="+base, v.prefix()+"RATE=1000000/1m")
		for name, value := range v.settings {
			settings = append(settings, v.prefix()+name+"="+value)
		}
	}
	settings = append(settings, "GATEWAY_ACCOUNTS="+strings.Join(accounts, ","), "REGRU_IP_RATE=1000000/1m", "SELZY_IP_RATE=1000000/1m")
	for i := range d.replicas {
		r := &replica{t: t, name: fmt.Sprint("replica ", i), program: program, clock: newClock(t), truth: h.truth}
		r.settings = append(r.settings, settings...)
		r.settings = append(r.settings, "GATEWAY_DATABASE_URL="+d.url(i), clockVariable+"="+r.clock.file.Name())
		h.replicas = append(h.replicas, r)
		t.Cleanup(func() {
			if p := r.current.Load(); p != nil {
				r.end(p)
			}
		})
		p := r.start()
		if p == nil {
			t.Fatal("no gateway to torture")
		}
		if err := p.awaitReady(t.Context()); err != nil {
			t.Fatal(err)
		}
		p.ready.Store(int64(h.truth.now()))
		h.proveClock(r, p)
	}
	return h
}

// proveClock sees to it that a clock that is set is the program's.
func (h *harness) proveClock(r *replica, p *process) {
	h.t.Helper()
	r.clock.set(h.t, time.Hour)
	defer r.clock.set(h.t, 0)
	a, err := p.do(h.t.Context(), http.MethodGet, "/healthz", "", nil)
	if err != nil {
		h.t.Fatal(err)
	}
	date, err := http.ParseTime(a.header.Get("Date"))
	if ahead := time.Until(date); err != nil || ahead < 59*time.Minute || ahead > time.Hour {
		h.t.Fatalf("the program's clock was set, and is ahead by %s, %v", ahead, err)
	}
}

// someProcess is one that lives; nil if there is none just now.
func (h *harness) someProcess(rng *rand.Rand) *process {
	return h.replicas[rng.IntN(len(h.replicas))].current.Load()
}

func (h *harness) vendorOf(account string) *vendor {
	for _, v := range h.vendors {
		if v.account == account {
			return v
		}
	}
	return nil
}

// onProcesses does something to the processes of some replicas, and undoes it.
func (h *harness) onProcesses(hit []int, do, undo func(*process)) (end func()) {
	var done []*process
	for _, i := range hit {
		if p := h.replicas[i].current.Load(); p != nil {
			do(p)
			done = append(done, p)
		}
	}
	return func() {
		for _, p := range done {
			undo(p)
		}
	}
}

// watchItself notes when this process is late: who can't keep time can't judge others.
func (h *harness) watchItself(ctx context.Context) {
	const tick = 20 * time.Millisecond
	for last := time.Now(); ctx.Err() == nil; {
		time.Sleep(tick)
		now := time.Now()
		if now.Sub(last) > 10*tick {
			h.stall.Store(int64(h.truth.now()))
		}
		last = now
	}
}

// calm tells whether nothing was wrong with a process, its database, an account's vendor and this machine since a moment.
func (h *harness) calm(p *process, v *vendor, since time.Duration) bool {
	return !h.outage.Load() && time.Duration(h.well.Load())+recovery < since && v.well(since) &&
		p.ready.Load() > 0 && time.Duration(p.ready.Load()) < since && !p.doomed.Load() && time.Duration(h.stall.Load()) < since
}

// checkDelay finds answers that came late for no reason, and failures.
func (h *harness) checkDelay(p *process, v *vendor, path string, sent time.Duration, a answer) {
	took := h.truth.now() - sent
	if !h.calm(p, v, sent) {
		return
	}
	if h.setup.timed && took > longestWait {
		h.truth.broken(inTime, "%s, sent at %.3f, took %s: %s", path, sent.Seconds(), took, a)
	}
	if v.saint && a.status >= 500 && a.header.Get("Location") == "" {
		h.truth.broken(otherPromise, "%s, sent at %.3f in calm weather: %s\n%s", path, sent.Seconds(), a, p.log)
	}
}

// work has callers read and write until ctx ends.
func (h *harness) work(ctx context.Context, seed uint64) {
	every := func(n int, pace time.Duration, do func(context.Context, *rand.Rand)) {
		for i := range n {
			rng := newRand(seed, fmt.Sprint(pace, i))
			h.callers.Go(func() {
				for ctx.Err() == nil {
					do(context.WithoutCancel(ctx), rng)
					time.Sleep(upTo(rng, 2*pace))
				}
			})
		}
	}
	every(8*len(h.replicas), h.setup.readPause, h.read)
	every(2*len(h.replicas), h.setup.writePause, h.write)
}
