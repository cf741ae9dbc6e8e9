package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"accountgateway/internal/durable"
	"accountgateway/internal/httpapi/middleware"
	"accountgateway/internal/provider"
	"accountgateway/internal/store"
)

func TestHistory(t *testing.T) {
	st, stored := withStore(t, map[string]fake{"acme": everything(), "none": {}})
	for _, p := range []store.BalancePoint{
		{AsOf: time.Date(2026, 1, 29, 23, 59, 59, 999_999_000, time.UTC), Balance: "9", Currency: "RUB"},
		{AsOf: time.Date(2026, 1, 30, 0, 0, 0, 0, time.UTC), Balance: "8", Currency: "RUB", Blocked: "0.50", Credit: "5000", Bonus: "0.00"},
		{AsOf: time.Date(2026, 1, 30, 0, 30, 0, 0, time.UTC), Balance: "7", Currency: "RUB"},
		{AsOf: time.Date(2026, 1, 30, 0, 40, 0, 0, time.UTC), Balance: "1.50", Currency: "USD"},
		{AsOf: time.Date(2026, 1, 31, 23, 59, 59, 999_999_000, time.UTC), Balance: "-6.10", Currency: "RUB"},
		{AsOf: time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC), Balance: "5", Currency: "RUB"},
	} {
		p.Account = "acme"
		if err := st.AppendBalance(t.Context(), p); err != nil {
			t.Fatal(err)
		}
	}
	g := start(t, nil, stored)
	tests := []struct {
		query, from, till, step, points string
	}{
		{"from=2026-01-30&till=2026-01-31", "2026-01-30T00:00:00Z", "2026-02-01T00:00:00Z", "5m", "8 7 1.50 -6.10"},
		{"from=2026-01-30&till=2026-01-31&step=1h", "2026-01-30T00:00:00Z", "2026-02-01T00:00:00Z", "1h", "7 1.50 -6.10"},
		{"from=2026-01-29&till=2026-01-31&step=36500d", "2026-01-29T00:00:00Z", "2026-02-01T00:00:00Z", "36500d", "1.50 -6.10"},
		{"from=2026-01-30T00:00:00Z&till=2026-02-01T00:00:00Z&step=60m", "2026-01-30T00:00:00Z", "2026-02-01T00:00:00Z", "1h", "7 1.50 -6.10"},
		{"from=2026-01-30T03:00:00.5%2B03:00&till=2026-02-01T03:00:00.000001%2B03:00&step=1s", "2026-01-30T00:00:00.5Z", "2026-02-01T00:00:00.001Z", "1s", "7 1.50 -6.10 5"},
		{"till=2026-01-29", "2025-12-31T00:00:00Z", "2026-01-30T00:00:00Z", "1h", "9"},
		{"from=2026-03-01&till=2026-03-02&step=90s", "2026-03-01T00:00:00Z", "2026-03-03T00:00:00Z", "90s", ""},
	}
	for _, tt := range tests {
		a := g.get("/accounts/acme/balance/history?" + tt.query)
		var body BalanceHistory
		if err := json.Unmarshal(a.body, &body); err != nil {
			t.Fatalf("%s: %s", tt.query, a.body)
		}
		var amounts []string
		for _, p := range body.Points {
			amounts = append(amounts, p.Balance.Amount)
		}
		got := []string{body.Account, body.Provider, body.From.Format(time.RFC3339Nano), body.Till.Format(time.RFC3339Nano), body.Step, strings.Join(amounts, " ")}
		if diff := cmp.Diff([]string{"acme", "vendor-of-acme", tt.from, tt.till, tt.step, tt.points}, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.query, diff)
		}
		if a.header.Get("Cache-Control") != "no-store" {
			t.Errorf("Cache-Control is %q", a.header.Get("Cache-Control"))
		}
	}
	body := string(g.get("/accounts/acme/balance/history?from=2026-01-30&till=2026-01-30&step=1s").body)
	if want := `{"as_of":"2026-01-30T00:00:00.000Z","balance":{"amount":"8","currency":"RUB"},"blocked":{"amount":"0.50","currency":"RUB"},"bonus":{"amount":"0.00","currency":"RUB"},"credit":{"amount":"5000","currency":"RUB"}}`; !strings.Contains(body, want) {
		t.Errorf("no %s in %s", want, body)
	}
	g.get("/accounts/acme/balance/history").wantStatus(http.StatusOK)
	g.get("/accounts/nobody/balance/history").wantCode(ProblemCodeAccountNotFound)
	g.get("/accounts/none/balance/history").wantCode(ProblemCodeUnsupportedOperation)
	g.get("/accounts/none/forecast").wantCode(ProblemCodeUnsupportedOperation)
}

// TestHistoryOfNow has a reading that was made just before.
func TestHistoryOfNow(t *testing.T) {
	now := time.Date(2026, 1, 31, 10, 15, 30, 123_456_789, time.UTC)
	var p params
	from, till, step := historyQuery(&p, now)
	if len(p.bad) > 0 || !till.After(now) || till.Sub(now) > time.Millisecond || till.Sub(from) != 30*24*time.Hour || step != time.Hour {
		t.Errorf("got %s, %s, %s, %v", from, till, step, p.bad)
	}
}

