package account

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"

	"accountgateway/internal/provider"
)

// flights lets simultaneous askers share one load. A load runs apart from all
// of them: who came first may hang up, and the others still get it.
type flights struct {
	mu      sync.Mutex
	under   map[string]*flight
	closing chan struct{} // closed when no load starts any more
	running sync.WaitGroup
}

func newFlights() *flights {
	return &flights{under: map[string]*flight{}, closing: make(chan struct{})}
}

// flight is one load under way.
type flight struct {
	done chan struct{} // closed when err is set
	err  error
}

// errClosed is the failure of a load that may not start any more.
var errClosed = &provider.Error{Kind: provider.KindUnavailable, Message: "the gateway is shutting down", NotSent: true}

// join starts load under a key, or joins the one under way. load gets a
// function to call when its outcome is known, and may go on tidying up after
// that.
func (f *flights) join(key string, load func(landed func(error))) (_ *flight, led bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if under, ok := f.under[key]; ok {
		return under, false
	}
	started := &flight{done: make(chan struct{})}
	if f.closed() {
		started.err = errClosed
		close(started.done)
		return started, true
	}
	f.under[key] = started
	f.running.Go(func() {
		var once sync.Once
		landed := func(err error) {
			once.Do(func() {
				f.mu.Lock()
				defer f.mu.Unlock()
				delete(f.under, key)
				started.err = err
				close(started.done)
			})
		}
		// A panic in an adapter is a failed load, not the end of the process.
		defer func() {
			if p := recover(); p != nil {
				landed(&panicError{value: p, stack: debug.Stack()})
			}
		}()
		load(landed)
	})
	return started, true
}

// panicError is a panic in a load.
type panicError struct {
	value any
	stack []byte
}

func (e *panicError) Error() string { return fmt.Sprintf("panic in a load: %v\n%s", e.value, e.stack) }

// wait gives the load's outcome, or ctx's error if that ends first.
func (f *flight) wait(ctx context.Context) error {
	select {
	case <-f.done:
		return f.err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// run starts a task that, like a load, outlives who asked for it; false if the
// gateway is shutting down.
func (f *flights) run(task func()) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed() {
		return false
	}
	f.running.Go(task)
	return true
}

func (f *flights) closed() bool {
	select {
	case <-f.closing:
		return true
	default:
		return false
	}
}

// close lets nothing start any more and waits for what is under way.
func (f *flights) close() {
	f.mu.Lock()
	close(f.closing)
	f.mu.Unlock()
	f.running.Wait()
}
