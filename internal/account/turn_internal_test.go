package account

import (
	"context"
	"io"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"accountgateway/internal/durable"
	"accountgateway/internal/store"
)

// longest is how long a turn lasts in these tests.
const longest = 15 * time.Second

// newTestTurns are the turns of one replica; url is "" for one without a store.
func newTestTurns(t *testing.T, replica, url string) *turns {
	t.Helper()
	d := durable.New(zerolog.Nop())
	if url != "" {
		st, err := store.Open(t.Context(), url, store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { st.Close() })
		d.Attach(st)
	}
	return &turns{replica: replica, durable: d, longest: longest}
}

func lease(ctx context.Context, st *store.Store, lease, holder string, ttl time.Duration) (bool, error) {
	return st.AcquireLease(ctx, lease, holder, ttl)
}

func never(bool) bool { return false }

func nothing(context.Context, bool) {}

// Of many replicas one makes the call. The others wait for it, and have its
// reading soon after.
func TestOneTurnAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		url := "sqlite:" + filepath.Join(t.TempDir(), "gateway.db")
		var stored atomic.Bool // what the one call brings
		var calls atomic.Int32
		var wg sync.WaitGroup
		began := time.Now()
		for _, replica := range []string{"a", "b", "c"} {
			var here atomic.Bool
			turns := newTestTurns(t, replica, url)
			wg.Go(func() {
				release := turns.take(t.Context(), "balance", lease, func(context.Context, bool) { here.Store(stored.Load()) }, func(bool) bool { return here.Load() })
				if release == nil {
					return
				}
				calls.Add(1)
				time.Sleep(3 * time.Second)
				stored.Store(true)
				release()
			})
		}
		wg.Wait()
		if took := time.Since(began); calls.Load() != 1 || took > 3*time.Second+2*turnPoll {
			t.Errorf("%d calls, all were answered after %s", calls.Load(), took)
		}
	})
}

// A turn that is given back without a reading is the next one's, and turns of
// other names wait for nobody.
func TestTurnIsPassedOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		url := "sqlite:" + filepath.Join(t.TempDir(), "gateway.db")
		one, two := newTestTurns(t, "a", url), newTestTurns(t, "b", url)
		release := one.take(t.Context(), "balance", lease, nothing, never)
		began := time.Now()
		if release := two.take(t.Context(), "statistics", lease, nothing, never); release == nil || time.Since(began) > 0 {
			t.Errorf("another turn had to wait for %s", time.Since(began))
		}
		time.AfterFunc(2*time.Second, release)
		if two.take(t.Context(), "balance", lease, nothing, never) == nil {
			t.Error("no turn, and no reading")
		}
		if took := time.Since(began); took < 2*time.Second || took > 2*time.Second+2*turnPoll {
			t.Errorf("waited %s for a turn of 2 s", took)
		}
	})
}

// A turn ends without its holder when the heartbeat is missed, and at the
// latest when the lease runs out. Names decide nothing: in containers every
// replica's process has the same number.
func TestTurnOfTheDead(t *testing.T) {
	for _, test := range []struct {
		name   string
		missed time.Duration // when others miss the heartbeat; 0: never
		want   time.Duration
	}{
		{"missed", 2 * time.Second, 2 * time.Second},
		{"run out", 0, longest},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				url := "sqlite:" + filepath.Join(t.TempDir(), "gateway.db")
				dead, alive := newTestTurns(t, "host/1/x", url), newTestTurns(t, "host/1/y", url)
				beats, err := durable.Get(t.Context(), alive.durable.Query, func(ctx context.Context, st *store.Store) (map[string]int64, error) {
					return st.Beat(ctx, dead.replica)
				})
				if err != nil {
					t.Fatal(err)
				}
				dead.take(t.Context(), "balance", lease, nothing, never) // and is not heard of again
				if test.missed > 0 {
					time.AfterFunc(test.missed, func() {
						err := alive.durable.Query(context.WithoutCancel(t.Context()), func(ctx context.Context, st *store.Store) error {
							return st.ReleaseLeasesOf(ctx, dead.replica, beats[dead.replica])
						})
						if err != nil {
							t.Error(err)
						}
					})
				}
				began := time.Now()
				if alive.take(t.Context(), "balance", lease, nothing, never) == nil {
					t.Error("no turn, and no reading")
				}
				if took := time.Since(began); took < test.want || took > test.want+2*turnPoll {
					t.Errorf("waited %s for the dead, want %s", took, test.want)
				}
			})
		})
	}
}

// Without the store nobody waits. A turn that can't be given back is given back
// once the store answers again.
func TestTurnWithoutTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		alone := newTestTurns(t, "a", "")
		if alone.take(t.Context(), "balance", lease, nothing, never) == nil {
			t.Error("no turn, and no reading")
		}

		url := "sqlite:" + filepath.Join(t.TempDir(), "gateway.db")
		one, two := newTestTurns(t, "a", url), newTestTurns(t, "b", url)
		release := one.take(t.Context(), "balance", lease, nothing, never)
		_ = one.durable.Watch(t.Context(), func(context.Context, *store.Store) error { return io.EOF })
		if one.durable.Err() == nil {
			t.Fatal("the store is not away")
		}
		release()
		if err := one.durable.Watch(t.Context(), one.settle); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		if two.take(t.Context(), "balance", lease, nothing, never) == nil || time.Since(began) > 0 {
			t.Errorf("waited %s for a turn that was given back", time.Since(began))
		}
	})
}
