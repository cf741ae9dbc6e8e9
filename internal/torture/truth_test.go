//go:build linux

package torture

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// truth knows what happened at the vendors and compares it with what callers were told. Its times are those since it
// began, by a clock that nobody sets.
type truth struct {
	began  time.Time
	limits limits

	mu     sync.Mutex
	told   map[string]map[string]time.Duration // by account and figure: when the vendor said it
	writes map[string]*write                   // by wallet or login
	breaks map[promise][]string                // the promises that were broken
	events []string                            // what was done to the gateway
}

// limits are what the gateway under test is set to.
type limits struct {
	ttl, staleIfError time.Duration
}

// promise is one that can be broken.
type promise string

const (
	oneSend      promise = "double sends"
	trueFigure   promise = "wrong figures"
	trueOutcome  promise = "wrong outcomes"
	inTime       promise = "waited too long"
	rightBlame   promise = "wrong blame"
	trueOutage   promise = "false outages"
	noGrowth     promise = "growth"
	otherPromise promise = "other broken promises"
)

// joined is how much earlier the call may have begun that answers a request which wants the vendor asked (docs: calls
// within a second are one).
const joined = time.Second

// write is one Idempotency-Key and what became of it.
type write struct {
	name      string // the wallet, or the login
	account   string
	kind      string // refills or users
	body      string
	arrivals  int // requests that reached the vendor whole
	arrivedAt time.Duration
	done      bool
	reference string
	final     string // what callers were told for good: succeeded or failed; "" for nothing yet
	asked     int    // requests for it
	refused   int    // those that were told that it was not sent
}

func newTruth(l limits) *truth {
	return &truth{began: time.Now(), limits: l, told: map[string]map[string]time.Duration{}, writes: map[string]*write{}, breaks: map[promise][]string{}}
}

func (tr *truth) now() time.Duration { return time.Since(tr.began) }

// event takes note of what was done to the gateway.
func (tr *truth) event(format string, args ...any) {
	text := fmt.Sprintf("%9.3f ", tr.now().Seconds()) + fmt.Sprintf(format, args...)
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.events = append(tr.events, text)
}

// broken takes note of a broken promise, with what had just happened.
func (tr *truth) broken(p promise, format string, args ...any) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.breakLocked(p, format, args...)
}

func (tr *truth) breakLocked(p promise, format string, args ...any) {
	text := fmt.Sprintf("%9.3f ", tr.now().Seconds()) + fmt.Sprintf(format, args...)
	if len(tr.breaks[p]) < 5 {
		text += "\n\tafter\n\t" + strings.Join(tr.events[max(0, len(tr.events)-15):], "\n\t")
	}
	tr.breaks[p] = append(tr.breaks[p], text)
}

// tell gives an account's balance: the milliseconds since the beginning, and the account's number, below 1,000.
func (tr *truth) tell(account string, index int) string {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	at := tr.now()
	figure := fmt.Sprintf("%d%d.%02d", at.Milliseconds(), index/100, index%100)
	if tr.told[account] == nil {
		tr.told[account] = map[string]time.Duration{}
	}
	if _, found := tr.told[account][figure]; !found {
		tr.told[account][figure] = at
	}
	return figure
}

// observed is a figure that a caller was told.
type observed struct {
	account, amount string
	stale           bool
	age             time.Duration  // the header Age; below 0 for none
	maxAge          *time.Duration // what the caller asked for
	noCache         bool
	onlyIfCached    bool
	sent            time.Duration // when the request was
}

// figure holds a figure against the truth.
func (tr *truth) figure(o observed) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	if fault := tr.figureFault(o); fault != "" {
		tr.breakLocked(trueFigure, "%s: %s (sent at %.3f, stale %v, Age %v, max-age %v, no-cache %v): %s",
			o.account, o.amount, o.sent.Seconds(), o.stale, o.age, deref(o.maxAge), o.noCache, fault)
	}
}

func deref(d *time.Duration) any {
	if d == nil {
		return "-"
	}
	return *d
}

