package upstream

import (
	"context"
	"errors"
	"time"

	"github.com/failsafe-go/failsafe-go/circuitbreaker"

	"accountgateway/internal/provider"
)

// Budget is how many requests the vendor may get. Take grants one, or fails
// with a *provider.Error; end is called once when it is over, with sent false
// if the vendor surely did not see it. Drain says that the vendor itself
// reported its limit reached, the account's or that of the gateway's address, for
// that long (0: not known), and tells how long nothing will be granted.
type Budget interface {
	Take(ctx context.Context) (end func(sent bool), err error)
	Drain(ctx context.Context, d time.Duration, ofAddress bool) time.Duration
}

const (
	breakerFailures = 5                // in a row: transport faults and 5xx
	breakerDelay    = 30 * time.Second // then nothing is sent for that long, and one call after it
)

func newBreaker() circuitbreaker.CircuitBreaker[any] {
	return circuitbreaker.NewBuilder[any]().
		WithFailureThreshold(breakerFailures).
		WithSuccessThreshold(1).
		WithDelay(breakerDelay).
		Build()
}

// Circuit tells whether the breaker keeps calls from the vendor, and for how
// much longer. It does not once its wait is over: the next call is sent.
func (c *Client) Circuit() (open bool, wait time.Duration) {
	wait = c.breaker.RemainingDelay()
	return wait > 0, wait
}

// admit asks breaker and budget for one request. done is called with what
// became of it, and adds when to come again. The budget comes first, because a permit of the half-open
// breaker can't be given back, and must not be spent on a request that the
// budget refuses.
func (c *Client) admit(ctx context.Context) (done func(*try), err error) {
	if open, _ := c.Circuit(); open {
		return nil, c.circuitOpen()
	}
	end := func(bool) {}
	if c.o.Budget != nil {
		if end, err = c.o.Budget.Take(ctx); err != nil {
			return nil, err
		}
	}
	if !c.breaker.TryAcquirePermit() {
		end(false)
		return nil, c.circuitOpen()
	}
	return func(t *try) {
		proves := t.sent && !errors.Is(t.err, context.Canceled)
		switch {
		case t.faulty, !proves && c.breaker.IsHalfOpen(): // the one call that could have closed it did not
			c.breaker.RecordFailure()
		case proves:
			c.breaker.RecordSuccess()
		}
		end(t.sent)
		var limited *provider.Error
		if t.sent && c.o.Budget != nil && errors.As(t.err, &limited) && limited.Kind == provider.KindRateLimited {
			t.retryAfter = c.o.Budget.Drain(ctx, t.retryAfter, limited.OfAddress)
		}
	}, nil
}

func (c *Client) circuitOpen() *provider.Error {
	return &provider.Error{
		Kind: provider.KindUnavailable, NotSent: true, RetryAfter: max(c.breaker.RemainingDelay(), time.Second),
		Message: "the vendor kept failing and is not asked for a while",
	}
}
