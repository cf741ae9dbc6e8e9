package store_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"accountgateway/internal/store"
	"accountgateway/internal/testclock"
)

func place(t *testing.T, s *store.Store, key string) store.Destination {
	t.Helper()
	d, err := s.Destination(t.Context(), key, "slack")
	must(t, err)
	return d
}

func wantPlace(t *testing.T, s *store.Store, key string, want store.Destination) {
	t.Helper()
	if diff := cmp.Diff(want, place(t, s, key)); diff != "" {
		t.Errorf("the place of %s (-want +got):\n%s", key, diff)
	}
}

// A destination begins at the end of the record, and moves on by itself.
func TestDestinations(t *testing.T) {
	onEngines(t, func(t *testing.T, url string) {
		c := newClock()
		s := open(t, url, c)
		wantPlace(t, s, "first", store.Destination{})
		version := change(t, s, 0, opened("low"), opened("old"))
		wantPlace(t, s, "first", store.Destination{Last: 2})
		wantPlace(t, s, "second", store.Destination{Seq: 2, Last: 2})

		must(t, s.MoveDestination(t.Context(), "first", 0, 2, false))
		wantPlace(t, s, "first", store.Destination{Seq: 2, Last: 2})
		must(t, s.MoveDestination(t.Context(), "second", 2, 2, true))
		wantPlace(t, s, "second", store.Destination{Seq: 2, Last: 2, ToldAt: epoch})

		change(t, s, version, opened("more"))
		must(t, s.MoveDestination(t.Context(), "first", 0, 1, true)) // by one that has fallen behind
		wantPlace(t, s, "first", store.Destination{Seq: 2, Last: 3})
	})
}

// Two replicas that meet a destination first begin at the same place.
func TestDestinationIsMadeOnce(t *testing.T) {
	onEngines(t, func(t *testing.T, url string) {
		c := newClock()
		replicas := []*store.Store{open(t, url, c), open(t, url, c), open(t, url, c), open(t, url, c)}
		together(len(replicas), func(i int) {
			if d, err := replicas[i].Destination(t.Context(), "first", "slack"); err != nil || d != (store.Destination{}) {
				t.Errorf("got %+v, %v", d, err)
			}
		})
	})
}

func TestKeepDestinations(t *testing.T) {
	onEngines(t, func(t *testing.T, url string) {
		const week = 7 * 24 * time.Hour
		c := newClock()
		s := open(t, url, c)
		for _, key := range []string{"kept", "removed"} {
			place(t, s, key)
			must(t, s.MoveDestination(t.Context(), key, 0, 0, true))
		}
		c.advance(week)
		must(t, s.KeepDestinations(t.Context(), []string{"kept", "new"}, week))
		wantPlace(t, s, "removed", store.Destination{ToldAt: epoch})
		c.advance(time.Second)
		must(t, s.KeepDestinations(t.Context(), []string{"kept", "new"}, week))
		wantPlace(t, s, "removed", store.Destination{})
		wantPlace(t, s, "kept", store.Destination{ToldAt: epoch})
	})
}

// Reminders are due as much later as before, however the clock is set.
func TestDestinationsOutliveClock(t *testing.T) {
	onEngines(t, func(t *testing.T, url string) {
		var clock testclock.Clock
		s := openAt(t, url, &clock)
		checkClock(t, s, 0)
		place(t, s, "first")
		place(t, s, "never told")
		must(t, s.MoveDestination(t.Context(), "first", 0, 0, true))
		clock.Set(-100 * time.Hour)
		checkClock(t, s, -100*time.Hour)
		// How far the clock was set is known as exactly as the database answers fast.
		if ago := s.Now().Sub(place(t, s, "first").ToldAt); ago.Abs() > time.Minute {
			t.Errorf("it was told %s ago", ago)
		}
		if d := place(t, s, "never told"); !d.ToldAt.IsZero() {
			t.Errorf("got %+v", d)
		}
	})
}
