package main

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"accountgateway/internal/simulator"
)

// logLine is what a test looks at.
type logLine struct {
	Level, Message, Account, State, Before, Detail, Time, Route, Method, Code string
	RequestID                                                                 string `json:"request_id"`
	Status                                                                    int
	Audit                                                                     bool
}

// logged reads a JSON log; every line must be JSON.
func logged(t *testing.T, text string) (all []logLine) {
	t.Helper()
	for line := range strings.Lines(text) {
		var one logLine
		if err := json.Unmarshal([]byte(line), &one); err != nil || one.Time == "" || one.Message == "" || one.Level == "" {
			t.Errorf("%v: %s", err, line)
		}
		all = append(all, one)
	}
	return all
}

// TestVendorTroubleIsLoggedOnce: a state that changes is one line, however many
// calls find it so; a request is one line.
func TestVendorTroubleIsLoggedOnce(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	shop := f.simulated("shop", "selzy", "ordinarykey")
	down := f.misbehaving("down", "selzy", "ordinarykey", simulator.Fault{Kind: simulator.KindStatus, Status: 503, Times: 4})
	f.add("secret", "regru", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		said := r.PostFormValue("password")
		_, _ = w.Write([]byte(`{"result":"error","error_code":"` + said + `","error_text":"` + said + `"}`))
	}), "USERNAME=test", "PASSWORD="+mark)
	g := f.serve("GATEWAY_LOG_LEVEL=info")

	asked := 0
	ask := func(account string, times, status int) {
		for range times {
			asked++
			if a := g.get(t, "/accounts/"+account+"/balance", "Cache-Control", "no-cache"); a.status != status {
				t.Errorf("%s: got %d %s, want %d", account, a.status, a.body, status)
			}
		}
	}
	refused := faultBody(`{"error":"no reason","code":"unspecified"}`)
	for range 2 {
		ask("shop", 3, http.StatusOK)
		if err := shop.Inject(refused); err != nil {
			t.Fatal(err)
		}
		ask("shop", 5, http.StatusBadGateway)
		shop.Clear()
	}
	ask("shop", 3, http.StatusOK)
	// No answer in two ways, and then none because the breaker is open: one trouble.
	ask("down", 1, http.StatusServiceUnavailable)
	if err := down.Inject(simulator.Fault{Kind: simulator.KindReset}); err != nil {
		t.Fatal(err)
	}
	ask("down", 9, http.StatusServiceUnavailable)
	ask("secret", 5, http.StatusBadGateway)
	if status := g.stop(); status != 0 {
		t.Errorf("exit status %d", status)
	}

	requests, changes, others := 0, map[string][]string{}, []string{}
	for _, line := range logged(t, g.stderr.String()) {
		switch {
		case line.Message == "request":
			requests++
			if line.RequestID == "" || line.Status == 0 || line.Route == "" || line.Method == "" || line.Account == "" {
				t.Errorf("a request's line lacks something: %+v", line)
			}
		case line.Message == "account state changed":
			changes[line.Account] = append(changes[line.Account], line.Level+": "+line.Before+" to "+line.State)
			if line.Detail == "" {
				t.Errorf("no detail: %+v", line)
			}
		case line.Account != "" || line.Level != "info":
			others = append(others, line.Message)
		}
	}
	if requests != asked {
		t.Errorf("%d lines for %d requests", requests, asked)
	}
	want := map[string][]string{
		"shop":   {"info: unknown to ok", "warn: ok to bad_response", "info: bad_response to ok", "warn: ok to bad_response", "info: bad_response to ok"},
		"down":   {"warn: unknown to unavailable"},
		"secret": {"warn: unknown to bad_response"},
	}
	if diff := cmp.Diff(want, changes); diff != "" {
		t.Errorf("changes (-want +got): %s", diff)
	}
	if len(others) > 0 {
		t.Errorf("more lines about vendors: %q", others)
	}
	hold(t, "the log", g.stderr.String())
}

// TestLogNamesTheCaller: who asks too much is found by the requests' lines.
func TestLogNamesTheCaller(t *testing.T) {
	t.Parallel()
	settings := with(oneAccount(), "GATEWAY_AUTH=token", "GATEWAY_DATABASE_URL="+tokens(t)["GATEWAY_DATABASE_URL"])
	text, _ := created(t, settings, "--name", "billing", "--scopes", "read", "--accounts", "*")
	g := serving(t, settings)
	g.get(t, "/accounts", "Authorization", "Bearer "+text)
	g.get(t, "/accounts")
	g.stop()
	var names []string
	for line := range strings.Lines(g.stderr.String()) {
		if strings.Contains(line, `"message":"request"`) {
			names = append(names, regexp.MustCompile(`"caller_name":"[^"]*"`).FindString(line))
		}
	}
	if diff := cmp.Diff([]string{`"caller_name":"billing"`, ""}, names); diff != "" {
		t.Error(diff)
	}
}

// TestConsoleLog is for people: one line an event, with what matters by name, and
// neither JSON nor colours, for it is no terminal.
func TestConsoleLog(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	f.simulated("shop", "selzy", "ordinarykey")
	f.misbehaving("broken", "selzy", mark, faultBody(`{"error":"bad `+mark+`","code":"invalid_api_key"}`))
	g := &served{program: begin(t, with(f.settings, "GATEWAY_LOG_FORMAT=console", "GATEWAY_LOG_LEVEL=info"), "serve")}
	g.url = "http://" + g.see(g.stderr, `INF serving .*addr=(\S+)`)[1]
	g.get(t, "/accounts/shop/balance")
	g.get(t, "/accounts/broken/balance")
	g.get(t, "/"+mark)
	g.stop()

	text := g.stderr.String()
	hold(t, "the log", text)
	for line := range strings.Lines(text) {
		if !regexp.MustCompile(`^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d (DBG|INF|WRN|ERR) [^{}\x1b]+\n$`).MatchString(strings.ReplaceAll(line, "{account}", "ACCOUNT")) {
			t.Errorf("not for people: %q", line)
		}
	}
	for _, want := range []string{
		`INF request account=shop bytes=\d+ duration_ms=\S+ method=GET request_id=\S+ route=/accounts/\{account\}/balance status=200`,
		`WRN request error=".*" account=broken bytes=\d+ code=provider_credentials .*status=502`,
		`WRN account state changed account=broken before=unknown detail=".*" provider=selzy state=bad_credentials`,
		`INF request bytes=\d+ code=not_found .*route=unmatched status=404`,
		`INF stopped`,
	} {
		if !regexp.MustCompile(want).MatchString(text) {
			t.Errorf("no line %s in\n%s", want, text)
		}
	}
}
