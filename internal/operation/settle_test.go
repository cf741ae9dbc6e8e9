package operation_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"accountgateway/internal/operation"
	"accountgateway/internal/operation/operationtest"
	"accountgateway/internal/provider"
	"accountgateway/internal/provider/providertest"
	"accountgateway/internal/store"
)

// lost is a vendor whose answers to refills get lost.
func lost() *providertest.Fake {
	return &providertest.Fake{Refills: func(context.Context, provider.RefillRequest) (provider.Invoice, error) {
		return provider.Invoice{}, provider.Errorf(provider.KindTimeout, "slow")
	}}
}

// unknownRefill asks for a refill whose outcome is unknown.
func unknownRefill(t *testing.T, r *replica, key string) operation.Operation {
	t.Helper()
	order := operationtest.Order
	order.Key = key
	op, err := r.Refill(t.Context(), order, operationtest.RefillOf("19.95"))
	if err != nil || op.State != store.Unknown {
		t.Fatalf("got %+v, %v", op, err)
	}
	return op
}

// TestSettle: a verdict ends an operation of unknown outcome, and its key answers
// accordingly, without another vendor call.
func TestSettle(t *testing.T) {
	tests := []struct {
		name    string
		verdict operation.Verdict
		answer  string // of the key, if that is a failure
	}{
		{"succeeded", operation.Verdict{State: store.Succeeded, Reason: "invoice 70045 is in the panel", Reference: "70045", By: "ada"}, ""},
		{"succeeded, number unknown", operation.Verdict{State: store.Succeeded, Reason: "it is paid", By: "ada", Key: "s-1"}, ""},
		{"failed", operation.Verdict{State: store.Failed, Reason: "no such invoice", By: "ada", Key: "s-1"}, "settled by hand: the vendor did not do it (no such invoice)"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			vendor := lost()
			r := newReplica(t, vendor, sqliteURL(t))
			id := unknownRefill(t, r, "k-1").ID
			op, err := r.Settle(t.Context(), "a", id, tt.verdict)
			if err != nil || op.State != tt.verdict.State || op.SettledBy != "ada" || op.Reason != tt.verdict.Reason || op.Reference != tt.verdict.Reference ||
				op.SettledAt == nil || op.Replayed || op.UnknownSince != nil {
				t.Errorf("settled as %+v, %v", op, err)
			}
			if got, err := r.Operation(t.Context(), "a", id); err != nil || got.State != tt.verdict.State || got.SettledBy != "ada" {
				t.Errorf("the journal has %+v, %v", got, err)
			}
			again, err := r.Refill(t.Context(), operationtest.Order, operationtest.RefillOf("19.95"))
			if !again.Replayed || again.State != tt.verdict.State || (tt.answer == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), tt.answer) {
				t.Errorf("its key answers %+v, %v", again, err)
			}
			if tt.answer == "" && (again.Invoice == nil || again.Invoice.ID != tt.verdict.Reference) {
				t.Errorf("the invoice is %+v", again.Invoice)
			}
			if n := vendor.Calls(provider.OpRefill); n != 1 {
				t.Errorf("%d vendor calls", n)
			}
		})
	}
}

// TestSettleTwice: the same verdict under the same key is answered as it was. A
// key that was used for something else is refused, and so is another verdict.
func TestSettleTwice(t *testing.T) {
	r := newReplica(t, lost(), sqliteURL(t))
	one, two := unknownRefill(t, r, "k-1"), unknownRefill(t, r, "k-2")
	verdict := operation.Verdict{State: store.Succeeded, Reason: "seen", Reference: "70045", By: operationtest.Order.Caller, Key: "s-1"}
	if _, err := r.Settle(t.Context(), "a", one.ID, verdict); err != nil {
		t.Fatal(err)
	}
	if op, err := r.Settle(t.Context(), "a", one.ID, verdict); err != nil || !op.Replayed || op.State != store.Succeeded || op.Reference != "70045" {
		t.Errorf("once more: %+v, %v", op, err)
	}
	with := func(change func(*operation.Verdict)) operation.Verdict {
		v := verdict
		change(&v)
		return v
	}
	tests := []struct {
		name    string
		id      string
		verdict operation.Verdict
		why     error
		about   string // the operation that stands in the way
	}{
		{"another state", one.ID, with(func(v *operation.Verdict) { v.State, v.Reference = store.Failed, "" }), operation.ErrKeyReused, one.ID},
		{"another reason", one.ID, with(func(v *operation.Verdict) { v.Reason = "heard" }), operation.ErrKeyReused, one.ID},
		{"no reference", one.ID, with(func(v *operation.Verdict) { v.Reference = "" }), operation.ErrKeyReused, one.ID},
		{"another operation", two.ID, verdict, operation.ErrKeyReused, one.ID},
		{"the key of a write", two.ID, with(func(v *operation.Verdict) { v.Key = "k-1" }), operation.ErrKeyReused, one.ID},
		{"another key", one.ID, with(func(v *operation.Verdict) { v.Key = "s-2" }), operation.ErrNotUnknown, one.ID},
		{"no key", one.ID, with(func(v *operation.Verdict) { v.Key = "" }), operation.ErrNotUnknown, one.ID},
	}
	for _, tt := range tests {
		var w *operation.WriteError
		if op, err := r.Settle(t.Context(), "a", tt.id, tt.verdict); !errors.As(err, &w) || !errors.Is(w.Why, tt.why) || w.Operation.ID != tt.about {
			t.Errorf("%s: %+v, %v", tt.name, op, err)
		}
	}
	if op, err := r.Operation(t.Context(), "a", two.ID); err != nil || op.State != store.Unknown {
		t.Errorf("the other one became %+v, %v", op, err)
	}
	order := operationtest.Order
	order.Key = "s-1"
	if op, err := r.Refill(t.Context(), order, operationtest.RefillOf("19.95")); !errors.Is(err, operation.ErrKeyReused) {
		t.Errorf("a refill under the settlement's key: %+v, %v", op, err)
	}
}

