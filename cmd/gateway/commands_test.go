package main

import (
	"bufio"
	"context"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"accountgateway/api"
	"accountgateway/internal/simulator"
)

// TestCommandLine has what the program says to its arguments. Nothing here
// may need a setting.
func TestCommandLine(t *testing.T) {
	t.Parallel()
	tests := []struct {
		args           string
		status         int
		stdout, stderr string // patterns for the whole of each
	}{
		{"version", 0, `^gateway ` + regexp.QuoteMeta(api.Version) + `( \([0-9a-f]{12}\+?\))? go1\.\S+ \w+/\w+\n$`, `^$`},
		{"help", 0, `^One REST service(.|\n)*\nUsage: gateway \[COMMAND\]\n(.|\n)*\n  serve +Serve(.|\n)*\n  version +Print`, `^$`},
		{"-h", 0, `\nUsage: gateway \[COMMAND\]\n`, `^$`},
		{"--help", 0, `\nUsage: gateway \[COMMAND\]\n`, `^$`},
		{"help demo", 0, `\nUsage: gateway demo \[flags\]\n(.|\n)*      --addr address `, `^$`},
		{"sevre", 2, `^$`, `^gateway: unknown command "sevre": did you mean serve\?\n$`},
		{"nonsense", 2, `^$`, `^gateway: unknown command "nonsense"; must be one of alerts, backup, .*\n$`},
		{"token", 2, `^$`, `^gateway token: a command is missing; must be one of create, list, revoke, rotate\n$`},
		{"token reate", 2, `^$`, `^gateway token: unknown command "reate": did you mean create\?\n$`},
		{"--verbose", 2, `^$`, `^gateway: unknown flag: --verbose\n$`},
		{"demo -h", 0, `\n      --addr address (.|\n)*127\.0\.0\.1:8080(.|\n)*\n  -v, --verbose `, `^$`},
		{"simulate -h", 0, `\n      --regru-addr address (.|\n)*127\.0\.0\.1:9101(.|\n)*--selzy-addr address (.|\n)*127\.0\.0\.1:9102`, `^$`},
		{"serve now", 2, `^$`, `^gateway serve: unexpected argument "now"\n$`},
		{"version 2", 2, `^$`, `^gateway version: unexpected argument "2"\n$`},
		{"demo --adr 127.0.0.1:0", 2, `^$`, `^gateway demo: unknown flag: --adr\n$`},
		{"operations list --limit ten", 2, `^$`, `^gateway operations list: --limit: must be a whole number, not "ten"\n$`},
		{"token list --json=maybe", 2, `^$`, `^gateway token list: --json: must be true or false, not "maybe"\n$`},
		{"token rotate x --grace 1y", 2, `^$`, `^gateway token rotate: --grace: must be a duration, e\.g\. 30s, 5m or 30d, not "1y"\n$`},
		{"token revoke", 2, `^$`, `^gateway token revoke: missing argument ID\n$`},
		{"simulate --regru-profile 2016", 2, `^$`, `^gateway simulate: --regru-profile: must be current or 2017, not "2016"\n$`},
		{"simulate --regru-addr 0.0.0.0:0", 2, `^$`, `^gateway simulate: --regru-addr: must be a loopback address, not 0\.0\.0\.0:0:`},
		{"simulate --selzy-addr :0", 2, `^$`, `^gateway simulate: --selzy-addr: must be a loopback address, not :0:`},
		{"demo --addr here", 2, `^$`, `(?m)^  GATEWAY_ADDR: must be host:port, .*, not "here"`},
	}
	for _, tt := range tests {
		t.Run(tt.args, func(t *testing.T) {
			status, stdout, stderr := complete(t, nil, strings.Fields(tt.args)...)
			if status != tt.status {
				t.Errorf("exit status %d, want %d", status, tt.status)
			}
			if !regexp.MustCompile(tt.stdout).MatchString(stdout) {
				t.Errorf("stdout:\n%s\nwant %s", stdout, tt.stdout)
			}
			if !regexp.MustCompile(tt.stderr).MatchString(stderr) {
				t.Errorf("stderr:\n%s\nwant %s", stderr, tt.stderr)
			}
		})
	}
}

