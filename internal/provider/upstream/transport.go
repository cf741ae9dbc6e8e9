package upstream

import (
	"bufio"
	"compress/gzip"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

const (
	maxBody       = 4 << 20 // bytes, both on the wire and decompressed
	maxHeader     = 64 << 10
	dialTimeout   = 5 * time.Second
	tlsTimeout    = 5 * time.Second
	idleTimeout   = 30 * time.Second
	idleConns     = 64 // for each host: as many as are read there at once in the background
	maxRetryAfter = 24 * time.Hour
)

// Transports send what the clients of all accounts ask. Those at one host share
// its connections.
type Transports struct{ reads, writes http.RoundTripper }

// NewTransports makes them for calls that may take that long; 0 is 10 s. Writes
// have a new connection each, so that a kept one that the vendor was just
// closing never makes the outcome of a write unknown.
func NewTransports(timeout time.Duration) *Transports {
	if timeout <= 0 {
		timeout = defaultTimeout
	}
	writes := newTransport(timeout)
	writes.DisableKeepAlives = true
	return &Transports{reads: newTransport(timeout), writes: writes}
}

// newTransport makes the transport of reads. It speaks only HTTP/1.1, whose
// rules on when a request may be sent twice are easy to see, and it knows no
// proxy, because requests hold credentials.
func newTransport(timeout time.Duration) *http.Transport {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &http.Transport{
		DialContext:            (&net.Dialer{Timeout: dialTimeout}).DialContext,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    tlsTimeout,
		ResponseHeaderTimeout:  timeout,
		MaxResponseHeaderBytes: maxHeader,
		MaxIdleConnsPerHost:    idleConns,
		IdleConnTimeout:        idleTimeout,
		DisableCompression:     true, // readBody decompresses, with a limit
		Protocols:              protocols,
	}
}

// connTrace is how far a try got. net/http may report from another goroutine.
type connTrace struct {
	sought, connected, answered atomic.Bool
}

func (t *connTrace) follow(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn:              func(string) { t.sought.Store(true) },
		GotConn:              func(httptrace.GotConnInfo) { t.connected.Store(true) },
		GotFirstResponseByte: func() { t.answered.Store(true) },
	})
}

// maySent tells whether the vendor may have seen a byte of the request. Only a
// try that sought a connection and got none is sure: GotConn is reported after
// the TLS handshake and before the first byte.
func (t *connTrace) maySent() bool { return !t.sought.Load() || t.connected.Load() }

// Faults of a body that came whole but can't be used.
var (
	errTooLarge = errors.New("the vendor's answer is larger than 4 MiB")
	errGzip     = errors.New("the vendor's answer is not valid gzip")
	errEncoding = errors.New("the vendor's answer has an unexpected content encoding")
)

// readBody reads a body to its end, decompressed and within maxBody. An error
// is one of the three above or a transport fault.
func readBody(resp *http.Response) ([]byte, error) {
	if resp.ContentLength > maxBody {
		return nil, errTooLarge
	}
	// The limit on the wire stops a compressed stream that holds nothing.
	wire := &faultReader{Reader: http.MaxBytesReader(nil, resp.Body, maxBody)}
	plain := bufio.NewReader(wire)
	var body []byte
	var err error
	switch encoding := strings.Join(resp.Header.Values("Content-Encoding"), ","); strings.ToLower(strings.TrimSpace(encoding)) {
	case "", "identity":
		body, err = io.ReadAll(plain)
	case "gzip", "x-gzip":
		if _, err := plain.Peek(1); errors.Is(err, io.EOF) {
			return nil, nil // servers label an empty body too
		}
		body, err = gunzip(plain)
	default:
		return nil, errEncoding
	}
	switch {
	case err == nil:
		return body, nil
	case errors.As(err, new(*http.MaxBytesError)):
		return nil, errTooLarge
	case wire.fault != nil:
		return nil, wire.fault
	}
	return nil, errGzip
}

func gunzip(r io.Reader) ([]byte, error) {
	unzipped, err := gzip.NewReader(r)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(http.MaxBytesReader(nil, unzipped, maxBody))
}

// faultReader remembers why reading failed, to tell a broken connection from
// broken gzip.
type faultReader struct {
	io.Reader
	fault error
}

func (r *faultReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		r.fault = err
	}
	return n, err
}

// retryAfter gives the Retry-After of a 429 or 5xx, in seconds or as a date
// (RFC 9110 section 10.2.3), at most 24 h; 0 if there is none to understand.
func retryAfter(resp *http.Response, now time.Time) time.Duration {
	if resp.StatusCode != http.StatusTooManyRequests && resp.StatusCode < 500 {
		return 0
	}
	text := resp.Header.Get("Retry-After")
	if text == "" {
		return 0
	}
	if strings.Trim(text, "0123456789") == "" {
		seconds, err := strconv.ParseInt(text, 10, 64)
		if err != nil || seconds > int64(maxRetryAfter/time.Second) {
			return maxRetryAfter
		}
		return time.Duration(seconds) * time.Second
	}
	date, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	return min(max(date.Sub(now), 0), maxRetryAfter)
}
