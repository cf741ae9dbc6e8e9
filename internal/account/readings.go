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
	AsOf     time.Time     // when the vendor was asked for it
	Age      time.Duration // now minus AsOf
	TTL      time.Duration // how long it stays fresh; negative once it is stale
	Stale    bool          // older than its freshness limit, or a write came after it
	Source   Source
	Asked    Reason // why the vendor was asked for it; "" for a Hit or Stale
	Value    *T     // shared by all who read it: not to be changed
	Err      error  // why an old reading is served though the vendor was asked; nil otherwise

	// Kept is where the presenter of readings keeps what it made of this one.
	Kept *atomic.Pointer[Presentation]
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

// Presentation is a reading as it is sent.
type Presentation struct {
	Body []byte
	Tag  string // changes whenever Body does
}

// key names a reading. query is canonical text, "" for the zero query.
type key struct {
	account string
	op      provider.Operation
	query   string
}

// entry is a reading at hand. Only the presentations in it change.
type entry struct {
	asOf  time.Time
	value any                             // *provider.Balance, *provider.Statistics or *provider.Users
	kept  [2]atomic.Pointer[Presentation] // as long as it is fresh, and once it is stale
}

// age is how old the reading is: by the monotonic clock, or by the wall's if
// that says more, because the first stands still while the machine sleeps.
func (e *entry) age(now time.Time) time.Duration {
	return max(now.Sub(e.asOf), now.Round(0).Sub(e.asOf.Round(0)), 0)
}

// newer tells whether e, which may be nil, was read after another, if there is
// one.
func (e *entry) newer(other *entry) bool {
	return e != nil && (other == nil || e.asOf.After(other.asOf))
}

// clockSkew is how far the clocks of replicas may differ.
const clockSkew = 2 * time.Second

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
		if found && old.asOf.After(e.asOf) {
			return old, otter.CancelOp
		}
		return e, otter.WriteOp
	})
}

// reading makes what callers get of an entry from memory.
func reading[T any](a *watched, e *entry, at standing, l Limits) Reading[T] {
	r := Reading[T]{
		Account: a.Name, Provider: a.Provider, AsOf: e.asOf, Age: at.age, TTL: l.TTL - at.age,
		Source: Hit, Value: e.value.(*T), Kept: &e.kept[0],
	}
	if !l.fresh(at) {
		r.Stale, r.Source, r.Kept, r.TTL = true, Stale, &e.kept[1], min(r.TTL, 0)
	}
	return r
}
