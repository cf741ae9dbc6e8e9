package account

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"sync"
	"time"

	"accountgateway/internal/durable"
	"accountgateway/internal/provider"
	"accountgateway/internal/store"
)

// lockoutTime is how long an account is not called after its vendor refused
// the credentials or the access: asking again changes nothing before somebody
// mends them. Within that time one forced try is made, so there are at most
// eight refused calls in an hour. Ten are said to make REG.RU block the address
// for an hour (regru.md 2.4).
const lockoutTime = 15 * time.Minute

// lockout keeps everybody from repeating a call that was refused for reasons
// that only people can mend. Replicas share it through the store; while that is
// away, each keeps its own and tells the store later.
type lockout struct {
	account     string
	durable     *durable.Store
	now         func() time.Time
	credentials func() []byte // a fingerprint of the account's; slow the first time

	mu      sync.Mutex
	known   *store.Lockout // as last heard; nil: none
	owed    bool           // the store has not been told of known yet
	changes int            // of known that are or were owed

	telling sync.Mutex // one at a time, so that the last word is the last told
}

// claim is the right to make one call, and the lockout before and after it was
// given; nil if there is none.
type claim struct {
	from, to           *store.Lockout // by the store's clock
	knownFrom, knownTo *store.Lockout // by ours
}

// refused is the refusal that still holds, as far as this replica knows; nil if
// a call may be tried. A forced one is by who wants the vendor asked now.
func (l *lockout) refused(forced bool) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.known == nil {
		return nil
	}
	now := l.now()
	if _, free := claimed(*l.known, forced, now); free {
		return nil
	}
	return refusal(*l.known, forced, now)
}

// enter asks for the right to make one call with the account's credentials, and
// fails with the vendor's refusal and the time to come again. free tells that the
// store was just found to have no lockout. leave is called once with how the call
// ended.
func (l *lockout) enter(ctx context.Context, forced, free bool) (leave func(context.Context, error), err error) {
	if err := l.refused(forced); err != nil {
		return nil, err
	}
	if free && !l.ahead() {
		l.learn(nil)
		return func(ctx context.Context, err error) { l.ended(ctx, claim{}, err) }, nil
	}
	var c claim
	var refused error
	err = l.durable.Use(ctx, func(ctx context.Context, st *store.Store) (err error) {
		if l.ahead() {
			c, refused = l.claimAlone(forced)
			return nil
		}
		c, refused, err = l.claim(ctx, st, forced)
		return err
	})
	if err != nil {
		c, refused = l.claimAlone(forced)
	}
	if refused != nil {
		return nil, refused
	}
	return func(ctx context.Context, err error) { l.ended(ctx, c, err) }, nil
}

// claim makes a claim that no other replica can make too.
func (l *lockout) claim(ctx context.Context, st *store.Store, forced bool) (c claim, refused, err error) {
	for {
		row, found, err := st.Lockout(ctx, l.account)
		if err != nil {
			return claim{}, nil, err
		}
		if !found || !bytes.Equal(row.Credentials, l.credentials()) {
			l.learn(nil)
			return claim{}, nil, nil
		}
		theirs, ours := st.Now(), l.now()
		to, free := claimed(row, forced, theirs)
		if !free {
			l.learn(byClock(row, theirs, ours))
			return claim{}, refusal(row, forced, theirs), nil
		}
		moved, err := st.MoveLockout(ctx, row, to)
		if err != nil {
			return claim{}, nil, err
		}
		if moved {
			c := claim{from: &row, to: &to, knownFrom: byClock(row, theirs, ours), knownTo: byClock(to, theirs, ours)}
			l.learn(c.knownTo)
			return c, nil, nil
		}
	}
}

// claimAlone makes a claim without the store.
func (l *lockout) claimAlone(forced bool) (claim, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.known == nil {
		return claim{}, nil
	}
	from, now := l.known, l.now()
	to, free := claimed(*from, forced, now)
	if !free {
		return claim{}, refusal(*from, forced, now)
	}
	l.change(&to)
	return claim{knownFrom: from, knownTo: &to}, nil
}

