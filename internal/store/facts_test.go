package store_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"accountgateway/internal/store"
)

var withoutFactSeq = cmp.Options{cmpopts.IgnoreFields(store.Fact{}, "Seq", "Age"), cmpopts.EquateEmpty()}

func factsAfter(t *testing.T, s *store.Store, seq int64) []store.Fact {
	t.Helper()
	facts, err := s.FactsAfter(t.Context(), seq)
	must(t, err)
	return facts
}

func fact(name string, at time.Duration, body string) store.Fact {
	return store.Fact{Account: "a", Name: name, AsOf: epoch.Add(at), Body: []byte(body)}
}

// The last fact under each name counts, whoever saves it last.
func TestFacts(t *testing.T) {
	onEngines(t, func(t *testing.T, url string) {
		s := open(t, url, newClock())
		must(t, s.SaveReadings(t.Context(), []store.Reading{reading(balanceKey, 0, "x")}, fact("state", 0, "old"), fact("runway", 0, "r")))
		seen := factsAfter(t, s, 0)
		if diff := cmp.Diff([]store.Fact{fact("state", 0, "old"), fact("runway", 0, "r")}, seen, withoutFactSeq); diff != "" {
			t.Error(diff)
		}
		must(t, s.SaveReadings(t.Context(), nil, fact("state", time.Second, "new")))
		must(t, s.SaveReadings(t.Context(), nil, fact("state", 0, "old")))
		news := factsAfter(t, s, seen[len(seen)-1].Seq)
		if diff := cmp.Diff([]store.Fact{fact("state", time.Second, "new")}, news, withoutFactSeq); diff != "" {
			t.Error(diff)
		}
		n, err := s.PruneFacts(t.Context(), epoch.Add(time.Second))
		must(t, err)
		if left := factsAfter(t, s, 0); n != 1 || len(left) != 1 || left[0].Name != "state" {
			t.Errorf("pruned %d, left %+v", n, left)
		}
	})
}

// An upgrade carries over the facts that earlier versions kept among the readings.
func TestFactsOfEarlierVersions(t *testing.T) {
	onEngines(t, func(t *testing.T, url string) {
		must(t, store.MigrateTo(t.Context(), url, 10))
		old, err := store.Open(t.Context(), url, store.Options{AsItIs: true})
		must(t, err)
		must(t, old.SaveReadings(t.Context(), []store.Reading{
			reading(balanceKey, 0, "balance"),
			reading(store.ReadingKey{Account: "a", Operation: "state"}, 0, "s"),
			reading(store.ReadingKey{Account: "a", Operation: "written"}, 0, ""),
		}))
		must(t, old.Close())
		s := open(t, url, newClock())
		if diff := cmp.Diff([]store.Fact{fact("state", 0, "s"), fact("written", 0, "")}, factsAfter(t, s, 0), withoutFactSeq); diff != "" {
			t.Error(diff)
		}
		if _, found, err := s.Reading(t.Context(), store.ReadingKey{Account: "a", Operation: "state"}); found || err != nil {
			t.Errorf("the state is among the readings still: %v", err)
		}
		if _, found, err := s.Reading(t.Context(), balanceKey); !found || err != nil {
			t.Errorf("the balance is gone: %v", err)
		}
	})
}
