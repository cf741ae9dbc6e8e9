//go:build linux

package torture

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"
)

var (
	lasts = flag.Duration("torture.for", 10*time.Second, "how long the gateway is tortured")
	seed  = flag.Uint64("torture.seed", 0, "of the schedule; 0: a new one")
)

// counts of one run.
type counts struct {
	kills, outages, diskRounds, jumps, faults, reads, writes int64
	calls                                                    int
	broken                                                   map[promise]int
}

// promises in the order in which they are told.
var promises = []promise{oneSend, trueFigure, trueOutcome, inTime, rightBlame, trueOutage, noGrowth, otherPromise}

func (c counts) String() string {
	parts := []string{fmt.Sprintf("kills %d, outages %d, disk-full rounds %d, clock jumps %d, vendor faults %d, reads %d, writes %d, vendor calls %d",
		c.kills, c.outages, c.diskRounds, c.jumps, c.faults, c.reads, c.writes, c.calls)}
	for _, p := range promises {
		parts = append(parts, fmt.Sprintf("%s %d", p, c.broken[p]))
	}
	return strings.Join(parts, ", ")
}

func (c *counts) add(d counts) {
	c.kills += d.kills
	c.outages += d.outages
	c.diskRounds += d.diskRounds
	c.jumps += d.jumps
	c.faults += d.faults
	c.reads += d.reads
	c.writes += d.writes
	c.calls += d.calls
	for p, n := range d.broken {
		c.broken[p] += n
	}
}

// TestTorture kills the gateway, takes its database away, fills its disk, breaks its vendors and sets its clock while
// callers read and write. No write may reach a vendor twice, no figure may be older than it is told to be, and no outcome
// may be told that is not the vendor's.
func TestTorture(t *testing.T) {
	first := *seed
	if first == 0 {
		first = rand.Uint64()
	}
	program := build(t)
	total, lock := counts{broken: map[promise]int{}}, sync.Mutex{}
	t.Cleanup(func() { t.Logf("torture of %s, seed %d: %s", *lasts, first, total) })
	for name, open := range map[string]func(*testing.T) database{"sqlite": sqliteDatabase, "postgres": postgresDatabase} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := torture(t, program, open(t), first)
			lock.Lock()
			defer lock.Unlock()
			total.add(c)
		})
	}
}

func torture(t *testing.T, program string, d database, seed uint64) counts {
	h := newHarness(t, program, d, setup{
		accounts: 4, ttl: 1500 * time.Millisecond, refresh: time.Second, readPause: 50 * time.Millisecond, writePause: 100 * time.Millisecond,
		timed: true,
	})
	ctx, cancel := context.WithTimeout(t.Context(), *lasts)
	defer cancel()
	var running sync.WaitGroup
	watching, rest := context.WithCancel(t.Context())
	running.Go(func() { h.watchItself(watching) })
	h.work(ctx, seed)
	h.schedule(ctx, seed)
	h.callers.Wait()
	h.heal(t.Context())
	h.audit(t.Context())
	rest()
	running.Wait()
	return h.report(seed)
}

// report tells what was broken, and counts.
func (h *harness) report(seed uint64) counts {
	c := counts{
		kills: h.kills.Load(), outages: h.outages.Load(), diskRounds: h.diskRounds.Load(), jumps: h.jumps.Load(), faults: h.faults.Load(),
		reads: h.reads.Load(), writes: h.writes.Load(), broken: map[promise]int{},
	}
	for _, v := range h.vendors {
		c.calls += v.count()
	}
	for _, p := range promises {
		h.truth.mu.Lock()
		breaks := h.truth.breaks[p]
		h.truth.mu.Unlock()
		c.broken[p] = len(breaks)
		for _, text := range breaks[:min(len(breaks), 5)] {
			h.t.Errorf("%s: %s (seed %d)", p, text, seed)
		}
	}
	h.t.Logf("%s: %s", h.database.name, c)
	return c
}
