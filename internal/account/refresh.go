package account

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"accountgateway/internal/provider"
)

// The bounds of how often the schedule is looked at. With many accounts, several
// have their turn at once.
const (
	leastTick = 10 * time.Millisecond
	mostTick  = time.Second
)

// startSpeed is how much faster than usual what is missing is read after a start,
// so that it leaves no gap in the metrics.
const startSpeed = 10

// refreshAll reads every account once in each interval, at its time, but for
// those that back off. At first it also reads those that missed their time while
// no gateway ran.
func (s *Service) refreshAll(ctx context.Context) {
	var wg sync.WaitGroup
	defer wg.Wait()
	type reading struct {
		account *accountState
		failing bool
	}
	ended := make(chan reading)
	queue := newRefreshQueue(s.accounts)
	begin := func() {
		for a, failing := queue.next(); a != nil; a, failing = queue.next() {
			wg.Go(func() {
				s.refresh(ctx, a)
				select {
				case ended <- reading{a, failing}:
				case <-ctx.Done():
				}
			})
		}
	}
	turn := func(a *accountState) {
		if !queue.busy[a] && !a.backoff.leavesOut() {
			queue.add(a, s.now())
		}
	}

	interval := s.options.RefreshInterval
	regular := newSchedule(s.accounts, interval, s.label())
	pace := interval / time.Duration(len(s.accounts)) // between two accounts
	ticker := time.NewTicker(min(max(pace/startSpeed, leastTick), mostTick))
	defer ticker.Stop()
	caughtUp := 0 // accounts that were looked at for whether they missed their time
	began, looked := s.now(), s.now()
	last := began
	for {
		now := s.now()
		if now.Sub(looked) >= time.Second {
			looked = now
			s.lag.observe(queue.hosts, now, s)
		}
		for ; caughtUp < len(s.accounts) && now.Sub(began) >= regular.time(caughtUp)/startSpeed; caughtUp++ {
			if a := regular.accounts[caughtUp]; s.missedTurn(a) {
				turn(a)
			}
			if caughtUp == len(s.accounts)-1 {
				ticker.Reset(min(max(pace, leastTick), mostTick))
			}
		}
		regular.advance(now.Sub(last), turn)
		last = now
		begin()
		for next := false; !next; {
			select {
			case r := <-ended:
				queue.ended(r.account, r.failing)
				begin()
			case <-ticker.C:
				next = true
			case <-ctx.Done():
				return
			}
		}
	}
}

// missedTurn tells whether an account has a reading that is missing, or older than
// it would be if it had been read at its time.
func (s *Service) missedTurn(a *accountState) bool {
	now := s.stamp()
	for _, op := range []provider.Operation{provider.OpBalance, provider.OpStatistics} {
		if !a.capabilities.Callable(op) {
			continue
		}
		if e := s.memory.get(key{account: a.Name, op: op}); e == nil || e.age(now) > s.options.RefreshInterval {
			return true
		}
	}
	return false
}

// refresh reads an account in the background, if this replica is the one that
// does so for it.
func (s *Service) refresh(ctx context.Context, a *accountState) {
	acquire := func(intervals int) (mine bool, err error) {
		return s.Lease(ctx, "refresh/"+a.Name, time.Duration(intervals)*s.options.RefreshInterval*3/2)
	}
	if mine, err := acquire(1); err == nil && !mine {
		return // another replica does it, and what it learns comes by the store
	}
	if s.readBoth(provider.WithCause(ctx, provider.CauseRefresh), a) {
		s.renewRunway(ctx, a)
		return
	}
	if intervals := a.backoff.failed(s.options.RefreshInterval); intervals > 1 {
		_, _ = acquire(intervals) // else another replica would go on in our place
	}
}

// readBoth reads an account's balance and statistics, and tells false if the
// vendor was asked and gave neither. Callers' readings that are younger than
// half an interval spare the calls. Once a call was not answered the other is
// not made, which would most likely hang too; next time it comes first.
func (s *Service) readBoth(ctx context.Context, a *accountState) bool {
	half := s.options.RefreshInterval / 2
	b := Bound{MaxAge: &half}
	balance := func() error {
		r, err := s.Balance(ctx, a.Name, provider.BalanceQuery{}, b)
		return errors.Join(err, r.Err)
	}
	statistics := func() error {
		r, err := s.Statistics(ctx, a.Name, provider.StatisticsQuery{}, b)
		return errors.Join(err, r.Err)
	}
	var reads []func() error
	if a.capabilities.Callable(provider.OpBalance) {
		reads = append(reads, balance)
	}
	if a.capabilities.Callable(provider.OpStatistics) {
		reads = append(reads, statistics)
	}
	if a.backoff.odd() {
		slices.Reverse(reads)
	}
	var answered, failed bool
	for _, read := range reads {
		// The account's state and metrics tell of a failure.
		switch state, _ := classify(read()); state {
		case StateOK:
			answered = true
		case "": // the vendor was not asked
		case StateBadResponse:
			failed = true
		default:
			return answered
		}
	}
	return answered || !failed
}
