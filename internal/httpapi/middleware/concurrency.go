package middleware

import (
	"context"
	"net/http"
	"sync"
	"time"
)

const (
	// historiesAtOnce is how many answers that are made from histories one
	// caller may have under way at the database. More of them wait.
	historiesAtOnce = 2
	// historyPatience is how long they wait.
	historyPatience = 5 * time.Second
)

// histories gives each caller a few turns at what is dear for the database.
type histories struct {
	mu      sync.Mutex
	callers map[string]*historyTurns // those who have or wait for one
}

type historyTurns struct {
	taken chan struct{}
	users int // requests that have a turn or wait for one
}

// begin waits for a turn or fails with too_many_requests.
func (h *histories) begin(ctx context.Context, caller string) (end func(), err error) {
	h.mu.Lock()
	if h.callers == nil {
		h.callers = map[string]*historyTurns{}
	}
	turns := h.callers[caller]
	if turns == nil {
		turns = &historyTurns{taken: make(chan struct{}, historiesAtOnce)}
		h.callers[caller] = turns
	}
	turns.users++
	h.mu.Unlock()
	leave := func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		if turns.users--; turns.users == 0 {
			delete(h.callers, caller)
		}
	}
	patience := time.NewTimer(historyPatience)
	defer patience.Stop()
	select {
	case turns.taken <- struct{}{}:
		return func() { <-turns.taken; leave() }, nil
	case <-patience.C:
		err = &Refusal{Code: CodeTooManyRequests, RetryAfter: time.Second, Detail: "too many history reads of this caller are in flight"}
	case <-ctx.Done():
		err = ctx.Err()
	}
	leave()
	return nil, err
}

// Heavy is for routes that read histories.
func Heavy(fail Fail) func(http.Handler) http.Handler {
	var h histories
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			end, err := h.begin(r.Context(), Of(r.Context()).Caller.ID)
			if err != nil {
				fail(w, r, err)
				return
			}
			defer end()
			next.ServeHTTP(w, r)
		})
	}
}
