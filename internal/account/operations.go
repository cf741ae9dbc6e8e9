package account

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

// OperationKind is what an operation does.
type OperationKind string

// The kinds.
const (
	KindCreateUser OperationKind = "create_user"
	KindRefill     OperationKind = "refill"
)

// Order is who asks for a write, and under which key.
type Order struct {
	Account string
	Caller  string // whose keys they are
	Key     string // Idempotency-Key
}

// Operation is a write that was asked for, and how it ended.
type Operation struct {
	ID           string
	Account      string
	Provider     string
	Kind         OperationKind
	State        store.OperationState
	Caller       string
	CreatedAt    time.Time
	SettledAt    *time.Time      // nil while it is not known how it ended
	UnknownSince *time.Time      // nil unless its outcome is unknown
	Reference    string          // the vendor's: a user's id, an invoice's number; "" if there is none
	CheckOnly    bool            // a dry run
	Request      json.RawMessage // what was asked for, without secrets and personal data
	Invoice      *provider.Invoice
	Problem      *Failure // nil unless failed or unknown
	SettledBy    string   // who settled an unknown one: an operator, or "lookup"; "" for the vendor's own answer
	Reason       string   // why, in their words
	// Candidates are the unpaid invoices that a refill may have made while
	// nobody knows its outcome. Nil for none.
	Candidates []Candidate
	Replayed   bool // this is the answer to an earlier request under the same key
	Recorded   bool // false: the database has not taken the end yet, and a crash would lose it
	KeyFree    bool // it failed before it was sent, and its key can be used again

	// User and APIKey are of a creation's answer and never stored: User is
	// made anew from the payload, APIKey is in the first answer alone.
	User   *provider.User
	APIKey string

	// Warnings are the vendor's, for people. APIKeyShown tells that the vendor
	// gave the new user an API key.
	Warnings    []string
	APIKeyShown bool
	timezone    string // as in creation
}

// Failure is a *provider.Error as it is kept.
type Failure struct {
	Kind     provider.Kind      `json:"kind"`
	Message  string             `json:"message"`
	Upstream *provider.Upstream `json:"upstream,omitempty"`
	Field    string             `json:"field,omitempty"`

	RetryAfter time.Duration `json:"-"` // known when it happened, and of no use later
}

// Err is the error that the failure was.
func (f *Failure) Err() *provider.Error {
	return &provider.Error{Kind: f.Kind, Message: f.Message, Upstream: f.Upstream, Field: f.Field, RetryAfter: f.RetryAfter, Refused: true}
}

func failureOf(err error) *Failure {
	var e *provider.Error
	if errors.As(err, &e) {
		return &Failure{Kind: e.Kind, Message: e.Message, Upstream: e.Upstream, Field: e.Field}
	}
	return &Failure{Kind: provider.KindOther, Message: "the gateway failed while it made the call"}
}

// The errors of writes beside *provider.Error, *NotFoundError,
// *SpendingError and *durable.UnavailableError.
type (
	// FailedError is an operation that surely changed nothing.
	FailedError struct{ Operation Operation }
	// InProgressError says that the operation under this key is running.
	InProgressError struct{ Operation Operation }
	// OutcomeUnknownError says that nobody knows how the operation under this
	// key ended. It is never sent again.
	OutcomeUnknownError struct{ Operation Operation }
	// KeyReusedError says that the key was used with another payload.
	KeyReusedError struct{ Operation Operation }
)

func (e *FailedError) Error() string     { return e.Operation.Problem.Err().Error() }
func (e *FailedError) Unwrap() error     { return e.Operation.Problem.Err() }
func (e *InProgressError) Error() string { return "operation " + e.Operation.ID + " is still running" }
func (e *KeyReusedError) Error() string {
	return "the key belongs to operation " + e.Operation.ID + ", which had another payload"
}
func (e *OutcomeUnknownError) Error() string {
	return "operation " + e.Operation.ID + " ended without an answer: whether the vendor did it is not known"
}

