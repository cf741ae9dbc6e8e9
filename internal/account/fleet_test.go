package account_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"accountgateway/internal/account"
	"accountgateway/internal/durable"
	"accountgateway/internal/provider"
	"accountgateway/internal/provider/providertest"
)

// vendorCall is how a call to a vendor goes.
type vendorCall struct {
	takes time.Duration
	err   error
}

// calls are a vendor's calls in turn; the last goes on.
func calls(of ...vendorCall) *providertest.Fake {
	f := &providertest.Fake{}
	f.Balance = func(context.Context, provider.BalanceQuery) (provider.Readings, error) {
		call := of[min(f.Calls(provider.OpBalance), len(of))-1]
		time.Sleep(call.takes)
		return usd("1.00"), call.err
	}
	return f
}

func takes(d time.Duration) *providertest.Fake { return calls(vendorCall{takes: d}) }

// fleetOf is a service whose readings are fresh for ttl.
func fleetOf(vendors map[string]*providertest.Fake, ttl time.Duration) *account.Service {
	var accounts []account.Account
	for name, vendor := range vendors {
		accounts = append(accounts, account.Account{Name: name, Provider: "fake", Adapter: vendor})
	}
	return account.New(accounts, durable.New(zerolog.Nop()), account.Options{
		TTL: map[provider.Operation]time.Duration{provider.OpBalance: ttl}, StaleIfError: time.Hour, LoadTimeout: time.Minute,
		Registry: prometheus.NewRegistry(), Log: zerolog.Nop(),
	})
}

// judged is what a fleet read says of an account.
type judged struct {
	Age   time.Duration
	Stale bool
	Bad   bool // *account.FreshnessError, whose age it is
	Calls int
}

