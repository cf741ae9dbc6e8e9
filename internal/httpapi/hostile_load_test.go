package httpapi

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"accountgateway/internal/httpapi/middleware"
	"accountgateway/internal/provider"
	"accountgateway/internal/token"
)

// attack is one hostile request. Its URL goes to the handlers as it is, as
// net/http would hand it on.
type attack struct {
	name, method, target string
	header               http.Header
	body                 string
}

// attacks are requests of which none may be done.
func attacks() []attack {
	post := func(name, body string, h http.Header) attack {
		if h == nil {
			h = http.Header{}
		}
		if h["Content-Type"] == nil {
			h["Content-Type"] = []string{"application/json"}
		}
		if h[keyHeader] == nil {
			h[keyHeader] = []string{name}
		}
		return attack{name: name, method: http.MethodPost, target: "/accounts/acme/users", header: h, body: body}
	}
	get := func(name, target string, h http.Header) attack {
		return attack{name: name, method: http.MethodGet, target: target, header: h}
	}
	const fields = `"login":"ada","password":"correct-horse","email":"a@b.example","country":"DE"`
	list := []attack{
		post("oversized", `{"login":"`+strings.Repeat("a", middleware.MaxBody)+`"}`, nil),
		post("many members", `{`+strings.TrimSuffix(strings.Repeat(`"a":1,`, 9000), ",")+`}`, nil),
		post("deep", strings.Repeat(`{"a":`, 9000)+"1"+strings.Repeat("}", 9000), nil),
		post("deep lists", `{"attributes":`+strings.Repeat("[", 30_000)+strings.Repeat("]", 30_000)+`}`, nil),
		post("deep and open", strings.Repeat(`[`, 60_000), nil),
		post("duplicate keys", `{`+fields+`,"login":"eve"}`, nil),
		post("duplicate keys, one escaped", `{`+fields+`,"\u006cogin":"eve"}`, nil),
		post("other case", `{`+fields+`,"Login":"eve"}`, nil),
		post("unknown member", `{`+fields+`,"admin":true}`, nil),
		post("__proto__", `{`+fields+`,"__proto__":{"admin":true}}`, nil),
		post("two objects", `{`+fields+`}{`+fields+`}`, nil),
		post("not UTF-8", "{\"login\":\"\xff\xfe\",\"password\":\"x\"}", nil),
		post("half a surrogate", `{"login":"\ud800","password":"correct-horse","email":"a@b.example","country":"DE"}`, nil),
		post("NUL", `{"login":"a\u0000b","password":"correct-horse","email":"a@b.example","country":"DE"}`, nil),
		post("line break for the vendor", `{"login":"a\r\nb","password":"correct-horse","email":"a@b.example","country":"DE"}`, nil),
		post("huge number", `{"login":1e999999999,"password":"correct-horse"}`, nil),
		post("long number", `{"login":`+strings.Repeat("9", 60_000)+`}`, nil),
		post("not an object", `["login"]`, nil),
		post("null", `null`, nil),
		post("empty", ``, nil),
		post("blank", strings.Repeat(" ", 1000), nil),
		post("byte order mark", "\ufeff{"+fields+"}", nil),
		post("gzip", "\x1f\x8b\x08\x00", http.Header{"Content-Encoding": {"gzip"}}),
		post("XML", "<a/>", http.Header{"Content-Type": {"application/xml"}}),
		post("a form", "login=ada", http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}),
		post("UTF-7", "{}", http.Header{"Content-Type": {"application/json; charset=utf-7"}}),
		post("key with a line break", "{"+fields+"}", http.Header{keyHeader: {"a\r\nSet-Cookie: x=1"}}),
		post("long key", "{"+fields+"}", http.Header{keyHeader: {strings.Repeat("k", 600)}}),
		post("two keys", "{"+fields+"}", http.Header{keyHeader: {"a", "b"}}),
		get("max-age with a line break", "/accounts/acme/balance", http.Header{"Cache-Control": {"max-age=1\r\nX: y"}}),
		get("many parameters", "/accounts/acme/balance?"+strings.Repeat("a=1&", 1900)+"a=1", nil),
		get("long URL", "/accounts/acme/balance?currency="+strings.Repeat("U", middleware.MaxURL), nil),
		get("a bad escape", "/accounts/acme/balance?currency=%zz", nil),
		get("semicolon", "/accounts/acme/balance?a=1;b=2", nil),
		get("traversal in the query", "/accounts/acme/users?cursor=..%2f..%2fetc%2fpasswd", nil),
		get("SQL", "/accounts/acme/operations?cursor='%20OR%201=1--", nil),
		get("SQL in an id", "/accounts/acme/operations/'%20OR%201=1--", nil),
		get("NUL in an id", "/accounts/acme/operations/%00", nil),
		get("long id", "/accounts/acme/operations/"+strings.Repeat("a", 8000), nil),
		get("huge limit", "/accounts/acme/users?limit=99999999999999999999999", nil),
		get("a time after the last", "/accounts/acme/balance/history?till=9999-12-31", nil),
		get("a time before the first", "/accounts/acme/balance/history?from=0001-01-01T00:00:00%2B01:00", nil),
		get("many tags", "/accounts/nobody/balance", http.Header{"If-None-Match": {strings.Repeat(`"a",`, 3000)}}),
		{name: "TRACE", method: http.MethodTrace, target: "/accounts"},
		{name: "CONNECT", method: http.MethodConnect, target: "/accounts"},
		{name: "a method of spaces", method: "GET /x", target: "/accounts"},
		{name: "override", method: http.MethodGet, target: "/accounts/acme/refills", header: http.Header{"X-Http-Method-Override": {"POST"}}},
	}
	for _, name := range []string{
		"nobody", "..", ".", "...", "%2e%2e", "acme%2f..%2facme", "acme%2f", "%2f", "%5c", "acme%00", "%00", "acme%20", "%20acme", "ACME", "acme.", "acme;x=1", "acme%0d%0aX:%20y",
		"%ff", "%c0%ae", "%E2%80%AE", "%EF%BD%81cme", "%D0%B0cme", "*", "{account}", "%7Baccount%7D", "$", "'", "%22", "%3Cscript%3E", "con", "nul", "-", "--help", "_", "%25", "%2561cme",
		"constructor", "__proto__", "undefined", "null", "0", strings.Repeat("a", 8000), strings.Repeat("%2e%2e%2f", 800),
	} {
		list = append(list, get("account "+name[:min(len(name), 30)], "/accounts/"+name+"/balance", nil))
	}
	return list
}

