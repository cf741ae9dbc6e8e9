package upstream_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"accountgateway/internal/provider"
	"accountgateway/internal/provider/upstream"
)

// TestRetryAfter runs on a clock of its own that begins at 2000-01-01.
func TestRetryAfter(t *testing.T) {
	tests := []struct {
		name           string
		code           int
		header         string
		wantRetryAfter time.Duration
		wantTries      int
		min, max       time.Duration // of the whole call
	}{
		{"none", 503, "", 0, 3, 150 * time.Millisecond, 450 * time.Millisecond},
		{"not understood", 503, "soon", 0, 3, 150 * time.Millisecond, 450 * time.Millisecond},
		{"negative", 503, "-5", 0, 3, 150 * time.Millisecond, 450 * time.Millisecond},
		{"fits", 503, "3", 3 * time.Second, 3, 6 * time.Second, 6 * time.Second},
		{"fits once", 503, "6", 6 * time.Second, 2, 6 * time.Second, 6 * time.Second},
		{"does not fit", 503, "10", 10 * time.Second, 1, 0, 0},
		{"date", 503, "Sat, 01 Jan 2000 00:00:04 GMT", 0, 3, 4 * time.Second, 5 * time.Second},
		{"date in the past", 503, "Fri, 31 Dec 1999 00:00:00 GMT", 0, 3, 150 * time.Millisecond, 450 * time.Millisecond},
		{"too far", 503, "9999999", 24 * time.Hour, 1, 0, 0},
		{"beyond any number", 503, "99999999999999999999999", 24 * time.Hour, 1, 0, 0},
		{"date too far", 503, "Sat, 01 Jan 2050 00:00:00 GMT", 24 * time.Hour, 1, 0, 0},
		{"429", 429, "2", 2 * time.Second, 1, 0, 0},
		{"no failure of the vendor's", 404, "2", 0, 1, 0, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tries := 0
				c := upstream.New(upstream.Options{Timeout: 10 * time.Second, Transport: roundTripper(func(*http.Request) (*http.Response, error) {
					tries++
					return recorded(tt.code, `{"error":"E"}`, "Retry-After", tt.header), nil
				})})
				began := time.Now()
				e := failure(t, c.Do(t.Context(), call("http://vendor.test"), readJSON), provider.KindOther)
				if e.RetryAfter != tt.wantRetryAfter {
					t.Errorf("RetryAfter %s, want %s", e.RetryAfter, tt.wantRetryAfter)
				}
				if tries != tt.wantTries {
					t.Errorf("%d tries, want %d", tries, tt.wantTries)
				}
				if took := time.Since(began); took < tt.min || took > tt.max {
					t.Errorf("took %s, want %s to %s", took, tt.min, tt.max)
				}
			})
		})
	}
}

func TestRetryAfterOfReadStays(t *testing.T) {
	v := serve(t, status(429, "", "Retry-After", "60"))
	err := upstream.New(upstream.Options{}).Do(t.Context(), call(v.URL), func(upstream.Answer) error {
		e := provider.Errorf(provider.KindRateLimited, "slow down")
		e.RetryAfter = time.Hour
		return e
	})
	if e := failure(t, err, provider.KindRateLimited); e.RetryAfter != time.Hour {
		t.Errorf("RetryAfter %s, want 1h", e.RetryAfter)
	}
}

// silent is a vendor that takes the request and never answers.
func silent(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, context.Cause(r.Context())
}

func TestDeadline(t *testing.T) {
	tests := []struct {
		name                  string
		timeout, caller, want time.Duration
	}{
		{"the client's own", 5 * time.Second, time.Hour, 5 * time.Second},
		{"the caller's", time.Hour, 5 * time.Second, 5 * time.Second},
		{"the default", 0, time.Hour, 10 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), tt.caller)
				defer cancel()
				began := time.Now()
				err := upstream.New(upstream.Options{Timeout: tt.timeout, Transport: roundTripper(silent)}).Do(ctx, call("http://vendor.test"), readJSON)
				if e := failure(t, err, provider.KindTimeout); e.NotSent || !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("got %+v, want a deadline after sending", e)
				}
				if took := time.Since(began); took != tt.want {
					t.Errorf("took %s, want %s", took, tt.want)
				}
			})
		})
	}
}

