package account

import (
	"context"
	"encoding/json"
	"errors"

	"go.opentelemetry.io/otel/trace"

	"accountgateway/internal/provider"
	"accountgateway/internal/store"
)

// ask brings a reading that is newer than the one at hand: by a vendor call,
// or by joining whoever is making that call, in this replica or another.
func (s *Service) ask(ctx context.Context, want call) (*entry, Source, error) {
	a, k, b, came := want.account, want.key, want.bound, s.now()
	want.name, want.cause, want.caller, want.span = s.callName(a, k), provider.CauseOf(ctx), callerOf(ctx), trace.SpanContextFromContext(ctx)
	for try := 0; ; try++ {
		if err := a.lockout.refused(b.NoCache); err != nil {
			return nil, "", err
		}
		c, led := s.calls.join(want, s.run)
		var err error
		select {
		case <-c.done:
			err = c.err
		case <-ctx.Done():
			err = context.Cause(ctx)
		}
		source := Miss
		if !led {
			source = Collapsed
		}
		now := s.memory.get(k)
		if err == nil && now == nil && c.key == k { // without an error the call has ended
			now = c.brought // and was too large to be kept
		}
		arrived := now != nil && now != want.have && now.age(s.stamp()) < unknownAge
		switch {
		case err != nil && !led && try == 0 && (provider.KindOf(err) == provider.KindRateLimited || b.NoCache && lockedOut(err)):
			// Who led may have had a lower claim on the budget than we have, or
			// did not force the call.
			continue
		case err != nil:
			return nil, "", err
		case arrived && !b.answers(came.Sub(now.at)):
			continue // the call was under way for too long when we came
		case arrived && !a.outdatedFor(now, came):
			return now, source, nil
		case arrived:
			// It was made before a write that we must see: ask once more, for
			// as long as the asker waits.
		case led && try > 0 && c.lacking:
			return nil, "", provider.Errorf(provider.KindBadResponse, "the adapter returned no %s", k.op)
		}
		// The call may have been another operation's and taught nothing of
		// ours, or a clock was set back during it: ask for ourselves.
		want.name = s.readingName(k)
	}
}

// renewBehind asks for a reading without waiting for it.
func (s *Service) renewBehind(c call) {
	if c.account.lockout.refused(false) != nil {
		return
	}
	c.name, c.cause = s.callName(c.account, c.key), provider.CauseRefresh
	s.calls.join(c, s.run)
}

// callName says which requests one vendor call can serve: those for the same
// reading, and where the vendor's one answer holds several readings, all of
// them.
func (s *Service) callName(a *accountState, k key) string {
	if one, ok := a.Adapter.(provider.OneCall); ok && k.query == "" && one.OneCall(k.op) {
		return k.account
	}
	return s.readingName(k)
}

func (s *Service) readingName(k key) string {
	return k.account + "/" + string(k.op) + "?" + k.query
}

// run makes a vendor call and keeps what it taught. Its context is its own:
// whoever asked may hang up. The call's time begins once the turn is had.
func (s *Service) run(c *call) {
	ctx := trace.ContextWithSpanContext(context.Background(), c.span)
	ctx = WithCaller(provider.WithCause(ctx, c.cause), c.caller)
	if s.arrived(c) {
		c.end(nil) // between the look at what was at hand and now
		return
	}
	ctx, left := withAfterwards(ctx)
	defer left.do()
	begin := beginning{s: s, c: c}
	defer begin.slot.giveBack(ctx)
	ctx = withReserved(ctx, &begin.slot)
	if s.shared(c.key) {
		had := s.memory.get(c.key)
		release := s.turns.take(ctx, c.name, begin.acquire, begin.look, func(waited bool) bool { return s.arrived(c) || waited && s.arrivedSince(c, had) })
		if release == nil {
			c.end(nil)
			return
		}
		defer release()
	}
	leave, err := c.account.lockout.enter(ctx, c.bound.NoCache, begin.free())
	if err != nil {
		c.end(err)
		return
	}
	ctx, cancel := context.WithTimeout(ctx, s.options.LoadTimeout)
	defer cancel()
	began := s.stamp()
	readings, err := c.load(ctx)
	begin.slot.giveBack(ctx) // if it was not sent: who hears of that may come again at once
	leave(ctx, err)
	stateChanged := s.observe(c.account, err)
	var learned []*learnedReading
	if err == nil {
		learned = s.learn(c.account, c.key, began, readings)
		c.lacking = true
		for _, l := range learned {
			if l.key == c.key {
				c.brought, c.lacking = l.entry, false
			}
		}
	}
	c.end(err)
	s.persist(ctx, c.account, learned, stateChanged)
}

