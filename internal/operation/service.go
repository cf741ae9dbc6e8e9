// Package operation makes writes to vendors happen at most once under each key:
// it records, sends and records how they ended, keeps the journal of them, bounds
// what refills spend, and looks up refills whose outcome is unknown. It knows
// neither HTTP nor SQL, and no vendor by name. What it needs of the accounts is in
// Gateway.
package operation

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"accountgateway/internal/durable"
	"accountgateway/internal/provider"
	"accountgateway/internal/store"
)

// Gateway is what writes need of the gateway that they are part of.
type Gateway struct {
	Store       *durable.Store
	Account     func(name string) (*Account, error)
	CallTimeout time.Duration // the longest that a vendor call may take, with its place in the budget
	Log         zerolog.Logger

	Replica string                                                                           // names this process among those that share the store
	Gone    func(replica string) bool                                                        // whether a replica surely lives no more
	Await   func(ctx context.Context, replica string)                                        // waits until that is clear
	Lease   func(ctx context.Context, name string, ttl time.Duration) (mine bool, err error) // makes this replica the only one to do something

	Start   func(task func()) bool // starts what outlives who asked for it; false if the gateway is shutting down
	Closing <-chan struct{}        // closed once it is
}

// Account is one configured account.
type Account struct {
	Name        string
	Provider    string
	Adapter     provider.Provider
	Spending    Spending
	Fingerprint func(kind string, payload []byte) []byte // tells payloads apart without telling what they are
	Enter       func(ctx context.Context) (Call, error)  // asks for the right to make one vendor call; the error is the vendor's refusal of the account
}

// Call is the right to make one vendor call.
type Call struct {
	End   func(ctx context.Context, err error) // once: how the call ended; context.Canceled if it was not made
	Wrote func()                               // it may have changed what the account's readings say
	Keep  func(ctx context.Context)            // tells the other replicas of both, once the call has ended
}

// Service makes the writes of all accounts. It is safe for concurrent use.
type Service struct {
	gateway    Gateway
	unrecorded unrecorded
	drainUntil atomic.Pointer[time.Time] // nil: see DrainUntil

	unknown atomic.Pointer[map[string]store.UnknownCount] // see Unknown
}

// New makes a service. Sweep and Resolve have to be called regularly.
func New(g Gateway) *Service { return &Service{gateway: g} }

// now is the time by the clock that replicas share.
func (s *Service) now() time.Time { return s.gateway.Store.SharedNow() }

// Unknown counts the operations whose outcome is unknown, by account, as of the
// last Sweep; nil before the first.
func (s *Service) Unknown() map[string]store.UnknownCount {
	if counts := s.unknown.Load(); counts != nil {
		return *counts
	}
	return nil
}
