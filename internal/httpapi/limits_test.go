package httpapi

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"accountgateway/internal/account"
	"accountgateway/internal/config"
	"accountgateway/internal/httpapi/middleware"
	"accountgateway/internal/provider"
	"accountgateway/internal/token"
)

// TestCallerRate: a caller gets what the rate says, is told how it stands, and
// when to come again, which is true.
func TestCallerRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st, stored := withStore(t, map[string]fake{"acme": everything()})
		k := newTokens(t, st)
		g := startDirect(t, nil, stored, k.options, func(o *Options) { o.CallerRate = config.Rate{Calls: 6, Per: time.Minute} })
		noisy, _ := k.with([]token.Scope{token.Read})
		quiet, _ := k.with([]token.Scope{token.Read})
		ask := func(text string) answer { return g.ask(http.MethodGet, "/accounts/acme/balance", as(text), nil) }
		for left := 5; left >= 0; left-- {
			a := ask(noisy)
			a.wantStatus(http.StatusOK)
			want := fmt.Sprintf(`"caller";r=%d;t=10`, left)
			if a.header.Get("RateLimit") != want || a.header.Get("RateLimit-Policy") != `"caller";q=6;w=60` || a.header.Get("Retry-After") != "" {
				t.Errorf("want %s, got %v", want, a.header)
			}
		}
		for range 6 {
			a := ask(noisy)
			a.wantCode(ProblemCodeTooManyRequests)
			if a.header.Get("Retry-After") != "10" || a.header.Get("RateLimit") != `"caller";r=0;t=10` {
				t.Errorf("got %v", a.header)
			}
			ask(quiet).wantStatus(http.StatusOK) // whatever the other does
		}
		time.Sleep(9 * time.Second)
		ask(noisy).wantCode(ProblemCodeTooManyRequests)
		time.Sleep(time.Second)
		ask(noisy).wantStatus(http.StatusOK)
		ask(noisy).wantCode(ProblemCodeTooManyRequests)
		time.Sleep(time.Hour)
		if a := ask(noisy); a.header.Get("RateLimit") != `"caller";r=5;t=10` {
			t.Errorf("after an hour: %v", a.header)
		}
	})
}

// TestRefusedRequestsCount: what is forbidden counts as well, so that a caller
// can't try without end.
func TestRefusedRequestsCount(t *testing.T) {
	st, stored := withStore(t, map[string]fake{"acme": everything()})
	k := newTokens(t, st)
	g := startDirect(t, nil, stored, k.options, func(o *Options) { o.CallerRate = config.Rate{Calls: 2, Per: time.Hour} })
	text, _ := k.with([]token.Scope{token.Read}, "acme")
	ask := func(target string) answer { return g.ask(http.MethodGet, target, as(text), nil) }
	ask("/accounts/acme/users").wantCode(ProblemCodeForbidden)
	ask("/accounts/other/balance").wantCode(ProblemCodeForbidden)
	ask("/accounts/acme/balance").wantCode(ProblemCodeTooManyRequests)
}

func TestNoCallerRate(t *testing.T) {
	st, stored := withStore(t, map[string]fake{"acme": everything()})
	k := newTokens(t, st)
	g := startDirect(t, nil, stored, k.options)
	text, _ := k.with([]token.Scope{token.Read})
	for range 1000 {
		a := g.ask(http.MethodHead, "/accounts/acme/balance", as(text), nil)
		if a.status != http.StatusOK || a.header.Get("RateLimit") != "" || a.header.Get("RateLimit-Policy") != "" {
			t.Fatalf("got %d %v", a.status, a.header)
		}
	}
}

// TestStrangersAreSlow: who has no good token may try 60 times a minute from one
// network. A good token from there is not held up.
func TestStrangersAreSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st, stored := withStore(t, map[string]fake{"acme": everything()})
		k := newTokens(t, st)
		g := startDirect(t, nil, stored, k.options)
		good, _ := k.with([]token.Scope{token.Read})
		guess := func(from string) answer {
			g.from = from
			return g.ask(http.MethodGet, "/accounts", as(otherSecret(good)), nil)
		}
		for i := range 60 {
			guess(fmt.Sprintf("[2001:db8::%x]:%d", i+1, 1000+i)).wantCode(ProblemCodeUnauthenticated)
		}
		a := guess("[2001:db8::ffff]:1")
		a.wantCode(ProblemCodeTooManyRequests)
		if a.header.Get("Retry-After") != "1" || a.header.Get("WWW-Authenticate") != "" {
			t.Errorf("got %v", a.header)
		}
		g.ask(http.MethodGet, "/openapi.yaml", nil, nil).wantCode(ProblemCodeTooManyRequests)
		g.ask(http.MethodGet, "/healthz", nil, nil).wantStatus(http.StatusOK)
		g.ask(http.MethodGet, "/accounts", as(good), nil).wantStatus(http.StatusOK)
		guess("[2001:db8:0:1::1]:1").wantCode(ProblemCodeUnauthenticated)
		guess("192.0.2.1:1").wantCode(ProblemCodeUnauthenticated)
		time.Sleep(time.Second)
		guess("[2001:db8::1]:1").wantCode(ProblemCodeUnauthenticated)
		guess("[2001:db8::1]:1").wantCode(ProblemCodeTooManyRequests)
	})
}