// TestSimulate points a gateway at the simulated vendors by nothing but what
// "simulate" prints.
func TestSimulate(t *testing.T) {
	t.Parallel()
	p := begin(t, nil, "simulate", "--regru-addr", "127.0.0.1:0", "--selzy-addr", "127.0.0.1:0")
	p.see(p.stdout, `(?m)^SELZY_RESELLER_API_KEY=.*\n`)
	var printed []string
	for line := range strings.Lines(p.stdout.String()) {
		if !regexp.MustCompile(`^[A-Z][A-Z0-9_]*=[^\s'"$\\]+\n$`).MatchString(line) {
			t.Errorf("%q is no setting that a shell and an env file read alike", line)
		}
		printed = append(printed, strings.TrimSuffix(line, "\n"))
	}
	g := serving(t, with(quiet(), printed...))
	tests := []struct{ account, provider, balance, login string }{
		{"regru", "regru", `"amount":"1000","currency":"RUB"`, "test"},
		{"regru-partner", "regru", `"amount":"48213.07","currency":"RUB"`, "partner"},
		{"selzy", "selzy", `"amount":"-4.75","currency":"USD"`, "acme_shop"},
		{"selzy-reseller", "selzy", `"amount":"1530.07","currency":"EUR"`, "nord_partner"},
	}
	var list struct {
		Accounts []struct{ Name, Provider string }
	}
	g.get(t, "/accounts").decode(&list)
	var got, want []string
	for _, a := range list.Accounts {
		got = append(got, a.Name+"="+a.Provider)
	}
	for _, tt := range tests {
		want = append(want, tt.account+"="+tt.provider)
		for op, part := range map[string]string{"balance": tt.balance, "statistics": `"counters":[{`, "users": `"login":"` + tt.login + `"`} {
			a := g.get(t, "/accounts/"+tt.account+"/"+op)
			if a.status != http.StatusOK || !strings.Contains(string(a.body), part) {
				t.Errorf("%s: got %d %s, want %s", a.target, a.status, a.body, part)
			}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("accounts (-want +got):\n%s", diff)
	}
	if status := p.stop(); status != 0 {
		t.Errorf("simulate ended with %d: %s", status, p.stderr)
	}
}

// TestSimulateTakenPort names the flag to change.
func TestSimulateTakenPort(t *testing.T) {
	t.Parallel()
	taken := listen(t).Addr().String()
	for flag, other := range map[string]string{"--regru-addr": "--selzy-addr", "--selzy-addr": "--regru-addr"} {
		status, stdout, stderr := complete(t, nil, "simulate", flag, taken, other, "127.0.0.1:0")
		if status != 1 || stdout != "" || !strings.HasPrefix(stderr, "gateway simulate: "+flag+": listen tcp "+taken) {
			t.Errorf("%s: exit status %d, wrote %q, %q", flag, status, stdout, stderr)
		}
	}
}

// TestDemo asks for every line that the demo prints. The environment is the
// worst that it can meet: none of it may matter, and real credentials least.
func TestDemo(t *testing.T) {
	t.Parallel()
	vendor := listen(t)
	serveOn(t, vendor, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("the demo called a configured vendor: %s", r.URL)
	}))
	p := begin(t, map[string]string{
		"GATEWAY_ADDR": "0.0.0.0:1", "GATEWAY_ACCOUNTS": "no such=thing", "GATEWAY_AUTH": "token", "GATEWAY_DATABASE_URL": "nonsense", "GATEWAY_LOG_LEVEL": "loud",
		"REGRU_USERNAME": "real", "REGRU_PASSWORD": "hush", "REGRU_BASE_URL": "http://" + vendor.Addr().String(), "SELZY_API_KEY": "hush",
		"SELZY_BASE_URL": "http://" + vendor.Addr().String(),
	}, "demo", "--addr", "127.0.0.1:0")
	base := p.see(p.stdout, `(?m)^The account gateway is running with simulated vendors on (http://127\.0\.0\.1:\d+)$(?s:.*)/metrics\n`)[1]
	asked, wrote := 0, false
	for line := range strings.Lines(p.stdout.String()) {
		match := regexp.MustCompile(`^curl -s '?` + regexp.QuoteMeta(base) +
			`([^' ]*)'?(?: -H 'Idempotency-Key: ([^']*)' -H 'Content-Type: application/json' -d '([^']*)')?\n$`).FindStringSubmatch(line)
		if match == nil {
			if strings.HasPrefix(line, "curl") {
				t.Errorf("%q is no line to paste", line)
			}
			continue
		}
		asked++
		if match[2] != "" {
			for _, replayed := range []bool{false, true} {
				post(t, base, match[1], match[2], match[3]).wantStatus(http.StatusCreated, replayed)
			}
			wrote = true
			continue
		}
		a := get(t, base, match[1])
		switch {
		case strings.HasSuffix(match[1], "/operations") && !strings.Contains(string(a.body), `"state":"succeeded"`):
			t.Errorf("%s: no write: %s", match[1], a.body)
		case strings.Contains(match[1], "curency"):
			if p := a.wantProblem(400, "invalid_parameter"); len(p.Errors) != 1 || p.Errors[0].Field != "curency" {
				t.Errorf("%s: %s", match[1], a.body)
			}
		case a.status != http.StatusOK:
			t.Errorf("%s: got %d %s", match[1], a.status, a.body)
		}
		for _, code := range regexp.MustCompile(`"code":"provider_\w+"`).FindAllString(string(a.body), -1) {
			if code != `"code":"provider_credentials"` { // unisender's
				t.Errorf("%s: a vendor failed: %s", match[1], a.body)
			}
		}
	}
	if asked < 5 || !wrote {
		t.Errorf("the demo printed %d lines to paste:\n%s", asked, p.stdout)
	}
	if status := p.stop(); status != 0 || strings.Contains(p.stdout.String()+p.stderr.String(), "hush") {
		t.Errorf("exit status %d, wrote %s%s", status, p.stdout, p.stderr)
	}
}

