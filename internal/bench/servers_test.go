package bench

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"accountgateway/internal/simulator/regru"
)

const (
	// serverVariable makes this program a server: "bare", "chi" or "simulator".
	serverVariable = "BENCH_SERVER"
	// answerVariable is the file with what bare and chi answer.
	answerVariable = "BENCH_ANSWER"
)

// recorded is an answer of the gateway, which others send again.
type recorded struct {
	Header http.Header
	Body   []byte
}

// process is a server in a process of its own.
type process struct {
	addr string
	cmd  *exec.Cmd
	stop func()
}

// start runs a command whose server listens on addr. Its standard error goes
// to a file, as an access log does.
func start(b *testing.B, addr string, env []string, name string, args ...string) *process {
	b.Helper()
	log, err := os.Create(filepath.Join(b.TempDir(), "log"))
	if err != nil {
		b.Fatal(err)
	}
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), env...)
	cmd.Stderr, cmd.Stdout = log, log
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	p := &process{addr: addr, cmd: cmd, stop: sync.OnceFunc(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
		log.Close()
	})}
	b.Cleanup(p.stop)
	return p
}

// wait returns once a path is answered with 200, and tells how long that took
// since a time.
func (p *process) wait(b *testing.B, path string, since time.Time) time.Duration {
	b.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: time.Second}
	for time.Since(since) < 30*time.Second {
		resp, err := client.Get("http://" + p.addr + path)
		if err == nil {
			_, _ = io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return time.Since(since)
			}
		}
		time.Sleep(time.Millisecond)
	}
	b.Fatalf("%s does not answer %s", p.cmd.Path, path)
	return 0
}

// cpu is the processor time that the process and its children have used.
func (p *process) cpu(b *testing.B) time.Duration {
	b.Helper()
	total := cpuOf(b, p.cmd.Process.Pid)
	children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", p.cmd.Process.Pid, p.cmd.Process.Pid))
	if err != nil {
		b.Fatal(err)
	}
	for _, pid := range strings.Fields(string(children)) { // nginx's workers
		n, err := strconv.Atoi(pid)
		if err != nil {
			b.Fatal(err)
		}
		total += cpuOf(b, n)
	}
	return total
}

func cpuOf(b *testing.B, pid int) time.Duration {
	b.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		b.Fatal(err)
	}
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	user, err1 := strconv.Atoi(fields[11])
	system, err2 := strconv.Atoi(fields[12])
	if err1 != nil || err2 != nil {
		b.Fatal(err1, err2)
	}
	return time.Duration(user+system) * 10 * time.Millisecond // 100 ticks a second
}

// resident is the process's memory in bytes.
func (p *process) resident(b *testing.B) int {
	b.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		b.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kib, err := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(rest), " kB"))
			if err != nil {
				b.Fatal(err)
			}
			return kib << 10
		}
	}
	b.Fatal("no VmRSS")
	return 0
}

func freeAddr(b *testing.B) string {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// child starts a copy of this program as a server.
func child(b *testing.B, kind string, answer *recorded) *process {
	b.Helper()
	addr := freeAddr(b)
	env := []string{serverVariable + "=" + kind + " " + addr}
	if answer != nil {
		file := filepath.Join(b.TempDir(), "answer.json")
		data, err := json.Marshal(answer)
		if err != nil {
			b.Fatal(err)
		}
		if err := os.WriteFile(file, data, 0o600); err != nil {
			b.Fatal(err)
		}
		env = append(env, answerVariable+"="+file)
	}
	began := time.Now()
	p := start(b, addr, env, os.Args[0])
	p.wait(b, "/healthz", began)
	return p
}

// serveChild is such a copy. It ends with a signal.
func serveChild(what string) {
	kind, addr, _ := strings.Cut(what, " ")
	var answer recorded
	if file := os.Getenv(answerVariable); file != "" {
		data, err := os.ReadFile(file)
		if err == nil {
			err = json.Unmarshal(data, &answer)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	var h http.Handler
	switch kind {
	case "bare":
		h = answer
	case "chi":
		h = chiStack(answer)
	case "simulator":
		h = regru.New(regru.Options{Rate: regru.Rate{Calls: -1}})
	}
	server := &http.Server{Addr: addr, Handler: healthOr(h), ReadHeaderTimeout: 5 * time.Second}
	fmt.Fprintln(os.Stderr, server.ListenAndServe())
	os.Exit(1)
}

// healthOr answers for the one who waits for the server.
func healthOr(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/healthz" {
			return
		}
		h.ServeHTTP(w, r)
	})
}

// ServeHTTP sends the recorded bytes and headers.
func (a recorded) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	h := w.Header()
	for name, values := range a.Header {
		h[name] = values
	}
	_, _ = w.Write(a.Body)
}

// chiStack is what one would plainly build: a router, a request id, a log line
// and a histogram.
func chiStack(answer http.Handler) http.Handler {
	log := zerolog.New(os.Stderr).With().Timestamp().Logger()
	seconds := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "seconds", Help: "Of requests."}, []string{"route", "method", "code"})
	prometheus.NewRegistry().MustRegister(seconds)
	r := chi.NewRouter()
	r.Use(middleware.RequestID, middleware.Recoverer, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			ww := middleware.NewWrapResponseWriter(w, r.ProtoMajor)
			began := time.Now()
			next.ServeHTTP(ww, r)
			took, route := time.Since(began), chi.RouteContext(r.Context()).RoutePattern()
			seconds.WithLabelValues(route, r.Method, strconv.Itoa(ww.Status())).Observe(took.Seconds())
			log.Info().Str("request_id", middleware.GetReqID(r.Context())).Str("route", route).Str("method", r.Method).
				Int("status", ww.Status()).Int("bytes", ww.BytesWritten()).Dur("duration_ms", took).Msg("request")
		})
	})
	r.Method(http.MethodGet, "/accounts/{account}/balance", answer)
	return r
}

// nginx serves hits of its cache in front of another server.
func nginx(b *testing.B, behind string) *process {
	b.Helper()
	program, err := exec.LookPath("nginx")
	if err != nil {
		program = "/usr/sbin/nginx"
		if _, err := os.Stat(program); err != nil {
			return nil
		}
	}
	dir, addr := b.TempDir(), freeAddr(b)
	conf := filepath.Join(dir, "nginx.conf")
	text := fmt.Sprintf(`daemon off; worker_processes auto; pid %[1]s/pid; error_log %[1]s/error.log; user root;
events { worker_connections 1024; }
http {
	access_log %[1]s/access.log; keepalive_requests 1000000000;
	client_body_temp_path %[1]s/b; proxy_temp_path %[1]s/p; fastcgi_temp_path %[1]s/f; uwsgi_temp_path %[1]s/u; scgi_temp_path %[1]s/s;
	proxy_cache_path %[1]s/cache keys_zone=z:1m;
	server {
		listen %[2]s;
		location / { proxy_pass http://%[3]s; proxy_cache z; proxy_cache_valid 200 1h; proxy_ignore_headers Cache-Control; add_header Cache-Status $upstream_cache_status; }
	}
}
`, dir, addr, behind)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		b.Fatal(err)
	}
	began := time.Now()
	p := start(b, addr, nil, program, "-c", conf, "-e", filepath.Join(dir, "error.log"))
	p.wait(b, "/healthz", began)
	return p
}
