package upstream_test

import (
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"accountgateway/internal/provider"
	"accountgateway/internal/provider/upstream"
)

func TestRequest(t *testing.T) {
	var got map[string]string
	v := serve(t, func(w http.ResponseWriter, r *http.Request) {
		got = map[string]string{
			"method": r.Method, "uri": r.RequestURI, "form": r.PostForm.Encode(),
			"type": r.Header.Get("Content-Type"), "encoding": r.Header.Get("Accept-Encoding"), "agent": r.UserAgent(),
		}
		status(200, `{"ok":true}`)(w, r)
	})
	if err := upstream.New(upstream.Options{}).Do(t.Context(), call(v.URL), readJSON); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"method": "POST", "uri": "/api/balance?format=json", "form": "password=s3cret+%26",
		"type": "application/x-www-form-urlencoded", "encoding": "gzip", "agent": "accountgateway",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestGzipAnswer(t *testing.T) {
	v := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		_, _ = io.WriteString(z, `{"ok":true}`)
		_ = z.Close()
	})
	if err := upstream.New(upstream.Options{}).Do(t.Context(), call(v.URL), readJSON); err != nil {
		t.Error(err)
	}
}

// TestFaults sends a read and a write into each fault. However the vendor
// fails, a write is sent once, and a vendor that was reached is never NotSent.
func TestFaults(t *testing.T) {
	ok := status(200, `{"ok":true}`)
	html := "<html><body>Bad Gateway</body></html>"
	hang := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	drip := func(w http.ResponseWriter, r *http.Request) {
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				_, _ = io.WriteString(w, " ")
				w.(http.Flusher).Flush()
			case <-r.Context().Done():
				return
			}
		}
	}
	endless := func(w http.ResponseWriter, _ *http.Request) { writeMegabytes(w, 60) }
	const unavailable, badResponse, timeout, other = provider.KindUnavailable, provider.KindBadResponse, provider.KindTimeout, provider.KindOther

	tests := []struct {
		name    string
		handler func() http.HandlerFunc
		timeout time.Duration // 0: long enough
		want    provider.Kind // of a read; "" is success
		write   provider.Kind // of a write, if it differs
		tries   int           // of a read
	}{
		{name: "fine", handler: one(ok), tries: 1},
		{name: "body cut short", handler: one(says("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"ok\":tr")), want: unavailable, tries: 3},
		{name: "chunk cut short", handler: one(says("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{\"ok\":tr")), want: unavailable, tries: 3},
		{name: "chunk is garbage", handler: one(says("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")), want: badResponse, tries: 1},
		{name: "length too short", handler: one(says("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\n{\"ok\":true}")), want: badResponse, tries: 1},
		{name: "length is no number", handler: one(says("HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n{\"ok\":true}")), want: badResponse, tries: 1},
		{name: "status line is garbage", handler: one(says("SSH-2.0-OpenSSH_9.6\r\n\r\n")), want: badResponse, tries: 1},
		{name: "header without end", handler: one(says("HTTP/1.1 200 OK\r\nA: " + strings.Repeat("a", 1<<20))), want: badResponse, tries: 1},
		{name: "no answer", handler: one(says("")), want: unavailable, tries: 3},
		{name: "reset", handler: one(resets), want: unavailable, tries: 3},
		{name: "reset, then fine", handler: func() http.HandlerFunc { return answers(resets, ok) }, want: "", write: unavailable, tries: 2},
		{name: "hangs", handler: one(hang), timeout: 100 * time.Millisecond, want: timeout, tries: 1},
		{name: "drips", handler: one(drip), timeout: 100 * time.Millisecond, want: timeout, tries: 1},
		{name: "HTML", handler: one(status(200, html, "Content-Type", "text/html")), want: badResponse, tries: 1},
		{name: "60 MB", handler: one(endless), want: badResponse, tries: 1},
		{name: "60 MB announced", handler: one(says("HTTP/1.1 200 OK\r\nContent-Length: 62914560\r\n\r\n")), want: badResponse, tries: 1},
		{name: "bomb", handler: one(bomb), want: badResponse, tries: 1},
		{name: "gzip of nothing without end", handler: one(hollow), want: badResponse, tries: 1},
		{name: "not gzip", handler: one(status(200, `{"ok":true}`, "Content-Encoding", "gzip")), want: badResponse, tries: 1},
		{name: "gzip cut short, HTTP whole", handler: one(status(200, zipped(`{"ok":true}`)[:20], "Content-Encoding", "gzip")), want: badResponse, tries: 1},
		{name: "gzip cut short by the connection", handler: one(says("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 99\r\n\r\n" + zipped(`{"ok":true}`)[:20])), want: unavailable, tries: 3},
		{name: "brotli", handler: one(status(200, `{"ok":true}`, "Content-Encoding", "br")), want: badResponse, tries: 1},
		{name: "gzip twice", handler: one(status(200, zipped(zipped(`{"ok":true}`)), "Content-Encoding", "gzip, gzip")), want: badResponse, tries: 1},
		{name: "no content", handler: one(status(204, "")), want: badResponse, tries: 1},
		{name: "protocol switch", handler: one(says("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n")), want: badResponse, tries: 1},
		{name: "500 with an error", handler: one(status(500, `{"error":"E"}`)), want: other, tries: 3},
		{name: "503 accepted by read", handler: one(status(503, `{"ok":true}`)), want: unavailable, tries: 3},
		{name: "502 HTML", handler: one(status(502, html)), want: badResponse, tries: 3},
		{name: "502 that can't be read", handler: one(status(502, html, "Content-Encoding", "br")), want: unavailable, tries: 3},
		{name: "502, gzip of no bytes", handler: one(status(502, "", "Content-Encoding", "gzip")), want: badResponse, tries: 3},
		{name: "502, 502, then fine", handler: func() http.HandlerFunc { return answers(status(502, html), status(502, html), ok) }, want: "", write: badResponse, tries: 3},
		{name: "429 with an error", handler: one(status(429, `{"error":"E"}`)), want: other, tries: 1},
		{name: "404 accepted by read", handler: one(status(404, `{"ok":true}`)), want: badResponse, tries: 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			do := func(t *testing.T, to func(string) upstream.Call, want provider.Kind, tries int) {
				v := serve(t, tt.handler())
				timeout := tt.timeout
				if timeout == 0 {
					timeout = time.Minute
				}
				err := upstream.New(upstream.Options{Timeout: timeout}).Do(t.Context(), to(v.URL), readJSON)
				if want == "" && err != nil {
					t.Errorf("got %v, want success", err)
				}
				if want != "" && failure(t, err, want).NotSent {
					t.Error("NotSent, but the vendor had the request")
				}
				if got := int(v.requests.Load()); got != tries {
					t.Errorf("%d requests, want %d", got, tries)
				}
			}
			do(t, call, tt.want, tt.tries)
			if tt.write == "" {
				tt.write = tt.want
			}
			do(t, write, tt.write, 1)
		})
	}
}

