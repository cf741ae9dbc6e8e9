package account

import (
	"fmt"
	"time"
)

// Bound is what a caller says about the age of a reading. The zero value
// leaves it to the gateway's limits.
type Bound struct {
	MaxAge       *time.Duration // no older than that, stale or not; nil: not said
	NoCache      bool           // ask the vendor now
	MaxStale     *time.Duration // take at once what is at most that far past its limit; nil: not said
	OnlyIfCached bool           // never ask

	inTurn bool // a fleet read: it waits for a place at the vendor
}

// Limits say how long readings may be served.
type Limits struct {
	TTL          time.Duration // how long a reading is fresh
	StaleIfError time.Duration // how old a reading may be served when the vendor can't be asked
}

// AnyStaleness is Bound.MaxStale for a caller that takes whatever age there is.
const AnyStaleness = time.Duration(1<<63 - 1)

// verdict is what to do about a request, given the reading at hand.
type verdict int

const (
	serve         verdict = iota // the reading at hand, with no call
	serveAndRenew                // the reading at hand, and renew it behind
	ask                          // the vendor, before anything is served
	refuse                       // nothing at hand will do, and the vendor may not be asked
)

// freshness is how the reading at hand stands.
type freshness struct {
	have     bool          // whether there is one
	age      time.Duration // how old it is
	outdated bool          // a write came after it
	asked    bool          // the vendor was asked for it to answer this very request
}

// decide tells what to do about a request.
func (l Limits) decide(at freshness, b Bound) verdict {
	switch {
	case l.fresh(at) && !b.NoCache && b.allows(at.age):
		return serve
	case b.OnlyIfCached && l.unasked(at, b):
		return serve
	case b.OnlyIfCached:
		return refuse
	case b.MaxStale != nil && !at.outdated && l.unasked(at, b):
		return serveAndRenew
	}
	return ask
}

// fresh tells whether the reading is within its limit. With no time to be fresh
// in, what was just asked for still is.
func (l Limits) fresh(at freshness) bool {
	return at.have && !at.outdated && (at.age <= l.TTL || at.asked && l.TTL == 0)
}

// unasked tells whether the reading may be served though the vendor was not,
// or could not be, asked for a newer one.
func (l Limits) unasked(at freshness, b Bound) bool {
	if !at.have || b.NoCache || !b.allows(at.age) {
		return false
	}
	past := at.age - l.TTL
	if b.MaxStale != nil && past > *b.MaxStale {
		return false
	}
	return past <= 0 || at.age <= l.StaleIfError
}

// takes tells whether the reading may be served at the moment that it stands
// for, asked for or not.
func (l Limits) takes(at freshness, b Bound) bool {
	switch {
	case !at.asked:
		return l.unasked(at, b)
	case b.MaxAge != nil && *b.MaxAge > 0 && at.age > *b.MaxAge: // max-age=0 is no-cache, which was met by asking
		return false
	}
	return l.fresh(at) || b.MaxStale == nil || at.age-l.TTL <= *b.MaxStale
}

// tooOld is the error about a reading that is not served: the caller's bound is
// why, or else that the vendor could not be asked; nil if nobody tried.
func tooOld(l Limits, at freshness, b Bound, notAsked error) error {
	if notAsked != nil && (b.NoCache || !l.unasked(at, Bound{})) {
		return notAsked
	}
	return &FreshnessError{Have: true, Age: at.age, Cause: notAsked}
}

func (b Bound) allows(age time.Duration) bool { return b.MaxAge == nil || age <= *b.MaxAge }

// answers tells whether a call answers a request that came so much later. Calls
// that began at about the same time are one to the caller, whose bound has no
// finer grain than a second.
func (b Bound) answers(later time.Duration) bool {
	return later <= time.Second || !b.NoCache && b.allows(later)
}

// FreshnessError says that a caller's bound can't be met. Its cause, if any,
// is why the vendor did not help.
type FreshnessError struct {
	Age   time.Duration // of the reading at hand
	Have  bool          // whether there is one
	Cause error
}

func (e *FreshnessError) Error() string {
	s := "no stored reading, and the request forbids calling the vendor"
	switch {
	case e.Have && e.Age >= unknownAge:
		s = "the reading at hand is of unknown age, because a clock was set back after it was read"
	case e.Have:
		s = fmt.Sprintf("the stored reading is %d s old, which the request's Cache-Control does not accept", Seconds(e.Age))
	}
	if e.Cause != nil {
		s += "; no newer one could be read from the vendor: " + e.Cause.Error()
	}
	return s
}

// Seconds are those of an age, rounded up: nothing looks fresher than it is.
func Seconds(age time.Duration) int64 { return int64((age + time.Second - 1) / time.Second) }

func (e *FreshnessError) Unwrap() error { return e.Cause }
