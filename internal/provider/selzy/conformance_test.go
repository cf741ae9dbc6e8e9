package selzy_test

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

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
					return client, func() int { return calls(vendor) }
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

// calls are the calls that reached the vendor.
func calls(vendor *selzysim.Server) int {
	n := 0
	for _, of := range vendor.Control.Calls() {
		n += of
	}
	return n
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
	timeout := 5 * time.Second
	var faults []simulator.Fault
	for _, quirk := range quirks {
		faults = append(faults, simulator.Fault{Kind: simulator.KindQuirk, Quirk: quirk})
	}
	body, bad := s.Body()
	switch {
	case bad:
		faults = append(faults, simulator.Fault{Kind: simulator.KindBody, Body: body})
	case s == providertest.Refused:
		cfg.APIKey += "x"
	case s == providertest.UnknownCode:
		faults = append(faults, simulator.Fault{Kind: simulator.KindBody, Body: failureBody(providertest.Code)})
	case s == providertest.UnknownCode400:
		faults = append(faults, simulator.Fault{Kind: simulator.KindStatus, Status: 400, Body: failureBody(providertest.Code)})
	case s == providertest.UnknownCode500:
		faults = append(faults, simulator.Fault{Kind: simulator.KindStatus, Status: 500, Body: failureBody(providertest.Code)})
	case s == providertest.Echo:
		faults = append(faults, simulator.Fault{Kind: simulator.KindBody, Body: echo(t, string(key))})
	case s == providertest.Outage:
		faults = append(faults, simulator.Fault{Kind: simulator.KindStatus, Status: 502, Body: "<html>502 Bad Gateway</html>"})
	case s == providertest.Reset:
		faults = append(faults, simulator.Fault{Kind: simulator.KindReset})
	case s == providertest.Silent:
		timeout = 200 * time.Millisecond
		faults = append(faults, simulator.Fault{Kind: simulator.KindHang})
	case s == providertest.Down:
		server.Close()
	}
	for _, f := range faults {
		if err := vendor.Control.Inject(f); err != nil {
			t.Fatal(err)
		}
	}
	return selzy.New(upstream.New(upstream.Options{
		Account: "mail", Provider: string(brand), Secrets: cfg.Secrets(), Timeout: timeout,
	}), cfg), vendor
}

// newUser is a user to be created, with secrets that need escapes.
func newUser() provider.NewUser {
	return provider.NewUser{
		Login: "grace", Password: `n3w"&us{er`, Email: "grace@example.com", Country: "US", FirstName: "Grace", Timezone: "America/New_York",
		Attributes: map[string]string{"extra[channel]": "friends", "currency_code": "USD"},
	}
}

// echo is an error that repeats every secret.
func echo(t *testing.T, key string) string {
	text := key + ", " + newUser().Password + " of " + newUser().Email
	return strings.Replace(failureBody(providertest.Code), `"Some text"`, asJSON(t, text), 1)
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
