package store_test

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"accountgateway/internal/store"
	"accountgateway/internal/testclock"
)

// openAt opens a Store whose database has that clock.
func openAt(t testing.TB, url string, c *testclock.Clock) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), url, store.Options{Now: c.Now})
	must(t, err)
	t.Cleanup(func() { s.Close() })
	return s
}

// checkClock looks at the clock and fails the test unless it was set by that,
// give or take the time that a look takes.
func checkClock(t *testing.T, s *store.Store, want time.Duration) {
	t.Helper()
	got, err := s.CheckClock(t.Context())
	must(t, err)
	if off := got - want; off < -time.Second || off > time.Second {
		t.Errorf("the clock was set by %s, want %s", got, want)
	}
}

// However the database's clock is set, used slots stay used, and leases held.
func TestClockSet(t *testing.T) {
	for _, by := range []time.Duration{-100 * 24 * time.Hour, -time.Hour, -20 * time.Second, 20 * time.Second, time.Hour, 100 * 24 * time.Hour} {
		for _, checked := range []bool{true, false} { // a replica has looked before anything is asked for
			t.Run(fmt.Sprint(by, " looked ", checked), func(t *testing.T) {
				onEngines(t, func(t *testing.T, url string) {
					var clock testclock.Clock
					one, two := openAt(t, url, &clock), openAt(t, url, &clock)
					checkClock(t, one, 0)
					checkClock(t, two, 0)
					l := store.BudgetLimit{Calls: 2, Per: 10 * time.Second}
					ended, _ := take(t, one, l, false, true)
					take(t, two, l, false, true)
					must(t, one.EndSlot(t.Context(), ended))
					must(t, one.DrainBudget(t.Context(), "other", 10*time.Second))
					if ok, err := one.AcquireLease(t.Context(), "l", "one", 10*time.Second); !ok || err != nil {
						t.Fatal(ok, err)
					}
					refused := store.Lockout{Account: "locked", TryAt: one.Now().Add(time.Minute), ForceAt: one.Now().Add(2 * time.Minute)}
					must(t, one.PutLockout(t.Context(), refused))
					clock.Set(by)
					if checked {
						checkClock(t, one, by)
						checkClock(t, two, 0)
						l, _, err := two.Lockout(t.Context(), "locked")
						must(t, err)
						try, force := l.TryAt.Sub(two.Now()), l.ForceAt.Sub(two.Now())
						if off := (try - time.Minute).Abs() + (force - 2*time.Minute).Abs(); off > 10*time.Second {
							t.Errorf("locked out for %s, and %s, want a minute and two", try, force)
						}
						if ok, err := two.AcquireLease(t.Context(), "l", "two", time.Second); ok || err != nil {
							t.Errorf("a lease in force was given: %v, %v", ok, err)
						}
					}
					for _, s := range []*store.Store{two, one} {
						if _, left := take(t, s, l, false, false); left.RetryAfter > hold+l.Per+2*time.Second {
							t.Errorf("come again in %s", left.RetryAfter)
						}
						if slot, left, err := s.TakeOne(t.Context(), "other", l, store.Asker{}, hold); err != nil || slot.Granted() || left.RetryAfter > 12*time.Second {
							t.Errorf("drained: %+v, %+v, %v", slot, left, err)
						}
					}
				})
			})
		}
	}
}

// Readings from before the clock was set back have no age that anybody knows,
// and the next one replaces them, whatever time it says.
func TestReadingsOfAClockSetBack(t *testing.T) {
	for name, restarts := range map[string]bool{"the same process": false, "another process": true} {
		t.Run(name, func(t *testing.T) {
			onEngines(t, func(t *testing.T, url string) {
				var clock testclock.Clock
				s := openAt(t, url, &clock)
				checkClock(t, s, 0)
				one := func(after int64) store.Reading {
					t.Helper()
					found, err := s.ReadingsAfter(t.Context(), after, 10)
					must(t, err)
					if len(found) != 1 {
						t.Fatalf("%d readings, want 1", len(found))
					}
					return found[0]
				}
				// It was read 30 s ago.
				must(t, s.SaveReadings(t.Context(), []store.Reading{{Key: balanceKey, AsOf: s.Now().Add(-30 * time.Second), Body: []byte("old")}}))
				old := one(0)
				if old.Unsure || old.Age < 30*time.Second || old.Age > 50*time.Second {
					t.Errorf("before: %+v", old)
				}
				clock.Set(-20 * time.Second) // by its time it is 10 s old now
				if restarts {
					s = openAt(t, url, &clock)
				}
				if old = one(0); !old.Unsure {
					t.Errorf("after: %+v", old)
				}
				saved := []store.Reading{{Key: balanceKey, AsOf: s.Now(), Body: []byte("new")}}
				must(t, s.SaveReadings(t.Context(), saved))
				if got := one(old.Seq); got.Unsure || string(got.Body) != "new" || got.Seq != saved[0].Seq {
					t.Errorf("the next one: %+v", got)
				}
			})
		})
	}
}

