package account_test

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"

	"accountgateway/internal/account"
	"accountgateway/internal/provider"
)

// TestReadingAmongWrites: writes that end while the vendor is asked for a
// reading fail no request for it. Who asks after them gets a newer one.
func TestReadingAmongWrites(t *testing.T) {
	vendor := &writingVendor{refill: invoice}
	r := newReplica(t, vendor, "sqlite:"+filepath.Join(t.TempDir(), "g.db"))
	vendor.Balance = func(ctx context.Context, _ provider.BalanceQuery) (provider.Readings, error) {
		n := vendor.Calls(provider.OpBalance)
		o := order
		o.Key = fmt.Sprint("k-", n)
		if _, err := r.Refill(ctx, o, refillOf("19.95")); err != nil {
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
