package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"accountgateway/internal/simulator"
	"accountgateway/internal/simulator/regru"
	"accountgateway/internal/simulator/selzy"
)

// vendorTimeout is GATEWAY_PROVIDER_TIMEOUT where vendors hang, and lateness is
// what a busy machine may add: together they are far below the default.
const (
	vendorTimeout = time.Second
	lateness      = 5 * time.Second
)

// reads are the operations that every vendor has.
var reads = []string{"balance", "statistics", "users"}

// TestFaults has a vendor answer every read in every way that is no answer.
// Each must end as a problem, in time: a broken answer is never a figure.
func TestFaults(t *testing.T) {
	t.Parallel()
	const html = "<!DOCTYPE html><html><body><h1>Down for maintenance</h1> balance: 0</body></html>"
	status := func(code int, body string, header ...string) simulator.Fault {
		f := simulator.Fault{Kind: "status", Status: code, Body: body, Header: map[string]string{}}
		for i := 0; i+1 < len(header); i += 2 {
			f.Header[header[i]] = header[i+1]
		}
		return f
	}
	body := func(text string, header ...string) simulator.Fault { return status(200, text, header...) }
	faults := []struct {
		name   string
		fault  simulator.Fault
		status int
		code   string
	}{
		{"cut at once", simulator.Fault{Kind: "cut", Bytes: 0}, 503, "provider_unavailable"},
		{"cut inside", simulator.Fault{Kind: "cut", Bytes: 40}, 503, "provider_unavailable"},
		{"reset", simulator.Fault{Kind: "reset"}, 503, "provider_unavailable"},
		{"reset after", simulator.Fault{Kind: "reset_after"}, 503, "provider_unavailable"},
		{"redirect", simulator.Fault{Kind: "redirect", Header: map[string]string{"Location": "http://127.0.0.1:1/"}}, 502, "provider_bad_response"},
		{"HTML", body(html, "Content-Type", "text/html"), 502, "provider_bad_response"},
		{"HTML that claims to be JSON", body(html, "Content-Type", "application/json"), 502, "provider_bad_response"},
		{"HTML with 502", status(502, html), 503, "provider_unavailable"},
		{"HTML with 404", status(404, html), 502, "provider_bad_response"},
		{"HTML with 403", status(403, html), 502, "provider_bad_response"},
		{"429", status(429, "", "Retry-After", "7"), 503, "provider_rate_limited"},
		{"no content", status(204, ""), 502, "provider_bad_response"},
		{"nothing", body(""), 502, "provider_bad_response"},
		{"white space", body(" \n"), 502, "provider_bad_response"},
		{"garbage", body("\x00\xff\xfe{\x1f"), 502, "provider_bad_response"},
		{"null", body("null"), 502, "provider_bad_response"},
		{"a number", body("0"), 502, "provider_bad_response"},
		{"a list", body("[]"), 502, "provider_bad_response"},
		{"an empty object", body("{}"), 502, "provider_bad_response"},
		{"success with nothing in it", body(`{"result":"success"}`), 502, "provider_bad_response"},
		{"empty figures", body(`{"result":"success","answer":{}}`), 502, "provider_bad_response"},
		{"empty map", body(`{"result":[],"answer":[]}`), 502, "provider_bad_response"},
		{"cut JSON", body(`{"result":"success","answer":{"prepay":"1`), 502, "provider_bad_response"},
		{"gzip that is none", body("{}", "Content-Encoding", "gzip"), 502, "provider_bad_response"},
		{"an encoding nobody asked for", body("{}", "Content-Encoding", "br"), 502, "provider_bad_response"},
	}

	f := newFleet(t)
	providers := []string{"regru", "selzy"}
	name := func(i int, provider, op string) string { return numbered(i) + "-" + provider + "-" + op }
	for i, tt := range faults {
		for _, provider := range providers {
			for _, op := range reads {
				f.misbehaving(name(i, provider, op), provider, whoOf(provider), tt.fault)
			}
		}
	}
	g := f.serve()
	var wg sync.WaitGroup // not t.Parallel: it runs as many at once as there are processors
	for i, tt := range faults {
		for _, provider := range providers {
			for _, op := range reads {
				wg.Go(func() {
					account := name(i, provider, op)
					p := g.get(t, "/accounts/"+account+"/"+op).wantProblem(tt.status, tt.code)
					if p.Account != account || p.Provider != provider {
						t.Errorf("%s: the problem names account %q, provider %q", tt.name, p.Account, p.Provider)
					}
				})
			}
		}
	}
	wg.Wait()
	// The fleet read meets them all at once, and none becomes a sum.
	var fleet struct {
		Complete bool
		Balances []struct {
			Account, Status string
			Balance         any
			Problem         *problem
		}
		Totals []any
	}
	g.get(t, "/balances?limit=1000").decode(&fleet)
	if fleet.Complete || len(fleet.Totals) != 0 || len(fleet.Balances) != len(f.accounts) {
		t.Errorf("GET /balances: complete %v, %d balances, totals %v", fleet.Complete, len(fleet.Balances), fleet.Totals)
	}
	for _, item := range fleet.Balances {
		if item.Status != "failed" || item.Balance != nil || item.Problem == nil || item.Problem.Account != item.Account {
			t.Errorf("GET /balances: %+v", item)
		}
	}
}

