package main

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	otlp "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"accountgateway/internal/simulator"
)

// receiver takes spans as an OpenTelemetry collector does.
type receiver struct {
	t    *testing.T
	url  string
	mu   sync.Mutex
	sent bytes.Buffer // as it came
	got  []span
}

// span is what a test looks at.
type span struct {
	name, trace, id, parent string
	kind                    otlp.Span_SpanKind
	failed                  bool
	attributes              map[string]string
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{t: t}
	server := httptest.NewServer(r)
	t.Cleanup(server.Close)
	r.url = server.URL
	return r
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	var in collector.ExportTraceServiceRequest
	if err == nil {
		err = proto.Unmarshal(body, &in)
	}
	if err != nil || req.URL.Path != "/v1/traces" || req.Header.Get("Content-Type") != "application/x-protobuf" {
		r.t.Errorf("%s %s %q: %v", req.Method, req.URL, req.Header, err)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sent.Write(body)
	for _, resource := range in.GetResourceSpans() {
		for _, scope := range resource.GetScopeSpans() {
			for _, s := range scope.GetSpans() {
				one := span{
					name: s.GetName(), kind: s.GetKind(), failed: s.GetStatus().GetCode() == otlp.Status_STATUS_CODE_ERROR, attributes: map[string]string{},
					trace: hex.EncodeToString(s.GetTraceId()), id: hex.EncodeToString(s.GetSpanId()), parent: hex.EncodeToString(s.GetParentSpanId()),
				}
				for _, a := range s.GetAttributes() {
					one.attributes[a.GetKey()] = strings.TrimSpace(regexp.MustCompile(`^\w+:|"`).ReplaceAllString(a.GetValue().String(), ""))
				}
				r.got = append(r.got, one)
			}
		}
	}
}

func (r *receiver) bytes() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.sent.String()
}

// of gives the spans of one trace: the request's, and the vendor calls under it.
func (r *receiver) of(t *testing.T, trace string) (server span, calls []span) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.got {
		switch {
		case s.trace != trace:
		case s.kind == otlp.Span_SPAN_KIND_SERVER:
			server = s
		default:
			calls = append(calls, s)
		}
	}
	if server.id == "" {
		t.Fatalf("no request's span in trace %s", trace)
	}
	for _, c := range calls {
		if c.parent != server.id || c.kind != otlp.Span_SPAN_KIND_CLIENT {
			t.Errorf("%+v is no call under %+v", c, server)
		}
	}
	return server, calls
}

// traceOf finds the trace of an answered request, by the log.
func traceOf(t *testing.T, g *served, a answer) string {
	t.Helper()
	for line := range strings.Lines(g.stderr.String()) {
		if strings.Contains(line, `"request_id":"`+a.header.Get("X-Request-Id")+`"`) && strings.Contains(line, `"message":"request"`) {
			if id := regexp.MustCompile(`"trace_id":"([0-9a-f]{32})"`).FindStringSubmatch(line); id != nil {
				return id[1]
			}
			t.Fatalf("no trace id: %s", line)
		}
	}
	t.Fatalf("%s: no line in the log", a.target)
	return ""
}

func wantAttributes(t *testing.T, s span, want map[string]string) {
	t.Helper()
	for name, value := range want {
		if s.attributes[name] != value {
			t.Errorf("%s: %s is %q, want %q, in %v", s.name, name, s.attributes[name], value, s.attributes)
		}
	}
}