// TestDemoForOthers: in a container the demo is reached from outside, by any
// name, and says what that means.
func TestDemoForOthers(t *testing.T) {
	t.Parallel()
	p := begin(t, nil, "demo", "--addr", "0.0.0.0:0")
	base := p.see(p.stdout, `(?m)^The account gateway is running with simulated vendors on (http://127\.0\.0\.1:\d+)$`)[1]
	if said := p.stderr.String(); !strings.Contains(said, "WARNING: anyone who can reach 0.0.0.0:0 can use this demo without a token.") {
		t.Errorf("the warning: %q", said)
	}
	for _, target := range []string{"/accounts", "/", "/metrics"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+target, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Host = "demo.example:8080"
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Errorf("%s: %d", target, resp.StatusCode)
		}
	}
}

// TestDemoOnLoopback warns of nothing.
func TestDemoOnLoopback(t *testing.T) {
	t.Parallel()
	p := begin(t, nil, "demo", "--addr", "localhost:0")
	p.see(p.stdout, `(?m)/metrics$`)
	if p.stop(); strings.Contains(p.stderr.String(), "WARNING") {
		t.Error(p.stderr.String())
	}
}

// TestDemoTakenPort says what to do instead.
func TestDemoTakenPort(t *testing.T) {
	t.Parallel()
	taken := listen(t).Addr().String()
	status, _, stderr := complete(t, nil, "demo", "--addr", taken)
	if status != 1 || !strings.Contains(stderr, taken) || !strings.Contains(stderr, "gateway demo --addr 127.0.0.1:8090") {
		t.Errorf("exit status %d: %s", status, stderr)
	}
}

