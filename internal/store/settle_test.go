package store_test

import (
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"accountgateway/internal/store"
)

// TestSettlementKeys: a key settles one operation, and nobody begins another
// under it, nor the other way round. Another caller's key is another key.
func TestSettlementKeys(t *testing.T) {
	onEngines(t, func(t *testing.T, url string) {
		s := open(t, url, newClock())
		begin := func(id string) {
			t.Helper()
			_, begun, err := s.BeginOperation(t.Context(), operation(id), epoch, nil)
			must(t, err)
			_, err = s.SettleOperation(t.Context(), id, store.Settlement{State: store.Unknown, SettledAt: epoch}, store.Started)
			must(t, err)
			if !begun {
				t.Fatalf("%s: not begun", id)
			}
		}
		settle := func(id, caller, key string) bool {
			t.Helper()
			done, err := s.SettleByHand(t.Context(), id, store.Settlement{State: store.Failed, By: caller},
				&store.SettlementKey{Caller: caller, Key: key, Fingerprint: []byte(id)})
			must(t, err)
			return done
		}
		for _, id := range []string{"one", "two", "three", "four"} {
			begin(id)
		}
		if !settle("one", "c", "key") || settle("two", "c", "key") || settle("one", "c", "again") {
			t.Error("a key settles one operation, once")
		}
		if op, _, err := s.Operation(t.Context(), "two"); err != nil || op.State != store.Unknown {
			t.Errorf("settled under a key that was taken: %+v, %v", op, err)
		}
		if !settle("two", "d", "key") {
			t.Error("another caller's key is another key")
		}
		use, found, err := s.KeyUse(t.Context(), "c", "key")
		if err != nil || !found || use.Operation != "one" || !use.Settled || string(use.Fingerprint) != "one" {
			t.Errorf("the key's use: %+v, %v, %v", use, found, err)
		}
		if use, found, err = s.KeyUse(t.Context(), "c", "three"); err != nil || !found || use.Operation != "three" || use.Settled {
			t.Errorf("a write's key: %+v, %v, %v", use, found, err)
		}
		for _, key := range []string{"again", "none"} {
			if use, found, err = s.KeyUse(t.Context(), "c", key); err != nil || found {
				t.Errorf("%s was used for %+v, %v", key, use, err)
			}
		}

		op := operation("key")
		got, begun, err := s.BeginOperation(t.Context(), op, epoch, nil)
		if err != nil || begun || got.ID != "one" || got.Key != "one" {
			t.Errorf("a write under it: %+v, %v, %v", got, begun, err)
		}

		var done atomic.Int64
		together(8, func(int) {
			if ok, err := s.SettleByHand(t.Context(), "three", store.Settlement{State: store.Failed}, &store.SettlementKey{Caller: "c", Key: "race"}); err != nil {
				t.Error(err)
			} else if ok {
				done.Add(1)
			}
		})
		if done.Load() != 1 || settle("four", "c", "race") {
			t.Errorf("settled %d times, want once", done.Load())
		}
	})
}

// TestOperationsOfAccounts: those of the accounts that are named, newest first,
// by pages.
func TestOperationsOfAccounts(t *testing.T) {
	onEngines(t, func(t *testing.T, url string) {
		s := open(t, url, newClock())
		for i, name := range []string{"a", "b", "c", "a", "b", "c"} {
			op := operation(name + strconv.Itoa(i))
			op.Account, op.CreatedAt = name, epoch.Add(time.Duration(i)*time.Minute)
			if i == 3 {
				op.Kind = "create_user"
			}
			_, _, err := s.BeginOperation(t.Context(), op, epoch, nil)
			must(t, err)
		}
		_, err := s.SettleOperation(t.Context(), "b4", store.Settlement{State: store.Unknown, SettledAt: epoch}, store.Started)
		must(t, err)
		tests := []struct {
			filter store.OperationFilter
			want   string
		}{
			{store.OperationFilter{}, "c5 b4 a3 c2 b1 a0"},
			{store.OperationFilter{Accounts: []string{}}, ""},
			{store.OperationFilter{Accounts: []string{"a"}}, "a3 a0"},
			{store.OperationFilter{Accounts: []string{"c", "a", "none"}}, "c5 a3 c2 a0"},
			{store.OperationFilter{Accounts: []string{"c", "a"}, Limit: 2}, "c5 a3"},
			{store.OperationFilter{Accounts: []string{"c", "a"}, Before: &store.OperationCursor{CreatedAt: epoch.Add(3 * time.Minute), ID: "a3"}}, "c2 a0"},
			{store.OperationFilter{Accounts: []string{"b", "a"}, State: store.Unknown}, "b4"},
			{store.OperationFilter{Accounts: []string{"b", "a"}, Kind: "create_user"}, "a3"},
		}
		for _, tt := range tests {
			list, err := s.Operations(t.Context(), tt.filter)
			must(t, err)
			var got []string
			for _, op := range list {
				got = append(got, op.ID)
			}
			if strings.Join(got, " ") != tt.want {
				t.Errorf("%+v: got %v, want %s", tt.filter, got, tt.want)
			}
		}
	})
}
