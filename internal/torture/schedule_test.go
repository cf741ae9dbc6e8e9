//go:build linux

package torture

import (
	"context"
	"math/rand/v2"
	"net/http"
	"regexp"
	"sync"
	"time"

	"accountgateway/internal/simulator"
)

// schedule does harm in a random order until ctx ends, and waits until no more is under way. Two go on beside each other:
// outages of the database, with some calm after each, and everything else.
func (h *harness) schedule(ctx context.Context, seed uint64) {
	var running sync.WaitGroup
	defer running.Wait()
	running.Go(func() {
		rng := newRand(seed, "outages")
		h.deal(ctx, rng, h.outageCards(rng), 5*time.Second)
	})
	rng := newRand(seed, "the rest")
	h.deal(ctx, rng, h.cards(rng, &running), 800*time.Millisecond)
}

// newRand makes the source of one's random choices.
func newRand(seed uint64, whose string) *rand.Rand {
	var stream uint64
	for _, c := range whose {
		stream = stream*31 + uint64(c)
	}
	return rand.New(rand.NewPCG(seed, stream))
}

// card is one thing that is done to the gateway.
type card func(ctx context.Context)

// deal plays cards in a random order, so that none is left out in a short run, with up to pause between two.
func (h *harness) deal(ctx context.Context, rng *rand.Rand, deck []card, pause time.Duration) {
	for ctx.Err() == nil {
		rng.Shuffle(len(deck), func(i, j int) { deck[i], deck[j] = deck[j], deck[i] })
		for _, play := range deck {
			if ctx.Err() == nil {
				play(ctx)
				rest(ctx, upTo(rng, pause))
			}
		}
	}
}