// TestSlowVendors has vendors that don't answer in time: callers are answered
// within the deadline that is set, retries included.
func TestSlowVendors(t *testing.T) {
	t.Parallel()
	faults := map[string]simulator.Fault{
		"hang":       {Kind: "hang"},
		"hang-after": {Kind: "hang_after"},
		"slow":       {Kind: "delay", Delay: simulator.Duration(time.Minute)},
	}
	f := newFleet(t)
	for kind, fault := range faults {
		for _, provider := range []string{"regru", "selzy"} {
			for _, op := range reads {
				f.misbehaving(kind+"-"+provider+"-"+op, provider, whoOf(provider), fault)
			}
		}
	}
	g := f.serve("GATEWAY_PROVIDER_TIMEOUT=" + vendorTimeout.String())
	var wg sync.WaitGroup
	for _, account := range f.accounts {
		name, _, _ := strings.Cut(account, "=")
		op := name[strings.LastIndex(name, "-")+1:]
		wg.Go(func() {
			start := time.Now()
			g.get(t, "/accounts/"+name+"/"+op).wantProblem(504, "provider_timeout")
			if took := time.Since(start); took > vendorTimeout+lateness {
				t.Errorf("%s took %s", name, took)
			}
		})
	}
	wg.Wait()
}

// TestFieldFaults spoils one field of a true answer at a time, in every way
// that makes the figure doubtful. The read must fail and name the field; a
// figure that the vendor did not send must not come out.
func TestFieldFaults(t *testing.T) {
	t.Parallel()
	var (
		absent   = []string{"", "null", `""`}
		odd      = []string{"{}", "[]", "true"}
		noFigure = append([]string{`"12,50"`, `"1 250.50"`, `"0x10"`, `"1e30"`, `"1e"`, `"NaN"`, `"-"`, `"."`, `"1."`, `".5"`, `" 5"`, `"٣"`, "1e30", `"abc"`}, odd...)
		noCount  = append([]string{`"-1"`, "-1", "1.5", "15e-1", `"9223372036854775808"`}, noFigure...)
		figure   = append([]string{`"12345678901234567890"`, "0.12345678901234567890"}, noFigure...)
		noCode   = append([]string{`"XXX"`, `"usd"`, `"US"`, `"RUBLE"`, "643"}, odd...)
	)
	fields := []struct {
		provider, op, target string
		field                string
		values               []string // what it is replaced by; "" takes it away
	}{
		{"regru", "balance", "", "prepay", slices.Concat(absent, figure)},
		{"regru", "balance", "", "currency", slices.Concat(absent, noCode)},
		{"regru", "balance", "?currency=USD", "currency", []string{`"RUR"`, `"EUR"`, `"RUB"`, "", "null"}},
		{"regru", "balance", "", "blocked", figure}, // absent is told as null, see below
		{"regru", "balance", "", "credit", figure},
		{"regru", "statistics", "", "active_domains_cnt", slices.Concat(absent, noCount)},
		{"regru", "statistics", "", "domain_folders_cnt", slices.Concat(absent, odd)},
		{"regru", "statistics", "", "balance_total", figure},
		{"regru", "statistics", "?date_from=2026-01-01", "costs_for_period", noFigure},
		{"regru", "statistics", "?date_from=2026-01-01", "reg_domains_cnt", noCount},
		{"regru", "users", "", "login", slices.Concat(absent, odd)},
		{"regru", "users", "", "user_id", slices.Concat(absent, odd)},
		{"selzy", "balance", "", "balance", slices.Concat(absent, figure)},
		{"selzy", "balance", "", "currency", slices.Concat(absent, noCode)},
		{"selzy", "balance", "?currency=USD", "currency", slices.Concat(absent, noCode)},
		{"selzy", "statistics", "", "emails_used", slices.Concat(absent, noCount)},
		{"selzy", "statistics", "", "emails_paid", slices.Concat(absent, odd)},
		{"selzy", "statistics", "", "period_emails_used", slices.Concat(absent, odd)},
		{"selzy", "statistics", "", "subscribers_used", slices.Concat(absent, odd)},
		{"selzy", "statistics", "", "subscribers_total", append([]string{"", `""`}, noCount...)}, // null is documented: no limit
		{"selzy", "statistics", "", "email_period_start", []string{`"yesterday"`, `"2026-02-30 00:00:00"`, "{}", "true"}},
		{"selzy", "users", "", "login", slices.Concat(absent, odd)},
	}

	// An account for each case, because readings and breakers are kept by account.
	f := newFleet(t)
	type fault struct{ name, account, target, field string }
	var faults []fault
	add := func(provider, op, target, field, how, body string) {
		account := numbered(len(faults))
		f.add(account, provider, fixed(body), credentials(provider)...)
		faults = append(faults, fault{
			name: provider + " " + op + target + " " + field + " " + how, account: account, target: "/accounts/" + account + "/" + op + target, field: field,
		})
	}
	for _, tt := range fields {
		whole := trueAnswer(t, tt.provider, tt.op, strings.TrimPrefix(tt.target, "?"))
		for _, value := range tt.values {
			add(tt.provider, tt.op, tt.target, tt.field, value, replaceField(t, whole, tt.field, value))
		}
	}
	for provider, ops := range map[string]map[string]string{
		"regru": {"balance": "prepay", "statistics": "domain_folders_cnt", "users": "user_id"},
		"selzy": {"balance": "balance", "statistics": "emails_used", "users": "login"},
	} {
		for op, field := range ops {
			whole := trueAnswer(t, provider, op, "")
			add(provider, op, "", "", "has "+field+" twice", replaceField(t, whole, field, `"1", "`+field+`": "2"`))
			add(provider, op, "", "", "twice", whole+whole)
			add(provider, op, "", "", "and a brace", whole+"}")
			add(provider, op, "", "", "after a word", "OK "+whole)
			add(provider, op, "", "", "in a list", "["+whole+"]")
			add(provider, op, "", "", "without its end", strings.TrimRight(whole, "\n }"))
		}
	}
	g := f.serve()
	for _, tt := range faults {
		t.Run(tt.name, func(t *testing.T) {
			a, _ := fetch(t, g.url, tt.target) // there are many: TestFaults holds such problems against the specification
			p := a.wantProblem(502, "provider_bad_response")
			if !strings.Contains(p.Detail, tt.field) {
				t.Errorf("detail %q does not name %s", p.Detail, tt.field)
			}
		})
	}
	// What was not understood is counted by field.
	metrics := string(g.get(t, "/metrics").body)
	for _, want := range []string{`{field="prepay",provider="regru"}`, `{field="emails_used",provider="selzy"}`} {
		if !strings.Contains(metrics, "gateway_provider_schema_drift_total"+want) {
			t.Errorf("/metrics has no gateway_provider_schema_drift_total%s", want)
		}
	}
}

