//go:build linux

package torture

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// replica is one place in the fleet; a new process takes it whenever the old one was killed.
type replica struct {
	t        *testing.T
	name     string
	program  string
	settings []string // NAME=value
	clock    *clock
	truth    *truth

	current atomic.Pointer[process] // nil while there is none
	busy    atomic.Bool             // it is being killed and started again
}

// process is a gateway at work.
type process struct {
	url    string
	client *http.Client
	cmd    *exec.Cmd
	log    *tail
	ended  chan struct{}
	doomed atomic.Bool  // it is about to be killed, or was
	ready  atomic.Int64 // when it was seen to be ready, in the truth's time; 0: not yet
}

// How long what should come soon may take on a busy machine.
const patience = 30 * time.Second

// start begins a process and waits until it serves.
func (r *replica) start() *process {
	p := &process{cmd: exec.Command(r.program, "serve"), log: newTail(), ended: make(chan struct{})}
	p.cmd.Env, p.cmd.Stderr, p.cmd.Dir = slices.Clone(r.settings), p.log, r.t.TempDir()
	if err := p.cmd.Start(); err != nil {
		r.t.Errorf("%s: %v", r.name, err)
		return nil
	}
	go func() {
		defer close(p.ended)
		err := p.cmd.Wait()
		if !p.doomed.Load() {
			r.truth.broken(otherPromise, "%s ended by itself: %v\n%s", r.name, err, p.log)
		}
	}()
	select {
	case addr := <-p.log.serving:
		p.url = "http://" + addr
	case <-p.ended:
		return nil
	case <-time.After(patience):
		r.truth.broken(inTime, "%s does not serve\n%s", r.name, p.log)
		r.end(p)
		return nil
	}
	p.client = &http.Client{Timeout: patience, Transport: &http.Transport{MaxIdleConnsPerHost: 32}}
	r.current.Store(p)
	return p
}

// end kills a process as a power cut does, but that the disk stays as it is.
func (r *replica) end(p *process) {
	p.doomed.Store(true)
	r.current.CompareAndSwap(p, nil)
	_ = p.cmd.Process.Kill() // it may have ended
	<-p.ended
	if p.client != nil {
		p.client.CloseIdleConnections()
	}
}

// awaitReady waits until a process says that it can serve everything, or is killed.
func (p *process) awaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for !p.doomed.Load() {
		status, body, err := p.get(ctx, "/readyz")
		if err == nil && status == http.StatusOK {
			return nil
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("not ready: %d %s %w", status, body, err)
		}
	}
	return nil
}

func (p *process) get(ctx context.Context, path string) (status int, body string, err error) {
	a, err := p.do(ctx, http.MethodGet, path, "", nil)
	return a.status, string(a.body), err
}

// tail is the end of a process's log, and where it serves.
type tail struct {
	serving chan string

	mu    sync.Mutex
	rest  []byte
	lines []string
}

const tailLines = 30

func newTail() *tail { return &tail{serving: make(chan string, 1)} }

var servingLine = regexp.MustCompile(`"addr":"([^"]+)".*"message":"serving"`)

func (l *tail) Write(data []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rest = append(l.rest, data...)
	for {
		line, rest, found := bytes.Cut(l.rest, []byte("\n"))
		if !found {
			return len(data), nil
		}
		if match := servingLine.FindSubmatch(line); match != nil {
			l.serving <- string(match[1])
		}
		l.rest = slices.Clone(rest)
		if bytes.Contains(line, []byte(`"message":"request"`)) || bytes.Contains(line, []byte(`"message":"audit"`)) {
			continue // they tell what the callers know
		}
		if l.lines = append(l.lines, string(line)); len(l.lines) > 2*tailLines {
			l.lines = slices.Delete(l.lines, 0, tailLines)
		}
	}
}

func (l *tail) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.lines[max(0, len(l.lines)-tailLines):], "\n")
}

// last is the last line that has a text; "" for none.
func (l *tail) last(text string) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, line := range slices.Backward(l.lines) {
		if strings.Contains(line, text) {
			return line
		}
	}
	return ""
}