func one(h http.HandlerFunc) func() http.HandlerFunc { return func() http.HandlerFunc { return h } }

func TestReadsErrorReachesTheCaller(t *testing.T) {
	v := serve(t, status(500, `{"error":"INTERNAL"}`))
	e := failure(t, upstream.New(upstream.Options{}).Do(t.Context(), call(v.URL), readJSON), provider.KindOther)
	if e.Upstream == nil || e.Upstream.Code != "INTERNAL" {
		t.Errorf("got %+v, want the error of read", e)
	}
}

// A vendor locks out who repeats a call that it refused.
func TestRefusalWith5xxIsNotRepeated(t *testing.T) {
	v := serve(t, status(500, ""))
	err := upstream.New(upstream.Options{}).Do(t.Context(), call(v.URL), func(upstream.Answer) error {
		return provider.Errorf(provider.KindCredentials, "wrong password")
	})
	failure(t, err, provider.KindCredentials)
	if got := v.requests.Load(); got != 1 {
		t.Errorf("%d requests, want 1", got)
	}
}

func TestRedirectIsNotFollowed(t *testing.T) {
	for _, code := range []int{300, 301, 302, 303, 304, 307, 308} {
		for _, location := range []string{"", "/elsewhere", "http://%zz-s3cret"} {
			v := serve(t, status(code, "", "Location", location))
			c := upstream.New(upstream.Options{})
			e := failure(t, c.Do(t.Context(), call(v.URL), readJSON), provider.KindBadResponse)
			if strings.Contains(e.Error(), "elsewhere") || strings.Contains(e.Error(), "s3cret") {
				t.Errorf("%d: the error tells the Location: %v", code, e)
			}
			if got := v.requests.Load(); got != 1 {
				t.Errorf("%d to %q: %d requests, want 1", code, location, got)
			}
		}
	}
}

func TestNotSent(t *testing.T) {
	closed := httptest.NewServer(nil)
	closed.Close()
	secure := httptest.NewUnstartedServer(nil) // its certificate is not trusted
	secure.Config.ErrorLog = discard()
	secure.StartTLS()
	defer secure.Close()
	plain := serve(t, status(200, `{"ok":true}`))
	expired, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	gone, cancel := context.WithCancel(t.Context())
	cancel()

	tests := []struct {
		name string
		ctx  context.Context
		url  string
		want provider.Kind
	}{
		{"refused", t.Context(), closed.URL, provider.KindUnavailable},
		{"TLS failure", t.Context(), secure.URL, provider.KindUnavailable},
		{"no TLS", t.Context(), "https" + strings.TrimPrefix(plain.URL, "http"), provider.KindUnavailable},
		{"deadline has passed", expired, plain.URL, provider.KindTimeout},
		{"given up before", gone, plain.URL, provider.KindUnavailable},
		{"no URL", t.Context(), "http://[", provider.KindOther},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, to := range []func(string) upstream.Call{call, write} {
				if e := failure(t, upstream.New(upstream.Options{}).Do(tt.ctx, to(tt.url), readJSON), tt.want); !e.NotSent {
					t.Errorf("got NotSent false, want true: %v", e)
				}
			}
		})
	}
	if got := plain.requests.Load(); got != 0 {
		t.Errorf("%d requests, want none", got)
	}
}

