package account

import (
	"context"
	"errors"
	"math"
	"sync"
	"time"

	"accountgateway/internal/config"
	"accountgateway/internal/provider"
	"accountgateway/internal/store"
)

// Budget is how many calls an account's vendor may still get. All replicas
// share it through the store; while that is away each lives on its part.
// Callers come before background readings: a part is kept for them.
type Budget struct {
	account string
	durable *Durable
	limit   store.BudgetLimit
	hold    time.Duration // the longest that a call takes

	mu        sync.Mutex
	remaining int          // as the store last said, less what was taken since
	drained   time.Time    // the vendor said that its limit is reached: nothing until then
	replicas  int          // that shared the budget when the store last answered
	met       bool         // the store has answered since the start
	alone     []*aloneCall // made without the store, oldest first
}

// aloneCall is a call that was made without asking the store.
type aloneCall struct {
	end     time.Time // the latest possible
	settled bool      // the store knows it by now
}

// backgroundShare is what a budget is divided by for background readings: they
// leave the rest, a half, to callers.
const backgroundShare = 2

// replicasUnmet is how many replicas there are taken to be before the store
// has said.
const replicasUnmet = 4

// drainMost is how long a vendor may keep an account from being asked, or one
// window of its budget if that is longer: a mistaken answer must not stop it for
// days.
const drainMost = time.Hour

type callerKey struct{}

// WithCaller says who wants what is done under the context, so that one caller
// can't use up what all share.
func WithCaller(ctx context.Context, caller string) context.Context {
	return context.WithValue(ctx, callerKey{}, caller)
}

func callerOf(ctx context.Context) string {
	caller, _ := ctx.Value(callerKey{}).(string)
	return caller
}

// NewBudget makes the budget of an account. The zero rate is no limit. hold is
// the longest that one call can take.
func NewBudget(account string, rate config.Rate, hold time.Duration, d *Durable) *Budget {
	return &Budget{
		account: account, durable: d, hold: hold, replicas: replicasUnmet, remaining: rate.Calls,
		limit: store.BudgetLimit{Calls: rate.Calls, Per: rate.Per, Reserve: rate.Calls - rate.Calls/backgroundShare, PerCaller: rate.Calls - rate.Calls/4},
	}
}

// Take grants one vendor call or fails: with KindRateLimited, which tells when
// to come again, or with KindDatabase where the store took all the time that
// there was. end is called once the call is over; sent is false if the
// vendor surely did not see it.
func (b *Budget) Take(ctx context.Context) (end func(sent bool), err error) {
	if wait := b.drainedFor(b.durable.now()); wait > 0 {
		return nil, &provider.Error{
			Kind: provider.KindRateLimited, NotSent: true, RetryAfter: wait,
			Message: "the vendor said that its own limit is reached, and is not asked until that has passed",
		}
	}
	if b.limit.Calls == 0 {
		return func(bool) {}, nil
	}
	background := provider.CauseOf(ctx) == provider.CauseRefresh
	if since, alone := b.durable.alone(b.durable.now()); alone {
		return b.takeAlone(b.durable.now(), since, background)
	}
	var slot store.Slot
	var left store.Budget
	err = b.durable.use(ctx, func(ctx context.Context, s *store.Store) (err error) {
		slot, left, err = s.TakeSlot(ctx, b.account, b.limit, store.Asker{Background: background, Caller: callerOf(ctx)}, b.hold)
		return err
	})
	if err != nil {
		switch {
		case errors.Is(ctx.Err(), context.Canceled):
			return nil, &provider.Error{Kind: provider.KindUnavailable, NotSent: true, Message: "the call was given up before it was made"}
		case ctx.Err() != nil:
			return nil, &provider.Error{Kind: provider.KindDatabase, NotSent: true, Message: "the gateway's database did not answer in time, and the vendor was not asked", Err: err}
		}
		return b.takeAlone(b.durable.now(), b.durable.now(), background)
	}
	if !slot.Granted() {
		return nil, b.refused(max(left.RetryAfter, time.Second))
	}
	b.taken()
	return func(sent bool) {
		// The call is over, whatever became of its context.
		ctx := context.WithoutCancel(ctx)
		// If the store can't take it, the slot ends by itself, later.
		_ = b.durable.use(ctx, func(ctx context.Context, s *store.Store) error {
			if !sent {
				return s.ReleaseSlot(ctx, slot)
			}
			return s.EndSlot(ctx, slot)
		})
	}, nil
}

