package simulator_test

import (
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"accountgateway/internal/simulator"

	"github.com/google/go-cmp/cmp"
)

const vendorBody = `{"result":"success"}`

// vendor counts what it processed.
type vendor struct {
	*simulator.Control
	url       string
	processed atomic.Int64
}

func newVendor(t *testing.T) *vendor {
	t.Helper()
	v := &vendor{Control: simulator.NewControl("numbers")}
	next := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.ReadAll(r.Body); err != nil {
			http.Error(w, err.Error(), http.StatusRequestEntityTooLarge)
			return
		}
		v.processed.Add(1)
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, vendorBody)
	})
	server := httptest.NewServer(v.Wrap(next, func(r *http.Request) string { return strings.Trim(r.URL.Path, "/") }))
	t.Cleanup(server.Close)
	v.url = server.URL
	return v
}

// get returns the answer as the wire has it: no redirect followed, nothing unpacked.
func (v *vendor) get(path string, timeout time.Duration) (*http.Response, []byte, error) {
	client := &http.Client{
		Timeout:       timeout,
		Transport:     &http.Transport{DisableCompression: true, DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	resp, err := client.Get(v.url + path)
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return resp, body, err
}

func TestFaults(t *testing.T) {
	const long, short = 10 * time.Second, 200 * time.Millisecond
	isTimeout := func(err error) bool {
		var t interface{ Timeout() bool }
		return errors.As(err, &t) && t.Timeout()
	}
	isReset := func(err error) bool { return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, io.EOF) }
	isCut := func(err error) bool { return errors.Is(err, io.ErrUnexpectedEOF) || isReset(err) }
	tests := []struct {
		fault     simulator.Fault
		timeout   time.Duration
		status    int
		body      string
		err       func(error) bool // nil: no error
		header    map[string]string
		processed int64
	}{
		{fault: simulator.Fault{Kind: "status", Status: 503, Body: "down", Header: map[string]string{"Retry-After": "7"}},
			status: 503, body: "down", header: map[string]string{"Retry-After": "7"}},
		{fault: simulator.Fault{Kind: "body", Body: "<html>"}, status: 200, body: "<html>"},
		{fault: simulator.Fault{Kind: "delay", Delay: simulator.Duration(time.Millisecond)}, status: 200, body: vendorBody, processed: 1},
		{fault: simulator.Fault{Kind: "delay", Delay: simulator.Duration(time.Minute)}, timeout: short, err: isTimeout, processed: 1},
		{fault: simulator.Fault{Kind: "delay_before", Delay: simulator.Duration(time.Millisecond)}, status: 200, body: vendorBody, processed: 1},
		{fault: simulator.Fault{Kind: "delay_before", Delay: simulator.Duration(time.Minute)}, timeout: short, err: isTimeout},
		{fault: simulator.Fault{Kind: "hang"}, timeout: short, err: isTimeout},
		{fault: simulator.Fault{Kind: "hang_after"}, timeout: short, err: isTimeout, processed: 1},
		{fault: simulator.Fault{Kind: "reset"}, err: isReset},
		{fault: simulator.Fault{Kind: "reset_after"}, err: isReset, processed: 1},
		{fault: simulator.Fault{Kind: "cut", Bytes: 5}, status: 200, body: vendorBody[:5], err: isCut, processed: 1},
		{fault: simulator.Fault{Kind: "oversize", Bytes: 100_000}, status: 200, body: `"` + strings.Repeat("a", 99_999)},
		{fault: simulator.Fault{Kind: "redirect", Header: map[string]string{"Location": "/other"}},
			status: 307, header: map[string]string{"Location": "/other"}},
		{fault: simulator.Fault{Kind: "status", Status: 500, Operation: "somebody/else"}, status: 200, body: vendorBody, processed: 1},
	}
	for _, tt := range tests {
		t.Run(tt.fault.Kind, func(t *testing.T) {
			v := newVendor(t)
			if err := v.Inject(tt.fault); err != nil {
				t.Fatal(err)
			}
			if tt.timeout == 0 {
				tt.timeout = long
			}
			resp, body, err := v.get("/user/nop", tt.timeout)
			if (err != nil) != (tt.err != nil) || (tt.err != nil && !tt.err(err)) {
				t.Fatalf("error = %v", err)
			}
			if resp != nil && resp.StatusCode != tt.status {
				t.Errorf("status = %d, want %d", resp.StatusCode, tt.status)
			}
			if string(body) != tt.body {
				t.Errorf("body = %.80q, want %.80q", body, tt.body)
			}
			for k, want := range tt.header {
				if got := resp.Header.Get(k); got != want {
					t.Errorf("%s = %q, want %q", k, got, want)
				}
			}
			if got := v.processed.Load(); got != tt.processed {
				t.Errorf("processed = %d, want %d", got, tt.processed)
			}
			if got := v.Calls(); !cmp.Equal(got, map[string]int{"user/nop": 1}) {
				t.Errorf("calls = %v", got)
			}
		})
	}
}

func TestGzipFaults(t *testing.T) {
	for _, tt := range []struct {
		fault simulator.Fault
		size  int
	}{
		{simulator.Fault{Kind: "gzip"}, len(vendorBody)},
		{simulator.Fault{Kind: "gzip_bomb", Bytes: 5_000_000}, 5_000_000},
	} {
		t.Run(tt.fault.Kind, func(t *testing.T) {
			v := newVendor(t)
			if err := v.Inject(tt.fault); err != nil {
				t.Fatal(err)
			}
			resp, body, err := v.get("/user/nop", 10*time.Second)
			if err != nil || resp.Header.Get("Content-Encoding") != "gzip" {
				t.Fatalf("error %v, header %v", err, resp.Header)
			}
			z, err := gzip.NewReader(strings.NewReader(string(body)))
			if err != nil {
				t.Fatal(err)
			}
			n, err := io.Copy(io.Discard, z)
			if err != nil || n != int64(tt.size) {
				t.Errorf("inflates to %d bytes, %v; want %d", n, err, tt.size)
			}
		})
	}
}

func TestSkipAndTimes(t *testing.T) {
	v := newVendor(t)
	for _, f := range []simulator.Fault{
		{Kind: "status", Status: 500, Skip: 1, Times: 2},
		{Kind: "status", Status: 502, Skip: 0, Times: 1},
	} {
		if err := v.Inject(f); err != nil {
			t.Fatal(err)
		}
	}
	var got []int
	for range 5 {
		resp, _, err := v.get("/a", 10*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, resp.StatusCode)
	}
	if want := []int{502, 500, 500, 200, 200}; !cmp.Equal(got, want) {
		t.Errorf("statuses = %v, want %v", got, want)
	}
	if len(v.Faults()) != 0 {
		t.Errorf("faults left: %v", v.Faults())
	}
}

func TestQuirk(t *testing.T) {
	c := simulator.NewControl("numbers")
	if err := c.Inject(simulator.Fault{Kind: "quirk", Quirk: "numbers", Operation: "a", Times: 1}); err != nil {
		t.Fatal(err)
	}
	got := []bool{c.Quirk("b", "numbers"), c.Quirk("a", "other"), c.Quirk("a", "numbers"), c.Quirk("a", "numbers")}
	if want := []bool{false, false, true, false}; !cmp.Equal(got, want) {
		t.Errorf("quirks = %v, want %v", got, want)
	}
}

func TestControlRoutes(t *testing.T) {
	v := newVendor(t)
	do := func(method, path, body string) (int, string) {
		t.Helper()
		req, err := http.NewRequest(method, v.url+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, strings.TrimSpace(string(b))
	}
	for _, step := range []struct {
		method, path, body string
		status             int
		want               string
	}{
		{"GET", "/_simulator/faults", "", 200, `[]`},
		{"POST", "/_simulator/faults", `{"kind":"explode"}`, 400, `{"error":"kind: unknown \"explode\""}`},
		{"POST", "/_simulator/faults", `{"kind":"hang","tines":1}`, 400, `{"error":"json: unknown field \"tines\""}`},
		{"POST", "/_simulator/faults", `{"kind":"hang","times":-1}`, 400, `{"error":"skip, times, bytes and delay: must not be negative"}`},
		{"POST", "/_simulator/faults", `{"kind":"status"}`, 400, `{"error":"status: must be 200 to 599"}`},
		{"POST", "/_simulator/faults", `{"kind":"delay"}`, 400, `{"error":"delay: missing, for example \"250ms\""}`},
		{"POST", "/_simulator/faults", `{"kind":"delay","delay":"soon"}`, 400, `{"error":"delay: time: invalid duration \"soon\""}`},
		{"POST", "/_simulator/faults", `{"kind":"gzip_bomb"}`, 400, `{"error":"bytes: must be more than 0"}`},
		{"POST", "/_simulator/faults", `{"kind":"redirect"}`, 400, `{"error":"header: Location missing"}`},
		{"POST", "/_simulator/faults", `{"kind":"quirk"}`, 400, `{"error":"quirk: missing"}`},
		{"POST", "/_simulator/faults", `{"kind":"quirk","quirk":"nonsense"}`, 400, `{"error":"quirk: unknown \"nonsense\", use one of numbers"}`},
		{"POST", "/_simulator/faults", `{"kind":"delay","operation":"a","delay":"1.5s","times":2}`, 204, ``},
		{"GET", "/_simulator/faults", "", 200, `[{"operation":"a","kind":"delay","times":2,"delay":"1.5s"}]`},
		{"DELETE", "/_simulator/faults", "", 204, ``},
		{"GET", "/_simulator/faults", "", 200, `[]`},
		{"GET", "/a", "", 200, vendorBody},
		{"GET", "/b/c", "", 200, vendorBody},
		{"POST", "/a", "x=1", 200, vendorBody},
		{"GET", "/_simulator/calls", "", 200, `{"operations":{"a":2,"b/c":1},"total":3}`},
		{"DELETE", "/_simulator/calls", "", 204, ``},
		{"GET", "/_simulator/calls", "", 200, `{"operations":{},"total":0}`},
		{"PUT", "/_simulator/calls", "", 405, `Method Not Allowed`},
		{"GET", "/_simulator/else", "", 404, `404 page not found`},
		{"POST", "/a", strings.Repeat("x", 1<<20+1), 413, `http: request body too large`},
	} {
		status, got := do(step.method, step.path, step.body)
		if status != step.status || got != step.want {
			t.Errorf("%s %s %.60s: %d %s, want %d %s", step.method, step.path, step.body, status, got, step.status, step.want)
		}
	}
}

func TestCallTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := simulator.NewControl()
		h := c.Wrap(http.NotFoundHandler(), func(r *http.Request) string { return r.URL.Path })
		start := time.Now()
		for range 10_002 {
			h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/a", nil))
			<-time.After(time.Second) // the bubble's clock: no real waiting
		}
		calls := c.CallTimes()
		if len(calls) != 10_000 || c.Calls()["/a"] != 10_002 {
			t.Fatalf("%d times, %v", len(calls), c.Calls())
		}
		first, last := calls[0].At.Sub(start), calls[len(calls)-1].At.Sub(start)
		if first != 2*time.Second || last != 10_001*time.Second {
			t.Errorf("from %v to %v", first, last)
		}
	})
}

func TestFaultJSON(t *testing.T) {
	want := simulator.Fault{Operation: "a", Kind: "status", Skip: 1, Times: 2, Status: 503, Header: map[string]string{"A": "b"},
		Body: "x", Bytes: 3, Delay: simulator.Duration(250 * time.Millisecond), Quirk: "q"}
	text, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), `"delay":"250ms"`) {
		t.Error(string(text))
	}
	var got simulator.Fault
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
