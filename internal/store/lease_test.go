package store_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"accountgateway/internal/store"
)

func TestLease(t *testing.T) {
	const ttl = time.Minute
	type step struct {
		advance time.Duration
		release bool // instead of acquire
		name    string
		holder  string
		want    bool
	}
	for _, test := range []struct {
		name  string
		steps []step
	}{
		{"one holder at a time", []step{{name: "l", holder: "a", want: true}, {name: "l", holder: "b"}}},
		{"leases are apart", []step{{name: "l", holder: "a", want: true}, {name: "m", holder: "b", want: true}}},
		{"expired ones can be taken", []step{
			{name: "l", holder: "a", want: true},
			{advance: ttl - time.Microsecond, name: "l", holder: "b"},
			{advance: time.Microsecond, name: "l", holder: "b", want: true},
			{name: "l", holder: "a"},
		}},
		{"renewing counts from now", []step{
			{name: "l", holder: "a", want: true},
			{advance: ttl / 2, name: "l", holder: "a", want: true},
			{advance: ttl / 2, name: "l", holder: "b"},
		}},
		{"an own expired one can be renewed", []step{
			{name: "l", holder: "a", want: true},
			{advance: 2 * ttl, name: "l", holder: "a", want: true},
		}},
		{"released ones can be taken", []step{
			{name: "l", holder: "a", want: true},
			{release: true, name: "l", holder: "a"},
			{name: "l", holder: "b", want: true},
		}},
		{"others can't release it", []step{
			{name: "l", holder: "a", want: true},
			{release: true, name: "l", holder: "b"},
			{name: "l", holder: "b"},
		}},
		{"releasing nothing", []step{{release: true, name: "l", holder: "a"}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			onEngines(t, func(t *testing.T, url string) {
				clock := newClock()
				s := open(t, url, clock)
				holder, until := map[string]string{}, map[string]time.Time{}
				for i, step := range test.steps {
					clock.advance(step.advance)
					held, err := s.LeaseHeld(t.Context(), step.name)
					must(t, err)
					if want := until[step.name].After(clock.Now()); held != want {
						t.Errorf("step %d: held %v, want %v", i, held, want)
					}
					if step.release {
						if step.holder == holder[step.name] {
							delete(until, step.name)
						}
						must(t, s.ReleaseLease(t.Context(), step.name, step.holder))
						continue
					}
					got, err := s.AcquireLease(t.Context(), step.name, step.holder, ttl)
					must(t, err)
					if got != step.want {
						t.Errorf("step %d: %v, want %v", i, got, step.want)
					}
					if got {
						holder[step.name], until[step.name] = step.holder, clock.Now().Add(ttl)
					}
				}
			})
		})
	}
}

func TestLeaseContention(t *testing.T) {
	onEngines(t, func(t *testing.T, url string) {
		clock := newClock()
		stores := []*store.Store{open(t, url, clock), open(t, url, clock)}
		for round := range 3 {
			var holders atomic.Int32
			together(20, func(i int) {
				ok, err := stores[i%2].AcquireLease(t.Context(), "refresh", fmt.Sprint(i), time.Minute)
				if err != nil {
					t.Error(err)
				}
				if ok {
					holders.Add(1)
				}
			})
			if n := holders.Load(); n != 1 {
				t.Errorf("round %d: %d holders", round, n)
			}
			clock.advance(time.Minute)
		}
	})
}