// TestAtOnce: one caller has a bounded number of requests under way, and others
// still get theirs.
func TestAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		goOn := make(chan struct{})
		slow := fake{balance: func(context.Context, provider.BalanceQuery) (provider.Balance, error) {
			<-goOn
			return provider.Balance{Balance: money("1", "USD")}, nil
		}}
		st, stored := withStore(t, map[string]fake{"slow": slow, "acme": everything()})
		k := newTokens(t, st)
		g := startDirect(t, nil, stored, k.options)
		noisy, _ := k.with([]token.Scope{token.Read})
		quiet, _ := k.with([]token.Scope{token.Read})
		var wg sync.WaitGroup
		for range middleware.MaxAtOnce {
			wg.Go(func() { g.ask(http.MethodGet, "/accounts/slow/balance", as(noisy), nil).wantStatus(http.StatusOK) })
		}
		synctest.Wait()
		a := g.ask(http.MethodGet, "/accounts/acme/balance", as(noisy), nil)
		a.wantCode(ProblemCodeTooManyRequests)
		if a.header.Get("Retry-After") != "1" {
			t.Errorf("got %v", a.header)
		}
		g.ask(http.MethodGet, "/accounts/acme/balance", as(quiet), nil).wantStatus(http.StatusOK)
		close(goOn)
		wg.Wait()
		g.ask(http.MethodGet, "/accounts/acme/balance", as(noisy), nil).wantStatus(http.StatusOK)
	})
}

// TestNoisyCallerLeavesVendorBudget: a caller who has the vendor asked without
// end uses up its part of the account's budget; another is still answered.
func TestNoisyCallerLeavesVendorBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		vendor := fake{statistics: func(context.Context, provider.StatisticsQuery) (provider.Statistics, error) {
			calls++
			return provider.Statistics{}, nil
		}}
		st, d := durableStore(t)
		budget := account.NewBudget("acme", config.Rate{Calls: 20, Per: time.Hour}, time.Second, d, nil)
		k := newTokens(t, st)
		g := startDirect(t, nil, k.options, func(o *Options) {
			o.Accounts = account.New([]account.Account{{Name: "acme", Provider: "vendor", Adapter: budgeted{vendor, budget}, Budget: budget}}, d, serviceOptions())
		})
		noisy, _ := k.with([]token.Scope{token.Read})
		quiet, _ := k.with([]token.Scope{token.Read})
		ask := func(text string, day int) answer {
			target := fmt.Sprintf("/accounts/acme/statistics?date_from=2026-01-01&date_till=2026-01-%02d", day)
			h := as(text)
			h.Set("Cache-Control", "no-cache")
			time.Sleep(time.Second) // a reading of the same instant would not be a newer one
			return g.ask(http.MethodGet, target, h, nil)
		}
		for day := range 30 {
			ask(noisy, day+1)
		}
		if calls != 15 {
			t.Errorf("the noisy caller got %d of 20 calls", calls)
		}
		a := ask(noisy, 31)
		a.wantCode(ProblemCodeProviderRateLimited)
		if a.header.Get("Retry-After") == "" {
			t.Error("it is not told when to come again")
		}
		for day := range 5 {
			ask(quiet, day+1).wantStatus(http.StatusOK)
		}
	})
}

// budgeted is a vendor whose calls are taken from a budget, as upstream does it.
type budgeted struct {
	fake
	budget *account.Budget
}

func (b budgeted) ReadStatistics(ctx context.Context, q provider.StatisticsQuery) (provider.Readings, error) {
	end, err := b.budget.Take(ctx)
	if err != nil {
		return provider.Readings{}, err
	}
	defer end(true)
	return b.fake.ReadStatistics(ctx, q)
}
