package upstream_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"log"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"accountgateway/internal/provider"
	"accountgateway/internal/provider/upstream"
)

func discard() *log.Logger { return log.New(io.Discard, "", 0) }

func zipped(text string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = io.WriteString(z, text)
	_ = z.Close()
	return b.String()
}

var (
	megabyte       = make([]byte, 1<<20)
	zippedMegabyte = []byte(zipped(string(megabyte)))
	zippedNothing  = bytes.Repeat([]byte(zipped("")), 10000)
)

// writeMegabytes stops when the client has gone.
func writeMegabytes(w io.Writer, n int) {
	for range n {
		if _, err := w.Write(megabyte); err != nil {
			return
		}
	}
}

// bomb streams about 1 MB that inflate to 1 GB.
func bomb(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Encoding", "gzip")
	for range 1024 {
		if _, err := w.Write(zippedMegabyte); err != nil {
			return
		}
	}
}

// hollow streams gzip that inflates to nothing, as long as somebody reads.
func hollow(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Encoding", "gzip")
	for {
		if _, err := w.Write(zippedNothing); err != nil {
			return
		}
	}
}

func TestBodyLimit(t *testing.T) {
	const limit = 4 << 20
	atLimit, beyond := strings.Repeat("a", limit), strings.Repeat("a", limit+1)
	tests := []struct {
		name   string
		body   string
		header []string
		ok     bool
	}{
		{"at the limit", atLimit, nil, true},
		{"at the limit, gzip", zipped(atLimit), []string{"Content-Encoding", "gzip"}, true},
		{"beyond", beyond, nil, false},
		{"beyond, gzip", zipped(beyond), []string{"Content-Encoding", "gzip"}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v := serve(t, status(200, tt.body, tt.header...))
			size := 0
			err := upstream.New(upstream.Options{Timeout: time.Minute}).Do(t.Context(), call(v.URL), func(a upstream.Answer) error {
				size = len(a.Body)
				return nil
			})
			if tt.ok && (err != nil || size != limit) {
				t.Errorf("got %d bytes and %v, want %d", size, err, limit)
			}
			if !tt.ok {
				failure(t, err, provider.KindBadResponse)
				if want := "the vendor's answer is larger than 4 MiB"; !strings.Contains(err.Error(), want) {
					t.Errorf("got %v, want %s", err, want)
				}
			}
		})
	}
}

// Bombs cost a bounded amount of memory each, and leave none behind. Not
// parallel: it measures the whole process, the servers included.
func TestMemoryStaysFlat(t *testing.T) {
	const calls, perCall, left = 5, 40 << 20, 16 << 20
	for name, handler := range map[string]http.HandlerFunc{
		"bomb":  bomb,
		"60 MB": func(w http.ResponseWriter, _ *http.Request) { writeMegabytes(w, 60) },
	} {
		t.Run(name, func(t *testing.T) {
			v := serve(t, handler)
			c := upstream.New(upstream.Options{Timeout: time.Minute})
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			for range calls {
				failure(t, c.Do(t.Context(), call(v.URL), readJSON), provider.KindBadResponse)
			}
			runtime.ReadMemStats(&after)
			if got := (after.TotalAlloc - before.TotalAlloc) / calls; got > perCall {
				t.Errorf("%d MiB allocated a call, must have at most %d", got>>20, perCall>>20)
			}
			runtime.GC()
			runtime.ReadMemStats(&after)
			if after.HeapAlloc > before.HeapAlloc+left {
				t.Errorf("heap grew from %d to %d MiB", before.HeapAlloc>>20, after.HeapAlloc>>20)
			}
		})
	}
}