// TestSettleOnlyUnknown: what runs, or has ended, is not settled.
func TestSettleOnlyUnknown(t *testing.T) {
	release := make(chan struct{})
	running := make(chan struct{})
	vendor := &providertest.Fake{Refills: func(ctx context.Context, r provider.RefillRequest) (provider.Invoice, error) {
		close(running)
		<-release
		return operationtest.Invoice(ctx, r)
	}}
	r := newReplica(t, vendor, sqliteURL(t))
	ended := make(chan operation.Operation, 1)
	go func() {
		op, err := r.Refill(t.Context(), operationtest.Order, operationtest.RefillOf("19.95"))
		if err != nil {
			t.Error(err)
		}
		ended <- op
	}()
	<-running
	list, _, err := r.Operations(t.Context(), "a", 1, nil)
	if err != nil || len(list) != 1 {
		t.Fatalf("%+v, %v", list, err)
	}
	verdict := operation.Verdict{State: store.Failed, Reason: "not seen", By: "ada"}
	if _, err := r.Settle(t.Context(), "a", list[0].ID, verdict); !errors.Is(err, operation.ErrNotUnknown) {
		t.Errorf("while it runs: %v", err)
	}
	close(release)
	op := <-ended
	if _, err := r.Settle(t.Context(), "a", op.ID, verdict); !errors.Is(err, operation.ErrNotUnknown) {
		t.Errorf("after it: %v", err)
	}
	if got, err := r.Operation(t.Context(), "a", op.ID); err != nil || got.State != store.Succeeded || got.SettledBy != "" {
		t.Errorf("it is %+v, %v", got, err)
	}
	var missing *operation.NotFoundError
	if _, err := r.Settle(t.Context(), "a", "none", verdict); !errors.As(err, &missing) {
		t.Errorf("no such operation: %v", err)
	}
}

func TestVerdictFaults(t *testing.T) {
	good := operation.Verdict{State: store.Succeeded, Reason: "seen", Reference: "70045", By: "ada"}
	if faults := good.Faults(); len(faults) > 0 {
		t.Errorf("nothing is wrong, and %+v", faults)
	}
	tests := map[string]func(*operation.Verdict){
		"state":     func(v *operation.Verdict) { v.State = store.Unknown },
		"reason":    func(v *operation.Verdict) { v.Reason = " " },
		"reference": func(v *operation.Verdict) { v.Reference = "7\x00" },
		"by":        func(v *operation.Verdict) { v.By = "" },
	}
	for field, change := range tests {
		v := good
		change(&v)
		if faults := v.Faults(); len(faults) != 1 || faults[0].Field != field {
			t.Errorf("%s: %+v", field, faults)
		}
		r := newReplica(t, lost(), sqliteURL(t))
		id := unknownRefill(t, r, "k-1").ID
		if _, err := r.Settle(t.Context(), "a", id, v); provider.KindOf(err) != provider.KindRejected {
			t.Errorf("%s: settled: %v", field, err)
		}
	}
	if faults := (operation.Verdict{State: store.Failed, Reason: strings.Repeat("x", 1001), Reference: "7"}).Faults(); len(faults) != 3 {
		t.Errorf("got %+v", faults)
	}
}
