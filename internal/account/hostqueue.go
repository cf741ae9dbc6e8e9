package account

import (
	"slices"
	"time"
)

// The bounds of background readings under way, at one vendor host and at all
// together. Accounts that are known to fail have a small part: each may hang for
// as long as a call may take, and those that work must not wait for them.
const (
	hostAtOnce    = 64
	failingAtOnce = 16
	allAtOnce     = 4 * hostAtOnce
	failingOfAll  = 4 * failingAtOnce
)

// underWay counts background readings; failing are those that were known to fail
// when they began.
type underWay struct{ reading, failing int }

func (u *underWay) add(n int, failing bool) {
	u.reading += n
	if failing {
		u.failing += n
	}
}

// hostQueue is the background readings at one vendor host: those that wait, in
// the order in which they came, and how many are under way.
type hostQueue struct {
	waiting []*accountState
	since   map[*accountState]time.Time // when those that wait came
	here    underWay
}

// refreshQueue is the background readings at all hosts. It is not safe for
// concurrent use.
type refreshQueue struct {
	hosts map[string]*hostQueue
	order []*hostQueue           // which of them may begin a reading next
	busy  map[*accountState]bool // waiting or being read
	all   underWay
}

func newRefreshQueue(accounts map[string]*accountState) *refreshQueue {
	q := &refreshQueue{hosts: map[string]*hostQueue{}, busy: map[*accountState]bool{}}
	for _, a := range accounts {
		if q.hosts[a.Host] == nil {
			host := &hostQueue{since: map[*accountState]time.Time{}}
			q.hosts[a.Host], q.order = host, append(q.order, host)
		}
	}
	return q
}

// add lets an account wait for its reading, unless it does already.
func (q *refreshQueue) add(a *accountState, now time.Time) {
	if q.busy[a] {
		return
	}
	host := q.hosts[a.Host]
	q.busy[a], host.waiting, host.since[a] = true, append(host.waiting, a), now
}

// next takes an account that may be read now; nil if there is none. The hosts
// take turns.
func (q *refreshQueue) next() (a *accountState, failing bool) {
	for range q.order {
		host := q.order[0]
		q.order = append(q.order[1:], host)
		if a, failing = q.nextAt(host); a != nil {
			return a, failing
		}
	}
	return nil, false
}

// nextAt takes the first account from a host's queue that may be read now. What
// is known of an account may change while it waits.
func (q *refreshQueue) nextAt(h *hostQueue) (a *accountState, failing bool) {
	if h.here.reading >= hostAtOnce || q.all.reading >= allAtOnce {
		return nil, false
	}
	for i, a := range h.waiting {
		failing := a.state.failing()
		if failing && (h.here.failing >= failingAtOnce || q.all.failing >= failingOfAll) {
			continue
		}
		h.waiting = slices.Delete(h.waiting, i, i+1)
		delete(h.since, a)
		h.here.add(1, failing)
		q.all.add(1, failing)
		return a, failing
	}
	return nil, false
}

// ended makes room: a reading that next began is over.
func (q *refreshQueue) ended(a *accountState, failing bool) {
	delete(q.busy, a)
	q.hosts[a.Host].here.add(-1, failing)
	q.all.add(-1, failing)
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
