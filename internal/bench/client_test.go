package bench

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// connections is how many callers ask at once, each on a connection of its own.
const connections = 16

// hammer asks addr for the same thing on all connections for a time, and
// returns how many answers came. The client is as small as can be, because it
// shares the machine with the server: it sends the same bytes again and again
// and checks only the status and the length.
func hammer(b *testing.B, addr, path, token string, d time.Duration) int {
	b.Helper()
	head := "GET " + path + " HTTP/1.1\r\nHost: " + addr + "\r\nUser-Agent: bench\r\nAccept: application/json\r\n"
	if token != "" {
		head += "Authorization: Bearer " + token + "\r\n"
	}
	request := []byte(head + "\r\n")
	var answers atomic.Int64
	var wg sync.WaitGroup
	end := time.Now().Add(d)
	for range connections {
		wg.Go(func() {
			conn, err := net.Dial("tcp", addr)
			if err != nil {
				b.Error(err)
				return
			}
			defer conn.Close()
			r := bufio.NewReaderSize(conn, 16<<10)
			n := 0
			for time.Now().Before(end) {
				if _, err := conn.Write(request); err != nil {
					b.Error(err)
					return
				}
				if err := skipAnswer(r); err != nil {
					b.Error(err)
					return
				}
				n++
			}
			answers.Add(int64(n))
		})
	}
	wg.Wait()
	return int(answers.Load())
}

// skipAnswer reads one answer, which must be a 200 with a Content-Length.
func skipAnswer(r *bufio.Reader) error {
	length := -1
	for first := true; ; first = false {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return err
		}
		line = bytes.TrimRight(line, "\r\n")
		switch {
		case first && !bytes.Contains(line, []byte(" 200")):
			return fmt.Errorf("answered %q", line)
		case len(line) == 0:
			if length < 0 {
				return fmt.Errorf("an answer without Content-Length")
			}
			_, err := r.Discard(length)
			return err
		case len(line) > 16 && bytes.EqualFold(line[:15], []byte("content-length:")):
			if length, err = strconv.Atoi(string(bytes.TrimSpace(line[15:]))); err != nil {
				return err
			}
		}
	}
}

// get asks once, with a header if name is set, and gives the answer's body.
func get(b *testing.B, c *http.Client, url, token, name, value string) (*http.Response, []byte) {
	b.Helper()
	req, err := http.NewRequestWithContext(b.Context(), http.MethodGet, url, nil)
	if err != nil {
		b.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	if name != "" {
		req.Header.Set(name, value)
	}
	resp, err := c.Do(req)
	if err != nil {
		b.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		b.Fatal(err)
	}
	return resp, body
}