// figureFault says what is wrong with a figure; "" for nothing. The gateway answered after the request was sent, so the
// figure was at least as old as it was then.
func (tr *truth) figureFault(o observed) string {
	at, found := tr.told[o.account][o.amount]
	if !found {
		return "the vendor never said that"
	}
	age := o.sent - at
	switch {
	case !o.stale && age > tr.limits.ttl:
		return fmt.Sprintf("told as fresh, but %s old", age)
	case o.age >= 0 && age > o.age+time.Second:
		return fmt.Sprintf("told to be younger than it is, which is %s", age)
	case o.noCache && age > joined:
		return fmt.Sprintf("%s old, though the vendor was to be asked", age)
	case o.maxAge != nil && age > max(*o.maxAge, joined):
		return fmt.Sprintf("%s old, which the caller's bound does not take", age)
	case age > tr.limits.staleIfError:
		return fmt.Sprintf("%s old, which is too old for anybody", age)
	}
	return ""
}

// begin takes note of a write before it is asked for, and gives what callers were told for good.
func (tr *truth) begin(w *write) (final string) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	w.asked++
	tr.writes[w.name] = w
	return w.final
}

// arrived takes note of a request that the vendor got. name is "" for a read.
func (tr *truth) arrived(name string) {
	if name == "" {
		return
	}
	tr.mu.Lock()
	defer tr.mu.Unlock()
	w := tr.writes[name]
	if w == nil {
		tr.breakLocked(oneSend, "%s: the vendor was asked for what nobody asked for", name)
		return
	}
	w.arrivals++
	w.arrivedAt = tr.now()
	if w.arrivals > 1 {
		tr.breakLocked(oneSend, "%s: sent %d times", name, w.arrivals)
	}
	if w.final != "" {
		tr.breakLocked(trueOutcome, "%s: sent after callers were told %q", name, w.final)
	}
}

// processed takes note of how a write ended at the vendor.
func (tr *truth) processed(name, reference string, done bool) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	w := tr.writes[name]
	if w == nil || !done {
		return
	}
	w.done, w.reference = true, reference
	if w.final == "failed" {
		tr.breakLocked(trueOutcome, "%s: done after callers were told that it failed", name)
	}
}

// outcome is what a caller was told of a write.
type outcome struct {
	state     string // succeeded, failed; "unknown" and "started" bind nobody; "refused": it was not sent
	reference string // "" where the answer has none
	durable   bool   // the gateway says that the end is recorded
	before    string // what callers had been told for good when this one asked
	from      string // where it was told: for the report
}

// answered holds what a caller was told against the truth, and against what was told before.
func (tr *truth) answered(name string, o outcome) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	w := tr.writes[name]
	if fault := w.outcomeFault(o); fault != "" {
		tr.breakLocked(trueOutcome, "%s at %s: %s says %q %q: %s", name, w.account, o.from, o.state, o.reference, fault)
	}
	switch {
	case o.state == "refused":
		w.refused++
	case o.state == "failed" || o.state == "succeeded" && o.durable:
		w.final = o.state
	}
}

func (w *write) outcomeFault(o outcome) string {
	switch {
	case o.state == "succeeded" && !w.done:
		return "the vendor did not do it"
	case o.state == "succeeded" && o.reference != "" && o.reference != w.reference:
		return fmt.Sprintf("the vendor's number is %q", w.reference)
	case o.state == "failed" && w.done:
		return "the vendor did it"
	case o.state == "refused":
		return ""
	case o.before != "" && o.before != o.state:
		return fmt.Sprintf("callers were told %q before", o.before)
	case w.final != "" && (o.state == "succeeded" || o.state == "failed") && w.final != o.state:
		return fmt.Sprintf("other callers were told %q", w.final)
	}
	return ""
}

// unsent finds writes that reached the vendor though every answer said that nothing was sent.
func (tr *truth) unsent() {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	for name, w := range tr.writes {
		if w.asked > 0 && w.refused == w.asked && w.arrivals > 0 {
			tr.breakLocked(trueOutcome, "%s: each of %d requests was refused, and the vendor was asked", name, w.asked)
		}
	}
}

// all are the writes, in a fixed order.
func (tr *truth) all() []*write {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	list := make([]*write, 0, len(tr.writes))
	for _, w := range tr.writes {
		list = append(list, w)
	}
	slices.SortFunc(list, func(a, b *write) int { return strings.Compare(a.name, b.name) })
	return list
}
