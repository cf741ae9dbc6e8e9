package store_test

import (
	"testing"
	"time"

	"accountgateway/internal/store"
)

// A call that begins has the lease, what there is to know, and a slot; or it has
// nothing, and nobody misses a slot.
func TestBeginCall(t *testing.T) {
	onEngines(t, func(t *testing.T, url string) {
		clock := newClock()
		one, two := open(t, url, clock), open(t, url, clock)
		begin := func(s *store.Store, lease, holder, account string) store.Begun {
			t.Helper()
			begun, err := s.BeginCall(t.Context(), store.Beginning{
				Lease: lease, Holder: holder, TTL: time.Minute, Account: account,
				Budgets: []store.BudgetShare{{Name: account, Limit: limit}, {Name: "host", Limit: store.BudgetLimit{Calls: 3, Per: time.Minute}}}, Hold: hold,
			})
			must(t, err)
			return begun
		}
		want := func(got store.Begun, ours bool, news store.News, granted bool) {
			t.Helper()
			if got.Ours != ours || got.News != news || got.Slot.Granted() != granted {
				t.Errorf("got %+v, want ours %v, %+v, granted %v", got, ours, news, granted)
			}
		}
		want(begin(one, "read/a", "one", "regru"), true, store.News{}, true)
		want(begin(two, "read/a", "two", "regru"), false, store.News{}, false)
		wantBudget(t, remaining(t, one, limit), store.Budget{Remaining: 2})

		must(t, one.SaveReadings(t.Context(), []store.Reading{{Key: balanceKey, AsOf: epoch}}, store.Fact{Account: "regru", Name: "state", AsOf: epoch}))
		must(t, one.ReleaseLease(t.Context(), "read/a", "one"))
		want(begin(two, "read/a", "two", "regru"), true, store.News{Saved: 2}, true)
		wantBudget(t, remaining(t, one, limit), store.Budget{Remaining: 1})

		must(t, one.PutLockout(t.Context(), store.Lockout{Account: "regru", TryAt: epoch, ForceAt: epoch}))
		want(begin(one, "read/b", "one", "regru"), true, store.News{Saved: 2, LockedOut: true}, false)
		want(begin(one, "read/c", "one", "selzy"), true, store.News{Saved: 2}, true)
		want(begin(one, "read/d", "one", "selzy"), true, store.News{Saved: 2}, false) // the host has none left
		wantBudget(t, remaining(t, one, limit), store.Budget{Remaining: 1})
	})
}

// Of all that begin a call of one name at a time, one has it, and one slot is
// taken.
func TestBeginCallContention(t *testing.T) {
	onEngines(t, func(t *testing.T, url string) {
		clock := newClock()
		stores := []*store.Store{open(t, url, clock), open(t, url, clock)}
		ours := make([]bool, 40)
		together(len(ours), func(i int) {
			begun, err := stores[i%2].BeginCall(t.Context(), store.Beginning{
				Lease: "read/a", Holder: string(rune('A' + i)), TTL: time.Minute, Account: "regru",
				Budgets: []store.BudgetShare{{Name: "regru", Limit: limit}}, Hold: hold,
			})
			if err != nil {
				t.Error(err)
			}
			if ours[i] = begun.Ours; ours[i] != begun.Slot.Granted() {
				t.Errorf("%d: %+v", i, begun)
			}
		})
		n := 0
		for _, had := range ours {
			if had {
				n++
			}
		}
		if n != 1 {
			t.Errorf("%d have it", n)
		}
		wantBudget(t, remaining(t, stores[0], limit), store.Budget{Remaining: 2})
	})
}
