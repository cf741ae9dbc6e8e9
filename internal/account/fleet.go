package account

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"accountgateway/internal/provider"
)

// FleetItem is one account's part in a fleet read: a reading or an error.
type FleetItem struct {
	Account  string
	Provider string
	Balance  Reading[provider.Balance]
	Err      error
}

// Balances reads the balance of every account that sees takes at once and
// answers one item an account, by name, whatever failed. Others are not asked,
// nor those that hold no money.
//
// Readings grow older while a slow vendor is waited for. So all are judged at
// one moment, the answer's: by then each is within its limit or Stale, and
// within the caller's bound or a *FreshnessError. What was good enough when it
// arrived and is not any more is read once more before that.
func (s *Service) Balances(ctx context.Context, sees func(account string) bool, b Bound) []FleetItem {
	var items []FleetItem
	for _, name := range s.names {
		if a := s.accounts[name]; !a.moneyless && sees(name) {
			items = append(items, FleetItem{Account: name, Provider: a.Provider})
		}
	}
	came := s.now()
	s.readEach(ctx, items, b, func(*FleetItem) bool { return true })
	arrived := s.stamp()
	s.readEach(ctx, items, b, func(item *FleetItem) bool { return s.grewTooOld(item, b, came, arrived) })
	answered := s.stamp()
	for i := range items {
		s.judge(&items[i], b, came, answered)
	}
	return items
}

// readEach reads the balances of those items that are due: at each host the
// working accounts first, so that they don't wait for those that hang. What the
// vendors have not answered in the time of one load is as if they could not be
// asked.
func (s *Service) readEach(ctx context.Context, items []FleetItem, b Bound, due func(*FleetItem) bool) {
	ctx, cancel := context.WithTimeoutCause(ctx, s.options.LoadTimeout, &provider.Error{
		Kind: provider.KindTimeout, NotSent: true,
		Message: fmt.Sprintf("no answer within %s: the vendor is slow, or too many of its accounts had to be asked", s.options.LoadTimeout),
	})
	defer cancel()
	b.inTurn = true
	byHost := map[string][]*FleetItem{}
	for _, failing := range []bool{false, true} {
		for i := range items {
			item := &items[i]
			if a := s.accounts[item.Account]; a.state.failing() == failing && due(item) {
				byHost[a.Host] = append(byHost[a.Host], item)
			}
		}
	}
	var wg sync.WaitGroup
	for _, waiting := range byHost {
		var next atomic.Int64
		for range min(fleetAtHost, len(waiting)) {
			wg.Go(func() {
				for i := next.Add(1); i <= int64(len(waiting)); i = next.Add(1) {
					item := waiting[i-1]
					item.Balance, item.Err = s.Balance(ctx, item.Account, provider.BalanceQuery{}, b)
				}
			})
		}
	}
	wg.Wait()
}

// freshnessAt is how an item's reading stands at that time, for a request that
// came earlier.
func (s *Service) freshnessAt(item *FleetItem, came time.Time, now stamp) freshness {
	a, r := s.accounts[item.Account], item.Balance
	return freshness{have: true, age: r.entry.age(now), outdated: a.outdatedFor(r.entry, came), asked: r.Asked != ""}
}

// grewTooOld tells whether an item was good enough when it arrived and is not
// any more. Another call would help no vendor that takes longer than the limit
// or the bound, or that could not be asked just now.
func (s *Service) grewTooOld(item *FleetItem, b Bound, came time.Time, now stamp) bool {
	if item.Err != nil || item.Balance.Err != nil {
		return false
	}
	l, at := s.Limits(provider.OpBalance), s.freshnessAt(item, came, now)
	before := at
	before.age, before.outdated = item.Balance.Age, item.Balance.Stale
	return !item.Balance.Stale && !l.fresh(at) || l.takes(before, b) && !l.takes(at, b)
}

// judge tells what an item is at the moment of the answer.
func (s *Service) judge(item *FleetItem, b Bound, came time.Time, now stamp) {
	if item.Err != nil {
		return
	}
	r := item.Balance
	l, at := s.Limits(provider.OpBalance), s.freshnessAt(item, came, now)
	if !l.takes(at, b) {
		item.Balance, item.Err = Reading[provider.Balance]{}, tooOld(l, at, b, r.Err)
		return
	}
	item.Balance = reading[provider.Balance](s.accounts[item.Account], r.entry, at, l)
	item.Balance.Err = r.Err
	if at.asked {
		item.Balance.Source, item.Balance.Asked = r.Source, r.Asked
	}
}
