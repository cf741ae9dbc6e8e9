package account

import (
	"context"
	"errors"
	"math"
	"slices"
	"sync"
	"time"

	"accountgateway/internal/provider"
)

// The bounds of background readings under way at one vendor host. Accounts that
// are known to fail have a small part: each may hang for as long as a call may
// take, and those that work must not wait for them.
const (
	hostAtOnce    = 64
	failingAtOnce = 16
)

// leastTick is how often at most the rounds go on. With many accounts, several
// have their turn at once.
const leastTick = 10 * time.Millisecond

// hostQueue is the background readings at one vendor host: those that wait, in
// the order in which they came, and how many are under way.
type hostQueue struct {
	waiting          []*accountState
	since            map[*accountState]time.Time // when those that wait came
	reading, failing int                         // failing: those of reading that were known to fail when they began
}

// next takes the first account from the queue that may be read now; nil if
// there is none. What is known of an account may change while it waits.
func (h *hostQueue) next() (a *accountState, failing bool) {
	if h.reading >= hostAtOnce {
		return nil, false
	}
	for i, a := range h.waiting {
		failing := a.state.failing()
		if failing && h.failing >= failingAtOnce {
			continue
		}
		h.waiting = slices.Delete(h.waiting, i, i+1)
		delete(h.since, a)
		h.reading++
		if failing {
			h.failing++
		}
		return a, failing
	}
	return nil, false
}

// lag is how long the first account that works has been waiting.
func (h *hostQueue) lag(now time.Time) time.Duration {
	for _, a := range h.waiting {
		if !a.state.failing() {
			return now.Sub(h.since[a])
		}
	}
	return 0
}

func (h *hostQueue) ended(failing bool) {
	h.reading--
	if failing {
		h.failing--
	}
}

// refreshAll reads every account once in each interval, evenly spread, but for
// those that back off. The first round is ten times as fast, so that a start
// leaves no gap in the metrics.
func (s *Service) refreshAll(ctx context.Context) {
	var wg sync.WaitGroup
	defer wg.Wait()
	type reading struct {
		account *accountState
		failing bool
	}
	ended := make(chan reading)
	hosts := map[string]*hostQueue{}
	busy := map[*accountState]bool{} // waiting or being read
	for _, a := range s.accounts {
		hosts[a.Host] = &hostQueue{since: map[*accountState]time.Time{}}
	}
	begin := func(host *hostQueue) {
		for a, failing := host.next(); a != nil; a, failing = host.next() {
			wg.Go(func() {
				s.refresh(ctx, a)
				select {
				case ended <- reading{a, failing}:
				case <-ctx.Done():
				}
			})
		}
	}
	turn := func(a *accountState) {
		if busy[a] || a.backoff.leavesOut() {
			return
		}
		host := hosts[a.Host]
		busy[a], host.waiting, host.since[a] = true, append(host.waiting, a), s.now()
		begin(host)
	}

	pace := float64(s.options.RefreshInterval) / float64(len(s.names)) // between two accounts
	atOnce := max(1, int(math.Ceil(float64(leastTick)/pace)))
	tick := time.Duration(pace * float64(atOnce))
	ticker := time.NewTicker(tick / 10)
	defer ticker.Stop()
	looked := s.now()
	for i := 0; ; {
		if now := s.now(); now.Sub(looked) >= time.Second {
			looked = now
			s.lag.observe(hosts, now, s)
		}
		for range atOnce {
			if i == len(s.names) {
				ticker.Reset(tick)
			}
			turn(s.accounts[s.names[i%len(s.names)]])
			i++
		}
		for next := false; !next; {
			select {
			case r := <-ended:
				delete(busy, r.account)
				hosts[r.account.Host].ended(r.failing)
				begin(hosts[r.account.Host])
			case <-ticker.C:
				next = true
			case <-ctx.Done():
				return
			}
		}
	}
}

// refresh reads an account in the background, if this replica is the one that
// does so for it.
func (s *Service) refresh(ctx context.Context, a *accountState) {
	acquire := func(intervals int) (mine bool, err error) {
		return s.Lease(ctx, "refresh/"+a.Name, time.Duration(intervals)*s.options.RefreshInterval*3/2)
	}
	if mine, err := acquire(1); err == nil && !mine {
		return // another replica does it, and what it learns comes by the store
	}
	if s.readBoth(provider.WithCause(ctx, provider.CauseRefresh), a) {
		s.renewRunway(ctx, a)
		return
	}
	if intervals := a.backoff.failed(s.options.RefreshInterval); intervals > 1 {
		_, _ = acquire(intervals) // else another replica would go on in our place
	}
}

// readBoth reads an account's balance and statistics, and tells false if the
// vendor was asked and gave neither. Callers' readings that are younger than
// half an interval spare the calls. Once a call was not answered the other is
// not made, which would most likely hang too; next time it comes first.
func (s *Service) readBoth(ctx context.Context, a *accountState) bool {
	half := s.options.RefreshInterval / 2
	b := Bound{MaxAge: &half}
	balance := func() error {
		r, err := s.Balance(ctx, a.Name, provider.BalanceQuery{}, b)
		return errors.Join(err, r.Err)
	}
	statistics := func() error {
		r, err := s.Statistics(ctx, a.Name, provider.StatisticsQuery{}, b)
		return errors.Join(err, r.Err)
	}
	var reads []func() error
	if a.capabilities.Callable(provider.OpBalance) {
		reads = append(reads, balance)
	}
	if a.capabilities.Callable(provider.OpStatistics) {
		reads = append(reads, statistics)
	}
	if a.backoff.odd() {
		slices.Reverse(reads)
	}
	var answered, failed bool
	for _, read := range reads {
		// The account's state and metrics tell of a failure.
		switch state, _ := classify(read()); state {
		case StateOK:
			answered = true
		case "": // the vendor was not asked
		case StateBadResponse:
			failed = true
		default:
			return answered
		}
	}
	return answered || !failed
}

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
