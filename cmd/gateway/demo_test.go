package main

import (
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"accountgateway/internal/alert"
	"accountgateway/internal/provider/registry"
)

// TestDemoHasAPast looks at the demo as soon as it can be reached: every account
// was read, and there are 60 days of what it is for.
func TestDemoHasAPast(t *testing.T) {
	t.Parallel()
	p := begin(t, nil, "demo", "--addr", "127.0.0.1:0")
	base := p.see(p.stdout, `on (http://\S+)(?s:.*)/metrics\n`)[1]
	if !strings.Contains(p.stdout.String(), "60 days of simulated history") {
		t.Errorf("the demo does not say that its history is simulated:\n%s", p.stdout)
	}
	page := pageOf(t, base+"/")
	for _, never := range []string{`idle">Not called yet`, "no forecast", "too early", "no reading yet"} {
		if strings.Contains(page, never) {
			t.Errorf("the page says %q", never)
		}
	}
	for _, want := range []string{"simulated", "Credentials refused", "outcome unknown", "Balance negative", "Runs out soon", "Quota nearly used", ">for 2 days</time>"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not say %q", want)
		}
	}

	var accounts struct {
		Accounts []struct {
			Name   string
			Health struct {
				State         string
				Since         time.Time
				LastSuccessAt *time.Time `json:"last_success_at"`
			}
			Alerts []struct {
				Code, Detail string
				Since        time.Time
			}
		}
	}
	ask(t, base, "/accounts", &accounts)
	if n := len(accounts.Accounts); n < 10 {
		t.Errorf("the demo has %d accounts", n)
	}
	for _, a := range accounts.Accounts {
		want := "ok"
		if a.Name == "unisender" {
			want = "bad_credentials"
		}
		if a.Health.State != want || a.Health.LastSuccessAt == nil {
			t.Errorf("%s is %s, last read at %v", a.Name, a.Health.State, a.Health.LastSuccessAt)
		}
		if a.Name == "unisender" {
			refused := alert.CredentialsRefused
			since := map[alert.Code]time.Time{}
			for _, open := range a.Alerts {
				since[alert.Code(open.Code)] = open.Since
			}
			tooOld := since[alert.ReadingTooOld].Sub(*a.Health.LastSuccessAt)
			if !since[refused].Equal(a.Health.Since) || !a.Health.Since.After(*a.Health.LastSuccessAt) || tooOld < 10*time.Minute || tooOld > 15*time.Minute {
				t.Errorf("%s: last read at %v, in its state since %v, alerts %+v", a.Name, a.Health.LastSuccessAt, a.Health.Since, a.Alerts)
			}
			eventually(t, "the alert says what the gateway knows", func() bool {
				at := a.Health.LastSuccessAt.Format(time.RFC3339)
				return strings.Contains(string(get(t, base, "/alerts?account="+a.Name).body),
					"last read: balance "+at+", statistics "+at+"; because: credentials refused, no success since "+at)
			})
		}
		var history struct {
			Points []struct {
				Balance struct{ Amount json.Number }
			}
		}
		from := time.Now().Add(-60 * 24 * time.Hour).UTC().Format(time.RFC3339)
		ask(t, base, "/accounts/"+a.Name+"/balance/history?step=24h&from="+url.QueryEscape(from), &history)
		rises := 0
		for i := 1; i < len(history.Points); i++ {
			before, _ := history.Points[i-1].Balance.Amount.Float64()
			after, _ := history.Points[i].Balance.Amount.Float64()
			if after > before {
				rises++
			}
		}
		if len(history.Points) < 60 || rises == 0 {
			t.Errorf("%s has %d days of history, with %d top-ups", a.Name, len(history.Points), rises)
		}
	}

	var forecast struct {
		Currencies []struct {
			Status, Quality string
			DaysLeft        json.Number `json:"days_left"`
		}
	}
	ask(t, base, "/accounts/regru-shop/forecast", &forecast)
	if c := forecast.Currencies; len(c) != 1 || c[0].Status != "ok" || c[0].Quality != "measured" || !regexp.MustCompile(`^[12]\b`).MatchString(c[0].DaysLeft.String()) {
		t.Errorf("regru-shop does not run dry in two days: %+v", c)
	}
	var operations struct {
		Operations []struct{ Kind, State string }
	}
	ask(t, base, "/accounts/selzy-agency/operations", &operations)
	if o := operations.Operations; len(o) == 0 || o[0].State != "unknown" {
		t.Errorf("no write has an unknown outcome: %+v", o)
	}
	if said := p.stderr.String(); strings.Contains(said, "WRN") || strings.Contains(said, "ERR") {
		t.Errorf("the demo complains: %s", p.stderr)
	}
}

// ask reads an answer of 200.
func ask(t *testing.T, base, target string, into any) {
	t.Helper()
	a := get(t, base, target)
	if err := json.Unmarshal(a.body, into); err != nil || a.status != http.StatusOK {
		t.Fatalf("%s: %d %s: %v", target, a.status, a.body, err)
	}
}

// TestDemoGroups: the demo has an account at a vendor of every group that there is.
func TestDemoGroups(t *testing.T) {
	t.Parallel()
	known, err := registry.All("")
	if err != nil {
		t.Fatal(err)
	}
	shown := map[string]bool{registry.Vendors["regru"].Group: true, registry.Vendors["selzy"].Group: true}
	for _, name := range demoVendorNames() {
		shown[known[name].File().About("").Group] = true
	}
	for name, v := range known {
		if group := aboutVendor(name, v).Group; !shown[group] {
			t.Errorf("%s is in the group %s, of which the demo has none", name, group)
		}
	}
}