// TestTracing follows requests from the caller's trace to the vendor call, and
// from there to the log, the problem and the metrics.
func TestTracing(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	f := newFleet(t)
	f.simulated("selzy", "selzy", "resellerkey")
	f.misbehaving("regru", "regru", "test:test", simulator.Fault{Kind: simulator.KindStatus, Status: 503})
	g := f.serve("OTEL_EXPORTER_OTLP_ENDPOINT="+r.url+"/", "REGRU_RATE=1000/1m")

	const (
		callersTrace = "0af7651916cd43dd8448eb211c80319c"
		callersSpan  = "b7ad6b7169203331"
		ignoredTrace = "1af7651916cd43dd8448eb211c80319c"
	)
	miss := g.get(t, "/accounts/selzy/balance", "Traceparent", "00-"+callersTrace+"-"+callersSpan+"-01")
	hit := g.get(t, "/accounts/selzy/balance")
	down := g.get(t, "/accounts/regru/balance")
	fleet := g.get(t, "/balances", "Cache-Control", "no-cache")
	nowhere := g.get(t, "/nowhere/at/all")
	ignored := g.get(t, "/accounts/selzy/statistics", "Traceparent", "00-"+ignoredTrace+"-"+callersSpan+"-00") // the caller's trace is not sampled
	broken := g.get(t, "/accounts", "Traceparent", "00-"+callersTrace+"-0000000000000000-01")
	problems := map[string]string{}
	for _, a := range []answer{down, nowhere} {
		var p struct {
			TraceID string `json:"trace_id"`
		}
		decodeProblem(a, &p)
		problems[a.target] = p.TraceID
	}
	metrics, _ := fetch(t, g.url, "/metrics", "Accept", "application/openmetrics-text; version=1.0.0")
	if status := g.stop(); status != 0 { // the last spans go now
		t.Errorf("exit status %d", status)
	}

	server, calls := r.of(t, callersTrace)
	if server.name != "GET /accounts/{account}/balance" || server.parent != callersSpan || server.failed || traceOf(t, g, miss) != callersTrace {
		t.Errorf("%+v does not go on with the caller's trace", server)
	}
	wantAttributes(t, server, map[string]string{
		"http.route": "/accounts/{account}/balance", "http.request.method": "GET", "http.response.status_code": "200",
		"gateway.account": "selzy", "gateway.request_id": miss.header.Get("X-Request-Id"),
	})
	if len(calls) != 1 || calls[0].name != "vendor balance" || calls[0].failed {
		t.Fatalf("want one vendor call: %+v", calls)
	}
	wantAttributes(t, calls[0], map[string]string{
		"gateway.account": "selzy", "gateway.provider": "selzy", "gateway.operation": "balance", "gateway.cause": "caller",
		"gateway.outcome": "ok", "gateway.tries": "1", "http.response.status_code": "200",
	})

	if server, calls := r.of(t, traceOf(t, g, hit)); len(calls) != 0 || server.parent != "" || server.name != "GET /accounts/{account}/balance" {
		t.Errorf("a hit calls nobody: %+v, %+v", server, calls)
	}

	trace := traceOf(t, g, down)
	server, calls = r.of(t, trace)
	if !server.failed || len(calls) != 1 || !calls[0].failed || problems[down.target] != trace {
		t.Errorf("a vendor's failure, problem of trace %q: %+v, %+v", problems[down.target], server, calls)
	}
	wantAttributes(t, server, map[string]string{"http.response.status_code": "503", "gateway.code": "provider_unavailable"})
	wantAttributes(t, calls[0], map[string]string{"gateway.outcome": "provider_unavailable", "gateway.tries": "3", "http.response.status_code": "503"})

	if server, calls := r.of(t, traceOf(t, g, fleet)); len(calls) != 2 || server.name != "GET /balances" {
		t.Errorf("both accounts' calls belong to the request: %+v, %+v", server, calls)
	}
	if server, _ := r.of(t, traceOf(t, g, nowhere)); server.name != "GET unmatched" || server.failed || problems[nowhere.target] != server.trace {
		t.Errorf("%+v, problem of trace %q", server, problems[nowhere.target])
	}
	if trace := traceOf(t, g, ignored); trace != ignoredTrace {
		t.Errorf("the log has trace %q", trace)
	}
	for _, s := range r.got {
		if s.trace == ignoredTrace {
			t.Errorf("sent although the caller's trace is not sampled: %+v", s)
		}
	}
	if server, _ := r.of(t, traceOf(t, g, broken)); server.trace == callersTrace || server.parent != "" {
		t.Errorf("a traceparent that is none was followed: %+v", server)
	}

	for _, series := range []string{
		`gateway_http_request_duration_seconds_bucket\{code="503",method="GET",route="/accounts/\{account\}/balance",`,
		`gateway_provider_request_duration_seconds_bucket\{account="regru",operation="balance",outcome="provider_unavailable",`,
	} {
		if !regexp.MustCompile(series + `[^}]*\} \d+ # \{trace_id="[0-9a-f]{32}"\}`).Match(metrics.body) {
			t.Errorf("no exemplar in %s", series)
		}
	}
	if !bytes.Contains(metrics.body, []byte(`# {trace_id="`+trace+`"}`)) {
		t.Errorf("no exemplar leads to %s", trace)
	}
}

// TestTracesHoldNoSecret plants them in the credentials and in all that a caller
// sends, at vendors that give back what they are sent.
func TestTracesHoldNoSecret(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	f := newFleet(t)
	f.simulated("selzy", "selzy", "resellerkey")
	for provider, settings := range map[string][]string{
		"regru": {"USERNAME=test", "PASSWORD=" + mark}, "unisender": {"API_KEY=" + mark},
	} {
		f.add(provider, provider, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			said := mark + r.PostFormValue("password")
			_, _ = io.WriteString(w, `{"result":"error","error_code":"`+said+`","error_text":"`+said+`","code":"`+said+`","error":"`+said+`"}`)
		}), settings...)
	}
	g := f.serve("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT="+r.url+"/v1/traces", "OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf")
	header := []string{"Authorization", "Bearer " + mark, "Cookie", "session=" + mark, "User-Agent", mark, "Referer", "http://" + mark + "/",
		"Baggage", "key=" + mark, "Tracestate", "vendor=1", "X-Forwarded-For", mark}
	for _, target := range []string{
		"/accounts/regru/balance", "/accounts/regru/statistics", "/accounts/unisender/users", "/accounts/selzy/users?login=lumi_cafe",
		"/accounts/selzy/balance?currency=" + mark, "/accounts/" + mark + "/balance", "/" + mark, "/accounts/selzy/users?cursor=" + mark,
	} {
		g.get(t, target, header...)
	}
	g.post(t, "/accounts/regru/users", "key-"+mark, strings.Replace(aUser, "correct-horse", mark, 1), header...)
	g.stop()
	all := r.bytes()
	hold(t, "the traces", all)
	for _, secret := range []string{"resellerkey", "lumi", "customer.example", "Baggage", "baggage"} {
		if strings.Contains(all, secret) {
			t.Errorf("the traces have %q", secret)
		}
	}
	for _, part := range []string{"vendor create_user", "vendor users", "GET /accounts/{account}/users", "POST /accounts/{account}/users"} {
		if !strings.Contains(all, part) {
			t.Errorf("the traces have no %q: nothing was proved", part)
		}
	}
}