// TestTolerance has answers that look odd and mean the same: the body is the
// one of a plain answer.
func TestTolerance(t *testing.T) {
	t.Parallel()
	quirk := func(name string) simulator.Fault { return simulator.Fault{Kind: "quirk", Quirk: name} }
	tests := []struct {
		provider string
		fault    simulator.Fault
		ops      []string
	}{
		{"regru", quirk("numbers"), reads},
		{"regru", quirk("bare_envelope"), reads},
		{"regru", simulator.Fault{Kind: "gzip"}, reads},
		{"regru", simulator.Fault{Kind: "status", Status: 503, Times: 1}, reads}, // the second try is answered
		{"regru", simulator.Fault{Kind: "reset", Times: 2}, reads},
		{"selzy", quirk("numbers"), reads},
		{"selzy", quirk("floats"), []string{"balance", "users"}}, // tariff ids would be "71.0"
		{"selzy", quirk("bool_flags"), reads},
		{"selzy", quirk("null_strings"), reads},
		{"selzy", quirk("raw_tab"), []string{"balance", "statistics"}},
		{"selzy", quirk("warnings"), reads},
		{"selzy", quirk("warning_strings"), reads},
		{"selzy", quirk("without:balance_bonus"), reads},
		{"selzy", simulator.Fault{Kind: "gzip"}, reads},
		{"selzy", simulator.Fault{Kind: "cut", Bytes: 100, Times: 1}, reads},
	}
	f := newFleet(t)
	for _, provider := range []string{"regru", "selzy"} {
		f.simulated(provider, provider, whoOf(provider))
	}
	for i, tt := range tests {
		for _, op := range tt.ops {
			f.misbehaving(numbered(i)+"-"+op, tt.provider, whoOf(tt.provider), tt.fault)
		}
	}
	g := f.serve()
	for i, tt := range tests {
		for _, op := range tt.ops {
			account := numbered(i) + "-" + op
			plain := g.get(t, "/accounts/"+tt.provider+"/"+op)
			want := strings.Replace(string(plain.body), `"account":"`+tt.provider+`"`, `"account":"`+account+`"`, 1)
			g.get(t, "/accounts/"+account+"/"+op).wantBody(moment.ReplaceAllString(want, `"$1":"T"`))
		}
	}
}

