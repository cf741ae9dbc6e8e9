package operation_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"accountgateway/internal/operation"
	"accountgateway/internal/operation/operationtest"
	"accountgateway/internal/provider"
	"accountgateway/internal/provider/providertest"
	"accountgateway/internal/store"
)

// deaf makes the database refuse the end of every operation, as a full disk
// does, and gives what mends it.
func (b *breakage) deaf(t *testing.T) (mend func()) {
	t.Helper()
	b.exec(t, `CREATE TRIGGER deaf BEFORE UPDATE ON operations BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END`)
	return func() { b.exec(t, `DROP TRIGGER deaf`) }
}

// TestAnswerFollowsTheRecord: while the end of a write can't be recorded, its
// caller, its replays and its operation all have the outcome and say that it is
// not recorded. Once the database takes it, everybody has it.
func TestAnswerFollowsTheRecord(t *testing.T) {
	tests := []struct {
		name  string
		err   error
		state store.OperationState
	}{
		{"succeeded", nil, store.Succeeded},
		{"failed", &provider.Error{Kind: provider.KindRejected, Message: "no", Refused: true}, store.Failed},
		{"unknown", provider.Errorf(provider.KindTimeout, "slow"), store.Unknown},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				url := sqliteURL(t)
				harm := newBreakage(t, url)
				var mend func()
				vendor := &providertest.Fake{Refills: func(ctx context.Context, r provider.RefillRequest) (provider.Invoice, error) {
					mend = harm.deaf(t) // during the call
					if tt.err != nil {
						return provider.Invoice{}, tt.err
					}
					return operationtest.Invoice(ctx, r)
				}}
				r := newReplica(t, vendor, url)
				first, _ := r.Refill(t.Context(), operationtest.Order, operationtest.RefillOf("19.95"))
				if first.State != tt.state || first.Recorded || first.Replayed {
					t.Fatalf("got %+v", first)
				}
				again, err := r.Refill(t.Context(), operationtest.Order, operationtest.RefillOf("19.95"))
				if !again.Replayed || again.Recorded || again.State != tt.state || again.ID != first.ID {
					t.Errorf("replay: %+v, %v", again, err)
				}
				if _, err := r.Refill(t.Context(), operationtest.Order, operationtest.RefillOf("20")); !errors.Is(err, operation.ErrKeyReused) {
					t.Errorf("another payload: %v", err)
				}
				if op, err := r.Operation(t.Context(), "a", first.ID); err != nil || op.State != tt.state || op.Recorded {
					t.Errorf("operation: %+v, %v", op, err)
				}
				if list, _, err := r.Operations(t.Context(), "a", 10, nil); err != nil || len(list) != 1 || list[0].State != tt.state || list[0].Recorded {
					t.Errorf("operations: %+v, %v", list, err)
				}
				time.Sleep(time.Hour) // much longer than anybody would try
				mend()
				time.Sleep(5 * time.Second)
				other := newReplica(t, vendor, url)
				for i, r := range []*replica{r, other} {
					if op, err := r.Operation(t.Context(), "a", first.ID); err != nil || op.State != tt.state || !op.Recorded || op.Reference != first.Reference {
						t.Errorf("replica %d, afterwards: %+v, %v", i, op, err)
					}
				}
				if n := vendor.Calls(provider.OpRefill); n != 1 {
					t.Errorf("%d vendor calls", n)
				}
			})
		})
	}
}

// TestRecordLostDuringTheCall: a database that has lost the record of a write
// under way, as after a failover, has not taken its end. The caller is told, and
// the same key makes no second call.
func TestRecordLostDuringTheCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		url := sqliteURL(t)
		harm := newBreakage(t, url)
		vendor := &providertest.Fake{Refills: func(ctx context.Context, r provider.RefillRequest) (provider.Invoice, error) {
			harm.exec(t, `DELETE FROM operations`)
			return operationtest.Invoice(ctx, r)
		}}
		r := newReplica(t, vendor, url)
		first, err := r.Refill(t.Context(), operationtest.Order, operationtest.RefillOf("19.95"))
		if err != nil || first.State != store.Succeeded || first.Recorded {
			t.Errorf("got %+v, %v", first, err)
		}
		time.Sleep(time.Minute)
		again, err := r.Refill(t.Context(), operationtest.Order, operationtest.RefillOf("19.95"))
		if err != nil || !again.Replayed || again.Recorded || again.Reference != first.Reference || vendor.Calls(provider.OpRefill) != 1 {
			t.Errorf("replay: %+v, %v; %d vendor calls", again, err, vendor.Calls(provider.OpRefill))
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		r.Run(ctx) // ends the trying
	})
}