func TestDeadlineIsForAllTries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tries := 0
		c := upstream.New(upstream.Options{Timeout: 5 * time.Second, Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			if tries++; tries == 1 {
				return recorded(500, "{}"), nil
			}
			return silent(r)
		})})
		began := time.Now()
		failure(t, c.Do(t.Context(), call("http://vendor.test"), readJSON), provider.KindTimeout)
		if took := time.Since(began); tries != 2 || took != 5*time.Second {
			t.Errorf("%d tries in %s, want 2 in 5s", tries, took)
		}
	})
}

// slowBudget takes that long to grant a call.
type slowBudget struct{ takes time.Duration }

func (b slowBudget) Take(ctx context.Context) (func(bool), error) {
	select {
	case <-time.After(b.takes):
		return func(bool) { time.Sleep(b.takes) }, nil
	case <-ctx.Done():
		return nil, &provider.Error{Kind: provider.KindDatabase, NotSent: true, Message: "slow"}
	}
}

func (slowBudget) Drain(context.Context, time.Duration, bool) time.Duration { return 0 }

// The vendor has its whole time, however long our own budget takes, and none
// of that counts as the vendor's.
func TestDeadlineBeginsWithTheCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reg := prometheus.NewRegistry()
		c := upstream.New(upstream.Options{
			Account: "a", Provider: "p", Timeout: 2 * time.Second, Metrics: upstream.NewMetrics(reg), Budget: slowBudget{8 * time.Second},
			Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
				select {
				case <-time.After(1500 * time.Millisecond):
					return recorded(200, `{"ok":true}`), nil
				case <-r.Context().Done():
					return nil, r.Context().Err()
				}
			}),
		})
		if err := c.Do(t.Context(), call("http://vendor.test"), readJSON); err != nil {
			t.Errorf("the vendor answered in time, but: %v", err)
		}
		families, err := reg.Gather()
		if err != nil {
			t.Fatal(err)
		}
		for _, family := range families {
			if family.GetName() != "gateway_provider_request_duration_seconds" {
				continue
			}
			for _, m := range family.GetMetric() {
				if h := m.GetHistogram(); h.GetSampleCount() > 0 && h.GetSampleSum() != 1.5 {
					t.Errorf("%v s are counted for a call of 1.5 s", h.GetSampleSum())
				}
			}
		}
	})
}

// A call for which our own budget has no answer was not made: no metric and no
// breaker counts it.
func TestSlowBudgetIsNoVendorFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reg := prometheus.NewRegistry()
		c := upstream.New(upstream.Options{
			Account: "a", Provider: "p", Metrics: upstream.NewMetrics(reg), Budget: slowBudget{time.Hour},
			Transport: roundTripper(func(*http.Request) (*http.Response, error) {
				t.Error("sent")
				return recorded(200, `{"ok":true}`), nil
			}),
		})
		for range 10 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			if e := failure(t, c.Do(ctx, call("http://vendor.test"), readJSON), provider.KindDatabase); !e.NotSent {
				t.Error("not said to be unsent")
			}
			cancel()
		}
		if open, _ := c.Circuit(); open {
			t.Error("the breaker is open")
		}
		families, err := reg.Gather()
		if err != nil {
			t.Fatal(err)
		}
		for _, family := range families {
			for _, m := range family.GetMetric() {
				if m.GetHistogram().GetSampleCount() > 0 || m.GetCounter().GetValue() > 0 {
					t.Errorf("%s counts a call: %s", family.GetName(), m)
				}
			}
		}
	})
}

func TestGivenUpBetweenTries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		time.AfterFunc(time.Second, cancel)
		c := upstream.New(upstream.Options{Transport: roundTripper(func(*http.Request) (*http.Response, error) {
			return recorded(500, "{}", "Retry-After", "5"), nil
		})})
		began := time.Now()
		err := c.Do(ctx, call("http://vendor.test"), readJSON)
		if took := time.Since(began); !errors.Is(err, context.Canceled) || took != time.Second {
			t.Errorf("got %v after %s, want context.Canceled after 1s", err, took)
		}
		if failure(t, err, provider.KindUnavailable).NotSent {
			t.Error("NotSent, but the vendor had the request")
		}
	})
}

// A write's answer counts even if the caller left in that moment.
func TestSuccessSurvivesGivingUp(t *testing.T) {
	v := serve(t, status(200, `{"ok":true}`))
	for _, to := range []func(string) upstream.Call{call, write} {
		ctx, cancel := context.WithCancel(t.Context())
		err := upstream.New(upstream.Options{}).Do(ctx, to(v.URL), func(a upstream.Answer) error {
			cancel()
			return readJSON(a)
		})
		if err != nil {
			t.Errorf("got %v, want success", err)
		}
	}
}
