package simulator

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxBody limits what a simulator reads of one request.
const maxBody = 1 << 20

// Wrap serves the control routes under /_simulator/ and passes everything else through the faults to next.
// operation names the call, from its URL. The request's body is limited to 1 MiB (reading more fails with *http.MaxBytesError).
func (c *Control) Wrap(next http.Handler, operation func(*http.Request) string) http.Handler {
	routes := c.routes()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		if strings.HasPrefix(r.URL.Path, controlPrefix) {
			routes.ServeHTTP(w, r)
			return
		}
		op := operation(r)
		c.count(op)
		f, ok := c.fault(op)
		if !ok {
			next.ServeHTTP(w, r)
			return
		}
		misbehave(f, next, w, r)
	})
}

func misbehave(f Fault, next http.Handler, w http.ResponseWriter, r *http.Request) {
	switch f.Kind {
	case KindStatus:
		write(w, f.Status, f.Header, f.Body)
	case KindBody:
		write(w, http.StatusOK, f.Header, f.Body)
	case KindRedirect:
		write(w, http.StatusTemporaryRedirect, f.Header, f.Body)
	case KindDelay:
		a := record(next, r)
		drain(r)
		if !wait(r, time.Duration(f.Delay)) {
			drop(w)
			return
		}
		a.send(w)
	case KindDelayBefore:
		// The body is read first: only then does the server notice that the client is gone.
		body, err := io.ReadAll(r.Body)
		if err != nil || !wait(r, time.Duration(f.Delay)) {
			drop(w)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		next.ServeHTTP(w, r)
	case KindHang:
		drain(r)
		<-r.Context().Done()
		drop(w)
	case KindHangAfter:
		record(next, r)
		drain(r)
		<-r.Context().Done()
		drop(w)
	case KindReset:
		drain(r)
		drop(w)
	case KindResetAfter:
		record(next, r)
		drain(r)
		drop(w)
	case KindCut:
		record(next, r).cut(w, f.Bytes)
	case KindGzip:
		record(next, r).gzip(w)
	case KindGzipBomb:
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		defer func() { _ = z.Close() }() // the client has long hung up
		endless(z, f.Bytes)
	case KindOversize:
		w.Header().Set("Content-Type", "application/json")
		endless(w, f.Bytes)
	}
}

func write(w http.ResponseWriter, status int, header map[string]string, body string) {
	for k, v := range header {
		w.Header().Set(k, v)
	}
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body) // the client may be gone; nothing is left to do then
}

// wait reports false when the client is gone before d is over.
func wait(r *http.Request, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-r.Context().Done():
		return false
	}
}

func drain(r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }

// endless writes n bytes of a JSON string without its closing quote, or fewer if the client is gone.
func endless(w io.Writer, n int) {
	chunk := bytes.Repeat([]byte("a"), 32<<10)
	first := append([]byte(`"`), chunk...)
	for part := first; n > 0; part = chunk {
		part = part[:min(n, len(part))]
		if _, err := w.Write(part); err != nil {
			return
		}
		n -= len(part)
	}
}

// drop resets the connection, so that the client sees no answer at all.
func drop(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		// HTTP/2 or a recorder: there is no connection to reset.
		http.Error(w, "simulator: this fault needs an HTTP/1 connection: "+err.Error(), http.StatusInternalServerError)
		return
	}
	reset(conn)
}

func reset(conn net.Conn) {
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // Close then sends a reset instead of an orderly end
	}
	_ = conn.Close()
}

// answer is what the vendor answered, kept back until the fault has done its work.
type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func record(next http.Handler, r *http.Request) *answer {
	a := &answer{header: http.Header{}, status: http.StatusOK}
	next.ServeHTTP(a, r)
	return a
}

// Header, WriteHeader and Write make answer an http.ResponseWriter.
func (a *answer) Header() http.Header         { return a.header }
func (a *answer) WriteHeader(status int)      { a.status = status }
func (a *answer) Write(b []byte) (int, error) { return a.body.Write(b) }

func (a *answer) send(w http.ResponseWriter) {
	for k, v := range a.header {
		w.Header()[k] = v
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body.Bytes())
}

func (a *answer) gzip(w http.ResponseWriter) {
	if a.header.Get("Content-Encoding") != "" { // the vendor did so by itself
		a.send(w)
		return
	}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, _ = z.Write(a.body.Bytes()) // a bytes.Buffer takes everything
	_ = z.Close()
	a.body = packed
	a.header.Del("Content-Length")
	a.header.Set("Content-Encoding", "gzip")
	a.send(w)
}

// cut writes the answer by hand, since net/http would not send less than it announced.
func (a *answer) cut(w http.ResponseWriter, n int) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		http.Error(w, "simulator: this fault needs an HTTP/1 connection: "+err.Error(), http.StatusInternalServerError)
		return
	}
	defer reset(conn)
	body := a.body.Bytes()
	a.header.Set("Content-Length", strconv.Itoa(len(body)))
	out := bufio.NewWriter(conn)
	fmt.Fprintf(out, "HTTP/1.1 %d %s\r\n", a.status, http.StatusText(a.status))
	_ = a.header.Write(out)
	_, _ = out.WriteString("\r\n")
	_, _ = out.Write(body[:min(n, len(body))])
	_ = out.Flush()
}