// TestUnsentAndUnrecorded: while the database does not take the end of a write
// that was not sent, its record holds the key; after that the key is free, also
// if the database has lost the record.
func TestUnsentAndUnrecorded(t *testing.T) {
	for _, lost := range []bool{false, true} {
		t.Run(fmt.Sprintf("record lost %v", lost), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				url := sqliteURL(t)
				harm := newBreakage(t, url)
				mend := func() {}
				vendor := &providertest.Fake{}
				var r *replica
				vendor.Refills = func(ctx context.Context, asked provider.RefillRequest) (provider.Invoice, error) {
					if vendor.Calls(provider.OpRefill) > 1 {
						return operationtest.Invoice(ctx, asked)
					}
					if lost {
						harm.exec(t, `DELETE FROM operations`)
					} else {
						mend = harm.deaf(t)
					}
					return provider.Invoice{}, &provider.Error{Kind: provider.KindUnavailable, Message: "no connection", NotSent: true}
				}
				r = newReplica(t, vendor, url)
				first, err := r.Refill(t.Context(), operationtest.Order, operationtest.RefillOf("19.95"))
				if operationtest.Failure(err) == nil || first.Recorded || !first.KeyFree {
					t.Fatalf("got %+v, %v", first, err)
				}
				if !lost {
					other := newReplica(t, vendor, url)
					time.Sleep(time.Hour) // it is not given up meanwhile
					if got, err := r.Refill(t.Context(), operationtest.Order, operationtest.RefillOf("19.95")); !errors.Is(err, operation.ErrInProgress) {
						t.Errorf("not settled yet: %+v, %v", got, err)
					}
					mend()
					time.Sleep(5 * time.Second)
					if op, err := other.Operation(t.Context(), "a", first.ID); err != nil || op.State != store.Failed || !op.KeyFree {
						t.Errorf("the journal has %+v, %v", op, err)
					}
				}
				for _, replayed := range []bool{false, true} {
					if got, err := r.Refill(t.Context(), operationtest.Order, operationtest.RefillOf("19.95")); err != nil || got.Replayed != replayed || got.ID == first.ID {
						t.Errorf("got %+v, %v; want replayed %v", got, err, replayed)
					}
				}
				if n := vendor.Calls(provider.OpRefill); n != 2 {
					t.Errorf("%d vendor calls", n)
				}
				ctx, cancel := context.WithCancel(t.Context())
				cancel()
				r.Run(ctx) // ends the trying
			})
		})
	}
}

// TestUnrecordedEndAtTheShutdown: it is tried until the drain is over.
func TestUnrecordedEndAtTheShutdown(t *testing.T) {
	tests := []struct {
		name  string
		after time.Duration // the shutdown, the database is mended
		want  store.OperationState
	}{
		{"database back in time", 10 * time.Second, store.Succeeded},
		{"database back too late", 25 * time.Second, store.Started},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				url := sqliteURL(t)
				harm := newBreakage(t, url)
				var mend func()
				r := newReplica(t, &providertest.Fake{Refills: func(ctx context.Context, r provider.RefillRequest) (provider.Invoice, error) {
					mend = harm.deaf(t)
					return operationtest.Invoice(ctx, r)
				}}, url)
				op, err := r.Refill(t.Context(), operationtest.Order, operationtest.RefillOf("19.95"))
				if err != nil || op.Recorded {
					t.Fatalf("got %+v, %v", op, err)
				}
				ctx, cancel := context.WithCancel(t.Context())
				cancel()
				r.DrainUntil(time.Now().Add(20 * time.Second))
				time.AfterFunc(tt.after, mend)
				r.Run(ctx)
				time.Sleep(time.Minute) // also for the mending
				st, err := store.Open(t.Context(), url, store.Options{})
				if err != nil {
					t.Fatal(err)
				}
				defer st.Close()
				if row, found, err := st.Operation(t.Context(), op.ID); err != nil || !found || row.State != tt.want {
					t.Errorf("got %+v, %v", row, err)
				}
			})
		})
	}
}
