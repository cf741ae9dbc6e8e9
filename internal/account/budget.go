package account

import (
	"context"
	"errors"
	"math"
	"sync"
	"time"

	"accountgateway/internal/config"
	"accountgateway/internal/durable"
	"accountgateway/internal/provider"
	"accountgateway/internal/store"
)

// Budget is how many calls an account's vendor may still get. All replicas
// share it through the store; while that is away each lives on its part.
// Callers come before background readings: a part is kept for them.
type Budget struct {
	name    string  // in the store
	host    *Budget // which its calls count in too, with those of other accounts; nil: none
	what    string  // what it is a budget of, for people
	durable *durable.Store
	limit   store.BudgetLimit
	hold    time.Duration // the longest that a call takes

	mu        sync.Mutex
	remaining int          // as the store last said, less what was taken since
	drained   time.Time    // the vendor said that its limit is reached: nothing until then
	replicas  int          // that shared the budget when the store last answered
	met       bool         // the store has answered since the start
	alone     []*aloneCall // made without the store, oldest first

	// What other replicas take between two looks at the store is not known
	// when it goes away.
	used, own int       // as the store last said; taken by this replica since
	others    int       // the most that others took between two looks, in about a window
	othersAt  time.Time // when that was
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
// the longest that one call can take. Its calls count in the host's budget too,
// unless that is nil.
func NewBudget(account string, rate config.Rate, hold time.Duration, d *durable.Store, host *Budget) *Budget {
	b := newBudget(account, rate, hold, d)
	b.what, b.host = "calls for this account", host
	return b
}

// NewHostBudget makes the budget that all accounts at one vendor's host share,
// because the vendor counts calls by the address that they come from. name is
// like no account's.
func NewHostBudget(name string, rate config.Rate, hold time.Duration, d *durable.Store) *Budget {
	b := newBudget(name, rate, hold, d)
	b.what = "calls from this gateway's address"
	return b
}

func newBudget(name string, rate config.Rate, hold time.Duration, d *durable.Store) *Budget {
	return &Budget{
		name: name, durable: d, hold: hold, replicas: replicasUnmet, remaining: rate.Calls,
		limit: store.BudgetLimit{Calls: rate.Calls, Per: rate.Per, Reserve: rate.Calls - rate.Calls/backgroundShare, PerCaller: rate.Calls - rate.Calls/4},
	}
}

// Take grants one vendor call or fails: with KindRateLimited, which tells when
// to come again, or with KindDatabase where the store took all the time that
// there was. end is called once the call is over; sent is false if the
// vendor surely did not see it.
func (b *Budget) Take(ctx context.Context) (end func(sent bool), err error) {
	all, asker := b.all(), askerOf(ctx)
	for _, one := range all {
		if wait := one.drainedFor(b.durable.Now()); wait > 0 {
			return nil, one.refused(wait, "the vendor's own limit of "+one.what+" is reached; it is not called until that has passed")
		}
	}
	if !b.limited() {
		return func(bool) {}, nil
	}
	if since, alone := b.durable.Alone(); alone {
		return takeAlone(all, b.durable.Now(), since, asker.Background)
	}
	slot := reserved(ctx, b)
	if slot.Granted() {
		return b.granted(ctx, slot), nil
	}
	var wait []time.Duration
	err = b.durable.Use(ctx, func(ctx context.Context, s *store.Store) (err error) {
		slot, wait, err = s.TakeSlot(ctx, b.shares(ctx), asker, b.hold)
		return err
	})
	if err != nil {
		switch {
		case errors.Is(ctx.Err(), context.Canceled):
			return nil, &provider.Error{Kind: provider.KindUnavailable, NotSent: true, Message: "the call was canceled before it was sent"}
		case ctx.Err() != nil:
			return nil, &provider.Error{Kind: provider.KindDatabase, NotSent: true, Message: "the gateway's database did not answer in time; the vendor was not called", Err: err}
		}
		return takeAlone(all, b.durable.Now(), b.durable.Now(), asker.Background)
	}
	if !slot.Granted() {
		longest := 0 // the call has to wait for each of them
		for i := range wait {
			if wait[i] > wait[longest] {
				longest = i
			}
		}
		return nil, all[longest].usedUp(wait[longest])
	}
	return b.granted(ctx, slot), nil
}

// granted makes the call that has a slot count, and gives its end.
func (b *Budget) granted(ctx context.Context, slot store.Slot) (end func(sent bool)) {
	for _, one := range b.all() {
		one.taken()
	}
	return func(sent bool) {
		// The call is over, whatever became of its context. If the store can't
		// take it, the slot ends by itself, later.
		ctx := context.WithoutCancel(ctx)
		if !sent {
			b.release(ctx, slot)
			return
		}
		// Nobody gets a call too many if it ends late.
		afterwards(ctx, func() {
			_ = b.durable.Use(ctx, func(ctx context.Context, s *store.Store) error { return s.EndSlot(ctx, slot) })
		})
	}
}

// release gives a slot back whose call the vendor surely did not see.
func (b *Budget) release(ctx context.Context, slot store.Slot) {
	_ = b.durable.Use(context.WithoutCancel(ctx), func(ctx context.Context, s *store.Store) error { return s.ReleaseSlot(ctx, slot) })
}

// wants are the budgets of which a call would take a slot from the store now;
// nil if it would take none.
func (b *Budget) wants(ctx context.Context) []store.BudgetShare {
	if _, alone := b.durable.Alone(); alone || !b.limited() {
		return nil
	}
	for _, one := range b.all() {
		if one.drainedFor(b.durable.Now()) > 0 {
			return nil
		}
	}
	return b.shares(ctx)
}

// shares are the budgets as the call under the context may use them. A reading
// may take the only call of a budget, or the account would never be read in the
// background; what comes before a write may not.
func (b *Budget) shares(ctx context.Context) []store.BudgetShare {
	var shares []store.BudgetShare
	for _, one := range b.all() {
		limit := one.limit
		if limit.Calls == 1 && isReading(ctx) {
			limit.Reserve = 0
		}
		shares = append(shares, store.BudgetShare{Name: one.name, Limit: limit})
	}
	return shares
}

// limited tells whether any of the budgets that the calls count in has a limit.
func (b *Budget) limited() bool { return b.limit.Calls > 0 || b.host != nil && b.host.limit.Calls > 0 }

func askerOf(ctx context.Context) store.Asker {
	return store.Asker{Background: provider.CauseOf(ctx) == provider.CauseRefresh, Caller: callerOf(ctx)}
}

// all are the budgets that a call counts in, the account's own first.
func (b *Budget) all() []*Budget {
	if b.host == nil {
		return []*Budget{b}
	}
	return []*Budget{b, b.host}
}

// Drain lets nobody call for a time, because the vendor said that its own
// limit is reached; d is what it said of how long, 0 if nothing. It returns for
// how long. With ofAddress it is the limit of the gateway's address, which holds
// for all accounts at the host.
func (b *Budget) Drain(ctx context.Context, d time.Duration, ofAddress bool) time.Duration {
	if d <= 0 && ofAddress && b.host != nil {
		d = b.host.limit.Per
	}
	if d <= 0 {
		d = b.limit.Per
	}
	if ofAddress && b.host != nil {
		b = b.host
	}
	d = min(d, max(b.limit.Per, drainMost))
	until := b.durable.Now().Add(d)
	b.mu.Lock()
	if until.After(b.drained) {
		b.drained = until
	}
	b.remaining = 0
	b.mu.Unlock()
	// Without the store this replica still keeps to it.
	_ = b.durable.Use(context.WithoutCancel(ctx), func(ctx context.Context, s *store.Store) error {
		return s.DrainBudget(ctx, b.name, d)
	})
	return d
}

// Left is what is left of the budget of those that the account's calls count in
// that has the least, as last heard, and that one's limit; unlimited is
// math.MaxInt.
func (b *Budget) Left() (remaining, limit int) {
	remaining, limit = math.MaxInt, math.MaxInt
	for one := b; one != nil; one = one.host {
		one.mu.Lock()
		if one.limit.Calls > 0 && one.remaining < remaining {
			remaining, limit = one.remaining, one.limit.Calls
		}
		one.mu.Unlock()
	}
	return remaining, limit
}

// heardOf tells whether the store has told of all budgets that the account's
// calls count in, and is there.
func (b *Budget) heardOf() bool {
	if _, alone := b.durable.Alone(); alone {
		return false
	}
	for one := b; one != nil; one = one.host {
		one.mu.Lock()
		met := one.met
		one.mu.Unlock()
		if !met {
			return false
		}
	}
	return true
}

// takeAlone grants a call without the store, which has been away since then, in
// all of its budgets or in none.
func takeAlone(all []*Budget, now, since time.Time, background bool) (func(bool), error) {
	for _, b := range all {
		b.mu.Lock()
		defer b.mu.Unlock()
	}
	for _, b := range all {
		if wait := b.waitAlone(now, since, background); wait > 0 {
			return nil, b.usedUp(wait)
		}
	}
	for _, b := range all {
		b.alone = append(b.alone, &aloneCall{end: now.Add(b.hold)})
	}
	return func(bool) {}, nil
}

// waitAlone is how long a call has to wait without the store; 0 if it need not.
// What the store last had left is shared among the replicas until one window has
// passed, and the whole limit after that, so that together they keep to it. b.mu
// is held.
func (b *Budget) waitAlone(now, since time.Time, background bool) time.Duration {
	for len(b.alone) > 0 && now.Sub(b.alone[0].end) >= b.limit.Per {
		b.alone = b.alone[1:]
	}
	if b.limit.Calls == 0 {
		return 0
	}
	share := b.limit.Calls / b.replicas
	if now.Sub(since) < b.limit.Per+b.hold {
		share = min(share, max(b.remaining-b.others, 0)/b.replicas)
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
		return max(wait, time.Second)
	}
	return 0
}

// settle tells the store of the calls that were made without it, and of a
// limit that the vendor said it had reached meanwhile.
func (b *Budget) settle(ctx context.Context, s *store.Store) error {
	now := b.durable.Now()
	if left := b.drainedFor(now); left > 0 {
		if err := s.DrainBudget(ctx, b.name, left); err != nil {
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
	if err := s.AddSlots(ctx, b.name, b.limit.Per, ago); err != nil {
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
	_, alone := b.durable.Alone()
	b.mu.Lock()
	defer b.mu.Unlock()
	if !alone || !b.met || replicas > b.replicas { // just back, the others may not have come yet
		b.replicas = max(replicas, 1)
	}
	b.met = true
	now := b.durable.Now()
	if others := used - b.used - b.own; others >= b.others || now.Sub(b.othersAt) >= b.limit.Per {
		b.others, b.othersAt = max(others, 0), now
	}
	b.used, b.own = used, 0
	b.remaining = max(b.limit.Calls-used, 0)
	if b.durable.Now().Before(b.drained) {
		b.remaining = 0
	}
}

func (b *Budget) taken() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.remaining = max(b.remaining-1, 0)
	b.own++
}

func (b *Budget) drainedFor(now time.Time) time.Duration { return b.drainedUntil().Sub(now) }

func (b *Budget) drainedUntil() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.drained
}

// refused is the error of a call that must wait.
func (b *Budget) refused(wait time.Duration, message string) error {
	return &provider.Error{Kind: provider.KindRateLimited, NotSent: true, RetryAfter: max(wait, time.Second), Message: message}
}

// usedUp is the error of a call that the budget does not allow.
func (b *Budget) usedUp(wait time.Duration) error {
	rate := config.Rate{Calls: b.limit.Calls, Per: b.limit.Per}
	return b.refused(wait, "the budget of "+b.what+" ("+rate.String()+") is used up")
}
