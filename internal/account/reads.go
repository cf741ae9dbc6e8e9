package account

import (
	"context"
	"errors"
	"time"

	"accountgateway/internal/provider"
)

// limits are those of an operation.
func (s *Service) limits(op provider.Operation) Limits {
	return Limits{TTL: s.options.TTL[op], StaleIfError: s.options.StaleIfError}
}

// hit serves what is at hand without a call, if that will do.
func hit[T any](ctx context.Context, s *Service, k key, b Bound) (Reading[T], bool) {
	a, e := s.accounts[k.account], s.memory.get(k)
	if a == nil || e == nil {
		return Reading[T]{}, false
	}
	l := s.limits(k.op)
	age := e.age(time.Now())
	if l.decide(true, age, b) != serve {
		return Reading[T]{}, false
	}
	r := reading[T](a, e, age, l.TTL, Hit)
	if r.Stale {
		r.Source = Stale
	}
	s.metrics.read(ctx, k.op, r.Source)
	return r, true
}

// read is for what hit could not serve: R is the adapter's interface for the
// operation, T what it answers.
func read[T, R any](ctx context.Context, s *Service, k key, b Bound, call func(context.Context, R) (provider.Readings, error)) (Reading[T], error) {
	a, err := s.find(k.account)
	if err != nil {
		return Reading[T]{}, err
	}
	reader, ok := a.Adapter.(R)
	if caps := a.Adapter.Capabilities(); !ok || !caps.Callable(k.op) {
		return Reading[T]{}, unsupported(a.Provider, k.op, caps[k.op])
	}
	l := s.limits(k.op)
	load := loadFunc(func(ctx context.Context) (provider.Readings, error) { return call(ctx, reader) })

	e := s.memory.get(k)
	switch l.decide(e != nil, ageOf(e), b) {
	case serve, serveAndRenew:
		r := reading[T](a, e, ageOf(e), l.TTL, Hit)
		if r.Stale {
			r.Source = Stale
			s.renewBehind(a, k, load)
		}
		s.metrics.read(ctx, k.op, r.Source)
		return r, nil
	case refuse:
		return Reading[T]{}, &FreshnessError{Have: e != nil, Age: ageOf(e)}
	case ask:
	}

	fresh, source, err := s.ask(ctx, a, k, e, b, load)
	if err == nil {
		s.metrics.read(ctx, k.op, source)
		return reading[T](a, fresh, ageOf(fresh), l.TTL, source), nil
	}
	return staleIfError[T](ctx, s, a, k, b, err)
}

// staleIfError serves an old reading, marked, when the vendor could not be
// asked for a new one and the bounds allow it; else it says why not.
func staleIfError[T any](ctx context.Context, s *Service, a *watched, k key, b Bound, err error) (Reading[T], error) {
	e := s.memory.get(k)
	if e == nil || !cantBeAsked(err) {
		return Reading[T]{}, err
	}
	l := s.limits(k.op)
	age := ageOf(e)
	switch {
	case l.unasked(age, b):
		source := Stale
		if age <= l.TTL {
			source = Hit
		}
		r := reading[T](a, e, age, l.TTL, source)
		r.Err = err
		s.metrics.read(ctx, k.op, source)
		return r, nil
	case !b.NoCache && l.unasked(age, Bound{}):
		return Reading[T]{}, &FreshnessError{Have: true, Age: age, Cause: err}
	}
	return Reading[T]{}, err
}

// cantBeAsked tells an error of asking from an answer that the caller has to
// take: an old reading helps against the first alone.
func cantBeAsked(err error) bool {
	switch provider.KindOf(err) {
	case provider.KindUnavailable, provider.KindTimeout, provider.KindRateLimited, provider.KindBadResponse,
		provider.KindCredentials, provider.KindAccess, provider.KindOther:
		return true
	}
	return errors.Is(err, errClosed)
}

func ageOf(e *entry) time.Duration {
	if e == nil {
		return 0
	}
	return e.age(time.Now())
}
