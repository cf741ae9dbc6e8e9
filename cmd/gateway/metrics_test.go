package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	model "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"

	"accountgateway/internal/simulator"
)

// scraped is a scrape in protobuf, as a Prometheus that takes native histograms
// asks for it.
type scraped map[string]*model.MetricFamily

func scrape(t *testing.T, g *served) scraped {
	t.Helper()
	a, _ := fetch(t, g.url, "/metrics", "Accept", "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited")
	format := expfmt.ResponseFormat(a.header)
	if format.FormatType() != expfmt.TypeProtoDelim {
		t.Fatalf("got %q", a.header.Get("Content-Type"))
	}
	all := scraped{}
	for decoder := expfmt.NewDecoder(bytes.NewReader(a.body), format); ; {
		family := &model.MetricFamily{}
		if err := decoder.Decode(family); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		if name := family.GetName(); !strings.HasPrefix(name, "go_") && !strings.HasPrefix(name, "process_") {
			all[name] = family
		}
	}
}

// labels are the names of the labels of a family's series.
func labels(f *model.MetricFamily) []string {
	seen := map[string]bool{}
	for _, m := range f.GetMetric() {
		var names []string
		for _, l := range m.GetLabel() {
			names = append(names, l.GetName())
		}
		seen[strings.Join(names, ",")] = true
	}
	return slices.Sorted(maps.Keys(seen))
}

// values are the label values of a family's series, in the order of the labels'
// names.
func values(f *model.MetricFamily) []string {
	var all []string
	for _, m := range f.GetMetric() {
		var one []string
		for _, l := range m.GetLabel() {
			one = append(one, l.GetValue())
		}
		all = append(all, strings.Join(one, " "))
	}
	slices.Sort(all)
	return all
}

func (s scraped) series() (n int) {
	for _, family := range s {
		n += len(family.GetMetric())
	}
	return n
}

// promised are the metrics that dashboards and alerts may rely on: labels in
// alphabetical order, and whether a gateway shows them before any request.
var promised = []struct {
	name, labels string
	kind         model.MetricType
	atOnce       bool
}{
	{"gateway_http_request_duration_seconds", "code,method,route", model.MetricType_HISTOGRAM, true},
	{"gateway_provider_request_duration_seconds", "account,operation,outcome,provider", model.MetricType_HISTOGRAM, false},
	{"gateway_provider_calls_total", "account,cause,operation,provider", model.MetricType_COUNTER, false},
	{"gateway_provider_budget_remaining", "account,provider", model.MetricType_GAUGE, true},
	{"gateway_provider_budget_limit", "account,provider", model.MetricType_GAUGE, true},
	{"gateway_provider_circuit_open", "account,provider", model.MetricType_GAUGE, true},
	{"gateway_provider_schema_drift_total", "field,provider", model.MetricType_COUNTER, true},
	{"gateway_reads_total", "operation,result", model.MetricType_COUNTER, true},
	{"gateway_operations_unknown", "account", model.MetricType_GAUGE, true},
	{"gateway_operations_unknown_oldest_age_seconds", "account", model.MetricType_GAUGE, true},
	{"gateway_database_up", "", model.MetricType_GAUGE, true},
	{"gateway_database_impaired", "", model.MetricType_GAUGE, true},
	{"gateway_clock_skew_seconds", "", model.MetricType_GAUGE, false},
	{"gateway_refresh_lag_seconds", "", model.MetricType_GAUGE, true},
	{"gateway_clock_set_total", "", model.MetricType_COUNTER, true},
	{"gateway_notifications_total", "outcome", model.MetricType_COUNTER, true},
	{"gateway_build_info", "goversion,revision,version", model.MetricType_GAUGE, true},
	{"account_balance", "account,currency,provider", model.MetricType_GAUGE, false},
	{"account_wallet_balance", "account,currency,provider,wallet", model.MetricType_GAUGE, false},
	{"account_billing_info", "account,billing,provider", model.MetricType_GAUGE, false},
	{"account_info", "account,group,provider", model.MetricType_GAUGE, true},
	{"account_blocked_funds", "account,currency,provider", model.MetricType_GAUGE, false},
	{"account_credit_limit", "account,currency,provider", model.MetricType_GAUGE, false},
	{"account_counter", "account,counter,provider", model.MetricType_GAUGE, false},
	{"account_counter_limit", "account,counter,provider", model.MetricType_GAUGE, false},
	{"account_amount", "account,amount,currency,provider,unit", model.MetricType_GAUGE, false},
	{"account_alert", "account,code,provider,severity", model.MetricType_GAUGE, false},
	{"account_up", "account,provider", model.MetricType_GAUGE, true},
	{"account_state", "account,provider,state", model.MetricType_GAUGE, true},
	{"account_last_success_timestamp_seconds", "account,operation,provider", model.MetricType_GAUGE, true},
	{"account_balance_runway_seconds", "account,currency,provider", model.MetricType_GAUGE, false},
}

