package account

import (
	"context"
	"errors"
	"sync"
	"time"

	"accountgateway/internal/alert"
	"accountgateway/internal/provider"
)

// The states of an account: how the last real call to its vendor ended.
const (
	StateOK             = "ok"
	StateBadCredentials = "bad_credentials"
	StateAccessDenied   = "access_denied"
	StateRateLimited    = "rate_limited"
	StateUnavailable    = "unavailable"
	StateBadResponse    = "bad_response"
	StateUnknown        = "unknown" // no call has been made yet
)

// States lists them all.
func States() []string {
	return []string{
		StateOK, StateBadCredentials, StateAccessDenied, StateRateLimited,
		StateUnavailable, StateBadResponse, StateUnknown,
	}
}

// State is how an account stands with its vendor.
type State struct {
	State         string     `json:"state"`
	Since         time.Time  `json:"since"`           // when the account came into this state
	LastSuccessAt *time.Time `json:"last_success_at"` // nil: never
	Detail        string     `json:"detail"`          // the one line that a person on call needs

	BadReply *alert.BadReply `json:"bad_reply,omitempty"` // the last that was not understood; nil: there was none
}

// tracker follows an account's state. It is safe for concurrent use.
type tracker struct {
	apart time.Duration // bad replies that are closer than that count as one

	mu    sync.Mutex
	state State
	at    time.Time // when the state was last observed, here or by another replica, by this process's clock
}

// newTracker makes one of an account that is read in the background at an
// interval; 0: it is not.
func newTracker(now time.Time, interval time.Duration) *tracker {
	apart := interval / 4
	if interval == 0 {
		apart = time.Minute
	}
	return &tracker{apart: apart, state: State{State: StateUnknown, Since: now, Detail: "no call yet"}}
}

func (t *tracker) current() State {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.state
}

// failing tells whether the last call failed.
func (t *tracker) failing() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.state.State != StateOK && t.state.State != StateUnknown
}

// observe takes note of how a vendor call ended, and tells whether the state
// or its detail changed.
func (t *tracker) observe(err error, now stamp) (changed bool) {
	state, detail := classify(err)
	if state == "" {
		return false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	changed = t.state.State != state || t.state.Detail != detail
	if t.state.State != state {
		t.state.Since = now.label
	}
	t.state.State, t.state.Detail, t.at = state, detail, now.at
	if state == StateBadResponse {
		changed = t.badReply(err, now.label) || changed
	}
	if err == nil {
		t.state.LastSuccessAt = &now.label
	}
	return changed
}

// badReply takes note of a reply that was not understood, and tells whether
// that is news: balance and statistics are often read at one moment.
func (t *tracker) badReply(err error, at time.Time) bool {
	bad := &alert.BadReply{At: at, Format: provider.KindOf(err) == provider.KindBadResponse, Detail: err.Error()}
	if last := t.state.BadReply; last != nil {
		if gap := at.Sub(last.At); gap >= 0 && gap < t.apart {
			return false
		}
		bad.Before = last.At
	}
	t.state.BadReply = bad
	return true
}

// adopt takes over what another replica, or an earlier run, observed.
func (t *tracker) adopt(s State, at time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !at.After(t.at) {
		return
	}
	if last := t.state.LastSuccessAt; last != nil && (s.LastSuccessAt == nil || last.After(*s.LastSuccessAt)) {
		s.LastSuccessAt = last
	}
	if last := t.state.BadReply; last != nil && (s.BadReply == nil || last.At.After(s.BadReply.At)) {
		s.BadReply = last
	}
	t.state, t.at = s, at
}

// succeeded takes note of a reading that another replica, or an earlier run,
// was given. A success in the future is from before a clock was set back.
func (t *tracker) succeeded(asOf, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if last := t.state.LastSuccessAt; last == nil || asOf.After(*last) || last.After(now) {
		t.state.LastSuccessAt = &asOf
	}
}

// classify tells what an outcome says of the account: nothing ("") if the
// caller gave up, or the vendor was never asked, be it for the gateway's own
// trouble.
func classify(err error) (state, detail string) {
	if err == nil {
		return StateOK, "the last call succeeded"
	}
	var e *provider.Error
	if errors.Is(err, context.Canceled) || errors.As(err, &e) && e.NotSent && e.Err == nil {
		// The caller gave up, or the call was refused before it was made: by
		// budget or breaker, or because the input can't be sent. A connection
		// that could not be made has a cause.
		return "", ""
	}
	switch provider.KindOf(err) {
	case provider.KindCredentials:
		state = StateBadCredentials
	case provider.KindAccess:
		state = StateAccessDenied
	case provider.KindRateLimited:
		state = StateRateLimited
	case provider.KindUnavailable, provider.KindTimeout:
		state = StateUnavailable
	case provider.KindBadResponse, provider.KindOther:
		state = StateBadResponse
	case provider.KindRejected, provider.KindNotFound, provider.KindConflict, provider.KindInsufficientFunds, provider.KindForbidden:
		// The vendor understood the call and said no to it: the account works.
		return StateOK, "the vendor answered the last call: " + err.Error()
	default:
		return "", ""
	}
	return state, err.Error()
}

// troubleOf is the code of the alerts that a state is about; "" if none is.
func troubleOf(state string) alert.Code {
	switch state {
	case StateBadCredentials:
		return alert.CredentialsRefused
	case StateAccessDenied:
		return alert.AccessDenied
	case StateRateLimited:
		return alert.BudgetNearlyUsed
	case StateUnavailable:
		return alert.VendorUnavailable
	case StateBadResponse:
		return alert.ReplyNotUnderstood
	}
	return ""
}