// A first try that the vendor saw makes the whole call sent.
func TestNotSentLooksAtEveryTry(t *testing.T) {
	v := httptest.NewUnstartedServer(nil)
	v.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = v.Listener.Close()
		resets(w, r)
	})
	v.Start()
	defer v.Close()
	e := failure(t, upstream.New(upstream.Options{}).Do(t.Context(), call(v.URL), readJSON), provider.KindUnavailable)
	if e.NotSent || !strings.Contains(e.Error(), "refused") {
		t.Errorf("got NotSent %v, want a refused try after one that reached the vendor: %v", e.NotSent, e)
	}
}

func TestGivenUpByTheCaller(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	v := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	})
	err := upstream.New(upstream.Options{}).Do(ctx, write(v.URL), readJSON)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
	if failure(t, err, provider.KindUnavailable).NotSent {
		t.Error("NotSent, but the vendor had the request")
	}
}

func TestConnectionIsReused(t *testing.T) {
	var connections atomic.Int32
	v := httptest.NewUnstartedServer(answers(status(500, "{}"), status(200, `{"ok":true}`), status(404, "{}"), status(200, `{"ok":true}`)))
	v.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			connections.Add(1)
		}
	}
	v.Start()
	defer v.Close()
	c := upstream.New(upstream.Options{})
	for range 5 {
		_ = c.Do(t.Context(), call(v.URL), readJSON)
	}
	if got := connections.Load(); got != 1 {
		t.Errorf("%d connections for reads, want 1", got)
	}
	if err := c.Do(t.Context(), write(v.URL), readJSON); err != nil {
		t.Error(err)
	}
	if got := connections.Load(); got != 2 {
		t.Errorf("%d connections after a write, want a new one", got)
	}
}

// The vendor closes a kept connection just as the next request arrives on it.
// net/http would send a request again by itself; a write must not be.
func TestStaleConnection(t *testing.T) {
	handle := func(conn net.Conn, nth int) bool {
		if nth == 1 {
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n{\"ok\":true}")
		}
		return nth == 1
	}
	t.Run("write over a shared transport", func(t *testing.T) {
		address, requests := keepAlive(t, handle)
		shared := &http.Transport{}
		defer shared.CloseIdleConnections()
		c := upstream.New(upstream.Options{Transport: shared})
		if err := c.Do(t.Context(), call(address), readJSON); err != nil {
			t.Fatal(err)
		}
		if failure(t, c.Do(t.Context(), write(address), readJSON), provider.KindUnavailable).NotSent {
			t.Error("NotSent, but the vendor had the request")
		}
		if got := requests.Load(); got != 2 {
			t.Errorf("%d requests, want the read and one write", got)
		}
	})
	t.Run("write by GET over a shared transport", func(t *testing.T) {
		address, requests := keepAlive(t, handle)
		shared := &http.Transport{}
		defer shared.CloseIdleConnections()
		c := upstream.New(upstream.Options{Transport: shared})
		for _, want := range []provider.Kind{"", provider.KindUnavailable} {
			err := c.Do(t.Context(), upstream.Call{Operation: provider.OpRefill, URL: address, Write: true}, readJSON)
			if got := provider.KindOf(err); got != want {
				t.Errorf("got %v, want kind %q", err, want)
			}
		}
		if got := requests.Load(); got != 2 {
			t.Errorf("%d requests, want each write once", got)
		}
	})
	t.Run("write over its own connection", func(t *testing.T) {
		address, requests := keepAlive(t, handle)
		c := upstream.New(upstream.Options{})
		for _, one := range []upstream.Call{call(address), write(address), write(address)} {
			if err := c.Do(t.Context(), one, readJSON); err != nil {
				t.Error(err)
			}
		}
		if got := requests.Load(); got != 3 {
			t.Errorf("%d requests, want 3", got)
		}
	})
	t.Run("read", func(t *testing.T) {
		address, requests := keepAlive(t, handle)
		c := upstream.New(upstream.Options{})
		for range 2 {
			if err := c.Do(t.Context(), call(address), readJSON); err != nil {
				t.Error(err)
			}
		}
		if got := requests.Load(); got != 3 {
			t.Errorf("%d requests, want the second read twice", got)
		}
	})
}
