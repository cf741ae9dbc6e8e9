package account_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"accountgateway/internal/account"
	"accountgateway/internal/config"
	"accountgateway/internal/operation/operationtest"
	"accountgateway/internal/provider"
	"accountgateway/internal/provider/providertest"
	"accountgateway/internal/store"
)

// A write that was refused before it was sent tells nothing of the account,
// and outdates no reading.
func TestLocalRefusalSaysNothingOfTheAccount(t *testing.T) {
	vendor := &providertest.Fake{Refills: func(context.Context, provider.RefillRequest) (provider.Invoice, error) {
		return provider.Invoice{}, &provider.Error{Kind: provider.KindRejected, Message: "12 digits", NotSent: true}
	}}
	vendor.Check = func(context.Context) error { return provider.Errorf(provider.KindUnavailable, "down") }
	r := newReplica(t, vendor, "sqlite::memory:")
	if _, err := r.balance(t.Context(), account.Bound{}); err != nil {
		t.Fatal(err)
	}
	if err := r.Check(t.Context(), "a"); err == nil {
		t.Fatal("the check passed")
	}
	if _, err := r.Refill(t.Context(), operationtest.Order, operationtest.RefillOf("1")); operationtest.Failure(err) == nil {
		t.Fatal(err)
	}
	info, err := r.Info("a")
	if err != nil || info.State.State != account.StateUnavailable {
		t.Errorf("got %+v, %v", info.State, err)
	}
	if got, err := r.balance(t.Context(), account.Bound{}); err != nil || got.Source != account.Hit {
		t.Errorf("got %+v, %v", got, err)
	}
}

// What the vendor said of its limit while the store was away holds when the
// store is back, also for other replicas, and a later, shorter word does not
// undo it.
func TestDrainOutlivesAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		url := sqliteURL(t)
		d := newDurable()
		b := account.NewBudget("a", config.Rate{Calls: 100, Per: time.Minute}, time.Second, d, nil)
		b.Drain(t.Context(), time.Hour, false)
		b.Drain(t.Context(), time.Second, false)
		st, err := store.Open(t.Context(), url, store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer st.Close()
		d.Attach(st)
		var limited *provider.Error
		if _, err := b.Take(t.Context()); !errors.As(err, &limited) || limited.RetryAfter != time.Hour {
			t.Errorf("got %v", err)
		}
	})
}