// TestLargeAnswersTakeNoMemory has vendors send endless bodies. It is not
// parallel: it measures what the whole process allocates.
func TestLargeAnswersTakeNoMemory(t *testing.T) {
	const huge = 60 << 20
	f := newFleet(t)
	var targets []string
	for _, provider := range []string{"regru", "selzy"} {
		add := func(kind, op string) {
			account := strings.ReplaceAll(provider+"-"+kind+"-"+op, "_", "-")
			f.misbehaving(account, provider, whoOf(provider), simulator.Fault{Kind: kind, Bytes: huge})
			targets = append(targets, "/accounts/"+account+"/"+op)
		}
		for _, op := range reads {
			add(simulator.KindOversize, op)
		}
		add(simulator.KindGzipBomb, "balance") // one is enough: packing it takes the simulator long
	}
	g := f.serve()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for _, target := range targets {
		g.get(t, target).wantProblem(502, "provider_bad_response")
	}
	runtime.ReadMemStats(&after)
	// An answer is read up to 4 MiB, and a buffer that grows so far allocates
	// several times that; whoever keeps all of it needs more than its size.
	if each := (after.TotalAlloc - before.TotalAlloc) / uint64(len(targets)); each > huge*3/4 {
		t.Errorf("each of %d answers of %d bytes allocated %d bytes", len(targets), huge, each)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 16<<20 {
		t.Errorf("%d bytes stay allocated", grown)
	}
}

// credentials are the settings of whoOf's account, without the prefix.
func credentials(provider string) []string {
	if provider == "regru" {
		return []string{"USERNAME=partner", "PASSWORD=partner-secret"}
	}
	return []string{"API_KEY=ordinarykey"}
}

// fixed is a vendor that says the same to everything.
func fixed(body string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, body) // the gateway may be gone; nothing is left to do then
	})
}

// trueAnswer is what whoOf's account is told for a read. query is that of the
// gateway's request.
func trueAnswer(t *testing.T, provider, op, query string) string {
	t.Helper()
	form := url.Values{"api_key": {"ordinarykey"}, "format": {"json"}}
	path := "/en/api/getUserInfo"
	var vendor http.Handler = selzy.New(selzy.Options{Now: today})
	if provider == "regru" {
		vendor = regru.New(regru.Options{Now: today})
		path = "/api/regru2/" + map[string]string{"balance": "user/get_balance", "statistics": "user/get_statistics", "users": "nop"}[op]
		form, _ = url.ParseQuery(query) // a constant of this file
		form.Set("username", "partner")
		form.Set("password", "partner-secret")
	}
	req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, strings.NewReader(form.Encode()))
	req.RemoteAddr = "127.0.0.1:1"
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	vendor.ServeHTTP(w, req)
	if w.Code != http.StatusOK || strings.Contains(w.Body.String(), `"error`) {
		t.Fatalf("%s: %d %s", path, w.Code, w.Body)
	}
	return w.Body.String()
}

// replaceField puts another value, as JSON, in the place of a field's; "" takes
// the field away.
func replaceField(t *testing.T, body, field, value string) string {
	t.Helper()
	member := regexp.MustCompile(`"` + field + `"\s*:\s*("[^"]*"|[^,}\s]+)(\s*,)?`)
	found := member.FindStringSubmatch(body)
	if found == nil {
		t.Fatalf("no %s in %s", field, body)
	}
	with := ""
	if value != "" {
		with = `"` + field + `": ` + value + found[2]
	}
	changed := strings.Replace(body, found[0], with, 1)
	if value == "" && found[2] == "" { // the last one: the comma before it goes
		changed = regexp.MustCompile(`,(\s*})`).ReplaceAllString(changed, "$1")
	}
	if !strings.HasPrefix(value, `"1", `) && !json.Valid([]byte(changed)) {
		t.Fatalf("%s as %s makes no JSON: %s", field, value, changed)
	}
	return changed
}
