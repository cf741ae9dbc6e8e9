package upstream

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"accountgateway/internal/provider"
)

// vendorFunc is a vendor without a network, so that time can be synctest's.
type vendorFunc func(*http.Request) (*http.Response, error)

func (f vendorFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func answer(status int, body string) (*http.Response, error) {
	rec := httptest.NewRecorder()
	rec.WriteHeader(status)
	rec.WriteString(body)
	return rec.Result(), nil
}

func accept(a Answer) error {
	if a.Status >= 500 {
		return provider.Errorf(provider.KindUnavailable, "status %d", a.Status)
	}
	return nil
}

func TestBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		status, calls := http.StatusServiceUnavailable, 0
		metrics := NewMetrics(prometheus.NewRegistry())
		c := New(Options{
			Account: "a", Provider: "p", Metrics: metrics, Log: zerolog.Nop(), Timeout: 10 * time.Second,
			Transport: vendorFunc(func(*http.Request) (*http.Response, error) { calls++; return answer(status, "") }),
		})
		do := func() error {
			return c.Do(t.Context(), Call{Operation: provider.OpBalance, URL: "http://127.0.0.1/"}, accept)
		}
		for range 3 { // with their retries, more than enough failures in a row
			if provider.KindOf(do()) != provider.KindUnavailable {
				t.Fatal("want the vendor's failure")
			}
		}
		if open, _ := c.Circuit(); !open || calls != breakerFailures {
			t.Fatalf("open %v after %d calls, want open after %d", open, calls, breakerFailures)
		}
		wantOpen := func(want bool) {
			t.Helper()
			if open, wait := c.Circuit(); open != want || (wait > 0) != want {
				t.Errorf("open %v for %v, want %v", open, wait, want)
			}
		}
		wantOpen(true)
		var e *provider.Error
		if err := do(); !errors.As(err, &e) || !e.NotSent || e.RetryAfter <= 0 || e.RetryAfter > breakerDelay || calls != breakerFailures {
			t.Fatalf("open breaker: %+v after %d calls", err, calls)
		}

		time.Sleep(breakerDelay - time.Second)
		wantOpen(true)
		time.Sleep(time.Second)
		wantOpen(false) // the next call is sent, whenever it comes
		if do(); calls != breakerFailures+1 {
			t.Fatalf("half open: %d calls, want one more and no retry", calls)
		}
		wantOpen(true)
		time.Sleep(breakerDelay)
		status = http.StatusOK
		if err := do(); err != nil {
			t.Fatal(err)
		}
		if open, _ := c.Circuit(); open {
			t.Error("still open after a success")
		}
		wantOpen(false)
	})
}

func TestBreakerStaysClosedOnRefusals(t *testing.T) {
	c := New(Options{
		Transport: vendorFunc(func(*http.Request) (*http.Response, error) { return answer(http.StatusOK, "no") }),
		Log:       zerolog.Nop(),
	})
	for range 3 * breakerFailures {
		err := c.Do(t.Context(), Call{URL: "http://127.0.0.1/"}, func(Answer) error { return provider.Errorf(provider.KindCredentials, "no") })
		if provider.KindOf(err) != provider.KindCredentials {
			t.Fatal(err)
		}
	}
	if open, _ := c.Circuit(); open {
		t.Error("open")
	}
}

// purse is a Budget of so many requests.
type purse struct {
	left    int
	ended   []bool
	drained atomic.Int64
}

func (p *purse) Take(context.Context) (func(bool), error) {
	if p.left == 0 {
		return nil, &provider.Error{Kind: provider.KindRateLimited, RetryAfter: time.Minute}
	}
	p.left--
	return func(sent bool) { p.ended = append(p.ended, sent) }, nil
}

func (p *purse) Drain(context.Context, time.Duration, bool) time.Duration {
	p.drained.Add(1)
	return time.Hour
}

func TestBudget(t *testing.T) {
	tests := []struct {
		name    string
		left    int
		vendor  vendorFunc
		read    func(Answer) error
		kind    provider.Kind
		ended   int
		drained int64
	}{
		{"used up", 0, nil, accept, provider.KindRateLimited, 0, 0},
		{"one call", 1, func(*http.Request) (*http.Response, error) { return answer(200, "") }, accept, "", 1, 0},
		{"retries take from it too", 3, func(*http.Request) (*http.Response, error) { return answer(500, "") }, accept, provider.KindUnavailable, 3, 0},
		{
			"a retry that it refuses leaves the failure", 1, func(*http.Request) (*http.Response, error) { return answer(500, "") },
			accept, provider.KindUnavailable, 1, 0,
		},
		{
			"the vendor's own limit drains it", 5, func(*http.Request) (*http.Response, error) { return answer(200, "") },
			func(Answer) error { return provider.Errorf(provider.KindRateLimited, "slow down") }, provider.KindRateLimited, 1, 1,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				budget := &purse{left: tt.left}
				c := New(Options{Transport: tt.vendor, Budget: budget, Log: zerolog.Nop()})
				err := c.Do(t.Context(), Call{URL: "http://127.0.0.1/"}, tt.read)
				if provider.KindOf(err) != tt.kind || len(budget.ended) != tt.ended || budget.drained.Load() != tt.drained {
					t.Errorf("got %v, %d ended, %d drains", err, len(budget.ended), budget.drained.Load())
				}
			})
		})
	}
}
