package account_test

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"accountgateway/internal/account"
	"accountgateway/internal/operation/operationtest"
	"accountgateway/internal/provider"
	"accountgateway/internal/provider/providertest"
	"accountgateway/internal/store"
)

// TestReadingAmongWrites: writes that end while the vendor is asked for a
// reading fail no request for it. Who asks after them gets a newer one.
func TestReadingAmongWrites(t *testing.T) {
	vendor := &providertest.Fake{Refills: operationtest.Invoice}
	r := newReplica(t, vendor, "sqlite:"+filepath.Join(t.TempDir(), "g.db"))
	vendor.Balance = func(ctx context.Context, _ provider.BalanceQuery) (provider.Readings, error) {
		n := vendor.Calls(provider.OpBalance)
		o := operationtest.Order
		o.Key = fmt.Sprint("k-", n)
		if _, err := r.Refill(ctx, o, operationtest.RefillOf("19.95")); err != nil {
			t.Error(err)
		}
		return usd(fmt.Sprint(n)), nil
	}
	for _, bound := range []account.Bound{{}, {NoCache: true}, {}} {
		before := vendor.Calls(provider.OpBalance)
		got, err := r.balance(t.Context(), bound)
		if err != nil || got.Stale || got.Source != account.Miss {
			t.Errorf("got %+v, %v", got, err)
		}
		if calls := vendor.Calls(provider.OpBalance) - before; calls != 1 {
			t.Errorf("%d calls for one request", calls)
		}
	}
}

func TestWriteOutdatesReadings(t *testing.T) {
	url := "sqlite:" + filepath.Join(t.TempDir(), "g.db")
	vendor := &providertest.Fake{Refills: operationtest.Invoice}
	writer, reader := newReplica(t, vendor, url), newReplica(t, vendor, url)
	for _, r := range []*replica{writer, reader} {
		if _, err := r.balance(t.Context(), account.Bound{}); err != nil {
			t.Fatal(err)
		}
	}
	before := vendor.Calls(provider.OpBalance)
	if _, err := writer.Refill(t.Context(), operationtest.Order, operationtest.RefillOf("19.95")); err != nil {
		t.Fatal(err)
	}
	for i, r := range []*replica{writer, reader} {
		r.Load(t.Context()) // what happens by itself every second
		got, err := r.balance(t.Context(), account.Bound{})
		if err != nil || got.Stale || got.Source == account.Hit && i == 0 {
			t.Errorf("got %+v, %v", got, err)
		}
	}
	if vendor.Calls(provider.OpBalance) == before {
		t.Error("the balance was not asked anew")
	}
}

// TestWritesBesideAnEarlierVersion: gateways that keep facts among the readings
// learn of writes, and tell of theirs.
func TestWritesBesideAnEarlierVersion(t *testing.T) {
	vendor := &providertest.Fake{Refills: operationtest.Invoice}
	r := newReplica(t, vendor, "sqlite:"+filepath.Join(t.TempDir(), "g.db"))
	if _, err := r.balance(t.Context(), account.Bound{}); err != nil {
		t.Fatal(err)
	}
	written := store.Reading{Key: store.ReadingKey{Account: "a", Operation: "written"}, AsOf: r.store.Now()}
	if err := r.store.SaveReadings(t.Context(), []store.Reading{written}); err != nil {
		t.Fatal(err)
	}
	r.Load(t.Context())
	if got, err := r.balance(t.Context(), account.Bound{}); err != nil || got.Source != account.Miss {
		t.Errorf("after another's write: %+v, %v", got, err)
	}
	if _, err := r.Refill(t.Context(), operationtest.Order, operationtest.RefillOf("19.95")); err != nil {
		t.Fatal(err)
	}
	rows, err := r.store.ReadingsAfter(t.Context(), 0, 10)
	if err != nil || !slices.ContainsFunc(rows, func(row store.Reading) bool { return row.Key == written.Key && row.AsOf.After(written.AsOf) }) {
		t.Errorf("after its own write: %+v, %v", rows, err)
	}
}
