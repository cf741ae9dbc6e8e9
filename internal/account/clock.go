package account

import (
	"context"
	"sync/atomic"
	"time"

	"accountgateway/internal/store"
)

// stamp is a moment, told by two clocks. This process's has a monotonic
// reading: only it measures and compares. The label is what is shown and kept:
// it is told by the database's clock, which all replicas share.
//
// The wall clock of this process decides nothing. It may be wrong, and be set.
type stamp struct {
	at    time.Time
	label time.Time
}

func (s *Service) stamp() stamp { return stamp{at: s.now(), label: s.durable.SharedNow()} }

// label is the time to show and to keep.
func (s *Service) label() time.Time { return s.durable.SharedNow() }

const (
	// clockSkew is how far a label may lie in the future and still be believed,
	// and by how much a clock may be wrong before that is logged.
	clockSkew = 2 * time.Second
	// stampSlack is how far stamps of what other replicas did may be off.
	stampSlack = 250 * time.Millisecond
	// unknownAge is the age of a reading whose age is unknown: more than any
	// that is served. As seconds it is what RFC 9111 has for the longest Age.
	unknownAge = (1 << 31) * time.Second
)

// skew is how far this machine's clock is ahead of the database's.
type skew struct {
	measured atomic.Pointer[time.Duration] // nil: not yet
	wrong    atomic.Bool                   // it was logged
}

// checkClock looks whether clocks are wrong, and says so once.
func (s *Service) checkClock(ctx context.Context, st *store.Store) error {
	set, err := st.CheckClock(ctx)
	if err != nil {
		return err
	}
	if set != 0 {
		s.metrics.clockSet.Inc()
		s.options.Log.Warn().Float64("seconds", set.Seconds()).
			Msg("the database's clock was changed: readings from before a change backwards are read again; budgets and leases keep their length")
	}
	ahead := s.now().Round(0).Sub(st.Now())
	s.skew.measured.Store(&ahead)
	switch wrong := ahead.Abs() > clockSkew; {
	case wrong && !s.skew.wrong.Swap(true):
		s.options.Log.Warn().Float64("seconds", ahead.Seconds()).Msg("this machine's clock is ahead of (if negative, behind) the database's clock, which is authoritative: check NTP on both")
	case !wrong && s.skew.wrong.Swap(false):
		s.options.Log.Info().Msg("this machine's clock agrees with the database's clock again")
	}
	return nil
}
