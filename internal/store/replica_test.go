package store_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// The leases of a replica that is gone are free at once, those of others stay,
// and a replica that beats again loses nothing.
func TestReplicas(t *testing.T) {
	onEngines(t, func(t *testing.T, url string) {
		s := open(t, url, newClock())
		beat := func(replica string, want map[string]int64) {
			t.Helper()
			got, err := s.Beat(t.Context(), replica)
			must(t, err)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("heartbeats (-want +got):\n%s", diff)
			}
		}
		lease := func(name, holder string, want bool) {
			t.Helper()
			got, err := s.AcquireLease(t.Context(), name, holder, time.Hour)
			must(t, err)
			if got != want {
				t.Errorf("lease %q for %q: %v, want %v", name, holder, got, want)
			}
		}
		beat("h/1/a", map[string]int64{"h/1/a": 1})
		beat("h/1/ab", map[string]int64{"h/1/a": 1, "h/1/ab": 1})
		beat("h/1/a", map[string]int64{"h/1/a": 2, "h/1/ab": 1})
		lease("own", "h/1/a", true)
		lease("call", "h/1/a/x", true)
		lease("other's", "h/1/ab", true)

		must(t, s.ReleaseLeasesOf(t.Context(), "h/1/a", 1)) // it has beaten since
		lease("own", "z", false)
		lease("call", "z", false)
		must(t, s.ReleaseLeasesOf(t.Context(), "h/1/a", 2))
		lease("own", "z", true)
		lease("call", "z", true)
		lease("other's", "z", false)

		lease("again", "h/1/a", true)
		must(t, s.RemoveReplica(t.Context(), "h/1/a", 1))
		lease("again", "z", false)
		must(t, s.RemoveReplica(t.Context(), "h/1/a", 2))
		lease("again", "z", true)
		beat("h/1/ab", map[string]int64{"h/1/ab": 2})
	})
}
