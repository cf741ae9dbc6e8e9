package providertest_test

import (
	"context"
	"testing"
	"time"

	"accountgateway/internal/provider"
	"accountgateway/internal/provider/providertest"
)

func TestFakeConforms(t *testing.T) {
	providertest.Run(t, providertest.Harness{
		New:        newFake,
		Balances:   []provider.BalanceQuery{{Currency: "USD"}},
		Statistics: []provider.StatisticsQuery{{From: "2026-01-01", Till: "2026-01-31"}, {Till: "2026-01-31"}},
		Users:      []provider.UserQuery{{Login: providertest.FakeLogin}},
		NoCurrency: "EUR",
		NoLogin:    "somebody",
	})
}

// newFake makes a fake that fares as the scenario says.
func newFake(_ *testing.T, s providertest.Scenario) provider.Provider {
	fail := func(ctx context.Context) error {
		switch s {
		case providertest.Refused:
			return provider.Errorf(provider.KindCredentials, "refused")
		case providertest.UnknownCode:
			e := provider.Errorf(provider.KindOther, "unknown")
			e.Upstream = &provider.Upstream{Code: providertest.Code}
			return e
		case providertest.Down:
			e := provider.Errorf(provider.KindUnavailable, "down")
			e.NotSent = true
			return e
		case providertest.Silent:
			ctx, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
			defer cancel()
			<-ctx.Done()
			return &provider.Error{Kind: provider.KindTimeout, Message: "silent", Err: ctx.Err()}
		default:
			return &provider.Error{Kind: provider.KindBadResponse, Message: "bad", Drift: "body"}
		}
	}
	if s == providertest.Healthy {
		return &providertest.Fake{}
	}
	return &providertest.Fake{
		Balance: func(ctx context.Context, _ provider.BalanceQuery) (provider.Readings, error) {
			return provider.Readings{}, fail(ctx)
		},
		Statistics: func(ctx context.Context, _ provider.StatisticsQuery) (provider.Readings, error) {
			return provider.Readings{}, fail(ctx)
		},
		Users: func(ctx context.Context, _ provider.UserQuery) (provider.Readings, error) {
			return provider.Readings{}, fail(ctx)
		},
		Check: fail,
		Pings: fail,
	}
}

func TestFakeCountsCalls(t *testing.T) {
	f := &providertest.Fake{}
	for range 3 {
		if _, err := f.ReadBalance(t.Context(), provider.BalanceQuery{}); err != nil {
			t.Fatal(err)
		}
	}
	if got := f.Calls(provider.OpBalance); got != 3 {
		t.Errorf("got %d calls of balance, want 3", got)
	}
	if got := f.Calls(provider.OpUsers); got != 0 {
		t.Errorf("got %d calls of users, want 0", got)
	}
}