// TestCheck has a row of the table for each thing that can be wrong with an
// account, and an exit status for all of them.
func TestCheck(t *testing.T) {
	t.Parallel()
	down := simulator.Fault{Kind: "status", Status: 503}
	refused := "http://" + closedAddr(t)
	tests := []struct {
		name, provider, who string
		fault               *simulator.Fault
		more                []string // further settings, with their whole names
		status              int
		state               string
		detail              []string // parts of it
	}{
		{name: "regru", provider: "regru", who: "test:test", state: "ok", detail: []string{"the credentials work"}},
		{name: "my-list", provider: "selzy", who: "resellerkey", state: "ok", detail: []string{"the credentials work"}},
		{name: "unisender", provider: "unisender", who: "ordinarykey", state: "ok", detail: []string{"the credentials work"}},
		{name: "my-shop", provider: "regru", who: "shop:guess", status: 1, state: "bad_credentials",
			detail: []string{"USER_AUTHENTICATION_FAILED", "check MY_SHOP_USERNAME and MY_SHOP_PASSWORD;", "the vendor's API is reachable"}},
		{name: "selzy", provider: "selzy", who: "guess", status: 1, state: "bad_credentials", detail: []string{"invalid_api_key", "check SELZY_API_KEY;"}},
		{name: "my-office", provider: "selzy", who: "offkey", status: 1, state: "access_denied", detail: []string{"access_denied", "enable API access"}},
		{name: "down", provider: "regru", who: "test:test", fault: &down, status: 1, state: "unavailable",
			detail: []string{"503", "DOWN_BASE_URL", "a call without credentials fails too"}},
		{name: "gone", provider: "regru", who: "test:test", more: []string{"GONE_BASE_URL=" + refused}, status: 1, state: "unavailable",
			detail: []string{"can't be reached", "GONE_BASE_URL", "a call without credentials fails too"}},
		{name: "html", provider: "selzy", who: "ordinarykey", fault: &simulator.Fault{Kind: "body", Body: "<html>"}, status: 1, state: "bad_response",
			detail: []string{"is not JSON"}},
		{name: "limited", provider: "selzy", who: "ordinarykey", fault: &simulator.Fault{Kind: "quirk", Quirk: "api_call_limit_exceeded_for_ip"}, status: 1,
			state: "rate_limited", detail: []string{"limit", "LIMITED_RATE"}},
	}
	all := newFleet(t)
	allMore := []string{}
	for _, tt := range tests {
		faults := []simulator.Fault{}
		if tt.fault != nil {
			faults = append(faults, *tt.fault)
		}
		all.misbehaving(tt.name, tt.provider, tt.who, faults...)
		allMore = append(allMore, tt.more...)

		alone := newFleet(t)
		alone.misbehaving(tt.name, tt.provider, tt.who, faults...)
		status, stdout, stderr := complete(t, with(alone.settings, tt.more...), "check")
		rows := tableOf(t, stdout)
		if status != tt.status || stderr != "" || len(rows) != 1 {
			t.Errorf("%s: exit status %d, wrote\n%s%s", tt.name, status, stdout, stderr)
			continue
		}
		if diff := cmp.Diff([]string{tt.name, tt.provider, tt.state}, rows[0][:3]); diff != "" {
			t.Errorf("%s: row (-want +got):\n%s", tt.name, diff)
		}
		for _, part := range tt.detail {
			if !strings.Contains(rows[0][3], part) {
				t.Errorf("%s: detail %q lacks %q", tt.name, rows[0][3], part)
			}
		}
	}
	status, stdout, _ := complete(t, with(all.settings, allMore...), "check")
	rows := tableOf(t, stdout)
	if status != 1 || len(rows) != len(tests) {
		t.Fatalf("all of them: exit status %d, wrote\n%s", status, stdout)
	}
	for i, row := range rows {
		if row[0] != tests[i].name || row[2] != tests[i].state {
			t.Errorf("all of them: row %d is %q", i, row)
		}
	}
}

