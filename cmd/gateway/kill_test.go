package main

import (
	"bufio"
	"context"
	"database/sql"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"

	"accountgateway/internal/simulator"
	"accountgateway/internal/testneed"
)

// binary is the gateway as it is shipped, built once for all tests of a run.
var binary = sync.OnceValues(func() (string, error) {
	var err error
	if binaryDir, err = os.MkdirTemp("", "gateway-test"); err != nil {
		return "", err
	}
	path := filepath.Join(binaryDir, "gateway")
	out, err := exec.Command("go", "build", "-o", path, ".").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return path, nil
})

var binaryDir string // "" until binary has made it

// TestMain removes what binary has made.
func TestMain(m *testing.M) {
	status := m.Run()
	if binaryDir != "" {
		_ = os.RemoveAll(binaryDir) // of a temporary folder
	}
	os.Exit(status)
}

// child is a gateway that is a process of its own, so that it can be killed.
type child struct {
	t      *testing.T
	url    string
	stderr *screen
	cmd    *exec.Cmd
	ended  chan struct{}
}

// spawn starts a child and waits until it answers.
func spawn(t *testing.T, settings map[string]string) *child {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	c := &child{t: t, stderr: newScreen(), cmd: exec.Command(path, "serve"), ended: make(chan struct{})}
	c.cmd.Dir, c.cmd.Stderr = t.TempDir(), c.stderr
	for name, value := range settings {
		c.cmd.Env = append(c.cmd.Env, name+"="+value)
	}
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.kill)
	go func() {
		defer close(c.ended)
		_ = c.cmd.Wait() // it is killed, which is an error
	}()
	p := &program{t: t, stdout: newScreen(), stderr: c.stderr, done: c.ended}
	c.url = "http://" + p.see(c.stderr, `"addr":"([^"]+)".*"serving"`)[1]
	return c
}

// kill ends the child at once, as a power cut does (SIGKILL).
func (c *child) kill() {
	_ = c.cmd.Process.Kill() // it may have ended
	<-c.ended
}

func (c *child) served() *served { return &served{program: &program{t: c.t}, url: c.url} }

// engine is a database that several processes share.
type engine struct {
	name string
	url  func(*testing.T) string
	// lock keeps all of them from writing operations until unlock is called.
	lock func(t *testing.T, url string) (unlock func())
}

var engines = []engine{
	{
		name: "sqlite",
		url:  func(t *testing.T) string { return "sqlite:" + filepath.Join(t.TempDir(), "gateway.db") },
		lock: func(t *testing.T, url string) func() {
			return locked(t, "sqlite", "file:"+strings.TrimPrefix(url, "sqlite:")+"?_txlock=immediate&_busy_timeout=10000", "SELECT 1")
		},
	},
	{
		name: "postgres",
		url:  func(t *testing.T) string { return testneed.Postgres(t) },
		lock: func(t *testing.T, url string) func() {
			return locked(t, "pgx", url, "LOCK TABLE operations IN EXCLUSIVE MODE")
		},
	},
}

func locked(t *testing.T, driver, url, statement string) (unlock func()) {
	t.Helper()
	db, err := sql.Open(driver, url)
	if err != nil {
		t.Fatal(err)
	}
	tx, err := db.Begin()
	if err == nil {
		_, err = tx.Exec(statement)
	}
	if err != nil {
		t.Fatal(err)
	}
	unlock = sync.OnceFunc(func() {
		_ = tx.Rollback() // nothing was written
		db.Close()
	})
	t.Cleanup(unlock)
	return unlock
}

// gate stands before a vendor and can hold calls of some functions: before the
// vendor sees them, or with its answer in the hand.
type gate struct {
	vendor    http.Handler
	functions []string
	before    chan struct{} // closed: calls go in
	after     chan struct{} // closed: answers go out
	came      chan struct{} // gets one for each call that came to the gate
	answered  chan struct{} // gets one for each answer that the vendor has made
	sent      chan struct{} // gets one for each answer that went out
}

func newGate(vendor http.Handler, functions ...string) *gate {
	g := &gate{vendor: vendor, functions: functions, before: make(chan struct{}), after: make(chan struct{})}
	g.came, g.answered, g.sent = make(chan struct{}, 9), make(chan struct{}, 9), make(chan struct{}, 9)
	return g
}

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !slices.Contains(g.functions, path.Base(r.URL.Path)) {
		g.vendor.ServeHTTP(w, r)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	g.came <- struct{}{}
	<-g.before
	// The vendor works, whether the gateway still lives or not.
	r = r.WithContext(context.WithoutCancel(r.Context()))
	r.Body = io.NopCloser(strings.NewReader(string(body)))
	held := &heldAnswer{ResponseWriter: w, gate: g}
	g.vendor.ServeHTTP(held, r)
	_ = http.NewResponseController(w).Flush()
	g.sent <- struct{}{}
}

// heldAnswer holds the answer at its first byte.
type heldAnswer struct {
	http.ResponseWriter
	gate *gate
	once sync.Once
}

func (h *heldAnswer) hold() {
	h.once.Do(func() {
		h.gate.answered <- struct{}{}
		<-h.gate.after
	})
}

