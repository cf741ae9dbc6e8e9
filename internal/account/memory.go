package account

import (
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"

	"accountgateway/internal/provider"
)

// Reading is a figure, when the vendor said it, and how the request for it was
// met.
type Reading[T any] struct {
	Account  string
	Provider string
	AsOf     time.Time     // when the vendor was asked for it, by the clock that replicas share
	Age      time.Duration // how old it is, however clocks were set
	TTL      time.Duration // how long it stays fresh; negative once it is stale
	Stale    bool          // older than its freshness limit, or a write came after it
	Source   Source
	Asked    Reason // why the vendor was asked for it; "" for a Hit or Stale
	Value    *T     // shared by all who read it: not to be changed
	Err      error  // why an old reading is served though the vendor was asked; nil otherwise

	// Kept is where the presenter of readings keeps what it made of this one.
	Kept *atomic.Value

	entry *entry
}

// Source tells how a request for a reading was met.
type Source string

// The sources, which are the values of gateway_reads_total's label result.
const (
	Hit       Source = "hit"       // from memory, fresh
	Stale     Source = "stale"     // from memory, past its limit
	Miss      Source = "miss"      // this request asked the vendor
	Collapsed Source = "collapsed" // another request was asking the vendor already
)

// Reason tells why the reading at hand did not do.
type Reason string

// The reasons, in the words of RFC 9211's parameter fwd.
const (
	NothingAtHand Reason = "miss"
	PastLimit     Reason = "stale"
	Bounded       Reason = "request" // it was fresh, but the caller's bound did not take it
)

// key names a reading. query is canonical text, "" for the zero query.
type key struct {
	account string
	op      provider.Operation
	query   string
}

// entry is a reading at hand. Only the presentations and the number in it
// change.
type entry struct {
	stamp                  // of the moment before the vendor call began
	ours   bool            // this process made the call
	unsure bool            // its age is unknown
	seq    atomic.Int64    // of its save in the store; 0: not saved, or not yet
	value  any             // *provider.Balance, *provider.Statistics or *provider.Users
	kept   [2]atomic.Value // as long as it is fresh, and once it is stale
}

// age is how old the reading is: by the monotonic clock, or by another if that
// says more, because the first stands still while the machine sleeps. A reading
// from the future is from before a clock was set back: its age is unknown.
func (e *entry) age(now stamp) time.Duration {
	if e.unsure || e.label.Sub(now.label) > clockSkew {
		return unknownAge
	}
	return max(now.at.Sub(e.at), now.at.Round(0).Sub(e.at.Round(0)), now.label.Sub(e.label), 0)
}

// replaces tells whether e takes the place of old. Between readings that were
// saved the store's sequence decides. One that was not (yet) is newer than
// others but those whose call began after its own.
func (e *entry) replaces(old *entry) bool {
	if own, its := e.seq.Load(), old.seq.Load(); own != 0 && its != 0 {
		return own > its
	}
	switch {
	case old.unsure:
		return true
	case e.unsure:
		return false
	case e.ours && old.ours:
		return !old.at.After(e.at)
	case e.ours:
		return !old.at.After(e.at.Add(stampSlack))
	}
	return e.at.After(old.at.Add(stampSlack))
}

// weightOfOthers bounds the memory of readings with parameters, counted in
// readings and users.
const weightOfOthers = 50_000

// memory holds the readings at hand. Those without parameters, at most a few
// an account, are never given up; of the others, the ones least used are.
type memory struct {
	cache *otter.Cache[key, *entry]
}

func newMemory() *memory {
	return &memory{otter.Must(&otter.Options[key, *entry]{
		MaximumWeight: weightOfOthers,
		Weigher: func(k key, e *entry) uint32 {
			if k.query == "" {
				return 0
			}
			if users, ok := e.value.(*provider.Users); ok {
				return 1 + uint32(min(len(users.Users), weightOfOthers))
			}
			return 1
		},
	})}
}

func (m *memory) get(k key) *entry {
	e, _ := m.cache.GetIfPresent(k)
	return e
}

// put keeps a reading unless there is a newer one.
func (m *memory) put(k key, e *entry) {
	m.cache.Compute(k, func(old *entry, found bool) (*entry, otter.ComputeOp) {
		switch {
		case !found:
			return e, otter.WriteOp
		case old.ours && !e.ours && old.label.Truncate(time.Microsecond).Equal(e.label):
			old.seq.Store(e.seq.Load()) // the same, back from the store
			return old, otter.CancelOp
		case !e.replaces(old):
			return old, otter.CancelOp
		}
		return e, otter.WriteOp
	})
}

// reading makes what callers get of an entry from memory.
func reading[T any](a *accountState, e *entry, at freshness, l Limits) Reading[T] {
	r := Reading[T]{
		Account: a.Name, Provider: a.Provider, AsOf: e.label, Age: at.age, TTL: max(l.TTL-at.age, 0),
		Source: Hit, Value: e.value.(*T), Kept: &e.kept[0], entry: e,
	}
	if !l.fresh(at) {
		r.Stale, r.Source, r.Kept, r.TTL = true, Stale, &e.kept[1], min(l.TTL-at.age, -1)
	}
	return r
}