// shared tells whether a reading is kept in the store. Those of users are
// personal data.
func (s *Service) shared(k key) bool { return k.op != provider.OpUsers || s.options.KeepUsers }

// arrived tells whether there is a reading by now that will do.
func (s *Service) arrived(c *call) bool {
	now := s.memory.get(c.key)
	return now != c.have && s.Limits(c.key.op).decide(c.account.freshness(now, s.stamp()), c.bound) == serve
}

// arrivedSince tells whether another replica brought a reading after had: it
// need not be as young as the caller wants it, since the call has just ended.
func (s *Service) arrivedSince(c *call, had *entry) bool {
	now := s.memory.get(c.key)
	at := c.account.freshness(now, s.stamp())
	return now != had && at.have && at.age < unknownAge && !at.outdated
}

// learnedReading is a reading on its way to the store.
type learnedReading struct {
	key   key
	entry *entry
}

// learn keeps in memory all that one call taught: the reading asked for, and
// others, which answer their zero query.
func (s *Service) learn(a *accountState, asked key, began stamp, r provider.Readings) []*learnedReading {
	var all []*learnedReading
	add := func(op provider.Operation, value any) {
		k := key{account: a.Name, op: op}
		if op == asked.op {
			k = asked
		}
		l := &learnedReading{key: k, entry: &entry{stamp: began, ours: true, value: value}}
		s.memory.put(k, l.entry)
		all = append(all, l)
	}
	if r.Balance != nil {
		add(provider.OpBalance, r.Balance)
	}
	if r.Statistics != nil {
		add(provider.OpStatistics, r.Statistics)
	}
	if r.Users != nil {
		add(provider.OpUsers, r.Users)
	}
	return all
}

// persist keeps readings in the store, balances in the history, and the
// account's state if it changed. Without the store they live only in memory.
func (s *Service) persist(ctx context.Context, a *accountState, learned []*learnedReading, stateChanged bool) {
	var rows []store.Reading
	var entries []*entry // whose rows they are
	var facts []store.Fact
	var points []store.BalancePoint
	for _, l := range learned {
		if !s.shared(l.key) {
			continue
		}
		body, err := json.Marshal(l.entry.value)
		if err != nil {
			s.options.Log.Error().Err(err).Str("account", a.Name).Str("operation", string(l.key.op)).Msg("encoding a reading for the database failed")
			continue
		}
		rows = append(rows, store.Reading{
			Key: store.ReadingKey{Account: l.key.account, Operation: string(l.key.op), Query: l.key.query}, AsOf: l.entry.label, Body: body,
		})
		entries = append(entries, l.entry)
		if balance, ok := l.entry.value.(*provider.Balance); ok && l.key.query == "" {
			points = append(points, balancePoint(a.Name, l.entry.label, balance))
		}
	}
	if stateChanged {
		if f, ok := s.fact(a, stateFact, s.label(), a.state.current()); ok {
			facts = append(facts, f)
		}
	}
	if len(rows)+len(facts) == 0 {
		return
	}
	// durable logs it when the store goes away.
	_ = s.durable.Use(context.WithoutCancel(ctx), func(ctx context.Context, st *store.Store) error {
		err := st.SaveReadings(ctx, rows, facts...)
		kept := err == nil && len(rows) > 0
		for i, e := range entries {
			if err == nil {
				e.seq.Store(rows[i].Seq)
			}
			kept = kept && rows[i].Seq != 0
		}
		if kept {
			s.sync.saved(rows[0].Seq, rows[0].Seq+int64(len(rows)+len(facts))-1)
		}
		for _, p := range points {
			err = errors.Join(err, st.AppendBalance(ctx, p))
		}
		return err
	})
}
