package store_test

import (
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"accountgateway/internal/store"
)

func change(t *testing.T, s *store.Store, version int64, changes ...store.AlertChange) (next int64) {
	t.Helper()
	next, done, err := s.ChangeAlerts(t.Context(), version, changes)
	must(t, err)
	if !done {
		t.Fatalf("%d is not the last version", version)
	}
	return next
}

func opened(code string) store.AlertChange {
	return store.AlertChange{Account: "a", Code: code, Body: []byte("{}"), Kind: "opened"}
}

// Alerts and their events change together.
func TestAlerts(t *testing.T) {
	onEngines(t, func(t *testing.T, url string) {
		c := newClock()
		s := open(t, url, c)
		none, version, err := s.Alerts(t.Context())
		must(t, err)
		if len(none) != 0 {
			t.Fatalf("a new database has alerts: %v", none)
		}
		version = change(t, s, version, opened("low"), opened("old"))
		c.advance(time.Second)
		version = change(t, s, version,
			store.AlertChange{Account: "a", Code: "low", Body: []byte(`{"value":1}`)},
			store.AlertChange{Account: "a", Code: "old", Body: []byte("over"), Closed: true, Kind: "closed"})

		got, at, err := s.Alerts(t.Context())
		must(t, err)
		if diff := cmp.Diff([]store.Alert{{Account: "a", Code: "low", Body: []byte(`{"value":1}`)}}, got); diff != "" || at != version {
			t.Errorf("at version %d of %d: %s", at, version, diff)
		}
		events, err := s.AlertEventsAfter(t.Context(), 1, 10)
		must(t, err)
		want := []store.AlertEvent{
			{Seq: 2, At: epoch, Kind: "opened", Account: "a", Code: "old", Body: []byte("{}")},
			{Seq: 3, At: epoch.Add(time.Second), Kind: "closed", Account: "a", Code: "old", Body: []byte("over")},
		}
		if diff := cmp.Diff(want, events); diff != "" {
			t.Error(diff)
		}
	})
}

// Of those that change alerts from one state, one does.
func TestAlertsChangeOnce(t *testing.T) {
	onEngines(t, func(t *testing.T, url string) {
		c := newClock()
		replicas := []*store.Store{open(t, url, c), open(t, url, c)}
		var done atomic.Int32
		together(8, func(i int) {
			_, ok, err := replicas[i%2].ChangeAlerts(t.Context(), 0, []store.AlertChange{opened(fmt.Sprint(i))})
			if err != nil {
				t.Error(err)
			}
			if ok {
				done.Add(1)
			}
		})
		events, err := replicas[0].AlertEventsAfter(t.Context(), 0, 10)
		must(t, err)
		if version, err := replicas[1].AlertsVersion(t.Context()); err != nil || version != 1 || done.Load() != 1 || len(events) != 1 {
			t.Errorf("%d changes, version %d, events %v, %v", done.Load(), version, events, err)
		}
	})
}

// The log of events is bounded by time and by number.
func TestPruneAlertEvents(t *testing.T) {
	onEngines(t, func(t *testing.T, url string) {
		c := newClock()
		s := open(t, url, c)
		version := change(t, s, 0, opened("low"))
		c.advance(time.Hour)
		version = change(t, s, version, opened("old"))
		n, err := s.PruneAlertEvents(t.Context(), epoch.Add(time.Minute))
		must(t, err)
		events, err := s.AlertEventsAfter(t.Context(), 0, 10)
		must(t, err)
		if n != 1 || len(events) != 1 || events[0].Code != "old" {
			t.Errorf("deleted %d, left %v", n, events)
		}
		many := make([]store.AlertChange, store.MaxAlertEvents)
		for i := range many {
			many[i] = opened(fmt.Sprint(i))
		}
		for some := range slices.Chunk(many, 1000) {
			version = change(t, s, version, some...)
		}
		n, err = s.PruneAlertEvents(t.Context(), epoch)
		must(t, err)
		if events, err = s.AlertEventsAfter(t.Context(), 0, 1); err != nil || n != 1 || events[0].Seq != 3 {
			t.Errorf("deleted %d, the first left is %v, %v", n, events, err)
		}
	})
}