// hasPromised checks that the scrape has what is promised and nothing else;
// missing are the metrics that it may lack.
func (s scraped) hasPromised(t *testing.T, missing func(name string, atOnce bool) bool) {
	t.Helper()
	known := map[string]bool{}
	for _, want := range promised {
		known[want.name] = true
		family := s[want.name]
		if family == nil {
			if !missing(want.name, want.atOnce) {
				t.Errorf("%s is missing", want.name)
			}
			continue
		}
		if diff := cmp.Diff([]string{want.labels}, labels(family)); diff != "" {
			t.Errorf("%s: labels (-want +got): %s", want.name, diff)
		}
		if family.GetType() != want.kind || family.GetHelp() == "" {
			t.Errorf("%s is a %s, %q", want.name, family.GetType(), family.GetHelp())
		}
	}
	for name := range s {
		if !known[name] {
			t.Errorf("%s is in no table", name)
		}
	}
}

// each gives every combination of words, with a space between.
func each(lists ...[]string) []string {
	all := []string{""}
	for _, list := range lists {
		var longer []string
		for _, a := range all {
			for _, b := range list {
				longer = append(longer, strings.TrimSpace(a+" "+b))
			}
		}
		all = longer
	}
	slices.Sort(all)
	return all
}

// TestMetrics has every metric with its labels: what a gateway shows before it
// was asked anything, and what it shows when it has read something.
func TestMetrics(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	f.simulated("regru", "regru", whoOf("regru"))
	f.simulated("shop", "selzy", "ordinarykey")
	g := f.serve()
	first := scrape(t, g)
	first.hasPromised(t, func(_ string, atOnce bool) bool { return !atOnce })

	accounts, provider := []string{"regru", "shop"}, map[string]string{"regru": "regru", "shop": "selzy"}
	var states, plain []string
	for _, a := range accounts {
		p := []string{provider[a]}
		states = append(states, each([]string{a}, p, []string{"ok", "bad_credentials", "access_denied", "rate_limited", "unavailable", "bad_response", "unknown"})...)
		plain = append(plain, a+" "+p[0])
	}
	for name, want := range map[string][]string{
		"gateway_provider_schema_drift_total":           {"body regru", "body selzy"},
		"gateway_provider_circuit_open":                 plain,
		"gateway_provider_budget_remaining":             plain,
		"gateway_provider_budget_limit":                 plain,
		"gateway_reads_total":                           each(reads, []string{"hit", "stale", "miss", "collapsed"}),
		"gateway_operations_unknown":                    accounts,
		"gateway_operations_unknown_oldest_age_seconds": accounts,
		"account_up":    plain,
		"account_state": states,
	} {
		slices.Sort(want)
		if diff := cmp.Diff(want, values(first[name])); diff != "" {
			t.Errorf("%s (-want +got): %s", name, diff)
		}
	}
	var routes []string // as the specification has them
	spec, err := specification()
	if err != nil {
		t.Fatal(err)
	}
	for path, item := range spec.doc.Paths.Map() {
		for method := range item.Operations() {
			code := map[string]string{http.MethodGet: "200", http.MethodPost: "201"}[method]
			routes = append(routes, code+" "+method+" "+path)
		}
	}
	for _, route := range routes {
		if !slices.Contains(values(first["gateway_http_request_duration_seconds"]), route) && !strings.Contains(route, "HEAD") {
			t.Errorf("no series %s", route)
		}
	}

	for _, target := range []string{"/balances", "/accounts/regru/statistics", "/accounts/shop/statistics", "/accounts/shop/users"} {
		g.get(t, target)
	}
	// A forecast needs a history of days, and these vendors have one pot each: see internal/account and TestWallets.
	elsewhere := []string{"account_balance_runway_seconds", "account_wallet_balance", "account_billing_info"}
	second := scrape(t, g)
	all := func() bool { return second["account_balance"] != nil && second["account_alert"] != nil }
	for deadline := time.Now().Add(patience); !all() && time.Now().Before(deadline); second = scrape(t, g) {
		<-time.After(50 * time.Millisecond) // a scrape is shared for a second, alerts are judged once a second
	}
	second.hasPromised(t, func(name string, _ bool) bool { return slices.Contains(elsewhere, name) })
	for name, want := range map[string][]string{
		"account_balance":       {"regru RUB regru", "shop USD selzy"},
		"account_blocked_funds": {"regru RUB regru"},
	} {
		if diff := cmp.Diff(want, values(second[name])); diff != "" {
			t.Errorf("%s (-want +got): %s", name, diff)
		}
	}

	for _, name := range []string{"gateway_http_request_duration_seconds", "gateway_provider_request_duration_seconds"} {
		for _, m := range append(slices.Clone(first[name].GetMetric()), second[name].GetMetric()...) {
			h := m.GetHistogram()
			if len(h.GetBucket()) < 9 || h.Schema == nil || h.GetZeroThreshold() == 0 || h.GetSampleCount() > 0 && len(h.GetPositiveSpan()) == 0 {
				t.Fatalf("%s: not both a classic and a native histogram: %s", name, m)
			}
		}
	}
	text, _ := fetch(t, g.url, "/metrics")
	var types []string
	for _, match := range regexp.MustCompile(`(?m)^# TYPE (\S+) `).FindAllSubmatch(text.body, -1) {
		types = append(types, string(match[1]))
	}
	if once := slices.Compact(slices.Sorted(slices.Values(types))); len(types) == 0 || len(types) != len(once) {
		t.Errorf("not every metric is there once: %q", types)
	}
	for _, line := range []string{
		`gateway_http_request_duration_seconds_bucket\{code="200",method="GET",route="/balances",le="0.1"\} \d`,
		`gateway_provider_request_duration_seconds_bucket\{account="shop",operation="balance",outcome="ok",provider="selzy",le="\+Inf"\} [1-9]`,
		`gateway_database_up 1`,
	} {
		if !regexp.MustCompile(`(?m)^` + line + `$`).Match(text.body) {
			t.Errorf("the text format has no %s", line)
		}
	}
}

