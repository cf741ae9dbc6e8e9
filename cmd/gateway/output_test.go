package main

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
)

// written is a log that remembers each write.
type written struct {
	mu     sync.Mutex
	writes []string
}

func (w *written) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.writes = append(w.writes, string(p))
	return len(p), nil
}

// got are the messages of each write since the last call.
func (w *written) got() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var writes []string
	for _, lines := range w.writes {
		var said []string
		for line := range strings.Lines(lines) {
			_, message, _ := strings.Cut(line, `"message":"`)
			said = append(said, strings.TrimSuffix(strings.TrimSpace(message), `"}`))
		}
		writes = append(writes, strings.Join(said, "+"))
	}
	w.writes = nil
	return strings.Join(writes, " ")
}

// Lines of requests wait for at most 100 ms; those of trouble and all others are
// written at once, in order, and none is lost at the end.
func TestAccessLinesWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w written
		l := newLogs(&w, settings{LogLevel: "info", LogFormat: "json"})
		ctx, stop := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { l.out.run(ctx) })
		expect := func(what, want string) {
			t.Helper()
			if got := w.got(); got != want {
				t.Errorf("%s: wrote %q, want %q", what, got, want)
			}
		}
		l.access.Info().Msg("a")
		l.access.Info().Msg("b")
		expect("requests", "")
		time.Sleep(logDelay)
		synctest.Wait()
		expect("100 ms later", "a+b")
		l.access.Info().Msg("c")
		l.access.Warn().Msg("d")
		expect("a request that failed", "c+d")
		l.access.Info().Msg("e")
		l.all.Info().Msg("f")
		expect("another line", "e+f")
		long := strings.Repeat("g", logBytes)
		l.access.Info().Msg(long)
		expect("many lines", long)
		l.access.WithLevel(zerolog.InfoLevel).Msg("h")
		stop()
		running.Wait()
		expect("the end", "h")
	})
}

// People at a screen see each line as it comes, one a write: the console format
// takes no more.
func TestConsoleLinesDoNotWait(t *testing.T) {
	var w written
	l := newLogs(&w, settings{LogLevel: "info", LogFormat: "console"})
	l.access.Info().Msg("a")
	if len(w.writes) != 1 {
		t.Errorf("wrote %q", w.writes)
	}
}