// An operation under way is settled by hand only once its holder must have given
// up by the database's clock, and however that was set.
func TestSettleByHand(t *testing.T) {
	for _, by := range []time.Duration{-time.Hour, 0, time.Hour} {
		t.Run(by.String(), func(t *testing.T) {
			onEngines(t, func(t *testing.T, url string) {
				var clock testclock.Clock
				s := openAt(t, url, &clock)
				checkClock(t, s, 0)
				running, over, unknown := operation("running"), operation("over"), operation("unknown")
				running.GiveUpAt, over.GiveUpAt = s.Now().Add(time.Minute), s.Now().Add(-time.Minute)
				unknown.GiveUpAt = running.GiveUpAt
				for _, op := range []store.Operation{running, over, unknown} {
					_, _, err := s.BeginOperation(t.Context(), op, epoch, nil)
					must(t, err)
				}
				_, err := s.SettleOperation(t.Context(), "unknown", store.Settlement{State: store.Unknown, SettledAt: epoch}, store.Started)
				must(t, err)
				clock.Set(by)
				checkClock(t, s, by)
				for id, want := range map[string]bool{"running": false, "over": true, "unknown": true, "none": false} {
					done, err := s.SettleByHand(t.Context(), id, store.Settlement{State: store.Failed, By: "ada"}, nil)
					must(t, err)
					op, _, err := s.Operation(t.Context(), id)
					must(t, err)
					if ago := s.Now().Sub(op.SettledAt); done != want || done && (op.State != store.Failed || op.By != "ada" || ago < 0 || ago > time.Minute) {
						t.Errorf("%s: settled %v, %+v", id, done, op)
					}
				}
			})
		})
	}
}

// A figure from the future is not kept: the clock will show that time again. What
// only has to be known is.
func TestFigureFromTheFuture(t *testing.T) {
	onEngines(t, func(t *testing.T, url string) {
		s := open(t, url, newClock())
		ahead := s.Now().Add(time.Minute)
		saved := []store.Reading{{Key: balanceKey, AsOf: ahead}}
		must(t, s.SaveReadings(t.Context(), saved, store.Fact{Account: "a", Name: "state", AsOf: ahead}))
		readings, err := s.ReadingsAfter(t.Context(), 0, 10)
		must(t, err)
		facts, err := s.FactsAfter(t.Context(), 0)
		must(t, err)
		if saved[0].Seq != 0 || len(readings) != 0 || len(facts) != 1 || !facts[0].Unsure {
			t.Errorf("saved as %d, found %+v and %+v", saved[0].Seq, readings, facts)
		}
	})
}

// A day that the clock leaps over is no day: what was spent before it counts.
func TestSpendingOfAClockSetForward(t *testing.T) {
	onEngines(t, func(t *testing.T, url string) {
		var clock testclock.Clock
		s := openAt(t, url, &clock)
		checkClock(t, s, 0)
		errTooMuch := errors.New("too much")
		spend := func(id string) error {
			now := s.Now()
			_, _, err := s.BeginOperation(t.Context(), store.Operation{
				ID: id, Account: "a", Kind: "refill", Caller: "c", Key: id, Amount: "1", Currency: "USD", CreatedAt: now, GiveUpAt: now.Add(time.Minute),
			}, now.Add(-24*time.Hour), func(spent []store.Spent) error {
				if len(spent) > 0 {
					return errTooMuch
				}
				return nil
			})
			return err
		}
		must(t, spend("first"))
		for _, by := range []time.Duration{25 * time.Hour, 25 * time.Hour, -50 * time.Hour, 0} {
			clock.Set(by)
			checkClock(t, s, by)
			if err := spend("second"); !errors.Is(err, errTooMuch) {
				t.Errorf("set by %s: %v", by, err)
			}
		}
	})
}

// The database's own clock is the one that counts where it has one.
func TestDatabaseClock(t *testing.T) {
	onEngines(t, func(t *testing.T, url string) {
		s, err := store.Open(t.Context(), url, store.Options{})
		must(t, err)
		defer s.Close()
		checkClock(t, s, 0)
		checkClock(t, s, 0)
		l := store.BudgetLimit{Calls: 1, Per: time.Hour}
		slot, _ := take(t, s, l, false, true)
		must(t, s.EndSlot(t.Context(), slot))
		_, left := take(t, s, l, false, false)
		if left.RetryAfter > time.Hour || left.RetryAfter < 50*time.Minute {
			t.Errorf("come again in %s", left.RetryAfter)
		}
		must(t, s.AddSlots(t.Context(), "b", time.Hour, []time.Duration{2 * time.Hour, time.Minute, -time.Minute}))
		if used, err := s.UsedSlots(t.Context()); err != nil || used["b"] != 2 || used["regru"] != 1 {
			t.Errorf("used %v, %v", used, err)
		}
		must(t, s.SaveReadings(t.Context(), []store.Reading{{Key: balanceKey, AsOf: s.Now()}}))
		found, err := s.ReadingsAfter(t.Context(), 0, 1)
		must(t, err)
		if len(found) != 1 || found[0].Unsure || found[0].Age < -time.Second || found[0].Age > time.Minute {
			t.Errorf("readings %+v", found)
		}
	})
}