// All items of a fleet read are as old as they say when the answer is given,
// not when they arrived.
func TestBalancesAreJudgedAtOneMoment(t *testing.T) {
	const second = time.Second
	down := provider.Errorf(provider.KindUnavailable, "down")
	maxStale := 2 * second
	tests := []struct {
		name    string
		ttl     time.Duration
		vendors map[string]*providertest.Fake
		passes  time.Duration // since only a was read; 0: it was not
		bound   account.Bound
		lasts   time.Duration
		want    map[string]judged
	}{
		{
			"within the limit: the age is that of the answer", 5 * second,
			map[string]*providertest.Fake{"a": takes(0), "b": takes(3 * second)}, 0, account.Bound{}, 3 * second,
			map[string]judged{"a": {Age: 3 * second, Calls: 1}, "b": {Age: 3 * second, Calls: 1}},
		},
		{
			"past the limit: read once more, but not what was past it when it arrived", 5 * second,
			map[string]*providertest.Fake{"a": takes(second), "b": takes(8 * second)}, 0, account.Bound{}, 9 * second,
			map[string]judged{"a": {Age: second, Calls: 2}, "b": {Age: 9 * second, Stale: true, Calls: 1}},
		},
		{
			"fresh from memory at first", 5 * second,
			map[string]*providertest.Fake{"a": takes(0), "b": takes(2 * second)}, 4 * second, account.Bound{}, 2 * second,
			map[string]judged{"a": {Calls: 2}, "b": {Age: 2 * second, Calls: 1}},
		},
		{
			"the second pass is one for all, and the last", 5 * second,
			map[string]*providertest.Fake{
				"a": calls(vendorCall{}, vendorCall{takes: 2 * second}), "b": calls(vendorCall{}, vendorCall{takes: 6 * second}),
				"c": takes(7 * second), "d": takes(4 * second),
			}, 0, account.Bound{}, 13 * second,
			map[string]judged{
				"a": {Age: 6 * second, Stale: true, Calls: 2}, "b": {Age: 6 * second, Stale: true, Calls: 2},
				"c": {Age: 13 * second, Stale: true, Calls: 1}, "d": {Age: 6 * second, Stale: true, Calls: 2},
			},
		},
		{
			"max-age", time.Minute,
			map[string]*providertest.Fake{"a": takes(second), "b": takes(5200 * time.Millisecond), "c": takes(100 * time.Millisecond)}, 0, within(4 * second), 6200 * time.Millisecond,
			map[string]judged{"a": {Age: second, Calls: 2}, "b": {Age: 6200 * time.Millisecond, Bad: true, Calls: 1}, "c": {Age: second, Calls: 2}},
		},
		{
			"max-age that can't be met the second time", time.Minute,
			map[string]*providertest.Fake{"a": calls(vendorCall{}, vendorCall{err: down}), "b": takes(5 * second)}, 0, within(4 * second), 5 * second,
			map[string]judged{"a": {Age: 5 * second, Bad: true, Calls: 2}, "b": {Age: 5 * second, Bad: true, Calls: 1}},
		},
		{
			"past the limit, and the vendor can't be asked again", 5 * second,
			map[string]*providertest.Fake{"a": calls(vendorCall{}, vendorCall{err: down}), "b": takes(6 * second)}, 0, account.Bound{}, 6 * second,
			map[string]judged{"a": {Age: 6 * second, Stale: true, Calls: 2}, "b": {Age: 6 * second, Stale: true, Calls: 1}},
		},
		{
			"a vendor that could not be asked is not asked again", 5 * second,
			map[string]*providertest.Fake{"a": calls(vendorCall{}, vendorCall{err: down}), "b": takes(3 * second)}, 6 * second, account.Bound{}, 3 * second,
			map[string]judged{"a": {Age: 9 * second, Stale: true, Calls: 2}, "b": {Age: 3 * second, Calls: 1}},
		},
		{
			"no-cache is met by asking", time.Minute,
			map[string]*providertest.Fake{"a": takes(0), "b": takes(8 * second)}, second, account.Bound{NoCache: true, MaxAge: new(time.Duration)}, 8 * second,
			map[string]judged{"a": {Age: 8 * second, Calls: 2}, "b": {Age: 8 * second, Calls: 1}},
		},
		{
			"max-stale bounds what is marked", 5 * second,
			map[string]*providertest.Fake{"a": takes(0), "b": takes(8 * second)}, 0, account.Bound{MaxStale: &maxStale}, 8 * second,
			map[string]judged{"a": {Calls: 2}, "b": {Age: 8 * second, Bad: true, Calls: 1}},
		},
		{
			"no time to be fresh in: what was asked for is", 0,
			map[string]*providertest.Fake{"a": takes(0), "b": takes(8 * second)}, 0, account.Bound{}, 8 * second,
			map[string]judged{"a": {Age: 8 * second, Calls: 1}, "b": {Age: 8 * second, Calls: 1}},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := fleetOf(tt.vendors, tt.ttl)
				if tt.passes > 0 {
					if _, err := s.Balance(t.Context(), "a", provider.BalanceQuery{}, account.Bound{}); err != nil {
						t.Fatal(err)
					}
					time.Sleep(tt.passes)
				}
				came := time.Now()
				items := s.Balances(t.Context(), everyAccount, tt.bound)
				if lasted := time.Since(came); lasted != tt.lasts {
					t.Errorf("it lasted %s, want %s", lasted, tt.lasts)
				}
				got := map[string]judged{}
				for _, item := range items {
					r, freshness := item.Balance, (*account.FreshnessError)(nil)
					j := judged{Age: r.Age, Stale: r.Stale, Calls: tt.vendors[item.Account].Calls(provider.OpBalance)}
					switch {
					case errors.As(item.Err, &freshness):
						j.Bad, j.Age = true, freshness.Age
					case item.Err != nil:
						t.Errorf("%s: %v", item.Account, item.Err)
					case r.Age != time.Since(r.AsOf) || r.Stale != (r.TTL < 0):
						t.Errorf("%s: as of %s before the answer, but the age is %s, the TTL %s, and stale is %v", item.Account, time.Since(r.AsOf), r.Age, r.TTL, r.Stale)
					}
					got[item.Account] = j
				}
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
}
