package selzy_test

import (
	"net/http/httptest"
	"strings"
	"testing"

	"accountgateway/internal/config"
	"accountgateway/internal/provider"
	"accountgateway/internal/provider/providertest"
	"accountgateway/internal/provider/selzy"
	"accountgateway/internal/provider/upstream"
	"accountgateway/internal/simulator"
	selzysim "accountgateway/internal/simulator/selzy"
)

func TestConformance(t *testing.T) {
	for _, row := range []struct {
		brand    selzysim.Brand
		key      config.Secret
		quirks   []string
		currency provider.Currency
		logins   []string
		reseller bool
	}{
		{selzysim.Selzy, "ordinarykey", nil, "USD", []string{"acme_shop"}, false},
		{selzysim.Selzy, "resellerkey", []string{"warnings"}, "EUR", []string{"nord_partner", "lumi_cafe", "old.timer@nord.example", "second_desk"}, true},
		{selzysim.Selzy, "crmkey", []string{"numbers", "null_strings", "zero_dates", "bool_flags"}, "UAH", []string{"crm_desk"}, false},
		{selzysim.UniSender, "testkey", []string{"floats", "empty_dates"}, "USD", []string{"sandbox_lab", "sandbox_user"}, true},
	} {
		t.Run(string(row.key), func(t *testing.T) {
			user := newUser()
			h := providertest.Harness{
				New: func(t *testing.T, s providertest.Scenario) (provider.Provider, func() int) {
					client, vendor := simulated(t, s, row.brand, row.key, row.quirks)
					return client, vendor.Control.Total
				},
				Balances:   []provider.BalanceQuery{{Currency: row.currency}},
				NoCurrency: "GBP",
				NoLogin:    "somebody_else",
				Secrets:    []string{string(row.key)},
			}
			if row.reseller {
				h.NewUser = &user
			}
			for _, login := range row.logins {
				h.Users = append(h.Users, provider.UserQuery{Login: login})
			}
			providertest.Run(t, h)
		})
	}
}

// simulated makes a client of a simulated vendor in the scenario.
func simulated(t *testing.T, s providertest.Scenario, brand selzysim.Brand, key config.Secret, quirks []string) (*selzy.Client, *selzysim.Server) {
	t.Helper()
	vendor := selzysim.New(selzysim.Options{Brand: brand})
	server := httptest.NewServer(vendor)
	t.Cleanup(server.Close)
	cfg := selzy.Config{APIKey: key, Lang: "en"}
	if err := cfg.BaseURL.UnmarshalText([]byte(server.URL)); err != nil {
		t.Fatal(err)
	}
	for _, quirk := range quirks {
		if err := vendor.Control.Inject(simulator.Fault{Kind: simulator.KindQuirk, Quirk: quirk}); err != nil {
			t.Fatal(err)
		}
	}
	switch s {
	case providertest.Refused:
		cfg.APIKey += "x"
	case providertest.Down:
		server.Close()
	default: // the vendor can be asked
	}
	failure := func(code, text string) string {
		return strings.Replace(failureBody(code), `"Some text"`, text, 1)
	}
	providertest.Faults(t, vendor.Control, s, failure, string(key)+", "+newUser().Password+" of "+newUser().Email)
	return selzy.New(upstream.New(upstream.Options{
		Account: "mail", Provider: string(brand), Secrets: config.Secrets(cfg), Timeout: s.Timeout(),
	}), cfg), vendor
}

// newUser is a user to be created, with secrets that need escapes.
func newUser() provider.NewUser {
	return provider.NewUser{
		Login: "grace", Password: `n3w"&us{er`, Email: "grace@example.com", Country: "US", FirstName: "Grace", Timezone: "America/New_York",
		Attributes: map[string]string{"extra[channel]": "friends", "currency_code": "USD"},
	}
}

// What the strict vendor says to questions of a reseller and of others.
func TestLookups(t *testing.T) {
	for _, row := range []struct {
		key   config.Secret
		login string
		kind  provider.Kind // empty: found
	}{
		{"ordinarykey", "acme_shop", ""},
		{"ordinarykey", "lumi_cafe", provider.KindUnsupportedParameter},
		{"resellerkey", "lumi_cafe", ""},
		{"resellerkey", "acme_shop", provider.KindNotFound}, // exists, but is not its user
		{"resellerkey", "nobody", provider.KindNotFound},
		{"offkey", "quiet_office", provider.KindAccess},
	} {
		client, _ := simulated(t, providertest.Healthy, selzysim.Selzy, row.key, nil)
		got, err := client.ReadUsers(t.Context(), provider.UserQuery{Login: row.login})
		if provider.KindOf(err) != row.kind || err == nil && got.Users.Users[0].Login != row.login {
			t.Errorf("%s asks for %s: got %+v, %v; want %q", row.key, row.login, got.Users, err, row.kind)
		}
	}
}

// What the vendor's ways of being odd come to.
func TestQuirks(t *testing.T) {
	for _, row := range []struct {
		quirk string
		kind  provider.Kind // empty: all three reads succeed
	}{
		{"raw_tab", ""},
		{"warning_strings", ""},
		{"negative_balance", ""},
		{"null_dates", ""},
		{"without:balance_bonus", ""},
		{"null:subscribers_total", ""},
		{"empty_map", provider.KindBadResponse},
		{"no_result", provider.KindBadResponse},
		{"empty_result", provider.KindOther},
		{"result_false", provider.KindOther},
		{"code_without_text", provider.KindOther},
		{"unknown_code", provider.KindOther},
		{"id_text", provider.KindOther},
		{"retry_later", provider.KindUnavailable},
		{"access_denied", provider.KindAccess},
		{"api_call_limit_exceeded_for_ip", provider.KindRateLimited},
	} {
		t.Run(row.quirk, func(t *testing.T) {
			client, _ := simulated(t, providertest.Healthy, selzysim.Selzy, "crmkey", []string{row.quirk})
			_, balanceErr := client.ReadBalance(t.Context(), provider.BalanceQuery{})
			_, statisticsErr := client.ReadStatistics(t.Context(), provider.StatisticsQuery{})
			_, usersErr := client.ReadUsers(t.Context(), provider.UserQuery{})
			for _, err := range []error{balanceErr, statisticsErr, usersErr} {
				if kind := provider.KindOf(err); kind != row.kind {
					t.Errorf("got kind %q (%v), want %q", kind, err, row.kind)
				}
			}
		})
	}
}
