// Package upstream is the outgoing HTTP client of all adapters. It sends a
// Call, bounds its time and size, retries reads, keeps breaker and budget, and
// counts. It does not know what an answer means: adapters pass a function that
// reads it.
package upstream

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"slices"
	"time"

	"github.com/failsafe-go/failsafe-go"
	"github.com/failsafe-go/failsafe-go/circuitbreaker"
	"github.com/failsafe-go/failsafe-go/retrypolicy"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"accountgateway/internal/provider"
	"accountgateway/internal/redact"
)

const (
	defaultTimeout = 10 * time.Second
	maxRetries     = 2
	firstBackoff   = 100 * time.Millisecond // doubles with each retry
)

// Options of one account's client.
type Options struct {
	Account, Provider string        // metric labels
	Secrets           []string      // the account's: redacted from whatever the vendor says; empty strings are ignored
	Timeout           time.Duration // one call, retries included, from when it is let through; 0 is 10 s
	Metrics           *Metrics      // nil counts nowhere
	Log               zerolog.Logger
	Transports        *Transports       // nil: new ones
	Transport         http.RoundTripper // instead of Transports, for tests; nil: Transports
	Budget            Budget            // nil: no limit
	Tracer            trace.Tracer      // nil: no spans
}

// Client calls one vendor with one account's credentials. It is safe for
// concurrent use.
type Client struct {
	o             Options
	metrics       accountMetrics
	reads, writes class
	breaker       circuitbreaker.CircuitBreaker[any]
}

// class is how a kind of call travels.
type class struct {
	transport http.RoundTripper
	policies  failsafe.Executor[try]
}

// New makes the client of one account.
func New(o Options) *Client {
	if o.Timeout <= 0 {
		o.Timeout = defaultTimeout
	}
	if o.Tracer == nil {
		o.Tracer = noop.NewTracerProvider().Tracer("")
	}
	if o.Metrics == nil {
		o.Metrics = NewMetrics(prometheus.NewRegistry())
	}
	switch {
	case o.Transport != nil:
		o.Transports = &Transports{reads: o.Transport, writes: o.Transport}
	case o.Transports == nil:
		o.Transports = NewTransports(o.Timeout)
	}
	metrics := o.Metrics.of(o.Account, o.Provider)
	return &Client{
		o:       o,
		metrics: metrics,
		breaker: newBreaker(),
		reads:   class{transport: o.Transports.reads, policies: failsafe.With[try](retries())},
		writes:  class{transport: o.Transports.writes, policies: failsafe.With[try]()},
	}
}

// retries decides only by the try, so that an error of another policy is
// never tried again.
func retries() failsafe.Policy[try] {
	return retrypolicy.NewBuilder[try]().
		HandleIf(func(t try, _ error) bool { return t.again }).
		WithMaxRetries(maxRetries).
		WithDelayFunc(func(exec failsafe.ExecutionAttempt[try]) time.Duration { return exec.LastResult().wait }).
		ReturnLastFailure().
		Build()
}

// Do sends the call and hands the answer, whatever its status, to read, which
// decodes it and returns nil or a *provider.Error. Reads are tried again after
// transport faults and 5xx; read may run more than once.
//
// Do fails with a copy of the last error of read, whose cause is redacted, or, where there was
// nothing to read, with a *provider.Error of kind provider_unavailable,
// provider_timeout or provider_bad_response. An answer other than 2xx is a
// failure even if read accepts it. A call that the caller gave up wraps
// context.Canceled.
func (c *Client) Do(ctx context.Context, call Call, read func(Answer) error) error {
	ctx, span := c.startSpan(ctx, call)
	defer span.End()
	way := c.reads
	if call.Write {
		way = c.writes
	}

	// The last try is kept here because an execution whose context ends
	// forgets its result, be it a success.
	secrets := redact.New(redact.Texts{Secrets: slices.Concat(c.o.Secrets, call.Secrets), Personal: call.Personal, Public: call.Public})
	var last try
	var tries int
	var sent bool
	var began time.Time
	var drifts []string // of the last try
	_, policyErr := way.policies.WithContext(ctx).Get(func() (try, error) {
		t := c.try(ctx, way.transport, call, tries, began, func(a Answer) error {
			drifts = nil
			a.Secrets, a.Drift = secrets, func(field string) { drifts = append(drifts, field) }
			return read(a)
		})
		if !t.refused || tries == 0 {
			last = t // a retry that was not admitted leaves the failure before it
		}
		if tries == 0 {
			began = t.began
		}
		tries++
		sent = sent || t.sent
		return t, nil
	})
	err := last.err
	if err != nil && errors.Is(policyErr, context.Canceled) {
		err = canceled() // also when it was given up between two tries
	}
	err = finish(err, secrets, last.retryAfter, sent)

	endSpan(span, last.status, tries, outcome(err))
	if last.refused { // there was no call to count
		return err
	}
	took := last.ended.Sub(began)
	c.metrics.ended(ctx, call.Operation, outcome(err), took)
	if last.drift != "" {
		drifts = append(drifts, last.drift)
	}
	for _, field := range drifts {
		c.metrics.drifted(field)
	}
	c.o.Log.Debug().Str("account", c.o.Account).Str("operation", string(call.Operation)).
		Int("status", last.status).Int("tries", tries).Str("outcome", outcome(err)).
		Dur("duration", took).Msg("vendor call")
	return err
}

