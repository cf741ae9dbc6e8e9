package providertest_test

import (
	"context"
	"testing"
	"time"

	"github.com/govalues/decimal"

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
		NewUser:    &provider.NewUser{Login: "ada", Password: "n3w-us3r", Email: "ada@example.com"},
		Refill:     &provider.RefillRequest{Method: provider.YandexMoney, Amount: provider.Money{Amount: decimal.MustParse("19.95"), Currency: "USD"}},
	})
}

// newFake makes a fake that fares as the scenario says.
func newFake(_ *testing.T, s providertest.Scenario) (provider.Provider, func() int) {
	fake := &providertest.Fake{}
	requests := func() int { return fake.Calls(provider.OpCreateUser) + fake.Calls(provider.OpRefill) }
	fail := func(ctx context.Context) error {
		switch s {
		case providertest.Refused:
			return &provider.Error{Kind: provider.KindCredentials, Message: "refused", Refused: true}
		case providertest.UnknownCode, providertest.Echo:
			return unlisted(provider.KindOther)
		case providertest.UnknownCode500:
			return unlisted(provider.KindUnavailable)
		case providertest.UnknownCode400:
			e := unlisted(provider.KindBadResponse)
			e.Drift = "body"
			return e
		case providertest.Outage, providertest.Reset:
			return provider.Errorf(provider.KindUnavailable, "outage")
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
	switch s {
	case providertest.Healthy:
		return fake, requests
	case providertest.Down:
		requests = func() int { return 0 }
	default:
	}
	fake.Balance = func(ctx context.Context, _ provider.BalanceQuery) (provider.Readings, error) {
		return provider.Readings{}, fail(ctx)
	}
	fake.Statistics = func(ctx context.Context, _ provider.StatisticsQuery) (provider.Readings, error) {
		return provider.Readings{}, fail(ctx)
	}
	fake.Users = func(ctx context.Context, _ provider.UserQuery) (provider.Readings, error) {
		return provider.Readings{}, fail(ctx)
	}
	fake.Creates = func(ctx context.Context, _ provider.NewUser) (provider.CreatedUser, error) {
		return provider.CreatedUser{}, fail(ctx)
	}
	fake.Refills = func(ctx context.Context, _ provider.RefillRequest) (provider.Invoice, error) {
		return provider.Invoice{}, fail(ctx)
	}
	fake.Unpaid = func(ctx context.Context) ([]provider.UnpaidInvoice, error) { return nil, fail(ctx) }
	fake.Check, fake.Pings = fail, fail
	return fake, requests
}

func unlisted(kind provider.Kind) *provider.Error {
	return &provider.Error{Kind: kind, Message: "unknown", Upstream: &provider.Upstream{Code: providertest.Code}}
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
