package account

import "sync"

// tasks is the work that outlives who asked for it: vendor calls and their
// records. It is safe for concurrent use.
type tasks struct {
	mu      sync.Mutex
	closing chan struct{} // closed when no task starts any more
	running sync.WaitGroup
}

func newTasks() *tasks { return &tasks{closing: make(chan struct{})} }

// run starts a task; false if the gateway is shutting down.
func (t *tasks) run(task func()) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	select {
	case <-t.closing:
		return false
	default:
	}
	t.running.Go(task)
	return true
}

// close lets nothing start any more and waits for what is under way.
func (t *tasks) close() {
	t.mu.Lock()
	close(t.closing)
	t.mu.Unlock()
	t.running.Wait()
}
