package httpapi

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"accountgateway/internal/httpapi/middleware"
	"accountgateway/internal/provider"
)

func TestRequestID(t *testing.T) {
	g := start(t, nil)
	for id, kept := range map[string]bool{
		"abc-DEF_1.2": true, strings.Repeat("a", 128): true, strings.Repeat("a", 129): false, "a b": false, "a\tb": false, "é": false, "<x>": false, "": false,
		"gw_abcdefghij_" + strings.Repeat("k", 52): false, "gw_": false, "a-gw_1": true, // a token would be in the log
	} {
		got := g.ask(http.MethodGet, "/nowhere", http.Header{middleware.RequestIDHeader: {id}}, nil).header.Get(middleware.RequestIDHeader)
		if (got == id) != kept {
			t.Errorf("%q became %q", id, got)
		}
		if !strings.Contains(g.log.String(), `"request_id":"`+got+`"`) {
			t.Errorf("%q is not in the log", got)
		}
		if strings.Contains(g.log.String(), "gw_abcdefghij_") {
			t.Errorf("a token is in the log: %s", g.log.String())
		}
	}
	if a, b := g.get("/nowhere").header.Get(middleware.RequestIDHeader), g.get("/nowhere").header.Get(middleware.RequestIDHeader); a == b {
		t.Errorf("two requests are both %q", a)
	}
}

func TestAccessLog(t *testing.T) {
	g := start(t, map[string]fake{
		"acme": everything(),
		"bad":  failing(provider.Errorf(provider.KindUnavailable, "refused")),
	})
	tests := []struct {
		method, target string
		want           map[string]any
	}{
		{"GET", "/accounts/acme/balance?currency=USD", map[string]any{"level": "info", "route": "/accounts/{account}/balance", "account": "acme", "status": 200.0}},
		{"HEAD", "/accounts/acme/balance", map[string]any{"level": "info", "method": "HEAD", "route": "/accounts/{account}/balance", "account": "acme", "status": 200.0, "bytes": 0.0}},
		{"GET", "/accounts/bad/balance", map[string]any{"level": "warn", "route": "/accounts/{account}/balance", "account": "bad", "status": 503.0, "code": "provider_unavailable", "error": "provider_unavailable: refused"}},
		{"GET", "/accounts/topsecret/balance?topsecret=1", map[string]any{"level": "info", "route": "/accounts/{account}/balance", "status": 400.0, "code": "invalid_parameter"}},
		{"GET", "/topsecret/topsecret?topsecret", map[string]any{"level": "info", "route": "unmatched", "status": 404.0, "code": "not_found"}},
		{"BREW", "/accounts", map[string]any{"level": "info", "route": "unmatched", "method": "other", "status": 405.0, "code": "method_not_allowed"}},
		{"GET", "/healthz", map[string]any{"level": "debug", "route": "/healthz", "status": 200.0}},
		{"GET", "/readyz", map[string]any{"level": "debug", "route": "/readyz", "status": 200.0}},
		{"GET", "/metrics", map[string]any{"level": "debug", "route": "/metrics", "status": 200.0}},
	}
	for _, tt := range tests {
		t.Run(tt.method+" "+tt.target, func(t *testing.T) {
			g.t = t
			before := len(g.log.String())
			a := g.ask(tt.method, tt.target, http.Header{"Authorization": {"Bearer topsecret"}}, nil)
			line := g.log.String()[before:]
			var got map[string]any
			if err := json.Unmarshal([]byte(line), &got); err != nil {
				t.Fatalf("not one line: %v\n%s", err, line)
			}
			want := maps.Clone(tt.want)
			want["message"], want["request_id"] = "request", a.header.Get(middleware.RequestIDHeader)
			if want["method"] == nil {
				want["method"] = tt.method
			}
			if want["bytes"] == nil {
				want["bytes"] = float64(len(a.body))
				if tt.target == "/metrics" { // compressed
					delete(want, "bytes")
					delete(got, "bytes")
				}
			}
			if d, ok := got["duration_ms"].(float64); !ok || d < 0 {
				t.Errorf("duration_ms is %v", got["duration_ms"])
			}
			delete(got, "duration_ms")
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("line (-want +got):\n%s", diff)
			}
		})
	}
	if log := g.log.String(); strings.Contains(log, "topsecret") || strings.Contains(log, "USD") {
		t.Errorf("the log has what callers sent:\n%s", log)
	}
}

// TestPanic has one in the vendor's call, which runs apart from the request, and one
// in the request itself.
func TestPanic(t *testing.T) {
	g := start(t, map[string]fake{"acme": {
		balance: func(context.Context, provider.BalanceQuery) (provider.Balance, error) { panic("deep inside") },
	}}, func(o *Options) {
		o.Ready = func(context.Context) error { panic("deep inside") }
	})
	for _, target := range []string{"/accounts/acme/balance", "/readyz"} {
		a := g.get(target)
		a.wantCode(ProblemCodeInternal)
		if strings.Contains(string(a.body), "deep inside") {
			t.Errorf("%s: the cause is in the answer: %s", target, a.body)
		}
		if !logHas(g.log, a.header.Get(middleware.RequestIDHeader), `"level":"error"`, "panic", "deep inside", "middleware_test.go", `"status":500`) {
			t.Errorf("%s: the cause is not in the log:\n%s", target, g.log)
		}
	}
}

