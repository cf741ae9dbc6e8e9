package store_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"accountgateway/internal/store"
)

// underWay is a call that has not ended.
type underWay struct {
	slot  store.Slot
	start time.Time
	free  *time.Time // in budgetModel.busy
}

// budgetModel is what the budget promises, told in the plainest way.
type budgetModel struct {
	limit   store.BudgetLimit
	busy    []*time.Time // when each slot is free
	drained time.Time
}

func (m *budgetModel) left(now time.Time, background bool) store.Budget {
	mine := m.limit.Calls
	if background {
		mine -= m.limit.Reserve
	}
	var ahead []time.Time
	for _, free := range m.busy {
		if free.After(now) {
			ahead = append(ahead, *free)
		}
	}
	slices.SortFunc(ahead, time.Time.Compare)
	wait := max(0, m.drained.Sub(now))
	switch {
	case mine <= 0:
		wait = max(wait, m.limit.Per)
	case len(ahead) >= mine:
		wait = max(wait, ahead[len(ahead)-mine].Sub(now))
	}
	if wait > 0 {
		return store.Budget{RetryAfter: wait}
	}
	return store.Budget{Remaining: mine - len(ahead)}
}

// Whatever is taken, ended, released and forgotten, and wherever between its
// start and end a call reaches the vendor: no span of length Per ever holds
// more than Calls arrivals, and nobody is refused or told to wait without need.
func TestBudgetProperty(t *testing.T) {
	onEngines(t, func(t *testing.T, url string) {
		clock := newClock()
		stores := []*store.Store{open(t, url, clock), open(t, url, clock)}
		steps := 60
		if strings.HasPrefix(url, "postgres") {
			steps = 20 // each costs some network calls
		}
		round := 0
		rapid.Check(t, func(rt *rapid.T) {
			round++
			account := fmt.Sprint("account", round) // a budget of its own
			model := &budgetModel{limit: store.BudgetLimit{
				Calls:   rapid.IntRange(1, 4).Draw(rt, "calls"),
				Per:     time.Duration(rapid.IntRange(1, 20).Draw(rt, "per")) * time.Second,
				Reserve: rapid.IntRange(0, 2).Draw(rt, "reserve"),
			}}
			var calls []underWay
			var arrivals []time.Time
			// arrive says when the vendor saw a call that lasted until end.
			arrive := func(c underWay, end time.Time) {
				after := rapid.Int64Range(0, end.Sub(c.start).Microseconds()).Draw(rt, "arrival")
				arrivals = append(arrivals, c.start.Add(time.Duration(after)*time.Microsecond))
			}
			// pick removes a call from those under way; false if there is none.
			pick := func() (underWay, bool) {
				if len(calls) == 0 {
					return underWay{}, false
				}
				i := rapid.IntRange(0, len(calls)-1).Draw(rt, "call")
				c := calls[i]
				calls = slices.Delete(calls, i, i+1)
				return c, true
			}
			for range rapid.IntRange(1, steps).Draw(rt, "steps") {
				s := rapid.SampledFrom(stores).Draw(rt, "store")
				now := clock.Now()
				switch rapid.SampledFrom([]string{"take", "take", "take", "end", "end", "release", "die", "drain", "advance", "advance"}).Draw(rt, "action") {
				case "take":
					background := rapid.Bool().Draw(rt, "background")
					want := model.left(now, background)
					slot, got, err := s.TakeOne(t.Context(), account, model.limit, store.Asker{Background: background}, hold)
					if err != nil {
						rt.Fatal(err)
					}
					if slot.Granted() != (want.Remaining > 0) {
						rt.Fatalf("granted %v, left before: %+v", slot.Granted(), want)
					}
					if slot.Granted() {
						want.Remaining--
						free := now.Add(hold + model.limit.Per)
						model.busy = append(model.busy, &free)
						calls = append(calls, underWay{slot: slot, start: now, free: &free})
					}
					if got != want {
						rt.Fatalf("left %+v, want %+v", got, want)
					}
				case "end":
					if c, ok := pick(); ok {
						if err := s.EndSlot(t.Context(), c.slot); err != nil {
							rt.Fatal(err)
						}
						*c.free = now.Add(model.limit.Per)
						arrive(c, now)
					}
				case "release":
					if c, ok := pick(); ok {
						if err := s.ReleaseSlot(t.Context(), c.slot); err != nil {
							rt.Fatal(err)
						}
						*c.free = now
					}
				case "die":
					if c, ok := pick(); ok {
						arrive(c, c.start.Add(hold))
					}
				case "drain":
					until := now.Add(time.Duration(rapid.IntRange(-1000, 3000).Draw(rt, "drain")) * time.Millisecond)
					if err := s.DrainBudget(t.Context(), account, until.Sub(now)); err != nil {
						rt.Fatal(err)
					}
					if until.After(model.drained) {
						model.drained = until
					}
				case "advance":
					d := time.Duration(rapid.IntRange(0, 12_000_000).Draw(rt, "µs")) * time.Microsecond
					if wait := model.left(now, false).RetryAfter; wait > 0 && rapid.Bool().Draw(rt, "to the moment") {
						d = wait
					}
					// No call lasts longer than hold.
					calls = slices.DeleteFunc(calls, func(c underWay) bool {
						over := now.Add(d).Sub(c.start) > hold
						if over {
							arrive(c, c.start.Add(hold))
						}
						return over
					})
					clock.advance(d)
				}
				got, err := s.BudgetRemaining(t.Context(), account, model.limit)
				if err != nil {
					rt.Fatal(err)
				}
				if want := model.left(clock.Now(), false); got != want {
					rt.Fatalf("remaining %+v, want %+v", got, want)
				}
			}
			if n := busiest(arrivals, model.limit.Per); n > model.limit.Calls {
				rt.Fatalf("%d arrivals within %v, limit %d: %v", n, model.limit.Per, model.limit.Calls, arrivals)
			}
		})
	})
}
