package account_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"accountgateway/internal/account"
	"accountgateway/internal/provider"
	"accountgateway/internal/provider/providertest"
)

// lookedAt is a fake that does something when it is asked what it can do, which
// is between the looks at what is at hand.
type lookedAt struct {
	providertest.Fake
	then func()
}

func (l *lookedAt) Capabilities() provider.Capabilities {
	if l.then != nil {
		l.then()
	}
	return l.Fake.Capabilities()
}

// TestReadingArrivesMeanwhile: another replica's reading, stale already, arrives
// while a request is decided upon. only-if-cached asks no vendor for all that.
func TestReadingArrivesMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		url := sqliteURL(t)
		vendor := &lookedAt{}
		r := newReplica(t, vendor, url)
		saveBalance(t, url, time.Now().Add(-2*time.Minute), "7.00")
		vendor.then = func() { r.Load(t.Context()) }
		got, err := r.balance(t.Context(), account.Bound{OnlyIfCached: true})
		synctest.Wait() // what goes on behind the answer
		if n := vendor.Calls(provider.OpBalance); n != 0 {
			t.Errorf("%d vendor calls", n)
		}
		var refused *account.FreshnessError
		if !errors.As(err, &refused) && (err != nil || !got.Stale) {
			t.Errorf("got %+v, %v", got, err)
		}
		if got, err = r.balance(t.Context(), account.Bound{OnlyIfCached: true}); err != nil || !got.Stale || got.Value.Balance.Amount.String() != "7.00" {
			t.Errorf("then: got %+v, %v", got, err)
		}
	})
}