// series gives the label values of the requests' metric and how many each counted.
func series(t *testing.T, reg *prometheus.Registry) map[string]uint64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]uint64{}
	for _, family := range families {
		if family.GetName() != "gateway_http_request_duration_seconds" {
			continue
		}
		for _, m := range family.GetMetric() {
			labels := map[string]string{}
			for _, l := range m.GetLabel() {
				labels[l.GetName()] = l.GetValue()
			}
			h := m.GetHistogram()
			got[labels["route"]+" "+labels["method"]+" "+labels["code"]] = h.GetSampleCount()
			if h.Schema == nil || len(h.GetBucket()) == 0 {
				t.Errorf("%v is not both a classic and a native histogram", labels)
			}
		}
	}
	return got
}

func TestMetrics(t *testing.T) {
	g := start(t, map[string]fake{"acme": everything()})
	want := map[string]uint64{
		"/accounts GET 200": 0, "/accounts/{account} GET 200": 0, "/accounts/{account}/balance GET 200": 0, "/accounts/{account}/statistics GET 200": 0,
		"/accounts/{account}/balance/history GET 200": 0, "/accounts/{account}/forecast GET 200": 0,
		"/accounts/{account}/users POST 201": 0, "/accounts/{account}/refills POST 201": 0, "/accounts/{account}/operations GET 200": 0,
		"/accounts/{account}/operations/{id} GET 200": 0, "/accounts/{account}/operations/{id}/settlement POST 201": 0, "/operations GET 200": 0,
		"/accounts/{account}/users GET 200": 0, "/balances GET 200": 0, "/alerts GET 200": 0, "/openapi.yaml GET 200": 0, "/healthz GET 200": 0, "/readyz GET 200": 0, "/metrics GET 200": 0,
		"/ GET 200": 0, "/ui/{account} GET 200": 0, "/docs GET 200": 0, "/static/{file} GET 200": 0, "/login POST 201": 0, "/logout POST 201": 0,
		"/login GET 200": 0, "/login/ GET 200": 0, "/docs/ GET 200": 0, "/docs/runbook GET 200": 0, "/docs/runbook/ GET 200": 0, "/ui GET 200": 0, "/ui/ GET 200": 0, "/ui/{account}/ GET 200": 0,
		"/ui/{account}/ask GET 200": 0, "/ui/{account}/ask POST 201": 0, "/ui/{account}/balance.json GET 200": 0, "/ui/{account}/history.csv GET 200": 0,
		"/ui/{account}/writes/{id} GET 200": 0, "/ui/{account}/writes/{id} POST 201": 0, "/writes GET 200": 0, "/writes/ GET 200": 0,
	}
	if diff := cmp.Diff(want, series(t, g.registry)); diff != "" {
		t.Errorf("series at the start (-want +got):\n%s", diff)
	}
	g.get("/accounts/acme/balance")
	g.get("/accounts/acme/balance")
	g.get("/accounts/nobody/balance")
	g.get("/accounts/nobody/balance?x=1")
	g.ask(http.MethodHead, "/accounts/acme/balance", nil, nil)
	for _, method := range []string{"BREW", "BOIL"} {
		g.ask(method, "/accounts", nil, nil)
	}
	for _, target := range []string{"/a", "/b", "/accounts/acme/c"} {
		g.get(target)
	}
	maps.Copy(want, map[string]uint64{
		"/accounts/{account}/balance GET 200": 2, "/accounts/{account}/balance GET 404": 1, "/accounts/{account}/balance GET 400": 1,
		"/accounts/{account}/balance HEAD 200": 1, "unmatched other 405": 2, "unmatched GET 404": 3,
	})
	if diff := cmp.Diff(want, series(t, g.registry)); diff != "" {
		t.Errorf("series (-want +got):\n%s", diff)
	}
	if body := string(g.get("/metrics").body); !strings.Contains(body, `gateway_http_request_duration_seconds_count{code="200",method="GET",route="/accounts/{account}/balance"} 2`) {
		t.Errorf("not what /metrics shows: %.2000s", body)
	}
}

func TestServiceApart(t *testing.T) {
	accounts := map[string]fake{"acme": everything()}
	g := start(t, accounts, func(o *Options) { o.ServiceApart = true })
	for _, target := range []string{"/healthz", "/readyz", "/metrics"} {
		g.get(target).wantCode(ProblemCodeNotFound)
	}
	apart := &gateway{t: t, log: &lines{}, registry: g.registry}
	apart.serve(NewService(Options{Registry: g.registry, Ready: func(context.Context) error { return nil }}))
	for _, target := range []string{"/healthz", "/readyz", "/metrics"} {
		apart.get(target).wantStatus(http.StatusOK)
	}
	if got := series(t, g.registry); got["/metrics GET 200"] != 1 || !slices.Contains(slices.Collect(maps.Keys(got)), "/accounts GET 200") {
		t.Errorf("the two do not count together: %v", got)
	}
	if got := routesOf(t, newServer(Options{Registry: g.registry}).routesApart()); !slices.Equal(got, []string{"GET /healthz", "GET /metrics", "GET /readyz"}) {
		t.Errorf("the service's address has %v", got)
	}
}
