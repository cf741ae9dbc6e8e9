package httpapi

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"accountgateway/internal/account"
	"accountgateway/internal/provider"
	"accountgateway/internal/store"
)

// TestForecast has an account that spends 20 a day and has 250 left.
func TestForecast(t *testing.T) {
	accounts := map[string]fake{"acme": balanceOf("250.00", "RUB"), "new": balanceOf("41.20", "USD")}
	st, stored := withStore(t, accounts)
	for hours, amount := range map[int]string{72: "310.00", 48: "290.00", 24: "270.00"} {
		p := store.BalancePoint{Account: "acme", Currency: "RUB", Balance: amount, AsOf: time.Now().Add(-time.Duration(hours) * time.Hour)}
		if err := st.AppendBalance(t.Context(), p); err != nil {
			t.Fatal(err)
		}
	}
	g := start(t, nil, stored)
	a := g.get("/accounts/acme/forecast")
	for _, want := range []string{
		`"account":"acme"`, `"provider":"vendor-of-acme"`, `"stale":false`, `"method":"` + account.ForecastMethod, `"window":{"from":"`,
		`"currency":"RUB"`, `"status":"ok"`, `"quality":"gaps"`, `"readings":4`, `"balance":{"amount":"250.00","currency":"RUB"}`, `"credit":null`,
		`"burn_per_day":{"amount":"20.00","currency":"RUB"}`, `"days_left":12.`,
	} {
		if !strings.Contains(string(a.body), want) {
			t.Errorf("no %s in %s", want, a.body)
		}
	}
	if got := a.header.Get("Cache-Control"); got != "private, max-age=60, stale-if-error=3600" || a.header.Get("Etag") == "" {
		t.Errorf("headers are not a reading's: %v", a.header)
	}
	again := g.get("/accounts/acme/forecast")
	if got := again.header.Get("Cache-Status"); !strings.HasPrefix(got, "gateway; hit; ttl=") {
		t.Errorf("Cache-Status is %q", got)
	}
	g.ask(http.MethodGet, "/accounts/acme/forecast", http.Header{"Cache-Control": {"max-age=x"}}, nil).wantFields("Cache-Control")
	body := string(g.get("/accounts/new/forecast").body)
	if want := `"burn_per_day":null,"credit":null,"currency":"USD","days_left":null,"ends_at":null,"quality":"gaps","readings":1`; !strings.Contains(body, want) || !strings.Contains(body, `"status":"insufficient_history"`) {
		t.Errorf("no %s in %s", want, body)
	}
}

func TestForecastBody(t *testing.T) {
	at := time.Date(2026, 1, 31, 10, 15, 30, 0, time.UTC)
	balance := account.Reading[provider.Balance]{AsOf: at, Value: &provider.Balance{Balance: money("250", "RUB")}}
	for left, want := range map[time.Duration]float64{0: 0, 12*day + 12*time.Hour: 12.5, 12*day + 14*time.Hour: 12.5, time.Hour: 0, 36_500 * day: 36_500} {
		body := forecastBody(account.Forecast{Balance: balance, Currencies: []account.CurrencyForecast{{Currency: "RUB", Status: account.ForecastOK, Left: &left}}})
		if c := body.Currencies[0]; *c.DaysLeft != want || !c.EndsAt.Equal(at.Add(left)) {
			t.Errorf("%s: got %v until %s", left, *c.DaysLeft, c.EndsAt)
		}
	}
}