func (h *heldAnswer) WriteHeader(status int) {
	h.hold()
	h.ResponseWriter.WriteHeader(status)
}

func (h *heldAnswer) Write(p []byte) (int, error) {
	h.hold()
	return h.ResponseWriter.Write(p)
}

func await(t *testing.T, what string, c <-chan struct{}) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(patience):
		t.Fatalf("never: %s", what)
	}
}

// killing is a write on its way through a gateway that will be killed.
type killing struct {
	t        *testing.T
	engine   engine
	database string
	settings map[string]string
	vendor   *refillVendor
	gate     *gate
	first    *child
	route    string
	body     string
}

// ask asks in the background until there is an answer, which is of no interest,
// or the gateway is killed. A busy database is no answer.
func (k *killing) ask() {
	go func() {
		for {
			a, _, err := tryPost(k.t, k.first.url, "/accounts/regru/"+k.route, "k", k.body)
			if err != nil || a.status != http.StatusServiceUnavailable {
				return
			}
			<-time.After(50 * time.Millisecond)
		}
	}()
}

// startedThere waits until the operation is recorded.
func (k *killing) startedThere() {
	k.t.Helper()
	eventually(k.t, "the record", func() bool {
		a, _ := fetch(k.t, k.first.url, "/accounts/regru/operations")
		return strings.Contains(string(a.body), `"state":"started"`)
	})
}

// steps are the moments at which a gateway is killed, and what the same key may
// answer after that: 201 for the vendor's true answer, 409 where the outcome is unknown.
var steps = []struct {
	name   string
	until  func(k *killing) // the kill comes after it
	after  func(k *killing) // comes after the kill
	calls  int              // that the vendor has seen of the first gateway
	sure   bool             // the outcome was recorded, or nothing was
	replay bool             // the second gateway answers from the record
}{
	{
		name: "before the request is whole",
		until: func(k *killing) {
			conn, err := net.Dial("tcp", strings.TrimPrefix(k.first.url, "http://"))
			if err != nil {
				k.t.Fatal(err)
			}
			k.t.Cleanup(func() { conn.Close() })
			fmt.Fprintf(conn, "POST /accounts/regru/%s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nIdempotency-Key: k\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n", k.route, len(k.body))
			if line, err := bufio.NewReader(conn).ReadString('\n'); err != nil || !strings.Contains(line, "100") { // it reads the body now
				k.t.Fatalf("%q, %v", line, err)
			}
			fmt.Fprint(conn, k.body[:len(k.body)/2])
		},
		sure: true,
	},
	{
		name: "before the record",
		until: func(k *killing) {
			k.engine.lock(k.t, k.database) // until the test's end, or after
			k.ask()
			// It waits for the lock, or will. Another write shows that the gateway got that far.
			eventually(k.t, "a refusal because of the lock", func() bool {
				a, _, err := tryPost(k.t, k.first.url, "/accounts/regru/"+k.route, "other", k.body)
				return err == nil && a.status == http.StatusServiceUnavailable && strings.Contains(string(a.body), "database_unavailable")
			})
		},
		sure: true,
	},
	{
		name: "after the record, before the vendor sees it",
		until: func(k *killing) {
			k.ask()
			k.startedThere()
			await(k.t, "the call", k.gate.came)
		},
		after:  func(k *killing) { close(k.gate.before); await(k.t, "the vendor's answer", k.gate.answered) },
		calls:  1,
		replay: true,
	},
	{
		name: "while the vendor has the answer",
		until: func(k *killing) {
			close(k.gate.before)
			k.ask()
			await(k.t, "the vendor's answer", k.gate.answered)
		},
		calls:  1,
		replay: true,
	},
	{
		name: "after the answer, before its record",
		until: func(k *killing) {
			close(k.gate.before)
			k.ask()
			await(k.t, "the vendor's answer", k.gate.answered)
			k.engine.lock(k.t, k.database)
			close(k.gate.after)
			await(k.t, "the answer on its way", k.gate.sent)
			eventually(k.t, "the gateway that can't record it", func() bool {
				return strings.Contains(k.first.stderr.String(), "recording the outcome of an operation failed")
			})
		},
		calls:  1,
		replay: true,
	},
	{
		name: "after the record of its end",
		until: func(k *killing) {
			close(k.gate.before)
			close(k.gate.after)
			post(k.t, k.first.url, "/accounts/regru/"+k.route, "k", k.body).wantStatus(http.StatusCreated, false)
		},
		calls:  1,
		sure:   true,
		replay: true,
	},
}

