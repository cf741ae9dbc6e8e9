package account

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"

	"go.opentelemetry.io/otel/trace"

	"accountgateway/internal/provider"
)

// call is one vendor call for a reading, which all who ask for it meanwhile
// share. It runs apart from them: who came first may hang up, and the others
// still get it.
type call struct {
	account *accountState
	key     key
	name    string // what simultaneous calls share: see callName
	cause   provider.Cause
	caller  string            // who asked first
	span    trace.SpanContext // of the request of who asked first
	bound   Bound
	have    *entry                                           // that did not do; nil: there was none
	load    func(context.Context) (provider.Readings, error) // makes the vendor call

	calls *calls
	done  chan struct{} // closed when the outcome is set
	err   error
	// brought is the reading of key that the vendor gave; lacking tells that it
	// answered and that there was none in it.
	brought *entry
	lacking bool
}

// calls are those under way, one of each name.
type calls struct {
	tasks *tasks
	mu    sync.Mutex
	named map[string]*call
}

func newCalls(t *tasks) *calls { return &calls{tasks: t, named: map[string]*call{}} }

// errClosed is the failure of a call that may not start any more.
var errClosed = &provider.Error{Kind: provider.KindUnavailable, Message: "the gateway is shutting down", NotSent: true}

// join starts a call, or gives the one of its name that is under way. run ends
// it once its outcome is known, and may go on tidying up after that.
func (g *calls) join(want call, run func(*call)) (_ *call, led bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if under, ok := g.named[want.name]; ok {
		return under, false
	}
	c := &want
	c.calls, c.done = g, make(chan struct{})
	g.named[c.name] = c
	started := g.tasks.run(func() {
		// A panic in an adapter is a failed call, not the end of the process.
		defer func() {
			if p := recover(); p != nil {
				c.end(&panicError{value: p, stack: debug.Stack()})
			}
		}()
		run(c)
	})
	if !started {
		delete(g.named, c.name)
		c.err = errClosed
		close(c.done)
	}
	return c, true
}

// underWay tells whether one of that name would be joined.
func (g *calls) underWay(name string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.named[name] != nil
}

// end gives the call's outcome to all who wait; only the first counts.
func (c *call) end(err error) {
	c.calls.mu.Lock()
	defer c.calls.mu.Unlock()
	if c.calls.named[c.name] != c {
		return
	}
	delete(c.calls.named, c.name)
	c.err = err
	close(c.done)
}

// panicError is a panic in a call.
type panicError struct {
	value any
	stack []byte
}

func (e *panicError) Error() string { return fmt.Sprintf("panic in a load: %v\n%s", e.value, e.stack) }