// ended takes note of how a call ended.
func (l *lockout) ended(ctx context.Context, c claim, err error) {
	ctx = context.WithoutCancel(ctx)
	switch state, _ := classify(err); {
	case state == StateOK:
		l.mu.Lock()
		had := l.known != nil
		if had || l.durable.Err() != nil { // the store may know of one
			l.change(nil)
		}
		l.mu.Unlock()
		if had {
			l.tellNow(ctx)
		}
	case state == StateBadCredentials || state == StateAccessDenied:
		row := store.Lockout{Account: l.account, Credentials: l.credentials(), Refusal: provider.FailureOf(err).Encode(), TryAt: l.now().Add(lockoutTime)}
		l.mu.Lock()
		if l.known != nil {
			row.ForceAt = l.known.ForceAt
		}
		l.change(&row)
		l.mu.Unlock()
		l.tellNow(ctx)
	case c.knownTo != nil: // it told nothing of the credentials: another may try
		l.mu.Lock()
		if l.known == c.knownTo {
			l.known = c.knownFrom
		}
		l.mu.Unlock()
		if c.to == nil {
			return
		}
		// If the store does not take it, a try is lost.
		_ = l.durable.Use(ctx, func(ctx context.Context, st *store.Store) error {
			_, err := st.MoveLockout(ctx, *c.to, *c.from)
			return err
		})
	}
}

// change makes known what the store is to be told. l.mu is held.
func (l *lockout) change(to *store.Lockout) {
	l.known, l.owed = to, true
	l.changes++
}

// learn makes known what the store said, unless it is to be told otherwise.
func (l *lockout) learn(row *store.Lockout) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.owed {
		l.known = row
	}
}

// ahead tells whether the store has not been told all that is known here.
func (l *lockout) ahead() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.owed
}

func (l *lockout) tellNow(ctx context.Context) {
	// If the store can't take it now, the next exchange tells it.
	_ = l.durable.Use(ctx, l.tell)
}

// tell tells the store what it does not know.
func (l *lockout) tell(ctx context.Context, st *store.Store) error {
	l.telling.Lock()
	defer l.telling.Unlock()
	l.mu.Lock()
	known, owed, changes := l.known, l.owed, l.changes
	l.mu.Unlock()
	if !owed {
		return nil
	}
	var err error
	if known == nil {
		err = st.EndLockout(ctx, l.account, l.credentials())
	} else {
		err = st.PutLockout(ctx, *byClock(*known, l.now(), st.Now()))
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if err == nil && l.changes == changes {
		l.owed = false
	}
	return err
}

// exchange tells the store what it does not know, and learns from its lockouts
// that another process's call succeeded.
func (l *lockout) exchange(ctx context.Context, st *store.Store, rows map[string]store.Lockout) error {
	_, found := rows[l.account]
	l.mu.Lock()
	if l.known == nil && !found {
		l.owed = false
	}
	if !l.owed && !found {
		l.known = nil
	}
	l.mu.Unlock()
	return l.tell(ctx, st)
}

// TellLockouts tells the store of refusals and successes that it does not know
// of, so that the gateways which share it hold back or go on.
func (s *Service) TellLockouts(ctx context.Context, st *store.Store) error {
	rows, err := st.Lockouts(ctx)
	for _, a := range s.accounts {
		if err == nil {
			err = a.lockout.exchange(ctx, st, rows)
		}
	}
	return err
}

// claimed is a lockout once a call was let through at a time; false if none may
// be.
func claimed(l store.Lockout, forced bool, now time.Time) (store.Lockout, bool) {
	// A time further off is of a clock that was ahead.
	due := func(at time.Time) bool { return !at.After(now) || at.Sub(now) > lockoutTime }
	switch {
	case due(l.TryAt):
		l.TryAt = now.Add(lockoutTime)
	case forced && due(l.ForceAt):
		l.ForceAt = now.Add(lockoutTime)
	default:
		return l, false
	}
	return l, true
}

// byClock is a lockout by the clock of which to is now, made from one by the
// clock of which from is.
func byClock(l store.Lockout, from, to time.Time) *store.Lockout {
	l.TryAt, l.ForceAt = to.Add(l.TryAt.Sub(from)), to.Add(l.ForceAt.Sub(from))
	return &l
}

// refusal is the error of a call that is not made.
func refusal(l store.Lockout, forced bool, now time.Time) error {
	wait := l.TryAt.Sub(now)
	if forced {
		wait = min(wait, l.ForceAt.Sub(now))
	}
	said := provider.Failure{Kind: provider.KindCredentials, Message: "the vendor refused the account"}
	_ = json.Unmarshal(l.Refusal, &said) // it is our own
	return &provider.Error{
		Kind: said.Kind, Upstream: said.Upstream, NotSent: true, RetryAfter: max(wait, time.Second),
		Message: said.Message + "; it is not called again for now, because vendors lock out callers that repeat a refused call",
	}
}

// lockedOut tells the refusal of a call that was not made from the vendor's own.
func lockedOut(err error) bool {
	var e *provider.Error
	return errors.As(err, &e) && e.NotSent && (e.Kind == provider.KindCredentials || e.Kind == provider.KindAccess)
}