// work is one write on its way.
type work struct {
	op       store.Operation
	since    time.Time                 // of the spending that allow is told
	allow    func([]store.Spent) error // nil: it spends nothing
	dryRun   bool                      // the vendor checks alone: a failure surely changed nothing
	send     func(context.Context) (sent, error)
	complete func(*Operation) // adds to an answer what is not stored

	leave func(context.Context, error) // of the lockout; do sets it
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
func (s *Service) do(ctx context.Context, a *accountState, w work) (Operation, error) {
	if op, ok := s.unrecorded.of(w.op.Caller, w.op.Key); ok {
		return s.replay(ctx, a, w, op)
	}
	var recorded store.Operation
	var begun bool
	var refused error
	allow := w.allow
	leave, locked := a.lockout.enter(ctx, false)
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
	err := s.durable.Query(ctx, func(ctx context.Context, st *store.Store) (err error) {
		recorded, begun, err = st.BeginOperation(ctx, w.op, w.since, allow)
		if refused != nil {
			err = nil // no fault of the store's
		}
		return err
	})
	if locked == nil && (err != nil || !begun) {
		leave(ctx, context.Canceled) // there will be no call
	}
	switch {
	case err != nil:
		// Nothing was sent. The record may be there all the same, if only the
		// answer to its commit was lost: then it says so.
		s.tasks.run(func() { s.disown(w.op.ID) })
		return Operation{}, durable.Unavailable(ctx, err)
	case refused != nil:
		return Operation{}, refused
	case !begun:
		return s.replay(ctx, a, w, recorded)
	}
	w.leave = leave
	ended := make(chan ending, 1)
	detached := trace.ContextWithSpanContext(context.Background(), trace.SpanContextFromContext(ctx))
	detached = WithCaller(provider.WithCause(detached, provider.CauseCaller), callerOf(ctx))
	if !s.tasks.run(func() { s.sendOnce(detached, a, w, recorded, ended) }) {
		leave(ctx, context.Canceled)
		err := &provider.Error{Kind: provider.KindUnavailable, Message: "the gateway is shutting down, and has not sent the request", NotSent: true}
		e := ending{settlement: failed(s.label(), err), err: err}
		e.recorded = s.record(ctx, recorded.ID, e.settlement)
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
func (s *Service) sendOnce(ctx context.Context, a *accountState, w work, op store.Operation, ended chan<- ending) {
	// The time for it begins now, however long the record took.
	ctx, cancel := context.WithTimeout(ctx, op.GiveUpAt.Sub(op.CreatedAt)-durable.Timeout-giveUpMargin)
	defer cancel()
	answer, err := s.sendRecovered(ctx, w)
	w.leave(ctx, err)
	e := ending{settlement: settlementOf(s.label(), answer, err, w.dryRun), apiKey: answer.apiKey, err: err}
	stateChanged := s.observe(a, err)
	e.recorded = s.record(context.WithoutCancel(ctx), op.ID, e.settlement)
	wrote := e.settlement.State != store.Failed && !w.dryRun
	if wrote {
		a.written(write{stamp: s.stamp(), ours: true})
	}
	if !e.recorded {
		op.Settlement = e.settlement
		s.unrecorded.add(op)
		s.logEnd(op).Msg("the database did not take the end of an operation: trying again")
		ended <- e
		s.settle(op)
	}
	if wrote {
		s.persistWrite(a)
	}
	if e.recorded {
		ended <- e
	}
	if stateChanged {
		s.persist(context.WithoutCancel(ctx), a, nil, true)
	}
}

// sendRecovered takes a panic for an unknown outcome: the vendor may have got
// the request.
func (s *Service) sendRecovered(ctx context.Context, w work) (answer sent, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic while sending: %v", p)
			s.options.Log.Error().Str("operation", w.op.ID).Interface("panic", p).Msg("a write panicked")
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
		settled.Problem = encodeFailure(&Failure{Kind: provider.KindOther, Message: answer.unsure})
	}
	return settled
}

func failed(now time.Time, err error) store.Settlement {
	var e *provider.Error
	return store.Settlement{
		State: store.Failed, SettledAt: now, Problem: encodeFailure(failureOf(err)),
		KeyFree: errors.As(err, &e) && e.NotSent,
	}
}

func unknown(now time.Time, err error) store.Settlement {
	return store.Settlement{State: store.Unknown, SettledAt: now, Problem: encodeFailure(failureOf(err))}
}

func encodeFailure(f *Failure) []byte {
	data, err := json.Marshal(f)
	if err != nil { // texts always have a JSON form
		return nil
	}
	return data
}

// record writes down how an operation ended; false if the store could not in
// recordPatience, or has lost the operation, as after a failover.
func (s *Service) record(ctx context.Context, id string, to store.Settlement) bool {
	ctx, cancel := context.WithTimeout(ctx, recordPatience)
	defer cancel()
	var done, found bool
	var op store.Operation
	err := s.durable.Insist(ctx, func(ctx context.Context, st *store.Store) (err error) {
		// Another replica may have given it up meanwhile: we know better.
		if done, err = st.SettleOperation(ctx, id, to, store.Started, store.Unknown); err != nil || done {
			return err
		}
		op, found, err = st.Operation(ctx, id)
		return err
	})
	if err == nil && found && (op.State != to.State || op.Reference != to.Reference) {
		s.options.Log.Error().Str("operation", id).Str("state", string(to.State)).Str("reference", to.Reference).
			Msg("the vendor's answer came after the operation was settled otherwise: compare the two")
	}
	return err == nil && (done || found)
}

// disown makes an operation failed that was not sent, and frees its key, if its
// record is there although the store did not say so.
func (s *Service) disown(id string) {
	to := failed(s.label(), &provider.Error{
		Kind: provider.KindDatabase, Message: "the gateway's database did not answer in time, and the request was not sent", NotSent: true,
	})
	for range disownTries {
		err := s.durable.Insist(context.Background(), func(ctx context.Context, st *store.Store) error {
			_, err := st.SettleOperation(ctx, id, to, store.Started)
			return err
		})
		if err == nil {
			return
		}
		select {
		case <-time.After(recordRetry):
		case <-s.tasks.closing:
			return
		}
	}
}

// disownTries is how often; after that the record is given up as unknown.
const disownTries = 10

// answer is what the one who asked first gets.
func (s *Service) answer(a *accountState, w work, op store.Operation, e ending) (Operation, error) {
	op.Settlement = e.settlement
	out, err := operation(a.Provider, op)
	if err != nil {
		return Operation{}, err
	}
	w.complete(&out)
	out.APIKey, out.Recorded = e.apiKey, e.recorded
	var refused *provider.Error
	if out.Problem != nil && errors.As(e.err, &refused) {
		out.Problem.RetryAfter = refused.RetryAfter
	}
	if out.State == store.Failed {
		return out, &FailedError{Operation: out}
	}
	return out, nil
}

// replay answers a key that was used before.
func (s *Service) replay(ctx context.Context, a *accountState, w work, op store.Operation) (Operation, error) {
	if op.State == store.Started && op.Holder != s.replica {
		s.peers.settle(ctx, op.Holder)
	}
	_, ended := s.unrecorded.get(op.ID)
	if op.State == store.Started && !ended && s.abandoned(op, s.label()) {
		op = s.giveUp(ctx, op)
	}
	out, err := s.operation(a.Provider, op)
	if err != nil {
		return Operation{}, err
	}
	out.Replayed = true
	if op.Account != w.op.Account || op.Kind != w.op.Kind || string(op.Fingerprint) != string(w.op.Fingerprint) {
		return out, &KeyReusedError{Operation: out}
	}
	if op.KeyFree { // since a moment ago: the next try begins anew
		return out, &InProgressError{Operation: out}
	}
	switch op.State {
	case store.Started:
		return out, &InProgressError{Operation: out}
	case store.Unknown:
		return out, &OutcomeUnknownError{Operation: out}
	case store.Failed:
		return out, &FailedError{Operation: out}
	case store.Succeeded:
	}
	w.complete(&out)
	return out, nil
}