func TestHistoryTooLong(t *testing.T) {
	p, _ := describe(fmt.Errorf("on the way: %w", &store.TooManyPointsError{Max: 10_000}))
	want := []FieldError{{Field: "step", Message: "more than 10000 points: request a shorter range or a longer step"}}
	if p.Code != ProblemCodeInvalidParameter || p.Errors == nil || !slices.Equal(*p.Errors, want) {
		t.Errorf("got %+v", p)
	}
}

func TestHistoryQueries(t *testing.T) {
	g := start(t, map[string]fake{"acme": everything()})
	tests := []struct {
		query  string
		fields []string
	}{
		{"from=yesterday&till=2026-02-30&step=1", []string{"till", "from", "step"}},
		{"from=2026-01-31T10:15:30", []string{"from"}},
		{"from=2026-01-31T10:15:30+03:00", []string{"from"}},
		{"from=2026-01-31T24:00:00Z", []string{"from"}},
		{"from=9999-12-31", []string{"from"}},
		{"from=2026-02-01&till=2026-01-31", []string{"till"}},
		{"from=2026-01-31T10:00:00Z&till=2026-01-31T10:00:00Z", []string{"till"}},
		{"step=0s", []string{"step"}}, {"step=-1h", []string{"step"}}, {"step=%2B1h", []string{"step"}}, {"step=h", []string{"step"}}, {"step=1.5h", []string{"step"}}, {"step=1w", []string{"step"}},
		{"step=1H", []string{"step"}}, {"step=01h", []string{"step"}}, {"step=36501d", []string{"step"}}, {"step=9223372036854775807d", []string{"step"}}, {"step=99999999999999999999s", []string{"step"}}, {"step=1h30m", []string{"step"}},
		{"currency=USD", []string{"currency"}},
	}
	for _, tt := range tests {
		t.Run(tt.query, func(t *testing.T) {
			g.t = t
			g.get("/accounts/acme/balance/history?" + tt.query).wantFields(tt.fields...)
		})
	}
}

func TestDefaultStep(t *testing.T) {
	for span, want := range map[time.Duration]string{
		time.Second: "1m", 1000 * time.Minute: "1m", 1000*time.Minute + 1: "5m", 10 * day: "15m", 30 * day: "1h", 100 * day: "6h", 365 * day: "1d", 1000 * day: "1d", 1001 * day: "2d", 1<<63 - 1: "107d",
	} {
		step := defaultStep(span)
		if got := formatStep(step); got != want || span/step > defaultPoints {
			t.Errorf("%s: %s", span, got)
		}
		if again, ok := parseStep(want); !ok || again != step {
			t.Errorf("%s does not read back: %s", want, again)
		}
	}
}

func FuzzStep(f *testing.F) {
	for _, seed := range []string{"", "1s", "90m", "36500d", "0h", "9223372036854775807d", "é"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		step, ok := parseStep(text)
		if !ok {
			return
		}
		if step < time.Second || step > maxStep {
			t.Errorf("%q is %s", text, step)
		}
		if again, ok := parseStep(formatStep(step)); !ok || again != step {
			t.Errorf("%q is %s, and %s reads as %s", text, step, formatStep(step), again)
		}
	})
}

// TestDatabaseAway: an answer that needs the gateway's own database says so, and
// blames no vendor.
func TestDatabaseAway(t *testing.T) {
	g := start(t, map[string]fake{"acme": everything()})
	for _, target := range []string{"/accounts/acme/balance/history", "/accounts/acme/forecast"} {
		a := g.get(target)
		p := a.wantCode(ProblemCodeDatabaseUnavailable)
		if p.Detail != "the gateway's database is unavailable" || a.header.Get("Retry-After") != "5" || p.Account != nil || p.Provider != nil {
			t.Errorf("%s: got %s, Retry-After %q", target, a.body, a.header.Get("Retry-After"))
		}
		if !logHas(g.log, a.header.Get(middleware.RequestIDHeader), `"level":"warn"`, "not been reached since startup") {
			t.Errorf("the cause is not in the log:\n%s", g.log)
		}
	}
	// Nor does a reading that could not be asked for because of it.
	g = start(t, map[string]fake{"acme": {balance: func(context.Context, provider.BalanceQuery) (provider.Balance, error) {
		return provider.Balance{}, &provider.Error{Kind: provider.KindDatabase, NotSent: true, Message: "the gateway's database is slow"}
	}}})
	a := g.get("/accounts/acme/balance")
	if p := a.wantCode(ProblemCodeDatabaseUnavailable); a.header.Get("Retry-After") != "5" || p.Account != nil || p.Provider != nil {
		t.Errorf("got %s, Retry-After %q", a.body, a.header.Get("Retry-After"))
	}
	p, _ := describe(&durable.UnavailableError{Err: errors.New("secret text")})
	if strings.Contains(p.Detail, "secret") {
		t.Errorf("the cause is in the answer: %s", p.Detail)
	}
}
