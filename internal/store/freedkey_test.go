package store_test

import (
	"sync/atomic"
	"testing"
	"time"

	"accountgateway/internal/store"
)

// TestFreedKey: the statement that settles an operation can give up its key.
// One other operation gets it then, and no more; the first stays in the journal.
func TestFreedKey(t *testing.T) {
	onEngines(t, func(t *testing.T, url string) {
		s := open(t, url, newClock())
		begin := func(id string) (store.Operation, bool) {
			t.Helper()
			op := operation("k")
			op.ID = id
			got, begun, err := s.BeginOperation(t.Context(), op, epoch, nil)
			if err != nil {
				t.Error(err)
			}
			return got, begun
		}
		settle := func(id string, to store.Settlement, want bool) {
			t.Helper()
			to.SettledAt = epoch.Add(time.Second)
			if done, err := s.SettleOperation(t.Context(), id, to, store.Started, store.Unknown); err != nil || done != want {
				t.Errorf("settle %s: %v, %v", id, done, err)
			}
		}
		if _, begun := begin("first"); !begun {
			t.Fatal("not begun")
		}
		if got, begun := begin("early"); begun || got.ID != "first" || got.KeyFree {
			t.Errorf("while it runs: %+v, %v", got, begun)
		}
		unsent := store.Settlement{State: store.Failed, KeyFree: true}
		settle("first", unsent, true)
		settle("first", unsent, false)

		var begun atomic.Int64
		together(8, func(i int) {
			if _, ok := begin("next-" + string(rune('a'+i))); ok {
				begun.Add(1)
			}
		})
		if begun.Load() != 1 {
			t.Errorf("%d operations got the key, want 1", begun.Load())
		}
		first, found, err := s.Operation(t.Context(), "first")
		if err != nil || !found || first.State != store.Failed || first.Key != "k" || !first.KeyFree {
			t.Errorf("the journal has %+v, %v, %v", first, found, err)
		}
		if all, err := s.Operations(t.Context(), store.OperationFilter{Accounts: []string{"a"}}); err != nil || len(all) != 2 {
			t.Errorf("the journal has %+v, %v", all, err)
		}

		owner, _ := begin("late")
		settle(owner.ID, store.Settlement{State: store.Failed}, true)
		if got, begun := begin("latest"); begun || got.ID != owner.ID || got.Key != "k" || got.KeyFree {
			t.Errorf("after a failure that was sent: %+v, %v", got, begun)
		}
	})
}