// Drain lets nobody call for a time, because the vendor said that its own
// limit is reached; d is what it said of how long, 0 if nothing. It returns for
// how long.
func (b *Budget) Drain(ctx context.Context, d time.Duration) time.Duration {
	if d <= 0 {
		d = b.limit.Per
	}
	d = min(d, max(b.limit.Per, drainMost))
	until := b.durable.now().Add(d)
	b.mu.Lock()
	if until.After(b.drained) {
		b.drained = until
	}
	b.remaining = 0
	b.mu.Unlock()
	// Without the store this replica still keeps to it.
	_ = b.durable.use(context.WithoutCancel(ctx), func(ctx context.Context, s *store.Store) error {
		return s.DrainBudget(ctx, b.account, d)
	})
	return d
}

// Limit is how many calls there are in a window; unlimited is math.MaxInt.
func (b *Budget) Limit() int {
	if b.limit.Calls == 0 {
		return math.MaxInt
	}
	return b.limit.Calls
}

// Remaining is what is left, as last heard; unlimited is math.MaxInt.
func (b *Budget) Remaining() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.limit.Calls == 0 {
		return math.MaxInt
	}
	return b.remaining
}

// takeAlone grants a call without the store, which has been away since then.
// What it last had left is shared among the replicas until one window has
// passed, and the whole limit after that, so that together they keep to it.
func (b *Budget) takeAlone(now, since time.Time, background bool) (func(bool), error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for len(b.alone) > 0 && now.Sub(b.alone[0].end) >= b.limit.Per {
		b.alone = b.alone[1:]
	}
	share := b.limit.Calls / b.replicas
	if now.Sub(since) < b.limit.Per+b.hold {
		share = min(share, b.remaining/b.replicas)
	}
	if background {
		share /= backgroundShare
	}
	if !b.met {
		share = max(share, 1) // a rate below the number of replicas would else grant nobody a call
	}
	if len(b.alone) >= share {
		wait := since.Add(b.limit.Per + b.hold).Sub(now) // then the share grows
		if share > 0 {
			wait = b.limit.Per - now.Sub(b.alone[len(b.alone)-share].end)
		}
		return nil, b.refused(max(wait, time.Second))
	}
	b.alone = append(b.alone, &aloneCall{end: now.Add(b.hold)})
	return func(bool) {}, nil
}

// settle tells the store of the calls that were made without it, and of a
// limit that the vendor said it had reached meanwhile.
func (b *Budget) settle(ctx context.Context, s *store.Store) error {
	now := b.durable.now()
	if left := b.drainedFor(now); left > 0 {
		if err := s.DrainBudget(ctx, b.account, left); err != nil {
			return err
		}
	}
	b.mu.Lock()
	var calls []*aloneCall
	var ago []time.Duration
	for _, call := range b.alone {
		if !call.settled && now.Sub(call.end) < b.limit.Per {
			calls, ago = append(calls, call), append(ago, now.Sub(call.end))
		}
	}
	b.mu.Unlock()
	if len(calls) == 0 {
		return nil
	}
	if err := s.AddSlots(ctx, b.account, b.limit.Per, ago); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, call := range calls {
		call.settled = true
	}
	return nil
}

// heard takes note of what all replicas have used, and how many they are.
func (b *Budget) heard(used, replicas int) {
	_, alone := b.durable.alone(b.durable.now())
	b.mu.Lock()
	defer b.mu.Unlock()
	if !alone || !b.met || replicas > b.replicas { // just back, the others may not have come yet
		b.replicas = max(replicas, 1)
	}
	b.met = true
	b.remaining = max(b.limit.Calls-used, 0)
	if b.durable.now().Before(b.drained) {
		b.remaining = 0
	}
}

func (b *Budget) taken() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.remaining = max(b.remaining-1, 0)
}

func (b *Budget) drainedFor(now time.Time) time.Duration { return b.drainedUntil().Sub(now) }

func (b *Budget) drainedUntil() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.drained
}

// refused is the error of a call that must wait.
func (b *Budget) refused(wait time.Duration) error {
	return &provider.Error{
		Kind: provider.KindRateLimited, NotSent: true, RetryAfter: wait,
		Message: "the budget of calls to this account's vendor (" + config.Rate{Calls: b.limit.Calls, Per: b.limit.Per}.String() + ") is used up",
	}
}
