package store_test

import (
	"testing"

	"accountgateway/internal/store"
)

// News are the number of the last save, by whomever, and the account's own
// lockout.
func TestNews(t *testing.T) {
	onEngines(t, func(t *testing.T, url string) {
		clock := newClock()
		one, two := open(t, url, clock), open(t, url, clock)
		want := func(account string, want store.News) {
			t.Helper()
			got, err := two.News(t.Context(), account)
			must(t, err)
			if got != want {
				t.Errorf("news of %s: %+v, want %+v", account, got, want)
			}
		}
		want("regru", store.News{})
		must(t, one.SaveReadings(t.Context(), []store.Reading{{Key: balanceKey, AsOf: epoch}}, store.Fact{Account: "regru", Name: "state", AsOf: epoch}))
		want("regru", store.News{Saved: 2})
		must(t, one.PutLockout(t.Context(), store.Lockout{Account: "regru", TryAt: epoch, ForceAt: epoch}))
		want("regru", store.News{Saved: 2, LockedOut: true})
		want("selzy", store.News{Saved: 2})
	})
}
