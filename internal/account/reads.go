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

// look is a reading at hand, as it stood when a request was decided upon.
type look struct {
	account *accountState // nil: not configured
	entry   *entry        // nil: there is none
	at      freshness
	limits  Limits
	verdict verdict
}

// look decides about a request, once: what is at hand may be another a moment
// later, and then an answer would be decided twice.
func (s *Service) look(k key, b Bound) look {
	seen := look{account: s.accounts[k.account], limits: s.Limits(k.op)}
	if seen.account != nil {
		seen.entry = s.memory.get(k)
		seen.at = seen.account.freshness(seen.entry, s.stamp())
	}
	seen.verdict = seen.limits.decide(seen.at, b)
	return seen
}

// serves tells whether the reading at hand is the answer, and nothing else is to
// be done.
func (seen look) serves() bool { return seen.verdict == serve }

// atHand serves the reading at hand.
func atHand[T any](ctx context.Context, s *Service, k key, seen look) Reading[T] {
	r := reading[T](seen.account, seen.entry, seen.at, seen.limits)
	s.metrics.read(ctx, k.op, r.Source)
	return r
}

// freshness is how a reading at hand, or nil, stands at that time.
func (a *accountState) freshness(e *entry, now stamp) freshness {
	if e == nil {
		return freshness{}
	}
	return freshness{have: true, age: e.age(now), outdated: a.outdated(e)}
}

// read is for what the reading at hand alone did not serve: R is the adapter's
// interface for the operation, T what it answers.
func read[T, R any](ctx context.Context, s *Service, k key, b Bound, seen look, call func(context.Context, R) (provider.Readings, error)) (Reading[T], error) {
	a, err := s.find(k.account)
	if err != nil {
		return Reading[T]{}, err
	}
	reader, ok := a.Adapter.(R)
	if caps := a.Adapter.Capabilities(); !ok || !caps.Callable(k.op) {
		return Reading[T]{}, unsupported(a.Provider, k.op, caps[k.op])
	}
	load := loadFunc(func(ctx context.Context) (provider.Readings, error) { return call(ctx, reader) })
	switch seen.verdict {
	case serve:
		return atHand[T](ctx, s, k, seen), nil
	case serveAndRenew:
		s.renewBehind(a, k, load)
		return atHand[T](ctx, s, k, seen), nil
	case refuse:
		return Reading[T]{}, &FreshnessError{Have: seen.at.have, Age: seen.at.age}
	case ask:
	}

	came := s.now()
	fresh, source, err := s.ask(ctx, a, k, seen.entry, b, load)
	if err != nil {
		return staleIfError[T](ctx, s, a, k, b, err)
	}
	now := a.freshness(fresh, s.stamp())
	now.outdated, now.asked = a.outdatedFor(fresh, came), true
	r := reading[T](a, fresh, now, seen.limits)
	r.Source, r.Asked = source, seen.limits.whyAsk(seen.at)
	s.metrics.read(ctx, k.op, r.Source)
	return r, nil
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
// take: an old reading helps against the first alone.
func cantBeAsked(err error) bool {
	switch provider.KindOf(err) {
	case provider.KindUnavailable, provider.KindTimeout, provider.KindRateLimited, provider.KindBadResponse,
		provider.KindCredentials, provider.KindAccess, provider.KindOther, provider.KindDatabase:
		return true
	default:
		return false
	}
}
