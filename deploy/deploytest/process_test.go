package deploytest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// program builds the gateway once for all tests and returns its path.
func program(t *testing.T) string {
	t.Helper()
	built.Do(func() {
		built.dir, built.err = os.MkdirTemp("", "gateway")
		if built.err != nil {
			return
		}
		cmd := exec.CommandContext(context.Background(), "go", "build", "-o", built.dir, "./cmd/gateway")
		cmd.Dir = root
		if out, err := cmd.CombinedOutput(); err != nil {
			built.err = fmt.Errorf("go build: %w\n%s", err, out)
		}
	})
	if built.err != nil {
		t.Fatal(built.err)
	}
	return filepath.Join(built.dir, "gateway")
}

var built struct {
	sync.Once
	dir string
	err error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if built.dir != "" {
		os.RemoveAll(built.dir)
	}
	os.Exit(code)
}

// child is a process that runs until the test stops it.
type child struct {
	t      *testing.T
	cmd    *exec.Cmd
	output *output
	done   chan struct{}
}

// output is what a child has written to stdout and stderr.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

// start runs a program; configure may change the command before that. It is
// stopped with the test at the latest, and its output is shown if the test failed.
func start(t *testing.T, environment []string, configure func(*exec.Cmd), name string, args ...string) *child {
	t.Helper()
	c := &child{t: t, cmd: exec.Command(name, args...), output: &output{}, done: make(chan struct{})}
	c.cmd.Env, c.cmd.Stdout, c.cmd.Stderr = environment, c.output, c.output
	if configure != nil {
		configure(c.cmd)
	}
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(c.done)
		_ = c.cmd.Wait() // stop looks at the status
	}()
	t.Cleanup(func() {
		c.stop()
		if t.Failed() {
			t.Logf("%s wrote:\n%s", filepath.Base(name), c.output)
		}
	})
	return c
}

// stop ends the process by SIGTERM and returns its exit status.
func (c *child) stop() int {
	_ = c.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
	select {
	case <-c.done:
	case <-time.After(30 * time.Second):
		_ = c.cmd.Process.Kill()
		<-c.done
		c.t.Errorf("%s did not end on SIGTERM", c.cmd.Path)
	}
	return c.cmd.ProcessState.ExitCode()
}

// wrote waits until the output matches and returns the first group.
func (c *child) wrote(ctx context.Context, pattern string) string {
	c.t.Helper()
	found := ""
	eventually(ctx, c.t, filepath.Base(c.cmd.Path)+" writes "+pattern, func() (bool, any) {
		match := regexp.MustCompile(pattern).FindStringSubmatch(c.output.String())
		if match != nil {
			found = match[1]
		}
		select {
		case <-c.done:
			if match == nil {
				c.t.Fatalf("%s ended: %s", c.cmd.Path, c.output)
			}
		default:
		}
		return match != nil, c.output.String()
	})
	return found
}

// startSimulators runs the simulated vendors and returns the settings that
// point a gateway at them.
func startSimulators(ctx context.Context, t *testing.T) []string {
	t.Helper()
	c := start(t, nil, nil, program(t), "simulate", "--regru-addr", "127.0.0.1:0", "--selzy-addr", "127.0.0.1:0")
	c.wrote(ctx, `(?m)^(SELZY_RESELLER_API_KEY=.*)$`)
	return strings.Split(strings.TrimSpace(c.output.String()), "\n")
}

// startGateway runs a gateway and returns its base URL.
func startGateway(ctx context.Context, t *testing.T, settings []string, configure func(*exec.Cmd), path string) (*child, string) {
	t.Helper()
	settings = append([]string{"GATEWAY_ADDR=127.0.0.1:0", "GATEWAY_AUTH=none"}, settings...)
	c := start(t, settings, configure, path, "serve")
	return c, "http://" + c.wrote(ctx, `"addr":"([^"]+)".*"serving"`)
}

// freeAddr is a loopback address that nobody listens on at the moment.
func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// request makes one HTTP request and returns status and body.
func request(ctx context.Context, t *testing.T, method, address string, header http.Header, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range header {
		req.Header[name] = values
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, err.Error()
	}
	return resp.StatusCode, string(answer)
}

// setting finds NAME=value.
func setting(settings []string, name string) string {
	for _, s := range settings {
		if value, ok := strings.CutPrefix(s, name+"="); ok {
			return value
		}
	}
	return ""
}

// fault switches a fault on in the simulated vendor behind a base URL.
func fault(ctx context.Context, t *testing.T, baseURL string, fault map[string]any) {
	t.Helper()
	body, err := json.Marshal(fault)
	if err != nil {
		t.Fatal(err)
	}
	if status, answer := request(ctx, t, http.MethodPost, control(t, baseURL), nil, string(body)); status != http.StatusNoContent {
		t.Fatalf("fault %s: %d %s", body, status, answer)
	}
}

func clearFaults(ctx context.Context, t *testing.T, baseURL string) {
	t.Helper()
	if status, answer := request(ctx, t, http.MethodDelete, control(t, baseURL), nil, ""); status != http.StatusNoContent {
		t.Fatalf("%d %s", status, answer)
	}
}

func control(t *testing.T, baseURL string) string {
	t.Helper()
	u, err := url.Parse(baseURL)
	if err != nil {
		t.Fatal(err)
	}
	return "http://" + u.Host + "/_simulator/faults"
}