// try is what one try came to.
type try struct {
	err        error
	began      time.Time     // when breaker and budget had let it through
	ended      time.Time     // when the vendor's answer was read
	status     int           // 0 if no answer came
	sent       bool          // the vendor may have seen the request
	refused    bool          // breaker or budget did not let it through
	faulty     bool          // a transport fault or a 5xx: what the breaker counts
	drift      string        // the vendor's field that read did not understand
	retryAfter time.Duration // what the vendor asked for
	again      bool          // another try makes sense and fits in the deadline
	wait       time.Duration // before that
}

// try makes one try. callBegan is when the first one began, from which on all
// of them have Options.Timeout; it is zero for the first. What breaker and
// budget take before that is not the vendor's time.
func (c *Client) try(ctx context.Context, transport http.RoundTripper, call Call, retry int, callBegan time.Time, read func(Answer) error) try {
	cause := provider.CauseOf(ctx)
	if retry > 0 {
		cause = provider.CauseRetry
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, callBegan.Add(c.o.Timeout))
		defer cancel()
	}
	done, err := c.admit(ctx)
	if err != nil {
		return try{err: err, refused: true}
	}
	began := time.Now()
	if retry == 0 {
		callBegan = began
	}
	ctx, cancel := context.WithDeadline(ctx, callBegan.Add(c.o.Timeout))
	defer cancel()
	t := try{sent: true, faulty: true} // what is told if read panics
	func() {
		defer func() { done(&t) }()
		t = c.exchange(ctx, transport, call, read)
		t.began, t.ended = began, time.Now()
	}()
	if t.sent {
		c.metrics.called(call.Operation, cause)
	}
	t.wait = max(t.retryAfter, backoff(retry))
	deadline, _ := ctx.Deadline()
	t.again = t.again && time.Until(deadline) > t.wait
	return t
}

// exchange sends the request once and has its answer read.
func (c *Client) exchange(ctx context.Context, transport http.RoundTripper, call Call, read func(Answer) error) try {
	var conn connTrace
	req, err := newRequest(conn.follow(ctx), call)
	if err != nil {
		return try{err: notBuilt(err)}
	}
	if ctx.Err() != nil {
		return try{err: transportError(ctx, false, false, ctx.Err())}
	}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		failure := transportError(ctx, conn.maySent(), conn.answered.Load(), err)
		faulty := !errors.Is(failure, context.Canceled)
		return try{err: failure, sent: conn.maySent(), faulty: faulty, again: failure.Kind != provider.KindBadResponse}
	}
	defer resp.Body.Close() // a body read to its end leaves the connection for the next call

	t := try{status: resp.StatusCode, sent: true, faulty: resp.StatusCode >= 500, retryAfter: retryAfter(resp, time.Now())}
	if resp.StatusCode < 200 || resp.StatusCode/100 == 3 {
		t.err = StatusError(resp.StatusCode) // the body, and where a redirect leads, are of no interest
		return t
	}
	body, err := readBody(resp)
	if err != nil {
		failure := bodyError(ctx, resp.StatusCode, err)
		t.err, t.again = failure, failure.Kind != provider.KindBadResponse
		t.faulty = t.faulty || t.again && !errors.Is(failure, context.Canceled)
		return t
	}
	t.err = read(Answer{Status: resp.StatusCode, Header: resp.Header, Body: body})
	t.drift = driftOf(t.err)
	if t.err == nil && resp.StatusCode/100 != 2 {
		t.err = StatusError(resp.StatusCode)
	}
	t.again = resp.StatusCode >= 500 && mayPass(provider.KindOf(t.err))
	return t
}

// backoff is how long to wait before a retry: half to one and a half of the
// doubling step, so that many clients don't come back at once.
func backoff(retry int) time.Duration {
	step := firstBackoff << min(retry, maxRetries)
	return step/2 + rand.N(step) //nolint:gosec // nothing depends on nobody guessing it
}
