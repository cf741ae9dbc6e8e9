package main

import (
	"bytes"
	"context"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// patience is how long a test waits for what should come at once, on a machine
// that has much else to do.
const patience = time.Minute

// screen is what a command has written so far. Tests read it while the command
// runs.
type screen struct {
	mu   sync.Mutex
	buf  bytes.Buffer
	more chan struct{} // closed by the next write
}

func newScreen() *screen { return &screen{more: make(chan struct{})} }

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.more)
	s.more = make(chan struct{})
	return s.buf.Write(p)
}

func (s *screen) String() string {
	text, _ := s.look()
	return text
}

func (s *screen) look() (text string, more <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf.String(), s.more
}

// program is the gateway's main function at work.
type program struct {
	t              *testing.T
	stdout, stderr *screen
	cancel         context.CancelFunc
	done           chan struct{}
	status         int // valid once done is closed
}

// begin runs the program with the given environment and nothing else of this
// machine's. It is stopped when the test ends, at the latest.
func begin(t *testing.T, settings map[string]string, args ...string) *program {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	p := &program{t: t, stdout: newScreen(), stderr: newScreen(), cancel: cancel, done: make(chan struct{})}
	settings = maps.Clone(settings)
	env := environment{
		lookup: func(name string) (string, bool) {
			value, found := settings[name]
			return value, found
		},
		names:  slices.Sorted(maps.Keys(settings)),
		stdout: p.stdout,
		stderr: p.stderr,
	}
	go func() {
		defer close(p.done)
		p.status = run(ctx, args, env)
	}()
	t.Cleanup(func() { p.stop() })
	return p
}

// complete runs the program to its end and gives its exit status.
func complete(t *testing.T, settings map[string]string, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	p := begin(t, settings, args...)
	return p.wait(), p.stdout.String(), p.stderr.String()
}

// wait gives the exit status of a program that ends by itself.
func (p *program) wait() int {
	p.t.Helper()
	select {
	case <-p.done:
	case <-time.After(patience):
		p.cancel()
		p.t.Errorf("the program does not end; it wrote\n%s%s", p.stdout, p.stderr)
		<-p.done
	}
	return p.status
}

// stop ends the program as a signal would, and gives its exit status.
func (p *program) stop() int {
	p.cancel()
	return p.wait()
}

// see waits until a screen of the running program matches, and gives the match
// with its groups.
func (p *program) see(s *screen, pattern string) []string {
	p.t.Helper()
	re, deadline := regexp.MustCompile(pattern), time.After(patience)
	for {
		text, more := s.look()
		if match := re.FindStringSubmatch(text); match != nil {
			return match
		}
		select {
		case <-more:
		case <-p.done:
			if match := re.FindStringSubmatch(s.String()); match != nil {
				return match
			}
			p.t.Fatalf("the program ended with %d before it wrote %s:\n%s%s", p.status, pattern, p.stdout, p.stderr)
		case <-deadline:
			p.t.Fatalf("the program does not write %s:\n%s%s", pattern, p.stdout, p.stderr)
		}
	}
}

// quiet are the settings that keep a gateway to itself: any free port of
// loopback, nothing on disk, no call that no request asked for, every log line.
func quiet() map[string]string {
	return map[string]string{
		"GATEWAY_ADDR":             "127.0.0.1:0",
		"GATEWAY_AUTH":             "none",
		"GATEWAY_DATABASE_URL":     "sqlite::memory:",
		"GATEWAY_REFRESH_INTERVAL": "0",
		"GATEWAY_CALLER_RATE":      "0",
		"GATEWAY_LOG_LEVEL":        "debug",
	}
}

// with gives settings and more of them, as "NAME=value".
func with(settings map[string]string, more ...string) map[string]string {
	settings = maps.Clone(settings)
	for _, line := range more {
		name, value, _ := strings.Cut(line, "=")
		settings[name] = value
	}
	return settings
}

// served is a gateway that answers.
type served struct {
	*program
	url string
}

// serving runs "gateway serve" and waits until it answers.
func serving(t *testing.T, settings map[string]string) *served {
	t.Helper()
	p := begin(t, settings, "serve")
	match := p.see(p.stderr, `"addr":"([^"]+)".*"serving"`)
	return &served{program: p, url: "http://" + match[1]}
}