// However two processes call, end, die and look at a clock that is set at any
// time by any step: no window holds more calls than the limit, in true time,
// and nobody waits longer for a slot than a call and a window last.
func TestBudgetOfASetClock(t *testing.T) {
	url := sqliteURL(t)
	empty := open(t, url, newClock())
	must(t, empty.Close())
	database, err := os.ReadFile(strings.TrimPrefix(url, "sqlite:"))
	must(t, err)
	rapid.Check(t, func(rt *rapid.T) {
		var faults []string
		type event struct {
			what   string
			at     int
			amount time.Duration
			late   bool // the vendor saw the call at its end
		}
		seconds := func(name string, most int) time.Duration {
			return time.Duration(rapid.IntRange(0, most).Draw(rt, name)) * time.Second
		}
		limit := store.BudgetLimit{Calls: rapid.IntRange(1, 3).Draw(rt, "calls"), Per: seconds("per", 20) + time.Second}
		events := make([]event, rapid.IntRange(1, 40).Draw(rt, "events"))
		for i := range events {
			e := &events[i]
			e.what = rapid.SampledFrom([]string{"take", "take", "take", "end", "end", "die", "advance", "advance", "set", "look", "restart"}).Draw(rt, "what")
			e.late = rapid.Bool().Draw(rt, "late")
			e.at = rapid.IntRange(0, 1).Draw(rt, "at")
			switch e.what {
			case "advance":
				e.amount = seconds("advance", 12)
			case "set":
				e.amount = seconds("set", 5000) - 2500*time.Second
			}
		}
		synctest.Test(t, func(t *testing.T) {
			url := sqliteURL(t)
			must(t, os.WriteFile(strings.TrimPrefix(url, "sqlite:"), database, 0o600))
			var clock testclock.Clock
			stores := [2]*store.Store{openAt(t, url, &clock), openAt(t, url, &clock)}
			look := func() {
				for _, s := range stores {
					if _, err := s.CheckClock(t.Context()); err != nil {
						t.Error(err)
					}
				}
			}
			look()
			var calls []underWay
			var arrivals []time.Time
			ends := func(i int, at time.Time, late bool) {
				if !late {
					at = calls[i].start
				}
				arrivals = append(arrivals, at)
				calls = slices.Delete(calls, i, i+1)
			}
			for _, e := range events {
				s := stores[e.at]
				switch e.what {
				case "take":
					slot, left, err := s.TakeOne(t.Context(), "regru", limit, store.Asker{}, hold)
					must(t, err)
					if slot.Granted() {
						calls = append(calls, underWay{slot: slot, start: time.Now()})
					} else if left.RetryAfter > hold+limit.Per+2*time.Second {
						faults = append(faults, fmt.Sprintf("refused for %s", left.RetryAfter))
					}
				case "end":
					if len(calls) > 0 {
						must(t, s.EndSlot(t.Context(), calls[0].slot))
						ends(0, time.Now(), e.late)
					}
				case "die":
					if len(calls) > 0 {
						ends(0, calls[0].start.Add(hold), e.late)
					}
				case "advance":
					for range int(e.amount / time.Second) { // both look every second
						for len(calls) > 0 && time.Since(calls[0].start) >= hold { // no call lasts longer
							ends(0, calls[0].start.Add(hold), e.late)
						}
						time.Sleep(time.Second)
						look()
					}
				case "set":
					clock.Set(e.amount)
				case "look":
					_, err := s.CheckClock(t.Context())
					must(t, err)
				case "restart":
					must(t, s.Close())
					stores[e.at] = openAt(t, url, &clock)
					_, err := stores[e.at].CheckClock(t.Context())
					must(t, err)
					time.Sleep(time.Second)
					look()
				}
			}
			for len(calls) > 0 {
				ends(0, time.Time{}, false)
			}
			if n := busiest(arrivals, limit.Per); n > limit.Calls {
				faults = append(faults, fmt.Sprintf("%d calls within %s, limit %d: %v", n, limit.Per, limit.Calls, arrivals))
			}
			look()
			time.Sleep(hold + limit.Per + 2*time.Second)
			if slot, left, err := stores[0].TakeOne(t.Context(), "regru", limit, store.Asker{}, hold); err != nil || !slot.Granted() {
				faults = append(faults, fmt.Sprintf("still refused: %+v, %v", left, err))
			}
		})
		for _, f := range faults {
			rt.Errorf("%s", f)
		}
	})
}
