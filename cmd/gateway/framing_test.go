package main

import (
	"errors"
	"io"
	"net"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestSmuggledRequests sends requests whose length a proxy in front may see
// otherwise than we do, with another request hidden in what is then left over. The
// first may be answered; the connection ends with that, so the hidden one is
// never read as a request.
func TestSmuggledRequests(t *testing.T) {
	const (
		hidden = "GET /hidden HTTP/1.1\r\nHost: localhost\r\n\r\n"
		post   = "POST /accounts/none/users HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nIdempotency-Key: k\r\n"
		get    = "GET /accounts HTTP/1.1\r\nHost: localhost\r\n"
		old    = "POST /accounts/none/users HTTP/1.0\r\nHost: localhost\r\nConnection: keep-alive\r\n"
		end    = "0\r\n\r\n"
	)
	length := func(body string) string { return "Content-Length: " + strconv.Itoa(len(body)) + "\r\n" }
	const chunked = "Transfer-Encoding: chunked\r\n"
	for name, request := range map[string]string{
		"the proxy goes by the length":        post + length(end+hidden) + chunked + "\r\n" + end + hidden,
		"the other order":                     post + chunked + length(end+hidden) + "\r\n" + end + hidden,
		"the proxy goes by the chunks":        post + "Content-Length: 4\r\n" + chunked + "\r\n" + strconv.FormatInt(int64(len(hidden)), 16) + "\r\n" + hidden + "\r\n" + end + hidden,
		"no length":                           post + "Content-Length: 0\r\n" + chunked + "\r\n" + end + hidden,
		"two equal lengths":                   post + length(end+hidden) + length(end+hidden) + chunked + "\r\n" + end + hidden,
		"in another case":                     post + length(end+hidden) + "tRANSFER-eNCODING: cHUNKED\r\n\r\n" + end + hidden,
		"lines that end with only LF":         post + length(end+hidden) + "X: y\nTransfer-Encoding: chunked\n\r\n" + end + hidden,
		"extensions of a chunk":               post + length("0;x=\"\r\n\r\n"+hidden) + chunked + "\r\n0;x=\"\r\n\r\n" + hidden,
		"trailers":                            post + length("0\r\nX: y\r\n\r\n"+hidden) + chunked + "\r\n0\r\nX: y\r\n\r\n" + hidden,
		"GET":                                 get + length(end+hidden) + chunked + "\r\n" + end + hidden,
		"OPTIONS *":                           "OPTIONS * HTTP/1.1\r\nHost: localhost\r\n" + length(end+hidden) + chunked + "\r\n" + end + hidden,
		"no such route":                       "POST /nowhere HTTP/1.1\r\nHost: localhost\r\n" + length(end+hidden) + chunked + "\r\n" + end + hidden,
		"HTTP/1.0 with a coding":              old + "Content-Length: 0\r\n" + chunked + "\r\n" + hidden,
		"HTTP/1.0 with only a coding":         old + chunked + "\r\n" + hidden,
		"the coding twice":                    post + length(end+hidden) + chunked + chunked + "\r\n" + end + hidden,
		"two codings":                         post + length(end+hidden) + "Transfer-Encoding: chunked, identity\r\n\r\n" + end + hidden,
		"a coding that is none":               post + length(end+hidden) + "Transfer-Encoding: xchunked\r\n\r\n" + end + hidden,
		"a space before the colon":            post + length(end+hidden) + "Transfer-Encoding : chunked\r\n\r\n" + end + hidden,
		"a vertical tab before the coding":    post + length(end+hidden) + "Transfer-Encoding: \x0bchunked\r\n\r\n" + end + hidden,
		"a folded line":                       post + length(end+hidden) + "Transfer-Encoding:\r\n chunked\r\n\r\n" + end + hidden,
		"two lengths":                         post + "Content-Length: 5\r\nContent-Length: 6\r\n\r\n{}   " + hidden,
		"a length with a sign":                post + "Content-Length: +2\r\n\r\n{}" + hidden,
		"a list of lengths":                   post + "Content-Length: 2, 2\r\n\r\n{}" + hidden,
		"a chunk with a size beyond any":      post + chunked + "\r\nfffffffffffffffff2\r\n{}\r\n" + end + hidden,
		"a chunk with a size that is no size": post + length("0x0\r\n\r\n"+hidden) + chunked + "\r\n0x0\r\n\r\n" + hidden,
	} {
		t.Run(name, func(t *testing.T) {
			g := serving(t, oneAccount())
			answers := g.raw(request)
			if n := len(statusLine.FindAllString(answers, -1)); n != 1 {
				t.Errorf("%d answers:\n%s", n, answers)
			}
			if n := strings.Count(g.stderr.String(), `"message":"request"`); n > 1 {
				t.Errorf("%d requests were taken", n)
			}
		})
	}
}

var statusLine = regexp.MustCompile(`HTTP/1\.[01] [0-9]{3} `)

// TestConnectionsAreKept where there is no doubt about a request's length.
func TestConnectionsAreKept(t *testing.T) {
	g := serving(t, oneAccount())
	answers := g.raw("GET /accounts HTTP/1.1\r\nHost: localhost\r\n\r\n" +
		"POST /accounts/none/users HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}" +
		"GET /accounts HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
	if n := len(statusLine.FindAllString(answers, -1)); n != 3 {
		t.Errorf("%d answers:\n%s", n, answers)
	}
}

// raw sends bytes and gives all that comes back until the gateway ends the
// connection.
func (s *served) raw(request string) string {
	s.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		s.t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		s.t.Fatal(err)
	}
	if _, err := io.WriteString(conn, request); err != nil {
		s.t.Fatal(err)
	}
	answers, err := io.ReadAll(conn)
	if err != nil && !errors.Is(err, syscall.ECONNRESET) { // a reset ends it too
		s.t.Errorf("the connection is not closed: %v", err)
	}
	return string(answers)
}
