// Package simulator holds what the vendors' simulators share: counting of calls, faults on request, and the
// control routes that set them. It knows no vendor and nothing of the gateway.
//
// A vendor's handler is put behind Control.Wrap, which also serves
//
//	GET    /_simulator/faults   the faults that are set, with what is left of their skip and times
//	POST   /_simulator/faults   adds one Fault (JSON); 204, or 400 with {"error":"…"}
//	DELETE /_simulator/faults   clears them all; 204
//	GET    /_simulator/calls    {"total":3,"operations":{"user/get_balance":3}}
//	DELETE /_simulator/calls    forgets the calls; 204
//
// For example
//
//	curl -d '{"kind":"delay","operation":"user/get_balance","delay":"2s","times":1}' http://127.0.0.1:9101/_simulator/faults
package simulator

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// maxCalls bounds the list of call times: the oldest are forgotten first.
const maxCalls = 10_000

// Call is one call that reached the vendor.
type Call struct {
	Operation string    `json:"operation"`
	At        time.Time `json:"at"`
}

// Control counts calls, applies faults and serves the control routes. Safe for concurrent use.
type Control struct {
	quirks []string // names that Inject accepts; empty: any

	mu     sync.Mutex
	faults []*Fault // in the order in which they were set; the first that bites wins
	counts map[string]int
	calls  []Call // a ring once it is full
	next   int    // where the ring is written next
}

// NewControl returns a Control without faults. quirks names the vendor's own switches, so that a misspelt one is
// refused; without any, every name is taken.
func NewControl(quirks ...string) *Control {
	return &Control{quirks: quirks, counts: map[string]int{}}
}

// Inject adds a fault. The error names the field to mend.
func (c *Control) Inject(f Fault) error {
	if err := f.check(); err != nil {
		return err
	}
	if f.Kind == KindQuirk && len(c.quirks) > 0 && !slices.Contains(c.quirks, f.Quirk) {
		return fmt.Errorf("quirk: unknown %q, use one of %s", f.Quirk, strings.Join(c.quirks, ", "))
	}
	f.Header = maps.Clone(f.Header)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.faults = append(c.faults, &f)
	return nil
}

// Clear removes every fault. Calls that already hang stay so until their client is gone.
func (c *Control) Clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.faults = nil
}

// Faults returns the faults that are set, with what is left of Skip and Times.
func (c *Control) Faults() []Fault {
	c.mu.Lock()
	defer c.mu.Unlock()
	faults := make([]Fault, 0, len(c.faults))
	for _, f := range c.faults {
		faults = append(faults, *f)
	}
	return faults
}

// Quirk reports if the vendor's own switch is on for this call, and uses up one of its Times.
// A vendor asks once a call for each switch.
func (c *Control) Quirk(op, name string) bool {
	_, on := c.take(func(f *Fault) bool { return f.Kind == KindQuirk && f.Quirk == name && f.hits(op) })
	return on
}

// Calls returns how many calls reached the vendor, by operation. Calls that a fault kept from being processed count too.
func (c *Control) Calls() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.counts)
}

// Total returns how many calls reached the vendor.
func (c *Control) Total() int {
	total := 0
	for _, n := range c.Calls() {
		total += n
	}
	return total
}

// CallTimes returns the last 10,000 calls, oldest first.
func (c *Control) CallTimes() []Call {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Concat(c.calls[c.next:], c.calls[:c.next])
}

// ForgetCalls sets the counts back to nothing.
func (c *Control) ForgetCalls() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.counts, c.calls, c.next = map[string]int{}, nil, 0
}

func (c *Control) count(op string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.counts[op]++
	call := Call{Operation: op, At: time.Now()}
	if len(c.calls) < maxCalls {
		c.calls = append(c.calls, call)
		return
	}
	c.calls[c.next] = call
	c.next = (c.next + 1) % maxCalls
}

// fault returns the fault for a call of op that is about to be served.
func (c *Control) fault(op string) (Fault, bool) {
	return c.take(func(f *Fault) bool { return f.Kind != KindQuirk && f.hits(op) })
}

// take finds the first fault that matches and bites, and uses up one of its Times.
// Matching faults before it use up one of their Skip.
func (c *Control) take(matches func(*Fault) bool) (Fault, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, f := range c.faults {
		if !matches(f) {
			continue
		}
		if f.Skip > 0 {
			f.Skip--
			continue
		}
		hit := *f
		switch f.Times {
		case 0: // until cleared
		case 1:
			c.faults = slices.Delete(c.faults, i, i+1)
		default:
			f.Times--
		}
		return hit, true
	}
	return Fault{}, false
}
