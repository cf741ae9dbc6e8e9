package main

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
)

// pipes is a listener for connections of this process, so that the clock of a
// synctest bubble is theirs too.
type pipes struct {
	made   chan net.Conn
	closed chan struct{}
}

func newPipes() *pipes { return &pipes{made: make(chan net.Conn), closed: make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.made:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	close(p.closed)
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }

func (p *pipes) dial() net.Conn {
	here, there := net.Pipe()
	p.made <- there
	return here
}

// TestSlowClients: who sends a byte a second is cut off, in the header and in the
// body, and others are served meanwhile.
func TestSlowClients(t *testing.T) {
	const header = "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 60000\r\n"
	tests := []struct {
		name, at, slowly string // sent at once, and then byte by byte
		most             time.Duration
		want             string // the answer's beginning
	}{
		{"header", "", "GET / HTTP/1.1\r\nHost: x\r\nX-A: " + strings.Repeat("a", 1000), 6 * time.Second, ""},
		{"header, after a quick line", "GET / HTTP/1.1\r\n", "Host: x\r\nX-A: " + strings.Repeat("a", 1000), 6 * time.Second, ""},
		{"body", header + "\r\n", strings.Repeat(" ", 60000), 16 * time.Second, "HTTP/1.1 400"},
		{"chunked body", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", strings.Repeat("1\r\n \r\n", 10000), 16 * time.Second, "HTTP/1.1 400"},
		{"nothing", "", "", 6 * time.Second, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				listener := newPipes()
				server := newHTTPServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if _, err := io.ReadAll(r.Body); err != nil {
						http.Error(w, "is incomplete", http.StatusBadRequest)
					}
				}), zerolog.Nop())
				served := make(chan error)
				go func() { served <- server.Serve(listener) }()

				conn := listener.dial()
				start := time.Now()
				gone := make(chan struct{})
				answered := make(chan string, 1)
				go func() {
					defer close(gone)
					all, _ := io.ReadAll(conn)
					answered <- string(all)
				}()
				_, _ = io.WriteString(conn, tt.at)
				for i := range len(tt.slowly) {
					if _, err := conn.Write([]byte{tt.slowly[i]}); err != nil {
						break
					}
					if i == 2 {
						quick := listener.dial()
						_, _ = io.WriteString(quick, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
						if line, err := bufio.NewReader(quick).ReadString('\n'); err != nil || !strings.HasPrefix(line, "HTTP/1.1 200") {
							t.Errorf("another caller got %q, %v", line, err)
						}
						quick.Close()
					}
					time.Sleep(time.Second)
				}
				<-gone
				if took := time.Since(start); took > tt.most {
					t.Errorf("the connection was open for %s, must have at most %s", took, tt.most)
				}
				if got := <-answered; !strings.HasPrefix(got, tt.want) {
					t.Errorf("got %q, want %q", got, tt.want)
				}
				server.Close()
				if err := <-served; !errors.Is(err, http.ErrServerClosed) {
					t.Error(err)
				}
			})
		})
	}
}
