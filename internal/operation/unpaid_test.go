package operation_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"accountgateway/internal/operation/operationtest"
	"accountgateway/internal/provider"
	"accountgateway/internal/provider/providertest"
	"accountgateway/internal/store"
)

// TestListBeforeARefill: whatever becomes of the list of unpaid invoices, the refill is sent, once, with all of its own
// time left; the list is kept with the operation before that if it could be read.
func TestListBeforeARefill(t *testing.T) {
	for _, tt := range []struct {
		name  string
		list  func(context.Context) ([]provider.UnpaidInvoice, error)
		known bool
	}{
		{"read", func(context.Context) ([]provider.UnpaidInvoice, error) {
			return []provider.UnpaidInvoice{{Invoice: provider.Invoice{ID: "3"}}}, nil
		}, true},
		{"empty", func(context.Context) ([]provider.UnpaidInvoice, error) { return nil, nil }, true},
		{"failed", func(context.Context) ([]provider.UnpaidInvoice, error) { return nil, errors.New("no list") }, false},
		{"hangs", func(ctx context.Context) ([]provider.UnpaidInvoice, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				url := sqliteURL(t)
				st, err := store.Open(t.Context(), url, store.Options{})
				if err != nil {
					t.Fatal(err)
				}
				defer st.Close()
				var known bool
				var ids []string
				var left time.Duration
				vendor := &providertest.Fake{Unpaid: tt.list, Refills: func(ctx context.Context, _ provider.RefillRequest) (provider.Invoice, error) {
					// What a crash now would leave behind.
					running, err := st.Operations(ctx, store.OperationFilter{State: store.Started})
					if err != nil || len(running) != 1 {
						t.Errorf("%d operations are started, %v", len(running), err)
						return provider.Invoice{}, err
					}
					if ids, known, err = st.UnpaidBefore(ctx, running[0].ID); err != nil {
						t.Error(err)
					}
					deadline, _ := ctx.Deadline()
					left = time.Until(deadline)
					return provider.Invoice{ID: "70045"}, nil
				}}
				op, err := newReplica(t, vendor, url).Refill(t.Context(), operationtest.Order, operationtest.RefillOf("19.95"))
				if err != nil || op.State != store.Succeeded || vendor.Calls(provider.OpRefill) != 1 {
					t.Errorf("got %+v, %v after %d calls", op, err, vendor.Calls(provider.OpRefill))
				}
				if known != tt.known || tt.name == "read" && (len(ids) != 1 || ids[0] != "3") {
					t.Errorf("kept %v, %v", ids, known)
				}
				if left < 10*time.Second { // LoadTimeout
					t.Errorf("the refill has %s left", left)
				}
			})
		})
	}
}
