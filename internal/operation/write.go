package operation

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/otel/trace"

	"accountgateway/internal/durable"
	"accountgateway/internal/provider"
	"accountgateway/internal/store"
)

// work is one write on its way.
type work struct {
	op       store.Operation
	since    time.Time                 // of the spending that allow is told
	allow    func([]store.Spent) error // nil: it spends nothing
	dryRun   bool                      // the vendor only checks: a failure certainly changed nothing
	send     func(context.Context) (sent, error)
	complete func(*Operation) // adds to an answer what is not stored
	call     Call             // do sets it
}

// sent is what the vendor answered to a write.
type sent struct {
	reference string
	result    any    // kept, without secrets; nil for nothing
	unsure    string // why the vendor itself does not know the outcome; "" if it does
	notBegun  bool   // a call before the write's own failed, and the write was not sent
	apiKey    string
}

// do makes a write happen at most once under its key: it records, sends,
// records. A write that failed before it was sent gives its key up with that
// last record, so that the same key can try again.
func (s *Service) do(ctx context.Context, a *Account, w work) (Operation, error) {
	if op, ok := s.unrecorded.of(w.op.Caller, w.op.Key); ok {
		return s.replay(ctx, a, w, op)
	}
	var recorded store.Operation
	var begun bool
	var refused error
	allow := w.allow
	call, locked := a.Enter(ctx)
	switch {
	case locked != nil: // a key that was used before is answered all the same
		allow = func([]store.Spent) error {
			refused = locked
			return refused
		}
	case allow != nil:
		allow = func(spent []store.Spent) error {
			refused = w.allow(spent)
			return refused
		}
	}
	// A burst of writes may wait for the disk: that is no outage.
	err := s.gateway.Store.Query(ctx, func(ctx context.Context, st *store.Store) (err error) {
		recorded, begun, err = st.BeginOperation(ctx, w.op, w.since, allow)
		if refused != nil {
			err = nil // no fault of the store's
		}
		return err
	})
	if locked == nil && (err != nil || !begun) {
		call.End(ctx, context.Canceled) // there will be no call
	}
	switch {
	case err != nil:
		// Nothing was sent. The record may be there all the same, if only the
		// answer to its commit was lost: then it says so.
		s.gateway.Start(func() { s.disown(w.op.ID) })
		return Operation{}, durable.Unavailable(ctx, err)
	case refused != nil:
		return Operation{}, refused
	case !begun:
		return s.replay(ctx, a, w, recorded)
	}
	w.call = call
	ended := make(chan ending, 1)
	detached := trace.ContextWithSpanContext(context.WithoutCancel(ctx), trace.SpanContextFromContext(ctx))
	detached = provider.WithCause(detached, provider.CauseCaller)
	if !s.gateway.Start(func() { s.sendOnce(detached, w, recorded, ended) }) {
		call.End(ctx, context.Canceled)
		err := &provider.Error{Kind: provider.KindUnavailable, Message: "the gateway is shutting down; the request was not sent", NotSent: true}
		e := ending{settlement: failed(s.now(), err), err: err}
		e.recorded = s.record(ctx, recorded.ID, e.settlement) == nil
		return s.answer(a, w, recorded, e)
	}
	select {
	case e := <-ended:
		return s.answer(a, w, recorded, e)
	case <-ctx.Done():
		return Operation{}, ctx.Err() // the operation goes on without its caller
	}
}

// ending is how a vendor call of a write ended.
type ending struct {
	settlement store.Settlement
	recorded   bool
	apiKey     string
	err        error
}

// sendOnce makes the vendor call, whoever still waits for it, and records how
// it ended. The answer comes after the record, or says that there is none yet.
func (s *Service) sendOnce(ctx context.Context, w work, op store.Operation, ended chan<- ending) {
	// The time for it begins now, however long the record took.
	ctx, cancel := context.WithTimeout(ctx, op.GiveUpAt.Sub(op.CreatedAt)-durable.Timeout-giveUpMargin)
	defer cancel()
	answer, err := s.sendRecovered(ctx, w)
	w.call.End(ctx, err)
	e := ending{settlement: settlementOf(s.now(), answer, err, w.dryRun), apiKey: answer.apiKey, err: err}
	recordErr := s.record(context.WithoutCancel(ctx), op.ID, e.settlement)
	e.recorded = recordErr == nil
	if e.settlement.State != store.Failed && !w.dryRun {
		w.call.Wrote()
	}
	if !e.recorded {
		op.Settlement = e.settlement
		s.unrecorded.add(op)
		s.logEnd(op).Err(recordErr).Msg("recording the outcome of an operation failed: retrying")
		ended <- e
		s.settle(op, recordErr)
	}
	w.call.Keep(context.WithoutCancel(ctx))
	if e.recorded {
		ended <- e
	}
}

// sendRecovered takes a panic for an unknown outcome: the vendor may have got
// the request.
func (s *Service) sendRecovered(ctx context.Context, w work) (answer sent, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic while sending: %v", p)
			s.gateway.Log.Error().Str("operation", w.op.ID).Interface("panic", p).Msg("a write panicked")
		}
	}()
	return w.send(ctx)
}