// TestKilled kills a gateway at each step of a write, starts it again and
// repeats the key: never a second vendor call, never a wrong state.
func TestKilled(t *testing.T) {
	t.Parallel()
	for _, e := range engines {
		for _, step := range steps {
			for route, body := range map[string]string{"refills": aRefill, "users": aUser} {
				t.Run(e.name+"/"+step.name+"/"+route, func(t *testing.T) {
					t.Parallel()
					f := newFleet(t)
					k := &killing{t: t, engine: e, database: e.url(t), vendor: newRefillVendor(t), route: route, body: body}
					function := map[string]string{"refills": "refill_balance", "users": "create"}[route]
					k.gate = newGate(k.vendor, function)
					f.add("regru", "regru", k.gate, partner...)
					k.settings = with(f.settings, "GATEWAY_DATABASE_URL="+k.database)
					k.first = spawn(t, k.settings)
					var unlock []func()
					k.engine.lock = func(t *testing.T, url string) func() {
						u := e.lock(t, url)
						unlock = append(unlock, u)
						return u
					}
					step.until(k)
					k.first.kill()
					for _, u := range unlock {
						u()
					}
					if step.after != nil {
						step.after(k)
					}
					for _, c := range []chan struct{}{k.gate.before, k.gate.after} {
						select {
						case <-c:
						default:
							close(c)
						}
					}
					calls := func() int { return k.vendor.Control.Calls()["user/"+function] }
					if n := calls(); n != step.calls {
						t.Errorf("%d calls before the second gateway", n)
					}
					second := spawn(t, k.settings).served()
					for repeated := range 3 {
						a := second.post(t, "/accounts/regru/"+route, "k", body)
						switch {
						case step.sure:
							a.wantStatus(http.StatusCreated, step.replay || repeated > 0)
						default:
							a.wantProblem(http.StatusConflict, "outcome_unknown")
							a.wantStatus(http.StatusConflict, true)
						}
						want := map[bool]string{true: "succeeded", false: "unknown"}[step.sure]
						if op := second.operation(t, a); op.State != want {
							t.Errorf("operation %+v, want it %s", op, want)
						}
					}
					if n := calls(); n != 1 {
						t.Errorf("%d calls", n)
					}
					if route == "refills" && k.vendor.invoices() != 1 || route == "users" && !k.vendor.hasUser("ada") {
						t.Errorf("%d invoices, or no user", k.vendor.invoices())
					}
				})
			}
		}
	}
}

// TestKilledReplica kills one of two replicas in the middle of a write while
// others ask both for the same: who is left never asks the vendor again.
func TestKilledReplica(t *testing.T) {
	t.Parallel()
	for _, e := range engines {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			f := newFleet(t)
			v := newRefillVendor(t)
			gate := newGate(v, "refill_balance")
			f.add("regru", "regru", gate, partner...)
			settings := with(f.settings, "GATEWAY_DATABASE_URL="+e.url(t))
			doomed, other := spawn(t, settings), spawn(t, settings)
			close(gate.before)
			go func() { _, _, _ = tryPost(t, doomed.url, "/accounts/regru/refills", "k", aRefill) }()
			await(t, "the vendor's answer", gate.answered)

			var crowd sync.WaitGroup
			for i := range 100 {
				crowd.Go(func() {
					base := []string{doomed.url, other.url}[i%2]
					a, req, err := tryPost(t, base, "/accounts/regru/refills", "k", aRefill)
					switch {
					case err != nil && base == doomed.url: // it died
					case err != nil:
						t.Error(err)
					case a.status == http.StatusConflict:
						a.check(req)
					default:
						t.Errorf("got %d %s", a.status, a.body)
					}
				})
			}
			doomed.kill()
			crowd.Wait()
			close(gate.after)
			a := other.served().post(t, "/accounts/regru/refills", "k", aRefill)
			a.wantProblem(http.StatusConflict, "outcome_unknown")
			if op := other.served().operation(t, a); op.State != "unknown" || v.refills() != 1 || v.invoices() != 1 {
				t.Errorf("operation %+v after %d calls, %d invoices", op, v.refills(), v.invoices())
			}
			// The gateway asks for the next one as ever.
			v.inject(simulator.Fault{Kind: "quirk", Quirk: "numbers"})
			other.served().post(t, "/accounts/regru/refills", "k2", aRefill).wantStatus(http.StatusCreated, false)
		})
	}
}

// TestKilledWhileReading kills a gateway while the vendor has its question. The
// vendor's call may take an hour, and so may the turn that the dead gateway
// holds: neither another gateway nor the next one waits for that.
func TestKilledWhileReading(t *testing.T) {
	t.Parallel()
	for _, e := range engines {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			f := newFleet(t)
			gate := newGate(newRefillVendor(t), "get_balance")
			f.add("regru", "regru", gate, partner...)
			settings := with(f.settings, "GATEWAY_DATABASE_URL="+e.url(t), "GATEWAY_PROVIDER_TIMEOUT=1h")
			doomed, other := spawn(t, settings), spawn(t, settings)
			go func() {
				req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, doomed.url+"/accounts/regru/balance", nil)
				if err != nil {
					t.Error(err)
				}
				if resp, err := caller.Do(req); err == nil {
					resp.Body.Close() // it does not come to that: the gateway dies
				}
			}()
			await(t, "the first call", gate.came)
			doomed.kill()
			close(gate.before)
			close(gate.after)
			for _, c := range []*child{other, spawn(t, settings)} {
				get(t, c.url, "/accounts/regru/balance").wantStatus(http.StatusOK, false)
			}
		})
	}
}
