package store_test

import (
	"math"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"accountgateway/internal/store"
)

const hold = 10 * time.Second

// limit lets two callers and one background reading in an hour.
var limit = store.BudgetLimit{Calls: 3, Per: time.Hour, Reserve: 2}

// take takes a slot and fails the test unless it is granted or refused as wanted.
func take(t *testing.T, s *store.Store, l store.BudgetLimit, background, want bool) (store.Slot, store.Budget) {
	t.Helper()
	slot, left, err := s.TakeOne(t.Context(), "regru", l, store.Asker{Background: background}, hold)
	must(t, err)
	if slot.Granted() != want {
		t.Fatalf("granted %v, want %v (%+v)", slot.Granted(), want, left)
	}
	return slot, left
}

func wantBudget(t *testing.T, got, want store.Budget) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("budget (-want +got):\n%s", diff)
	}
}

func remaining(t *testing.T, s *store.Store, l store.BudgetLimit) store.Budget {
	t.Helper()
	left, err := s.BudgetRemaining(t.Context(), "regru", l)
	must(t, err)
	return left
}

func TestBudget(t *testing.T) {
	for name, test := range map[string]func(t *testing.T, s *store.Store, clock *clock){
		"untouched": func(t *testing.T, s *store.Store, _ *clock) {
			wantBudget(t, remaining(t, s, limit), store.Budget{Remaining: 3})
		},
		"what is left is told": func(t *testing.T, s *store.Store, _ *clock) {
			for want := 2; want >= 0; want-- {
				_, left := take(t, s, limit, false, true)
				wantBudget(t, left, store.Budget{Remaining: want})
			}
		},
		"a call counts for Per after its end": func(t *testing.T, s *store.Store, clock *clock) {
			slot, _ := take(t, s, limit, false, true)
			clock.advance(5 * time.Second)
			must(t, s.EndSlot(t.Context(), slot))
			clock.advance(time.Hour - time.Microsecond)
			wantBudget(t, remaining(t, s, limit), store.Budget{Remaining: 2})
			clock.advance(time.Microsecond)
			wantBudget(t, remaining(t, s, limit), store.Budget{Remaining: 3})
		},
		"a call that never ends counts for hold and Per": func(t *testing.T, s *store.Store, clock *clock) {
			take(t, s, limit, false, true)
			clock.advance(hold + time.Hour - time.Microsecond)
			wantBudget(t, remaining(t, s, limit), store.Budget{Remaining: 2})
			clock.advance(time.Microsecond)
			wantBudget(t, remaining(t, s, limit), store.Budget{Remaining: 3})
		},
		"an end after hold still counts": func(t *testing.T, s *store.Store, clock *clock) {
			slot, _ := take(t, s, limit, false, true)
			clock.advance(hold + time.Hour)
			take(t, s, limit, false, true) // drops what has run out
			must(t, s.EndSlot(t.Context(), slot))
			wantBudget(t, remaining(t, s, limit), store.Budget{Remaining: 1})
		},
		"a released slot is free at once": func(t *testing.T, s *store.Store, _ *clock) {
			slot, _ := take(t, s, limit, false, true)
			must(t, s.ReleaseSlot(t.Context(), slot))
			must(t, s.ReleaseSlot(t.Context(), slot))
			wantBudget(t, remaining(t, s, limit), store.Budget{Remaining: 3})
		},
		"refused until the oldest is free": func(t *testing.T, s *store.Store, clock *clock) {
			for range 3 {
				slot, _ := take(t, s, limit, false, true)
				must(t, s.EndSlot(t.Context(), slot))
				clock.advance(time.Minute)
			}
			want := store.Budget{RetryAfter: 57 * time.Minute}
			_, left := take(t, s, limit, false, false)
			wantBudget(t, left, want)
			wantBudget(t, remaining(t, s, limit), want)
			clock.advance(57*time.Minute - time.Microsecond)
			take(t, s, limit, false, false)
			clock.advance(time.Microsecond)
			take(t, s, limit, false, true)
		},
		"the background leaves the reserve": func(t *testing.T, s *store.Store, clock *clock) {
			first, left := take(t, s, limit, true, true)
			wantBudget(t, left, store.Budget{Remaining: 0})
			must(t, s.EndSlot(t.Context(), first))
			clock.advance(time.Minute)
			second, _ := take(t, s, limit, false, true)
			must(t, s.EndSlot(t.Context(), second))
			clock.advance(time.Minute)

			// It needs both to be free again.
			_, left = take(t, s, limit, true, false)
			wantBudget(t, left, store.Budget{RetryAfter: 59 * time.Minute})
			wantBudget(t, remaining(t, s, limit), store.Budget{Remaining: 1})
			clock.advance(59*time.Minute - time.Microsecond)
			take(t, s, limit, true, false)
			clock.advance(time.Microsecond)
			take(t, s, limit, true, true)
		},
		"a reserve of everything": func(t *testing.T, s *store.Store, _ *clock) {
			l := store.BudgetLimit{Calls: 1, Per: time.Minute, Reserve: 5}
			_, left := take(t, s, l, true, false)
			wantBudget(t, left, store.Budget{RetryAfter: time.Minute})
			take(t, s, l, false, true)
		},
		"no limit": func(t *testing.T, s *store.Store, clock *clock) {
			for range 5 {
				slot, left := take(t, s, store.BudgetLimit{Reserve: 1}, true, true)
				wantBudget(t, left, store.Budget{Remaining: math.MaxInt})
				must(t, s.EndSlot(t.Context(), slot))
			}
			must(t, s.DrainBudget(t.Context(), "regru", time.Minute))
			_, left := take(t, s, store.BudgetLimit{}, false, false)
			wantBudget(t, left, store.Budget{RetryAfter: time.Minute})
		},
		"drained": func(t *testing.T, s *store.Store, clock *clock) {
			must(t, s.DrainBudget(t.Context(), "regru", time.Minute))
			must(t, s.DrainBudget(t.Context(), "regru", time.Second)) // shortens nothing
			_, left := take(t, s, limit, false, false)
			wantBudget(t, left, store.Budget{RetryAfter: time.Minute})
			wantBudget(t, remaining(t, s, limit), store.Budget{RetryAfter: time.Minute})
			clock.advance(time.Minute)
			_, left = take(t, s, limit, false, true)
			wantBudget(t, left, store.Budget{Remaining: 2})
		},
		"drained while calls are under way": func(t *testing.T, s *store.Store, clock *clock) {
			slot, _ := take(t, s, limit, false, true)
			must(t, s.DrainBudget(t.Context(), "regru", 2*time.Hour))
			must(t, s.EndSlot(t.Context(), slot))
			_, left := take(t, s, limit, true, false)
			wantBudget(t, left, store.Budget{RetryAfter: 2 * time.Hour})
		},
		"accounts are apart": func(t *testing.T, s *store.Store, clock *clock) {
			must(t, s.DrainBudget(t.Context(), "selzy", time.Minute))
			take(t, s, limit, false, true)
			left, err := s.BudgetRemaining(t.Context(), "third", limit)
			must(t, err)
			wantBudget(t, left, store.Budget{Remaining: 3})
		},
	} {
		t.Run(name, func(t *testing.T) {
			onEngines(t, func(t *testing.T, url string) {
				clock := newClock()
				test(t, open(t, url, clock), clock)
			})
		})
	}
}

