package account

import (
	"sync/atomic"
	"time"
)

// refreshLag is how far background readings are behind: how long the account
// that waits the longest for a place at its vendor's host has been waiting, of
// those that work. Those that fail have few places, and back off.
type refreshLag struct {
	nanoseconds atomic.Int64
	told        atomic.Bool
}

// observe measures the lag, and says so once when a whole interval is lost.
func (l *refreshLag) observe(hosts map[string]*hostQueue, now time.Time, s *Service) {
	var most time.Duration
	var where string
	for host, queue := range hosts {
		if lag := queue.lag(now); lag > most {
			most, where = lag, host
		}
	}
	l.nanoseconds.Store(int64(most))
	switch late := most > s.options.RefreshInterval; {
	case late && !l.told.Swap(true):
		s.options.Log.Warn().Str("host", where).Float64("seconds", most.Seconds()).
			Msg("background readings fall behind GATEWAY_REFRESH_INTERVAL: the host is slow, or has too many accounts")
	case most == 0 && l.told.Swap(false):
		s.options.Log.Info().Msg("background readings keep GATEWAY_REFRESH_INTERVAL again")
	}
}
