package upstream_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"accountgateway/internal/provider"
	"accountgateway/internal/provider/upstream"
)

// vendor is a server that counts the requests it got.
type vendor struct {
	*httptest.Server
	requests atomic.Int32
}

// serve runs a vendor. It reads each request to its end, so that it notices
// when the client goes away.
func serve(t *testing.T, handler http.HandlerFunc) *vendor {
	t.Helper()
	v := &vendor{}
	v.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v.requests.Add(1)
		if err := r.ParseForm(); err != nil {
			t.Error(err)
		}
		handler(w, r)
	}))
	t.Cleanup(v.Close)
	return v
}

// says answers with fixed bytes in place of HTTP and closes the connection.
func says(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		conn, rw, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		_, _ = rw.WriteString(text)
		_ = rw.Flush()
	}
}

// resets breaks the connection.
func resets(w http.ResponseWriter, _ *http.Request) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	_ = conn.(*net.TCPConn).SetLinger(0)
	_ = conn.Close()
}

// answers gives each request its own handler; the last one stays.
func answers(handlers ...http.HandlerFunc) http.HandlerFunc {
	var n atomic.Int32
	return func(w http.ResponseWriter, r *http.Request) {
		handlers[min(int(n.Add(1)), len(handlers))-1](w, r)
	}
}

// status answers with a status, headers (name, value, …) and a body.
func status(code int, body string, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(code)
		_, _ = io.WriteString(w, body)
	}
}

// readJSON is what an adapter's reader looks like: it takes {"ok":true},
// classifies a vendor's error and refuses all else.
func readJSON(a upstream.Answer) error {
	var body struct {
		OK    bool
		Error string
	}
	if err := json.Unmarshal(a.Body, &body); err != nil {
		e := provider.Errorf(provider.KindBadResponse, "not JSON")
		e.Drift, e.Err = "body", err
		return e
	}
	if !body.OK {
		e := provider.Errorf(provider.KindOther, "the vendor refused")
		e.Upstream = &provider.Upstream{Code: body.Error}
		return e
	}
	return nil
}

func call(to string) upstream.Call {
	return upstream.Call{
		Operation: provider.OpBalance,
		Method:    http.MethodPost,
		URL:       to + "/api/balance",
		Query:     url.Values{"format": {"json"}},
		Body:      upstream.Form(url.Values{"password": {"s3cret &"}}),
	}
}

func write(to string) upstream.Call {
	c := call(to)
	c.Operation, c.Write = provider.OpRefill, true
	return c
}

// failure checks that err is a *provider.Error of a kind.
func failure(t *testing.T, err error, kind provider.Kind) *provider.Error {
	t.Helper()
	var e *provider.Error
	if !errors.As(err, &e) || e.Kind != kind {
		t.Fatalf("got %v, want a *provider.Error of kind %s", err, kind)
	}
	return e
}

// roundTripper stands in for the network where a test moves the clock.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// recorded is an answer for a roundTripper.
func recorded(code int, body string, headers ...string) *http.Response {
	w := httptest.NewRecorder()
	status(code, body, headers...)(w, nil)
	return w.Result()
}

// keepAlive is a server on bare TCP, to which each request of each connection
// goes with its number in that connection. handle tells whether the
// connection stays open.
func keepAlive(t *testing.T, handle func(conn net.Conn, nth int) (stay bool)) (address string, requests *atomic.Int32) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	requests = new(atomic.Int32)
	done := make(chan struct{})
	go func() {
		defer close(done)
		served := make(chan struct{})
		n := 0
		for {
			conn, err := listener.Accept()
			if err != nil {
				break
			}
			n++
			context.AfterFunc(ctx, func() { _ = conn.Close() })
			go func() {
				defer func() { _ = conn.Close(); served <- struct{}{} }()
				in := bufio.NewReader(conn)
				for nth := 1; ; nth++ {
					r, err := http.ReadRequest(in)
					if err != nil {
						return
					}
					_, _ = io.Copy(io.Discard, r.Body)
					requests.Add(1)
					if !handle(conn, nth) {
						return
					}
				}
			}()
		}
		for range n {
			<-served
		}
	}()
	t.Cleanup(func() {
		_ = listener.Close()
		cancel()
		<-done
	})
	return "http://" + listener.Addr().String(), requests
}
