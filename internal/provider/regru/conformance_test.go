package regru_test

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/govalues/decimal"

	"accountgateway/internal/config"
	"accountgateway/internal/provider"
	"accountgateway/internal/provider/providertest"
	"accountgateway/internal/provider/regru"
	"accountgateway/internal/provider/upstream"
	"accountgateway/internal/simulator"
	regrusim "accountgateway/internal/simulator/regru"
)

func TestConformance(t *testing.T) {
	for _, row := range []struct {
		login, password, quirk string
		partner                bool
	}{
		{"test", "test", "", true},
		{"shop", "shop-secret", "bare_envelope", false},
		{"partner", "partner-api-secret", "numbers", true},
	} {
		t.Run(row.login, func(t *testing.T) {
			user := newUser()
			h := providertest.Harness{
				New: func(t *testing.T, s providertest.Scenario) (provider.Provider, func() int) {
					client, vendor := simulated(t, s, row.login, row.password, row.quirk)
					return client, vendor.Control.Total
				},
				Balances:   []provider.BalanceQuery{{Currency: "RUB"}, {Currency: "USD"}, {Currency: "EUR"}, {Currency: "UAH"}},
				Statistics: []provider.StatisticsQuery{{From: "2026-01-01", Till: "2026-01-31"}, {From: "2026-01-01"}, {Till: "2026-01-31"}},
				Users:      []provider.UserQuery{{Login: row.login}},
				NoCurrency: "KZT",
				NoLogin:    "somebody-else",
				Refill:     &provider.RefillRequest{Method: provider.WebMoney, WalletID: "123456789012", Amount: sum("19.95", "USD")},
				Secrets:    []string{row.password},
			}
			if row.partner {
				h.NewUser = &user
			}
			providertest.Run(t, h)
		})
	}
}

func sum(amount string, currency provider.Currency) provider.Money {
	return provider.Money{Amount: decimal.MustParse(amount), Currency: currency}
}

// simulated makes a client of a simulated vendor in the scenario.
func simulated(t *testing.T, s providertest.Scenario, login, password, quirk string) (*regru.Client, *regrusim.Server) {
	t.Helper()
	vendor := regrusim.New(regrusim.Options{Refill: true})
	server := httptest.NewServer(vendor)
	t.Cleanup(server.Close)
	cfg := regru.Config{Username: login, Password: config.Secret(password), Lang: "en"}
	if err := cfg.BaseURL.UnmarshalText([]byte(server.URL + "/api/regru2")); err != nil {
		t.Fatal(err)
	}
	if quirk != "" {
		if err := vendor.Control.Inject(simulator.Fault{Kind: simulator.KindQuirk, Quirk: quirk}); err != nil {
			t.Fatal(err)
		}
	}
	switch s {
	case providertest.Refused:
		cfg.Password += "x"
	case providertest.Down:
		server.Close()
	default: // the vendor can be asked
	}
	failure := func(code, text string) string {
		return strings.Replace(failureBody(code, "null"), `"Some text"`, text, 1)
	}
	providertest.Faults(t, vendor.Control, s, failure, password+", "+newUser().Password+" of "+newUser().Email)
	return regru.New(upstream.New(upstream.Options{
		Account: "shop", Provider: "regru", Secrets: config.Secrets(cfg), Timeout: s.Timeout(),
	}), cfg), vendor
}

// newUser is a user to be created, with secrets that need escapes.
func newUser() provider.NewUser {
	return provider.NewUser{
		Login: "ada", Password: `n3w"&us{er`, Email: "ada@example.com", Country: "GB", FirstName: "Ada", LastName: "Byron",
		Phone: "+44.2079460000", Attributes: map[string]string{"user_city": "London", "white_list_ips": "192.0.2.1, 198.51.100."},
	}
}

// What the strict vendor says when it refuses.
func TestRefusals(t *testing.T) {
	statistics := func(from, till provider.Date) func(*regru.Client) error {
		return func(c *regru.Client) error { return readStatistics(from, till)(t.Context(), c) }
	}
	balance := func(c *regru.Client) error { return readBalance("USD")(t.Context(), c) }
	for _, row := range []struct {
		name  string
		quirk string
		call  func(*regru.Client) error
		kind  provider.Kind
		field string
	}{
		{"no such day", "", statistics("2026-02-30", ""), provider.KindRejected, "date_from"},
		{"no date", "", statistics("", "tomorrow"), provider.KindRejected, "date_till"},
		{"dates the wrong way round", "", statistics("2026-02-02", "2026-02-01"), provider.KindRejected, "date_from"},
		{"currency gone", "UNSUPPORTED_CURRENCY", balance, provider.KindUnsupportedCurrency, "currency"},
		{"blocked", "ACCOUNT_BLOCKED", balance, provider.KindAccess, ""},
		{"limit", "ACCOUNT_EXCEEDED_ALLOWED_CONNECTION_RATE", balance, provider.KindRateLimited, ""},
		{"outage", "unavailable503", balance, provider.KindUnavailable, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			client, _ := simulated(t, providertest.Healthy, "shop", "shop-secret", row.quirk)
			err := row.call(client)
			if e := asError(t, err); e.Kind != row.kind || e.Field != row.field || e.Upstream == nil {
				t.Errorf("got %+v, want %s, field %q", e, row.kind, row.field)
			}
		})
	}
}