// Slots that have run out do not pile up.
func TestFreeSlotsAreDeleted(t *testing.T) {
	onEngines(t, func(t *testing.T, url string) {
		clock := newClock()
		s := open(t, url, clock)
		for range 300 {
			slot, _, err := s.TakeSlot(t.Context(), []store.BudgetShare{{Name: "regru", Limit: limit}, {Name: "host"}}, store.Asker{}, hold)
			must(t, err)
			must(t, s.EndSlot(t.Context(), slot))
			clock.advance(time.Hour)
		}
		var n int
		must(t, s.Pools()["write"].QueryRow(`SELECT count(*) FROM budget_slots`).Scan(&n))
		if n > 2*100 {
			t.Errorf("%d slots are kept", n)
		}
	})
}

// Two replicas, fifty askers each: exactly Calls are granted.
func TestBudgetContention(t *testing.T) {
	onEngines(t, func(t *testing.T, url string) {
		l := store.BudgetLimit{Calls: 37, Per: time.Minute, Reserve: 10}
		clock := newClock()
		stores := []*store.Store{open(t, url, clock), open(t, url, clock)}
		for _, background := range []bool{true, false} {
			var granted atomic.Int32
			together(100, func(i int) {
				s := stores[i%2]
				slot, left, err := s.TakeOne(t.Context(), "regru", l, store.Asker{Background: background}, hold)
				switch {
				case err != nil:
					t.Error(err)
				case slot.Granted():
					granted.Add(1)
					if err := s.EndSlot(t.Context(), slot); err != nil {
						t.Error(err)
					}
				case left.RetryAfter <= 0:
					t.Errorf("refused without a time: %+v", left)
				}
			})
			want := int32(27) // the reserve is for the second round
			if !background {
				want = 10
			}
			if n := granted.Load(); n != want {
				t.Errorf("background %v: granted %d, want %d", background, n, want)
			}
		}
		wantBudget(t, remaining(t, stores[0], l), store.Budget{RetryAfter: time.Minute})
	})
}

// busiest is the most arrivals in any span of length per, its end excluded.
func busiest(arrivals []time.Time, per time.Duration) int {
	slices.SortFunc(arrivals, time.Time.Compare)
	most, first := 0, 0
	for i, at := range arrivals {
		for at.Sub(arrivals[first]) >= per {
			first++
		}
		most = max(most, i-first+1)
	}
	return most
}