// settlementOf tells the state that an answer puts an operation in. Only what
// surely had no effect is failed, and only what was surely not sent frees the
// key.
func settlementOf(now time.Time, answer sent, err error, dryRun bool) store.Settlement {
	var e *provider.Error
	if err != nil {
		if answer.notBegun || dryRun || errors.As(err, &e) && e.NoEffect() {
			to := failed(now, err)
			to.KeyFree = to.KeyFree || answer.notBegun
			return to
		}
		return unknown(now, err)
	}
	result, encodeErr := json.Marshal(answer.result)
	if encodeErr != nil || answer.result == nil {
		result = nil
	}
	settled := store.Settlement{State: store.Succeeded, SettledAt: now, Reference: answer.reference, Result: result}
	if answer.unsure != "" {
		settled.State = store.Unknown
		settled.Problem = (&provider.Failure{Kind: provider.KindOther, Message: answer.unsure}).Encode()
	}
	return settled
}

func failed(now time.Time, err error) store.Settlement {
	var e *provider.Error
	return store.Settlement{
		State: store.Failed, SettledAt: now, Problem: provider.FailureOf(err).Encode(),
		KeyFree: errors.As(err, &e) && e.NotSent,
	}
}

func unknown(now time.Time, err error) store.Settlement {
	return store.Settlement{State: store.Unknown, SettledAt: now, Problem: provider.FailureOf(err).Encode()}
}

// errLost is of an operation whose record is gone, as after a failover.
var errLost = errors.New("the database has lost the operation")

// record writes down how an operation ended. It fails if the store could not in
// recordPatience, or with errLost.
func (s *Service) record(ctx context.Context, id string, to store.Settlement) error {
	ctx, cancel := context.WithTimeout(ctx, recordPatience)
	defer cancel()
	var done, found bool
	var op store.Operation
	err := s.gateway.Store.Insist(ctx, func(ctx context.Context, st *store.Store) (err error) {
		// Another replica may have given it up meanwhile: we know better.
		if done, err = st.SettleOperation(ctx, id, to, store.Started, store.Unknown); err != nil || done {
			return err
		}
		op, found, err = st.Operation(ctx, id)
		return err
	})
	if err == nil && found && (op.State != to.State || op.Reference != to.Reference) {
		s.gateway.Log.Error().Str("operation", id).Str("state", string(to.State)).Str("reference", to.Reference).
			Msg("the vendor's answer arrived after the operation was settled differently: compare the two")
	}
	if err == nil && !done && !found {
		return errLost
	}
	return err
}

// disown makes an operation failed that was not sent, and frees its key, if its
// record is there although the store did not say so.
func (s *Service) disown(id string) {
	to := failed(s.now(), &provider.Error{
		Kind: provider.KindDatabase, Message: "the gateway's database did not answer in time, and the request was not sent", NotSent: true,
	})
	for range disownTries {
		err := s.gateway.Store.Insist(context.Background(), func(ctx context.Context, st *store.Store) error {
			_, err := st.SettleOperation(ctx, id, to, store.Started)
			return err
		})
		if err == nil {
			return
		}
		select {
		case <-time.After(recordRetry):
		case <-s.gateway.Closing:
			return
		}
	}
}

// disownTries is how often; after that the record is given up as unknown.
const disownTries = 10

// answer is what the one who asked first gets.
func (s *Service) answer(a *Account, w work, op store.Operation, e ending) (Operation, error) {
	op.Settlement = e.settlement
	out, err := Of(a.Provider, op)
	if err != nil {
		return Operation{}, err
	}
	w.complete(&out)
	out.APIKey, out.Recorded = e.apiKey, e.recorded
	if out.State == store.Failed {
		return out, &WriteError{Operation: out, Why: vendorError(e.err)}
	}
	return out, nil
}

// replay answers a key that was used before.
func (s *Service) replay(ctx context.Context, a *Account, w work, op store.Operation) (Operation, error) {
	if op.State == store.Started && op.Holder != s.gateway.Replica {
		s.gateway.Await(ctx, op.Holder)
	}
	_, ended := s.unrecorded.get(op.ID)
	if op.State == store.Started && !ended && s.abandoned(op, s.now()) {
		op = s.giveUp(ctx, op)
	}
	out, err := s.operation(a.Provider, op)
	if err != nil {
		return Operation{}, err
	}
	out.Replayed = true
	// Of another key is one that was settled under this one.
	if op.Key != w.op.Key || op.Account != w.op.Account || op.Kind != w.op.Kind || string(op.Fingerprint) != string(w.op.Fingerprint) {
		return out, &WriteError{Operation: out, Why: ErrKeyReused}
	}
	if op.KeyFree { // since a moment ago: the next try begins anew
		return out, &WriteError{Operation: out, Why: ErrInProgress}
	}
	switch op.State {
	case store.Started:
		return out, &WriteError{Operation: out, Why: ErrInProgress}
	case store.Unknown:
		return out, &WriteError{Operation: out, Why: ErrOutcomeUnknown}
	case store.Failed:
		return out, &WriteError{Operation: out, Why: out.Problem.Err()}
	case store.Succeeded:
	}
	w.complete(&out)
	return out, nil
}
