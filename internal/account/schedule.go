package account

import (
	"bytes"
	"crypto/sha256"
	"slices"
	"time"
)

// schedule says when accounts are read in the background: each has its time in
// the interval. The times are evenly spread, in the order of a hash of the names,
// so that the accounts of one vendor are spread among the others. They go by the
// clock that replicas share, so a restart changes no account's time. It is not
// safe for concurrent use.
type schedule struct {
	accounts []*accountState // in the order of their times
	interval time.Duration
	at       time.Duration // where in the interval
	next     int           // whose time comes next
}

func newSchedule(accounts map[string]*accountState, interval time.Duration, now time.Time) *schedule {
	s := &schedule{interval: interval, at: time.Duration(now.UnixNano() % int64(interval))}
	type place struct {
		hash    [sha256.Size]byte
		account *accountState
	}
	places := make([]place, 0, len(accounts))
	for name, a := range accounts {
		places = append(places, place{sha256.Sum256([]byte(name)), a})
	}
	slices.SortFunc(places, func(a, b place) int { return bytes.Compare(a.hash[:], b.hash[:]) })
	for _, p := range places {
		s.accounts = append(s.accounts, p.account)
	}
	for s.next < len(s.accounts) && s.time(s.next) < s.at {
		s.next++
	}
	return s
}

// time is an account's, from the beginning of the interval.
func (s *schedule) time(i int) time.Duration {
	return time.Duration(float64(s.interval) * float64(i) / float64(len(s.accounts)))
}

// advance lets time pass, and calls turn for the accounts whose time came. After
// a standstill, which may be long, that is each account once.
func (s *schedule) advance(passed time.Duration, turn func(*accountState)) {
	s.at += min(passed, s.interval)
	for {
		switch {
		case s.next < len(s.accounts) && s.time(s.next) <= s.at:
			turn(s.accounts[s.next])
			s.next++
		case s.next == len(s.accounts) && s.at >= s.interval:
			s.next, s.at = 0, s.at-s.interval
		default:
			return
		}
	}
}