// TestCheckSettings: faults of settings are not failures of accounts, and the
// check needs no caller's token.
func TestCheckSettings(t *testing.T) {
	t.Parallel()
	status, stdout, stderr := complete(t, with(oneAccount(), "SELZY_API_KEY="), "check")
	if status != 2 || stdout != "" || stderr != "gateway: invalid configuration:\n  SELZY_API_KEY: is not set\n" {
		t.Errorf("exit status %d, wrote %q, %q", status, stdout, stderr)
	}
	f := newFleet(t)
	f.simulated("selzy", "selzy", "ordinarykey")
	if status, stdout, stderr := complete(t, with(f.settings, "GATEWAY_AUTH="), "check"); status != 0 {
		t.Errorf("exit status %d, wrote %q, %q", status, stdout, stderr)
	}
}

// tableOf reads what check prints: one line an account, below a heading. The
// last line, the database's, is TestCheckLooksAtTheDatabase's.
func tableOf(t *testing.T, text string) (rows [][]string) {
	t.Helper()
	lines := bufio.NewScanner(strings.NewReader(text))
	for lines.Scan() {
		rows = append(rows, regexp.MustCompile(` {2,}`).Split(lines.Text(), 4))
	}
	if len(rows) == 0 || cmp.Diff([]string{"ACCOUNT", "PROVIDER", "STATE", "DETAIL"}, rows[0]) != "" {
		t.Fatalf("no table:\n%s", text)
	}
	for _, row := range rows {
		if len(row) != 4 {
			t.Fatalf("no table:\n%s", text)
		}
	}
	last := len(rows) - 1
	if rows[last][0] != "(database)" {
		t.Fatalf("no row for the database:\n%s", text)
	}
	return rows[1:last]
}

// TestHealthcheck asks a running gateway by the settings that it runs with.
func TestHealthcheck(t *testing.T) {
	t.Parallel()
	g := serving(t, oneAccount())
	addr := strings.TrimPrefix(g.url, "http://")
	_, port, _ := net.SplitHostPort(addr)
	unwell := listen(t)
	serveOn(t, unwell, http.NotFoundHandler())
	tests := []struct {
		name     string
		settings []string
		status   int
		stderr   string // a part of it
	}{
		{"up", []string{"GATEWAY_ADDR=" + addr}, 0, ""},
		{"up, on every address", []string{"GATEWAY_ADDR=0.0.0.0:" + port}, 0, ""},
		{"up, on every address of IPv6 too", []string{"GATEWAY_ADDR=:" + port}, 0, ""},
		{"down", []string{"GATEWAY_ADDR=" + closedAddr(t)}, 1, "refused"},
		{"health is elsewhere", []string{"GATEWAY_ADDR=" + addr, "GATEWAY_METRICS_ADDR=" + closedAddr(t)}, 1, "refused"},
		{"something else", []string{"GATEWAY_ADDR=" + unwell.Addr().String()}, 1, "404"},
		{"no address", []string{"GATEWAY_LOG_LEVEL=loud"}, 2, "GATEWAY_LOG_LEVEL: must be one of"},
	}
	for _, tt := range tests {
		status, stdout, stderr := complete(t, with(oneAccount(), tt.settings...), "healthcheck")
		if status != tt.status || stdout != "" || !strings.Contains(stderr, tt.stderr) || (tt.status == 0) != (stderr == "") {
			t.Errorf("%s: exit status %d, wrote %q, %q", tt.name, status, stdout, stderr)
		}
	}
}

// listen takes a port until the test ends.
func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// serveOn answers on a listener until the test ends.
func serveOn(t *testing.T, l net.Listener, h http.Handler) {
	t.Helper()
	server := &http.Server{Handler: h}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(l) // ends with the cleanup
	}()
	t.Cleanup(func() {
		_ = server.Shutdown(context.Background())
		<-done
	})
}

// closedAddr is an address where nothing listens: a port that the system gives
// to nobody who asks for any, as one just freed would be given to another test.
func closedAddr(*testing.T) string { return "127.0.0.1:1" }

// freeAddr is an address that something may listen on: nothing did a moment ago.
func freeAddr(t *testing.T) string {
	t.Helper()
	l := listen(t)
	l.Close()
	return l.Addr().String()
}
