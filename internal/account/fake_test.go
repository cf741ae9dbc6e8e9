package account_test

import (
	"context"
	"fmt"
	"time"

	"accountgateway/internal/account"
	"accountgateway/internal/provider"
	"accountgateway/internal/provider/providertest"
)

// faultyFake answers until fail is set.
type faultyFake struct {
	providertest.Fake
	fail error
}

func newFaultyFake() *faultyFake {
	f := &faultyFake{}
	f.Balance = func(context.Context, provider.BalanceQuery) (provider.Readings, error) {
		if f.fail != nil {
			return provider.Readings{}, f.fail
		}
		return usd("1.00"), nil
	}
	return f
}

// simultaneous is how long before a request a call may have begun that is
// taken for an answer to it: bounds have no finer grain.
const simultaneous = time.Second

// boundFault says what is wrong with a reading that a caller got; "" if
// nothing is. came is when it asked.
func boundFault(b account.Bound, came time.Time, got account.Reading[provider.Balance]) string {
	before := came.Sub(got.AsOf) // how old the reading was when the caller came
	switch {
	case b.NoCache && before > simultaneous:
		return fmt.Sprintf("no-cache: the call began %s before the request", before)
	case b.NoCache && got.Stale:
		return "no-cache: a stale reading"
	case b.MaxAge != nil && before > max(*b.MaxAge, simultaneous):
		return fmt.Sprintf("max-age %s: the reading was %s old when it was asked for", *b.MaxAge, before)
	}
	return ""
}
