package account_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"accountgateway/internal/account"
	"accountgateway/internal/operation"
	"accountgateway/internal/operation/operationtest"
	"accountgateway/internal/provider"
	"accountgateway/internal/provider/providertest"
	"accountgateway/internal/store"
)

// noticed is the longest that a replica that is gone may keep others waiting.
const noticed = 2 * time.Second

// kill ends a replica as SIGKILL does: nothing it still does is kept.
func (g *gateway) kill(t *testing.T) {
	t.Helper()
	if err := g.store.Close(); err != nil {
		t.Error(err)
	}
}

// A replica that dies while it asks the vendor keeps nobody waiting for longer
// than it takes to miss its heartbeat: neither one that ran beside it, nor one
// that is started after it.
func TestDeadReplicaLosesItsTurn(t *testing.T) {
	for _, test := range []struct {
		name  string
		after bool // the other replica is started after the kill
	}{{"a replica beside it", false}, {"a restart", true}} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				url := sqliteURL(t)
				hangs := &wireServer{latency: func() time.Duration { return 9 * time.Second }}
				doomed := newGateway(t, hangs, gatewayOptions{url: url})
				doomed.run(t)
				other := newGateway(t, &wireServer{}, gatewayOptions{url: url})
				if !test.after {
					other.run(t)
				}
				time.Sleep(5 * time.Second)
				var wg sync.WaitGroup
				defer wg.Wait()
				wg.Go(func() { _, _ = doomed.balance(t.Context(), account.Bound{}) })
				time.Sleep(time.Second)
				doomed.kill(t)
				died := time.Now()
				if test.after {
					other.run(t)
				}
				got := other.must(t, account.Bound{})
				if took := time.Since(died); took > noticed || got.Stale {
					t.Errorf("after %s: %+v", took, got)
				}
			})
		})
	}
}

// A replica that dies before its first regular heartbeat is missed like others.
func TestUnseenReplicaLosesItsTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		url := sqliteURL(t)
		other := newGateway(t, &wireServer{}, gatewayOptions{url: url})
		other.run(t)
		hangs := &wireServer{latency: func() time.Duration { return 9 * time.Second }}
		doomed := newGateway(t, hangs, gatewayOptions{})
		st, err := store.Open(t.Context(), url, store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		doomed.store = st
		doomed.durable.Attach(st)
		var wg sync.WaitGroup
		defer wg.Wait()
		wg.Go(func() { _, _ = doomed.balance(t.Context(), account.Bound{}) })
		time.Sleep(100 * time.Millisecond)
		doomed.kill(t)
		died := time.Now()
		got := other.must(t, account.Bound{})
		if took := time.Since(died); took > noticed || got.Stale {
			t.Errorf("after %s: %+v", took, got)
		}
	})
}

// A vendor that is slow is no sign of death: whoever waits for the call gets
// its answer, and no second one is made.
func TestSlowReplicaKeepsItsTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		url := sqliteURL(t)
		vendor := &wireServer{latency: func() time.Duration { return 9 * time.Second }}
		one := newGateway(t, vendor, gatewayOptions{url: url})
		two := newGateway(t, vendor, gatewayOptions{url: url})
		one.run(t)
		two.run(t)
		time.Sleep(5 * time.Second)
		var wg sync.WaitGroup
		for _, g := range []*gateway{one, two} {
			wg.Go(func() { g.must(t, account.Bound{}) })
		}
		wg.Wait()
		if n := vendor.count(); n != 1 {
			t.Errorf("%d vendor calls, want 1", n)
		}
	})
}

// A write whose replica dies is unknown as soon as the replica is missed, and
// not before: where that replica runs is of no importance.
func TestDeadReplicasWriteIsUnknown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		url := sqliteURL(t)
		vendor := &providertest.Fake{Refills: func(ctx context.Context, r provider.RefillRequest) (provider.Invoice, error) {
			if err := sleep(ctx, 8*time.Second); err != nil {
				return provider.Invoice{}, err
			}
			return operationtest.Invoice(ctx, r)
		}}
		doomed, other := newReplica(t, vendor, url), newReplica(t, vendor, url)
		run(t, doomed.Service)
		run(t, other.Service)
		time.Sleep(5 * time.Second)
		var wg sync.WaitGroup
		defer wg.Wait()
		wg.Go(func() { _, _ = doomed.Refill(t.Context(), operationtest.Order, operationtest.RefillOf("1.00")) })
		time.Sleep(4 * time.Second)
		if _, err := other.Refill(t.Context(), operationtest.Order, operationtest.RefillOf("1.00")); !errors.Is(err, operation.ErrInProgress) {
			t.Errorf("while it runs: %v", err)
		}
		doomed.store.Close()
		time.Sleep(noticed)
		if _, err := other.Refill(t.Context(), operationtest.Order, operationtest.RefillOf("1.00")); !errors.Is(err, operation.ErrOutcomeUnknown) {
			t.Errorf("after its death: %v", err)
		}
		if list, err := other.store.Operations(context.Background(), store.OperationFilter{State: store.Started}); err != nil || len(list) > 0 {
			t.Errorf("%d operations are started still, %v", len(list), err)
		}
	})
}
