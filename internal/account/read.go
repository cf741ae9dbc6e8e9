package account

import (
	"context"
	"time"

	"accountgateway/internal/provider"
)

// Limits are those of an operation.
func (s *Service) Limits(op provider.Operation) Limits {
	return Limits{TTL: s.options.TTL[op], StaleIfError: s.options.StaleIfError}
}

// OldAfter is how old a reading is when people are told so: the time for which
// it is fresh is over, and two background readings should have replaced it.
func (s *Service) OldAfter(op provider.Operation) time.Duration {
	return max(s.options.TTL[op], 2*s.options.RefreshInterval)
}

// Away tells whether the store does not answer: what needs it fails.
func (s *Service) Away() bool { return s.durable.Err() != nil }

// read answers a request for a reading: from memory if what is at hand will do,
// else by the vendor. T is the reading, R the adapter's interface for it, load
// the interface's method.
func read[T, R, Q any](
	ctx context.Context, s *Service, k key, b Bound, q Q, load func(R, context.Context, Q) (provider.Readings, error),
) (Reading[T], error) {
	a, err := s.find(k.account)
	if err != nil {
		return Reading[T]{}, err
	}
	limits, have := s.Limits(k.op), s.memory.get(k)
	at := a.freshness(have, s.stamp())
	verdict := limits.decide(at, b)
	if verdict == serve {
		return atHand[T](ctx, s, a, k.op, have, at, limits), nil
	}
	reader, ok := a.Adapter.(R)
	if caps := a.Adapter.Capabilities(); !ok || !caps.Callable(k.op) {
		return Reading[T]{}, caps.Refusal(a.Provider, k.op)
	}
	c := call{account: a, key: k, have: have, load: func(ctx context.Context) (provider.Readings, error) { return load(reader, ctx, q) }}
	if verdict == refuse {
		return Reading[T]{}, &FreshnessError{Have: at.have, Age: at.age}
	}
	if verdict == serveAndRenew {
		s.renewBehind(c)
		return atHand[T](ctx, s, a, k.op, have, at, limits), nil
	}

	came := s.now()
	c.bound = b
	fresh, source, err := s.askInTurn(ctx, c)
	if err != nil {
		return staleIfError[T](ctx, s, a, k, b, err)
	}
	now := a.freshness(fresh, s.stamp())
	now.outdated, now.asked = a.outdatedFor(fresh, came), true
	r := reading[T](a, fresh, now, limits)
	r.Source, r.Asked = source, limits.whyAsk(at)
	s.metrics.read(ctx, k.op, r.Source)
	return r, nil
}

// askInTurn is ask, for which a fleet read waits until it may make one more call.
// To join the call of another takes no place.
func (s *Service) askInTurn(ctx context.Context, c call) (*entry, Source, error) {
	if !c.bound.inTurn {
		return s.ask(ctx, c)
	}
	name := s.callName(c.account, c.key)
	if !s.calls.underWay(name) {
		leave, err := s.fleet.enter(ctx, c.account.Host)
		if err != nil {
			return nil, "", err
		}
		if s.calls.underWay(name) {
			leave()
		} else {
			defer leave()
		}
	}
	return s.ask(ctx, c)
}

// atHand serves the reading at hand, as it stood when that was decided: a moment
// later there may be another.
func atHand[T any](ctx context.Context, s *Service, a *accountState, op provider.Operation, have *entry, at freshness, l Limits) Reading[T] {
	r := reading[T](a, have, at, l)
	s.metrics.read(ctx, op, r.Source)
	return r
}

// freshness is how a reading at hand, or nil, stands at that time.
func (a *accountState) freshness(e *entry, now stamp) freshness {
	if e == nil {
		return freshness{}
	}
	return freshness{have: true, age: e.age(now), outdated: a.outdated(e)}
}

// staleIfError serves an old reading, marked, when the vendor could not be
// asked for a new one and the bounds allow it; else it says why not.
func staleIfError[T any](ctx context.Context, s *Service, a *accountState, k key, b Bound, err error) (Reading[T], error) {
	e := s.memory.get(k)
	if e == nil || !cantBeAsked(err) {
		return Reading[T]{}, err
	}
	l, at := s.Limits(k.op), a.freshness(e, s.stamp())
	if !l.unasked(at, b) {
		return Reading[T]{}, tooOld(l, at, b, err)
	}
	r := reading[T](a, e, at, l)
	r.Err = err
	s.metrics.read(ctx, k.op, r.Source)
	return r, nil
}

// whyAsk tells why the reading at hand, if any, does not do.
func (l Limits) whyAsk(at freshness) Reason {
	switch {
	case !at.have:
		return NothingAtHand
	case !l.fresh(at):
		return PastLimit
	}
	return Bounded
}

// cantBeAsked tells an error of asking from an answer that the caller has to
// take: an old reading helps only against the first.
func cantBeAsked(err error) bool {
	switch provider.KindOf(err) {
	case provider.KindUnavailable, provider.KindTimeout, provider.KindRateLimited, provider.KindBadResponse,
		provider.KindCredentials, provider.KindAccess, provider.KindOther, provider.KindDatabase:
		return true
	default:
		return false
	}
}