// TestMetricsAreBounded: whatever callers send, it makes no more series than
// each kind of it does once.
func TestMetricsAreBounded(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	f.misbehaving("shop", "selzy", "ordinarykey", simulator.Fault{Kind: simulator.KindStatus, Status: 503})
	g := f.serve()
	targets := []string{
		"/$", "/$/$/$", "/accounts/$", "/accounts/$/balance", "/accounts/shop/$", "/accounts/shop/balance?$=1", "/accounts/shop/balance?currency=$",
		"/accounts/shop/operations/$", "/accounts/%2e%2e/$", "/metrics?$", "/accounts//$", "/balances?require=$", "/accounts/shop/users?cursor=$",
	}
	methods := []string{"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "X$", "get$"}
	hostile := func(word string) {
		for _, target := range targets {
			for _, method := range methods {
				req, err := http.NewRequestWithContext(t.Context(), strings.ReplaceAll(method, "$", word), g.url+strings.ReplaceAll(target, "$", word), nil)
				if err != nil {
					t.Fatal(err)
				}
				for _, name := range []string{"X-Request-Id", "Idempotency-Key", "User-Agent", "X-" + word, "Content-Type", "Accept"} {
					req.Header.Set(name, word)
				}
				resp, err := caller.Do(req)
				if err != nil {
					t.Fatal(err)
				}
				resp.Body.Close()
			}
		}
	}
	hostile("first")
	scrape(t, g) // its own series
	before := scrape(t, g).series()
	for i := range 1000/(len(targets)*len(methods)) + 1 {
		hostile(fmt.Sprint("word", i))
	}
	after := scrape(t, g)
	if n := after.series(); n != before {
		t.Errorf("%d series became %d", before, n)
	}
	for name, family := range after {
		if strings.Contains(strings.Join(values(family), " "), "word") {
			t.Errorf("%s has a caller's word", name)
		}
	}
}
