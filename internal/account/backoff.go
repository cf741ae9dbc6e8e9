package account

import (
	"sync"
	"time"
)

const (
	// backoffMost is how many intervals there are at most between two
	// background readings of an account that keeps failing.
	backoffMost = 8
	// backoffLongest bounds that time, where the interval itself is not longer:
	// it is how late the gateway may notice that the account works again.
	backoffLongest = 15 * time.Minute
)

// backoff spaces out the background readings of an account that keeps failing:
// from the second failure in a row on, the time between two of them doubles, up
// to a bound. It counts in rounds, of which there is one in each interval. It
// is safe for concurrent use.
type backoff struct {
	mu       sync.Mutex
	failures int // in a row
	rest     int // rounds that are still to be left out
}

// failed takes note of a background reading that failed, and gives the number
// of intervals until the next one.
func (b *backoff) failed(interval time.Duration) (intervals int) {
	most := max(1, min(backoffMost, int(backoffLongest/interval)))
	b.mu.Lock()
	defer b.mu.Unlock()
	intervals = min(most, 1<<min(b.failures, backoffMost))
	b.failures++
	b.rest = intervals - 1
	return intervals
}

// succeeded ends the back-off: the vendor gave a reading, to whomever.
func (b *backoff) succeeded() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.failures, b.rest = 0, 0
}

// leavesOut counts down one round and tells whether it is to be left out.
func (b *backoff) leavesOut() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.rest == 0 {
		return false
	}
	b.rest--
	return true
}

// odd tells whether an odd number of background readings has failed in a row.
func (b *backoff) odd() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.failures%2 == 1
}