func rest(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// upTo is a random time below most.
func upTo(rng *rand.Rand, most time.Duration) time.Duration {
	return time.Duration(rng.Int64N(int64(most)))
}

func (h *harness) outageCards(rng *rand.Rand) (deck []card) {
	for _, o := range h.database.outages {
		deck = append(deck, func(ctx context.Context) { h.harm(ctx, rng, o) })
	}
	return deck
}

func (h *harness) cards(rng *rand.Rand, running *sync.WaitGroup) (deck []card) {
	add := func(n int, c card) {
		for range n {
			deck = append(deck, c)
		}
	}
	add(4, func(ctx context.Context) { h.kill(ctx, rng, running) })
	add(1, func(ctx context.Context) { h.killReader(ctx, rng, running) })
	add(4, func(context.Context) { h.spoil(rng) })
	add(3, func(context.Context) { h.turnClock(rng) })
	return deck
}

// kill kills a replica's process and has another one take its place, perhaps under another clock.
func (h *harness) kill(ctx context.Context, rng *rand.Rand, running *sync.WaitGroup) {
	r := h.replicas[rng.IntN(len(h.replicas))]
	pause, clockOff := upTo(rng, time.Second), r.clock.offset()
	if rng.IntN(3) == 0 {
		clockOff = h.someOffset(rng, clockOff)
	}
	if p := r.current.Load(); p != nil && r.busy.CompareAndSwap(false, true) {
		h.killAndRaise(ctx, r, p, pause, clockOff, running)
	}
}

func (h *harness) killAndRaise(ctx context.Context, r *replica, p *process, pause, clockOff time.Duration, running *sync.WaitGroup) {
	h.truth.event("%s is killed", r.name)
	h.kills.Add(1)
	r.end(p)
	running.Go(func() {
		defer r.busy.Store(false)
		rest(ctx, pause)
		if clockOff != r.clock.offset() {
			h.jumps.Add(1)
			r.clock.set(h.t, clockOff)
		}
		h.truth.event("%s starts again, its clock off by %s", r.name, clockOff)
		h.raise(context.WithoutCancel(ctx), r)
	})
}

// killReader kills a process while a vendor lets it wait for a balance. Whoever asks next for that balance, of a vendor
// that is well by then, must not wait for the dead.
func (h *harness) killReader(ctx context.Context, rng *rand.Rand, running *sync.WaitGroup) {
	r, v := h.replicas[rng.IntN(len(h.replicas))], h.vendors[1+rng.IntN(len(h.vendors)-1)] // not the saint
	h.peace.Lock()
	defer h.peace.Unlock()
	p := r.current.Load()
	if p == nil || !r.busy.CompareAndSwap(false, true) {
		return
	}
	v.heal()
	if err := v.faults.Inject(simulator.Fault{Kind: simulator.KindHang}); err != nil {
		h.t.Error(err)
	}
	path := "/accounts/" + v.account + "/balance"
	noCache := []string{"Cache-Control", "no-cache"}
	var victim sync.WaitGroup
	victim.Go(func() { _, _ = p.do(context.WithoutCancel(ctx), http.MethodGet, path, "", noCache) }) // it dies with p
	for range 100 {
		if v.waiting() > 0 {
			break
		}
		rest(context.WithoutCancel(ctx), 10*time.Millisecond)
	}
	h.truth.event("%s is asked for %s, and hangs", r.name, path)
	h.killAndRaise(ctx, r, p, 0, r.clock.offset(), running)
	victim.Wait()
	v.heal()
	for range 200 {
		if v.waiting() == 0 {
			break
		}
		rest(context.WithoutCancel(ctx), 10*time.Millisecond)
	}
	for _, other := range h.replicas {
		next := other.current.Load()
		for next == nil && other == r && r.busy.Load() {
			rest(context.WithoutCancel(ctx), 10*time.Millisecond)
			next = r.current.Load()
		}
		if next == nil {
			continue
		}
		sent := h.truth.now()
		a, err := next.do(context.WithoutCancel(ctx), http.MethodGet, path, "", noCache)
		if took := h.truth.now() - sent; err == nil && took > longestWait && time.Duration(h.stall.Load()) < sent {
			h.truth.broken(inTime, "%s at %s, sent at %.3f after a reader was killed, took %s: %s", path, other.name, sent.Seconds(), took, a)
		}
	}
}

// raise starts a process, which has to be ready soon unless the database is away.
func (h *harness) raise(ctx context.Context, r *replica) {
	began := h.truth.now()
	p := r.start()
	if p == nil {
		return
	}
	for {
		err := p.awaitReady(ctx)
		switch {
		case err == nil:
			p.ready.Store(int64(h.truth.now()))
			return
		case p.doomed.Load():
			return
		case !h.outage.Load() && time.Duration(h.well.Load()) < began:
			h.truth.broken(inTime, "%s, started at %.3f: %v\n%s", r.name, began.Seconds(), err, p.log)
			return
		}
		began = h.truth.now()
	}
}

// harm takes the database from some replicas or from all, for a while.
func (h *harness) harm(ctx context.Context, rng *rand.Rand, o outage) {
	lasts := 200*time.Millisecond + upTo(rng, 3*time.Second)
	if rng.IntN(6) == 0 {
		lasts += upTo(rng, 10*time.Second)
	}
	if o.busy {
		lasts += 2 * time.Second // longer than any use of it should take
	}
	var hit []int
	for i := range h.replicas {
		if rng.IntN(3) > 0 {
			hit = append(hit, i)
		}
	}
	if len(hit) == 0 {
		hit = append(hit, rng.IntN(len(h.replicas)))
	}
	h.peace.Lock()
	defer h.peace.Unlock()
	h.truth.event("the database of %v: %s, for %s", hit, o.kind, lasts.Round(time.Millisecond))
	h.outages.Add(1)
	if o.disk {
		h.diskRounds.Add(1)
	}
	settled := h.truth.now() - 500*time.Millisecond
	h.outage.Store(true)
	end := o.begin(h, rng, hit)
	if o.busy && time.Duration(h.well.Load()) < settled {
		h.watchReady(ctx, settled, lasts)
	} else {
		rest(ctx, lasts)
	}
	end()
	h.truth.event("the database is well again")
	h.well.Store(int64(h.truth.now()))
	h.outage.Store(false)
}

// brokenEarlier is the reason of a true outage: a connection that was reset by an earlier harm, which shows when it is used.
var brokenEarlier = regexp.MustCompile("connection reset|connection refused|broken pipe|unexpected EOF")

// watchReady sees to it that processes that were ready stay so for a while.
func (h *harness) watchReady(ctx context.Context, settled, lasts time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, lasts)
	defer cancel()
	for ctx.Err() == nil {
		for _, r := range h.replicas {
			p := r.current.Load()
			if p == nil || p.ready.Load() == 0 || time.Duration(p.ready.Load()) > settled {
				continue
			}
			status, body, err := p.get(ctx, "/readyz")
			if err == nil && status != http.StatusOK && !p.doomed.Load() && !brokenEarlier.MatchString(p.log.last("the database is unavailable: continuing")) {
				h.truth.broken(trueOutage, "%s is not ready: %d %s\n%s", r.name, status, body, p.log)
				return
			}
		}
		rest(ctx, 50*time.Millisecond)
	}
}

// spoil breaks a vendor.
func (h *harness) spoil(rng *rand.Rand) {
	v := h.vendors[rng.IntN(len(h.vendors))]
	if v.saint || len(v.faults.Faults()) > 0 {
		return
	}
	h.faults.Add(1)
	h.truth.event("%s: %s", v.account, v.spoil(h.t, rng))
}

// turnClock sets a replica's clock while it runs.
func (h *harness) turnClock(rng *rand.Rand) {
	r := h.replicas[rng.IntN(len(h.replicas))]
	clockOff := h.someOffset(rng, r.clock.offset())
	h.jumps.Add(1)
	h.truth.event("the clock of %s, off by %s, is set off by %s", r.name, r.clock.offset(), clockOff)
	r.clock.set(h.t, clockOff)
}

// someOffset is how far a clock may be off next. One by which the database tells the time is set back by half a minute or
// more: a smaller step that falls together with a restart can't be seen (docs/operations.md, "The clock jumps").
func (h *harness) someOffset(rng *rand.Rand, now time.Duration) time.Duration {
	for {
		most := []time.Duration{time.Second, 5 * time.Second, 30 * time.Second, 10 * time.Minute, 3 * time.Hour}[rng.IntN(5)]
		next := (upTo(rng, 2*most) - most).Round(time.Millisecond)
		if !h.database.machineClock || next >= now || next <= now-30*time.Second {
			return next
		}
	}
}