// TestHostileLoad has many send what nobody should, again and again, with and
// without a token. Each gets a 4xx that says little, and its line in the log;
// nothing of it reaches a vendor or a header, and memory stays flat.
func TestHostileLoad(t *testing.T) {
	acme := everything()
	acme.create = func(_ context.Context, u provider.NewUser) (provider.CreatedUser, error) {
		t.Errorf("a user was created: %+v", u)
		return provider.CreatedUser{}, provider.Errorf(provider.KindRejected, "no")
	}
	st, stored := withStore(t, map[string]fake{"acme": acme})
	k := newTokens(t, st)
	all, _ := k.with(token.Scopes())
	some, _ := k.with(token.Scopes(), "acme")
	var lines counter
	o := Options{Registry: prometheus.NewRegistry(), Tokens: k.keeper, Log: zerolog.New(&lines), AccessLog: zerolog.New(&lines)}
	stored(&o)
	h := New(o)

	sent := atomic.Int64{}
	send := func(a attack, text, from string) {
		u, err := url.Parse(a.target)
		if err != nil {
			t.Errorf("%s: %v", a.name, err)
			return
		}
		r := httptest.NewRequest(http.MethodGet, "/", strings.NewReader(a.body))
		r.Method, r.URL, r.RequestURI, r.RemoteAddr = a.method, u, a.target, from
		r.ContentLength = -1 // as of a chunked body
		for name, values := range a.header {
			r.Header[name] = values
		}
		if text != "" {
			r.Header["Authorization"] = []string{"Bearer " + text}
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		sent.Add(1)
		if w.Code < 400 || w.Code > 499 {
			t.Errorf("%s: got %d %.300s", a.name, w.Code, w.Body)
		}
		if w.Body.Len() > 4000 {
			t.Errorf("%s: an answer of %d bytes", a.name, w.Body.Len())
		}
		for name, values := range w.Header() {
			for _, value := range values {
				if strings.ContainsAny(value, "\r\n\x00") {
					t.Errorf("%s: header %s is %q", a.name, name, value)
				}
			}
		}
	}
	round := func(n int) {
		var wg sync.WaitGroup
		for worker := range 4 {
			wg.Go(func() {
				for i := range n {
					for j, a := range attacks() {
						text := []string{all, some, "", otherSecret(all)}[(i+j+worker)%4]
						send(a, text, fmt.Sprintf("10.%d.%d.%d:1", worker, i%256, j%256))
					}
				}
			})
		}
		wg.Wait()
	}
	heap := func() int64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	round(2)
	before := heap()
	round(8)
	if grown := heap() - before; grown > 4<<20 {
		t.Errorf("memory grew by %d bytes", grown)
	}
	if n := lines.requests.Load(); n != sent.Load() {
		t.Errorf("%d requests, %d of them in the log", sent.Load(), n)
	}
	if lines.panics.Load() != 0 {
		t.Error("there were panics")
	}
	if rows, _, err := o.Accounts.Operations(t.Context(), "acme", 10, nil); err != nil || len(rows) != 0 {
		t.Errorf("operations %v, %v", rows, err)
	}
}

// counter counts the lines of a log and keeps none.
type counter struct{ requests, panics atomic.Int64 }

func (c *counter) Write(line []byte) (int, error) {
	text := string(line)
	if strings.Contains(text, `"message":"request"`) {
		c.requests.Add(1)
	}
	if strings.Contains(text, "panic") || strings.Count(text, "\n") != 1 {
		c.panics.Add(1)
	}
	return len(line), nil
}
