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

// Accounts of one host share a budget beside their own: whatever two replicas
// do, no span of a budget's length holds more arrivals than it allows, for an
// account or for the host. Nobody is refused without need, and a call that one
// budget refuses takes nothing from the other.
func TestSharedBudgetProperty(t *testing.T) {
	onEngines(t, func(t *testing.T, url string) {
		clock := newClock()
		stores := []*store.Store{open(t, url, clock), open(t, url, clock)}
		steps := 60
		if strings.HasPrefix(url, "postgres") {
			steps = 20 // each costs some network calls
		}
		type call struct {
			account int
			slot    store.Slot
			start   time.Time
			free    [2]*time.Time // in the account's model and in the host's
		}
		round := 0
		rapid.Check(t, func(rt *rapid.T) {
			round++
			drawModel := func(name string) *budgetModel {
				return &budgetModel{limit: store.BudgetLimit{
					Calls:   rapid.IntRange(1, 4).Draw(rt, name+"'s calls"),
					Per:     time.Duration(rapid.IntRange(1, 20).Draw(rt, name+"'s per")) * time.Second,
					Reserve: rapid.IntRange(0, 2).Draw(rt, name+"'s reserve"),
				}}
			}
			accounts := []*budgetModel{drawModel("a"), drawModel("b")}
			host := drawModel("host")
			name := func(of any) string { return fmt.Sprint("shared", round, "/", of) }
			arrivals := make([][]time.Time, len(accounts))
			var calls []call
			arrive := func(c call, end time.Time) {
				after := rapid.Int64Range(0, end.Sub(c.start).Microseconds()).Draw(rt, "arrival")
				arrivals[c.account] = append(arrivals[c.account], c.start.Add(time.Duration(after)*time.Microsecond))
			}
			for range rapid.IntRange(1, steps).Draw(rt, "steps") {
				s := rapid.SampledFrom(stores).Draw(rt, "store")
				now := clock.Now()
				switch action := rapid.SampledFrom([]string{"take", "take", "take", "end", "end", "release", "die", "drain", "advance"}).Draw(rt, "action"); action {
				case "take":
					i := rapid.IntRange(0, 1).Draw(rt, "account")
					background := rapid.Bool().Draw(rt, "background")
					want := []store.Budget{accounts[i].left(now, background), host.left(now, background)}
					slot, got, err := s.TakeSlot(t.Context(), []store.BudgetShare{{Name: name(i), Limit: accounts[i].limit}, {Name: name("host"), Limit: host.limit}},
						store.Asker{Background: background}, hold)
					if err != nil {
						rt.Fatal(err)
					}
					if slot.Granted() != (want[0].Remaining > 0 && want[1].Remaining > 0) {
						rt.Fatalf("granted %v, left before: %+v", slot.Granted(), want)
					}
					if slot.Granted() {
						c := call{account: i, slot: slot, start: now}
						for k, m := range []*budgetModel{accounts[i], host} {
							free := now.Add(hold + m.limit.Per)
							m.busy, c.free[k] = append(m.busy, &free), &free
						}
						calls = append(calls, c)
					}
					for k, m := range []*budgetModel{accounts[i], host} {
						if got[k] != want[k].RetryAfter {
							rt.Fatalf("wait %v, left before: %+v", got, want)
						}
						left, err := s.BudgetRemaining(t.Context(), []string{name(i), name("host")}[k], m.limit)
						if want := m.left(now, false); err != nil || left != want {
							rt.Fatalf("left %+v, want %+v, %v", left, want, err)
						}
					}
				case "end", "release", "die":
					if len(calls) == 0 {
						continue
					}
					k := rapid.IntRange(0, len(calls)-1).Draw(rt, "call")
					c := calls[k]
					calls = slices.Delete(calls, k, k+1)
					var err error
					switch action {
					case "end":
						err = s.EndSlot(t.Context(), c.slot)
						*c.free[0], *c.free[1] = now.Add(accounts[c.account].limit.Per), now.Add(host.limit.Per)
						arrive(c, now)
					case "release":
						err = s.ReleaseSlot(t.Context(), c.slot)
						*c.free[0], *c.free[1] = now, now
					default:
						arrive(c, c.start.Add(hold))
					}
					if err != nil {
						rt.Fatal(err)
					}
				case "drain":
					d := time.Duration(rapid.IntRange(1, 3000).Draw(rt, "drain")) * time.Millisecond
					if err := s.DrainBudget(t.Context(), name("host"), d); err != nil {
						rt.Fatal(err)
					}
					if until := now.Add(d); until.After(host.drained) {
						host.drained = until
					}
				case "advance":
					d := time.Duration(rapid.IntRange(0, 12_000_000).Draw(rt, "µs")) * time.Microsecond
					// No call lasts longer than hold.
					calls = slices.DeleteFunc(calls, func(c call) bool {
						over := now.Add(d).Sub(c.start) > hold
						if over {
							arrive(c, c.start.Add(hold))
						}
						return over
					})
					clock.advance(d)
				}
			}
			for i, m := range accounts {
				if n := busiest(arrivals[i], m.limit.Per); n > m.limit.Calls {
					rt.Fatalf("account %d: %d arrivals within %v, limit %d", i, n, m.limit.Per, m.limit.Calls)
				}
			}
			if n := busiest(slices.Concat(arrivals...), host.limit.Per); n > host.limit.Calls {
				rt.Fatalf("host: %d arrivals within %v, limit %d", n, host.limit.Per, host.limit.Calls)
			}
		})
	})
}

// Accounts of one host that are asked for at the same time, by two replicas,
// get as many calls as the host allows, together, and don't block each other.
func TestSharedBudgetContention(t *testing.T) {
	onEngines(t, func(t *testing.T, url string) {
		clock := newClock()
		stores := []*store.Store{open(t, url, clock), open(t, url, clock)}
		granted := make([]bool, 60)
		together(len(granted), func(i int) {
			slot, _, err := stores[i%2].TakeSlot(t.Context(), []store.BudgetShare{
				{Name: fmt.Sprint("account", i%5), Limit: store.BudgetLimit{Calls: 10, Per: time.Minute}},
				{Name: "host", Limit: store.BudgetLimit{Calls: 23, Per: time.Minute}},
			}, store.Asker{}, hold)
			if err != nil {
				t.Error(err)
			}
			granted[i] = slot.Granted()
		})
		n := 0
		for _, ok := range granted {
			if ok {
				n++
			}
		}
		if n != 23 {
			t.Errorf("%d calls granted, want 23", n)
		}
	})
}
