package store_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"accountgateway/internal/store"
)

var (
	balanceKey = store.ReadingKey{Account: "regru", Operation: "balance"}
	usersKey   = store.ReadingKey{Account: "selzy", Operation: "users", Query: "login=аня&limit=10"}

	withoutSeq = cmpopts.IgnoreFields(store.Reading{}, "Seq")
)

func reading(key store.ReadingKey, at time.Duration, body string) store.Reading {
	return store.Reading{Key: key, AsOf: epoch.Add(at), Body: []byte(body)}
}

func TestSaveReadings(t *testing.T) {
	type save []store.Reading
	for _, test := range []struct {
		name  string
		saves []save
		key   store.ReadingKey
		want  *store.Reading
	}{
		{name: "nothing saved", key: balanceKey},
		{name: "an empty save", saves: []save{{}}, key: balanceKey},
		{
			name:  "another key",
			saves: []save{{reading(usersKey, 0, "x")}},
			key:   balanceKey,
		},
		{
			name:  "kept to the microsecond, in UTC",
			saves: []save{{{Key: usersKey, AsOf: epoch.Add(1234567).In(time.FixedZone("", 3600)), Body: []byte("x")}}},
			key:   usersKey,
			want:  &store.Reading{Key: usersKey, AsOf: epoch.Add(1234 * time.Microsecond), Body: []byte("x")},
		},
		{
			name:  "any bytes",
			saves: []save{{reading(balanceKey, 0, "\x00\xff'")}},
			key:   balanceKey,
			want:  new(reading(balanceKey, 0, "\x00\xff'")),
		},
		{
			name:  "no body",
			saves: []save{{{Key: balanceKey, AsOf: epoch}}},
			key:   balanceKey,
			want:  new(reading(balanceKey, 0, "")),
		},
		{
			name:  "newer replaces",
			saves: []save{{reading(balanceKey, 0, "old")}, {reading(balanceKey, time.Microsecond, "new")}},
			key:   balanceKey,
			want:  new(reading(balanceKey, time.Microsecond, "new")),
		},
		{
			name:  "older is dropped",
			saves: []save{{reading(balanceKey, time.Microsecond, "new")}, {reading(balanceKey, 0, "old")}},
			key:   balanceKey,
			want:  new(reading(balanceKey, time.Microsecond, "new")),
		},
		{
			name:  "same time replaces",
			saves: []save{{reading(balanceKey, 0, "first")}, {reading(balanceKey, 0, "second")}},
			key:   balanceKey,
			want:  new(reading(balanceKey, 0, "second")),
		},
		{
			name:  "several at once, a key twice",
			saves: []save{{reading(usersKey, 0, "u"), reading(balanceKey, 2, "b2"), reading(balanceKey, 1, "b1"), reading(balanceKey, 3000, "b3")}},
			key:   balanceKey,
			want:  new(reading(balanceKey, 3000, "b3")),
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			onEngines(t, func(t *testing.T, url string) {
				s := open(t, url, newClock())
				for _, rs := range test.saves {
					must(t, s.SaveReadings(t.Context(), rs))
				}
				got, ok, err := s.Reading(t.Context(), test.key)
				must(t, err)
				if ok != (test.want != nil) {
					t.Fatalf("found %v, want %v", ok, test.want != nil)
				}
				if test.want == nil {
					return
				}
				if diff := cmp.Diff(*test.want, got, withoutSeq, cmpopts.EquateEmpty()); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
}

func TestReadingsAfter(t *testing.T) {
	onEngines(t, func(t *testing.T, url string) {
		s := open(t, url, newClock())
		key := func(i int) store.ReadingKey {
			return store.ReadingKey{Account: "a", Operation: "balance", Query: fmt.Sprint(i)}
		}
		for i := range 3 {
			must(t, s.SaveReadings(t.Context(), []store.Reading{reading(key(i), 0, "x")}))
		}
		bodies := func(after int64, limit int) (int64, string) {
			t.Helper()
			rs, err := s.ReadingsAfter(t.Context(), after, limit)
			must(t, err)
			var texts []string
			for _, r := range rs {
				texts = append(texts, r.Key.Query+string(r.Body))
				after = r.Seq
			}
			return after, strings.Join(texts, " ")
		}
		seq, got := bodies(0, 2)
		if want := "0x 1x"; got != want {
			t.Fatalf("first page %q, want %q", got, want)
		}
		seq, got = bodies(seq, 2)
		if want := "2x"; got != want {
			t.Fatalf("second page %q, want %q", got, want)
		}

		// A dropped older one is no news, a newer one is.
		must(t, s.SaveReadings(t.Context(), []store.Reading{reading(key(1), -time.Second, "old")}))
		must(t, s.SaveReadings(t.Context(), []store.Reading{reading(key(0), time.Second, "new")}))
		if seq, got = bodies(seq, 10); got != "0new" {
			t.Fatalf("news %q, want 0new", got)
		}
		if _, got = bodies(seq, 10); got != "" {
			t.Fatalf("news %q, want none", got)
		}
	})
}

// Whoever follows the numbers sees every save, though many write at once.
func TestReadingsAfterMissesNone(t *testing.T) {
	onEngines(t, func(t *testing.T, url string) {
		const writers, each = 8, 25
		clock := newClock()
		stores := []*store.Store{open(t, url, clock), open(t, url, clock)}
		follower := open(t, url, clock)

		var done atomic.Bool
		seen := map[string]bool{}
		followed := make(chan error, 1)
		go func() {
			var seq int64
			for {
				last := done.Load() // everything is saved before this poll
				rs, err := follower.ReadingsAfter(t.Context(), seq, 1000)
				if err != nil {
					followed <- err
					return
				}
				for _, r := range rs {
					seq = r.Seq
					seen[r.Key.Query] = true
				}
				if last {
					followed <- nil
					return
				}
			}
		}()
		together(writers, func(w int) {
			for i := range each {
				key := store.ReadingKey{Account: "a", Operation: "users", Query: fmt.Sprintf("%d/%d", w, i)}
				if err := stores[w%2].SaveReadings(t.Context(), []store.Reading{reading(key, 0, "x")}); err != nil {
					t.Error(err)
				}
			}
		})
		done.Store(true)
		must(t, <-followed)
		if len(seen) != writers*each {
			t.Errorf("saw %d readings of %d", len(seen), writers*each)
		}
	})
}

func TestPruneReadings(t *testing.T) {
	onEngines(t, func(t *testing.T, url string) {
		s := open(t, url, newClock())
		must(t, s.SaveReadings(t.Context(), []store.Reading{reading(balanceKey, 0, "old"), reading(usersKey, time.Second, "kept")}))
		for _, want := range []int64{1, 0} {
			n, err := s.PruneReadings(t.Context(), epoch.Add(time.Second), epoch.Add(time.Second), "users")
			must(t, err)
			if n != want {
				t.Errorf("pruned %d, want %d", n, want)
			}
		}
		if _, ok, err := s.Reading(t.Context(), balanceKey); ok || err != nil {
			t.Errorf("the old reading is there: %v %v", ok, err)
		}
		if _, ok, err := s.Reading(t.Context(), usersKey); !ok || err != nil {
			t.Errorf("the newer reading is gone: %v %v", ok, err)
		}
	})
}

// A restart forgets nothing.
func TestReadingsOutliveTheStore(t *testing.T) {
	onEngines(t, func(t *testing.T, url string) {
		first, err := store.Open(t.Context(), url, store.Options{})
		must(t, err)
		must(t, first.SaveReadings(t.Context(), []store.Reading{reading(balanceKey, 0, "x")}))
		must(t, first.Close())

		rs, err := open(t, url, newClock()).ReadingsAfter(t.Context(), 0, 10)
		must(t, err)
		if diff := cmp.Diff([]store.Reading{reading(balanceKey, 0, "x")}, rs, withoutSeq); diff != "" {
			t.Error(diff)
		}
	})
}
