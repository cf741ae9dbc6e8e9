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

// decide tells what to do when a reading of this age is at hand. have is false
// if there is none.
func (l Limits) decide(have bool, age time.Duration, b Bound) verdict {
	switch {
	case have && !b.NoCache && age <= l.TTL && b.allows(age):
		return serve
	case b.OnlyIfCached && have && !b.NoCache && l.unasked(age, b):
		return serve
	case b.OnlyIfCached:
		return refuse
	case have && !b.NoCache && b.MaxStale != nil && l.unasked(age, b):
		return serveAndRenew
	}
	return ask
}

// unasked tells whether a reading may be served though the vendor was not, or
// could not be, asked for a newer one.
func (l Limits) unasked(age time.Duration, b Bound) bool {
	if b.NoCache || !b.allows(age) {
		return false
	}
	past := age - l.TTL
	if b.MaxStale != nil && past > *b.MaxStale {
		return false
	}
	return past <= 0 || age <= l.StaleIfError
}

func (b Bound) allows(age time.Duration) bool { return b.MaxAge == nil || age <= *b.MaxAge }

// FreshnessError says that a caller's bound can't be met. Its cause, if any,
// is why the vendor did not help.
type FreshnessError struct {
	Age   time.Duration // of the reading at hand
	Have  bool          // whether there is one
	Cause error
}

func (e *FreshnessError) Error() string {
	s := "there is no reading at hand, and the request forbids asking the vendor"
	if e.Have {
		s = fmt.Sprintf("the reading at hand is %d s old, which the request's Cache-Control does not take", int64(e.Age/time.Second))
	}
	if e.Cause != nil {
		s += "; the vendor could not be asked for a newer one: " + e.Cause.Error()
	}
	return s
}

func (e *FreshnessError) Unwrap() error { return e.Cause }
