//go:build !race

// These tests live by real intervals of seconds, which the race detector
// stretches until vendors seem to hang. The packages alert, account and notify
// run the same under it by a clock of their own.

package main

import (
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/govalues/decimal"

	"accountgateway/internal/notify/notifytest"
	"accountgateway/internal/simulator"
	"accountgateway/internal/simulator/regru"
	"accountgateway/internal/simulator/selzy"
	"accountgateway/internal/store"
)

// alertInterval is GATEWAY_REFRESH_INTERVAL where alerts have to open and close.
const alertInterval = 3 * time.Second

// moody is a vendor that has another mood from time to time: in each it is a
// simulator of its own.
type moody struct {
	bad   *atomic.Bool
	moods [2]http.Handler // good, bad
}

func (m moody) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	mood := 0
	if m.bad.Load() {
		mood = 1
	}
	m.moods[mood].ServeHTTP(w, r)
}

// alertCase is an account that one alert is about.
type alertCase struct {
	code, severity string
	provider       string
	bad            http.Handler // in which the alert opens
	settings       []string
}

// regruWith is a REG.RU with so much on the account, and faults.
func regruWith(t *testing.T, prepay string, faults ...simulator.Fault) http.Handler {
	t.Helper()
	s := regru.New(regru.Options{
		Accounts: []regru.Account{{Login: "partner", Password: "partner-secret", Partner: true, Prepay: decimal.MustParse(prepay)}},
		Rate:     regru.Rate{Calls: -1},
	})
	for _, f := range faults {
		if err := s.Control.Inject(f); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// selzyWith is a Selzy with so many of 1000 mails sent.
func selzyWith(sent int64) http.Handler {
	account := selzy.DefaultAccounts(selzy.Selzy, time.Now())[0]
	account.EmailsPaid, account.EmailsUsed, account.PeriodEmailsPaid, account.PeriodEmailsUsed = 1000, 0, 1000, sent
	account.Balance = decimal.MustParse("1000")
	return selzy.New(selzy.Options{Accounts: []selzy.Account{account}, KeyLimit: -1, IPLimit: -1})
}

// alertCases has every code.
func alertCases(t *testing.T) []alertCase {
	quirk := func(name string) simulator.Fault { return simulator.Fault{Kind: simulator.KindQuirk, Quirk: name} }
	status := func(code int, header map[string]string) simulator.Fault {
		return simulator.Fault{Kind: simulator.KindStatus, Status: code, Header: header}
	}
	regru := func(code, severity string, bad http.Handler, settings ...string) alertCase {
		return alertCase{code, severity, "regru", bad, slices.Concat(partner, []string{"RATE=0"}, settings)}
	}
	return []alertCase{
		regru("balance_negative", "critical", regruWith(t, "-4.75")),
		regru("balance_low", "warning", regruWith(t, "500"), "BALANCE_LOW=500 RUB"),
		regru("runs_out_soon", "warning", regruWith(t, "360"), "DAYS_LOW=5"),
		{"quota_nearly_used", "critical", "selzy", selzyWith(1000), []string{"API_KEY=ordinarykey", "RATE=0"}},
		regru("reading_too_old", "warning", regruWith(t, "100000", status(http.StatusBadGateway, nil))),
		regru("credentials_refused", "critical", regruWith(t, "100000", quirk("USER_AUTHENTICATION_FAILED"))),
		regru("access_denied", "critical", regruWith(t, "100000", quirk("ACCESS_DENIED_FROM_IP"))),
		regru("vendor_unavailable", "warning", regruWith(t, "100000", simulator.Fault{Kind: simulator.KindReset})),
		regru("reply_not_understood", "critical", regruWith(t, "100000", faultBody(`{"result":"success","answer":{}}`))),
		regru("write_outcome_unknown", "warning", regruWith(t, "100000", simulator.Fault{Kind: simulator.KindResetAfter, Operation: "user/create"})),
		regru("budget_nearly_used", "warning", regruWith(t, "100000", status(http.StatusTooManyRequests, map[string]string{"Retry-After": "1"}))),
	}
}

// seedSpending keeps a history in which an account has spent 100 a day, and 1000
// are left.
func seedSpending(t *testing.T, st *store.Store, account string) {
	t.Helper()
	const span, step = 25 * time.Hour, 2 * alertInterval
	now := st.Now()
	var points []store.BalancePoint
	for ago := span; ago >= 0; ago -= step {
		cents := 100_000 + int64(ago)*10_000/int64(24*time.Hour)
		points = append(points, store.BalancePoint{Account: account, Currency: "RUB", AsOf: now.Add(-ago), Balance: decimal.MustNew(cents, 2).String()})
	}
	for some := range slices.Chunk(points, 1000) {
		if err := st.AppendBalances(t.Context(), some); err != nil {
			t.Fatal(err)
		}
	}
}

// openAlert is an alert as the API tells of it.
type openAlert struct {
	Account, Provider, Code, Severity, Detail, Remedy string
	Since                                             time.Time
	Value, Threshold                                  *string
}

// alertsOf are the alerts that GET /alerts answers, by account: only the one
// that each account is there for.
func alertsOf(t *testing.T, g *served) map[string]openAlert {
	t.Helper()
	var list struct{ Alerts []openAlert }
	g.get(t, "/alerts").decode(&list)
	found := map[string]openAlert{}
	for _, a := range list.Alerts {
		if a.Account == strings.ReplaceAll(a.Code, "_", "-") {
			found[a.Account] = a
		}
	}
	return found
}

// TestEachAlert drives every alert from closed to open to closed by what its
// vendor does, while one replica hands over to another, and over a restart.
// Whoever asks sees the same, and each opens once and closes once.
func TestEachAlert(t *testing.T) {
	t.Parallel()
	for _, e := range engines {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			var bad atomic.Bool
			f := newFleet(t)
			cases := alertCases(t)
			for _, c := range cases {
				good := regruWith(t, "100000")
				if c.provider == "selzy" {
					good = selzyWith(10)
				}
				f.add(strings.ReplaceAll(c.code, "_", "-"), c.provider, moody{&bad, [2]http.Handler{good, c.bad}}, c.settings...)
			}
			hook, box := notifytest.NewWebhook(t), notifytest.NewMailbox(t, nil)
			settings := with(f.settings, "GATEWAY_NOTIFY_URL=generic+http://"+hook.Addr+"/ smtp://"+box.Addr+"/?from=gateway@example.com&to=ops@example.com",
				"GATEWAY_PUBLIC_URL=https://gateway.example", "GATEWAY_DATABASE_URL="+e.url(t), "GATEWAY_REFRESH_INTERVAL="+alertInterval.String(),
				"GATEWAY_BALANCE_TTL=1s", "GATEWAY_STATISTICS_TTL=1s", "GATEWAY_LOG_LEVEL=info", "GATEWAY_PROVIDER_TIMEOUT=2s")
			st, err := store.Open(t.Context(), settings["GATEWAY_DATABASE_URL"], store.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer st.Close()
			seedSpending(t, st, "runs-out-soon")

			one := serving(t, settings)
			eventually(t, "a reading of each account", func() bool {
				var list struct {
					Accounts []struct{ Health struct{ State string } }
				}
				one.get(t, "/accounts?health=ok").decode(&list)
				return len(list.Accounts) == len(cases)
			})
			if got := alertsOf(t, one); len(got) > 0 {
				t.Fatalf("open though nothing is wrong: %+v", got)
			}

			bad.Store(true)
			write := one.post(t, "/accounts/write-outcome-unknown/users", "one", aUser)
			write.wantStatus(http.StatusAccepted, false)
			eventually(t, "every alert", func() bool { return len(alertsOf(t, one)) == len(cases) })
			open := alertsOf(t, one)
			for _, c := range cases {
				name := strings.ReplaceAll(c.code, "_", "-")
				if got := open[name]; got.Severity != c.severity || got.Provider != c.provider || got.Detail == "" || got.Remedy == "" {
					t.Errorf("%s: %+v", c.code, got)
				}
				var account struct{ Alerts []openAlert }
				one.get(t, "/accounts/"+name).decode(&account)
				if !slices.ContainsFunc(account.Alerts, func(a openAlert) bool { return a.Code == c.code }) {
					t.Errorf("GET /accounts/%s: %+v", name, account.Alerts)
				}
				series := `account_alert{account="` + name + `",code="` + c.code + `",provider="` + c.provider + `",severity="` + c.severity + `"} 1`
				if metrics, _ := fetch(t, one.url, "/metrics"); !strings.Contains(string(metrics.body), series) {
					t.Errorf("no %s", series)
				}
			}
			if status, stdout, stderr := complete(t, settings, "alerts"); status != 1 || strings.Contains(stderr, "no running gateway") || !strings.Contains(stdout, "balance-low ") {
				t.Errorf("gateway alerts: %d, %s%s", status, stdout, stderr)
			}

			// Another replica has them from its first answer on, and goes on alone.
			wantSame := func(g *served, when string) {
				t.Helper()
				got := alertsOf(t, g)
				for name, want := range open {
					if a := got[name]; !a.Since.Equal(want.Since) || a.Severity != want.Severity {
						t.Errorf("%s: %s is %+v, want since %s", when, name, a, want.Since)
					}
				}
			}
			two := serving(t, settings)
			wantSame(two, "another replica")
			if status := one.stop(); status != 0 {
				t.Errorf("exit status %d", status)
			}
			time.Sleep(2 * alertInterval)
			wantSame(two, "the other replica alone")
			two.stop()
			three := serving(t, settings)
			wantSame(three, "after a restart")
			time.Sleep(2 * alertInterval)
			wantSame(three, "some time after a restart")

			bad.Store(false)
			for _, c := range cases { // a lock-out after a refusal ends by who asks for it
				three.get(t, "/accounts/"+strings.ReplaceAll(c.code, "_", "-")+"/balance", "Cache-Control", "no-cache")
			}
			_, id, _ := strings.Cut(write.header.Get("Location"), "/operations/")
			if status, _, stderr := complete(t, settings, "operations", "settle", id, "--state", "failed", "--by", "test", "--reason", "nobody is there"); status != 0 {
				t.Fatalf("settle: %s", stderr)
			}
			eventually(t, "no alert", func() bool { return len(alertsOf(t, three)) == 0 })
			eventually(t, "no alert at all", func() bool {
				status, stdout, _ := complete(t, settings, "alerts", "--json")
				var list struct{ Alerts []openAlert }
				if err := json.Unmarshal([]byte(stdout), &list); err != nil {
					t.Fatalf("%v: %s", err, stdout)
				}
				return status == 0 && len(list.Alerts) == 0
			})
			if metrics, _ := fetch(t, three.url, "/metrics"); strings.Contains(string(metrics.body), "account_alert{") {
				t.Error("account_alert is shown though nothing is open")
			}
			wantOnce(t, st, cases)
			eventually(t, "the last message", func() bool { return len(told(hook.Texts())) == 2*len(cases) && len(told(mailed(box))) == 2*len(cases) })
			wantTold(t, "the webhook", cases, hook.Texts())
			wantTold(t, "the mailbox", cases, mailed(box))
		})
	}
}

// toldAlert is where a message tells of an alert, and how: "[critical] shop:
// balance_low".
var toldAlert = regexp.MustCompile(`(?m)^\[([a-z ]+)\] ([a-z-]+): ([a-z_]+)(.*)$`)

// told counts how often messages told that an alert opened and that it closed:
// only the one that each account is there for.
func told(texts []string) map[string]int {
	counts := map[string]int{}
	for _, text := range texts {
		for _, match := range toldAlert.FindAllStringSubmatch(text, -1) {
			label, account, code := match[1], match[2], match[3]
			if account != strings.ReplaceAll(code, "_", "-") || strings.HasPrefix(label, "now ") {
				continue
			}
			if label != "closed" {
				counts["opened "+account]++
			}
			if strings.HasSuffix(label, "closed") {
				counts["closed "+account]++
			}
		}
	}
	return counts
}

func mailed(box *notifytest.Mailbox) []string {
	var texts []string
	for _, mail := range box.Mails() {
		texts = append(texts, mail.Text)
	}
	return texts
}

// wantTold wants messages to have told of each alert that it opened and that it
// closed, once, with links to its account and to its entry in the runbook.
func wantTold(t *testing.T, who string, cases []alertCase, texts []string) {
	t.Helper()
	all := strings.Join(texts, "\n\n")
	want := map[string]int{}
	for _, c := range cases {
		account := strings.ReplaceAll(c.code, "_", "-")
		want["opened "+account], want["closed "+account] = 1, 1
		for _, link := range []string{"https://gateway.example/ui/" + account, "https://gateway.example/docs/runbook#" + c.code} {
			if !regexp.MustCompile(regexp.QuoteMeta(link) + `(\s|$)`).MatchString(all) {
				t.Errorf("%s was not told %s", who, link)
			}
		}
	}
	if diff := cmp.Diff(want, told(texts)); diff != "" {
		t.Errorf("%s was told (-want +got):\n%s\nby\n%s", who, diff, all)
	}
}

// wantOnce wants each alert to have opened once and closed once.
func wantOnce(t *testing.T, st *store.Store, cases []alertCase) {
	t.Helper()
	events, err := st.AlertEventsAfter(t.Context(), 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	got, want := map[string]int{}, map[string]int{}
	for _, c := range cases {
		name := strings.ReplaceAll(c.code, "_", "-")
		want["opened "+name], want["closed "+name] = 1, 1
		for _, e := range events {
			if e.Account == name && e.Code == c.code && e.Kind != "changed" {
				got[e.Kind+" "+name]++
			}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

// TestUnwatchedThreshold: a threshold in a currency that the account has no money
// in would let a low balance go unnoticed, which is told once and raises nothing.
func TestUnwatchedThreshold(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	f.add("shop", "regru", regruWith(t, "1"), append(slices.Clone(partner), "BALANCE_LOW=500 USD")...)
	g := f.serve("GATEWAY_REFRESH_INTERVAL=1s")
	eventually(t, "the account's health tells", func() bool {
		var account struct {
			Health struct{ State, Detail string }
			Alerts []openAlert
		}
		g.get(t, "/accounts/shop").decode(&account)
		if len(account.Alerts) > 0 {
			t.Fatalf("open: %+v", account.Alerts)
		}
		return strings.Contains(account.Health.Detail, "SHOP_BALANCE_LOW is in USD, in which the account has no balance") && account.Health.State == "ok"
	})
	time.Sleep(3 * time.Second)
	if n := strings.Count(g.stderr.String(), "a low balance goes unnoticed"); n != 1 {
		t.Errorf("logged %d times", n)
	}
}