// TestTracingOff: without an endpoint, or switched off, nothing is sent and
// nothing has a trace id.
func TestTracingOff(t *testing.T) {
	t.Parallel()
	for name, settings := range map[string][]string{
		"by default":  {"OTEL_EXPORTER_OTLP_PROTOCOL=grpc"}, // of no interest then
		"disabled":    {"OTEL_EXPORTER_OTLP_ENDPOINT=$", "OTEL_SDK_DISABLED=TRUE"},
		"no exporter": {"OTEL_EXPORTER_OTLP_ENDPOINT=$", "OTEL_TRACES_EXPORTER=none"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newReceiver(t)
			f := newFleet(t)
			f.simulated("selzy", "selzy", "ordinarykey")
			for i := range settings {
				settings[i] = strings.Replace(settings[i], "$", r.url, 1)
			}
			g := f.serve(settings...)
			const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
			g.get(t, "/accounts/selzy/balance", "Traceparent", traceparent)
			problem := g.get(t, "/nowhere", "Traceparent", traceparent)
			metrics, _ := fetch(t, g.url, "/metrics", "Accept", "application/openmetrics-text; version=1.0.0")
			g.stop()
			if sent := r.bytes(); sent != "" {
				t.Errorf("%d bytes were sent", len(sent))
			}
			for where, text := range map[string]string{"log": g.stderr.String(), "problem": string(problem.body), "metrics": string(metrics.body)} {
				if strings.Contains(text, "trace_id") {
					t.Errorf("%s has a trace id: %s", where, text)
				}
			}
		})
	}
}

// TestTracingFaults are told at the start, by name.
func TestTracingFaults(t *testing.T) {
	t.Parallel()
	const url = "must be a URL, e.g. http://127.0.0.1:4318"
	for _, tt := range []struct{ settings, want string }{
		{"OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1 OTEL_EXPORTER_OTLP_PROTOCOL=grpc", "OTEL_EXPORTER_OTLP_PROTOCOL: unsupported protocol; must be http/protobuf"},
		{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://127.0.0.1:1 OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=http/json", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: unsupported protocol; must be http/protobuf"},
		{"OTEL_EXPORTER_OTLP_ENDPOINT=collector:4318", "OTEL_EXPORTER_OTLP_ENDPOINT: " + url},
		{"OTEL_EXPORTER_OTLP_ENDPOINT=http://%zz", "OTEL_EXPORTER_OTLP_ENDPOINT: " + url},
		{"OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1 OTEL_TRACES_SAMPLER=bogus", "OTEL_TRACES_SAMPLER: must be one of always_on, always_off, traceidratio, parentbased_always_on, parentbased_always_off, parentbased_traceidratio"},
		{"OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1 OTEL_TRACES_SAMPLER=traceidratio OTEL_TRACES_SAMPLER_ARG=10%", "OTEL_TRACES_SAMPLER_ARG: must be a number from 0 to 1, e.g. 0.1"},
		{"OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1 OTEL_TRACES_SAMPLER=parentbased_traceidratio OTEL_TRACES_SAMPLER_ARG=2", "OTEL_TRACES_SAMPLER_ARG: must be a number from 0 to 1, e.g. 0.1"},
		{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=/v1/traces", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: " + url},
	} {
		status, stdout, stderr := complete(t, with(oneAccount(), strings.Fields(tt.settings)...), "serve")
		if status != 2 || stdout != "" || !strings.Contains(stderr, tt.want) {
			t.Errorf("%s: exit status %d, wrote %q, %q; want %s", tt.settings, status, stdout, stderr, tt.want)
		}
	}
}

func decodeProblem(a answer, into any) {
	a.t.Helper()
	if err := json.Unmarshal(a.body, into); err != nil || a.status < 400 {
		a.t.Errorf("GET %s: no problem but %d %s", a.target, a.status, a.body)
	}
}
