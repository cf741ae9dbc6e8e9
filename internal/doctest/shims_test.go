package doctest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// notRun are commands that the documents may name and the test can't run, and
// why. They do nothing here.
var notRun = map[string]string{
	"docker":    "needs a Docker daemon",
	"kubectl":   "needs a cluster",
	"systemctl": "changes the machine's services",
	"apt-get":   "changes the machine's packages; deploy/deploytest installs the Debian package",
	"sha256sum": "checks a release, which deploy/deploytest does",
	"tar":       "unpacks a release, which deploy/deploytest does",
	"install":   "writes to the machine's folders",
	"make":      "its targets install tools or measure; continuous integration runs them",
	"go":        "continuous integration does; here, all but go run ./cmd/gateway",
	"pg_dump":   "needs PostgreSQL",
	"sqlite3":   "may not be installed",
	"promtool":  "may not be installed",
	"openssl":   "may not be installed",
}

// fromTheMachine are commands that every machine with a shell has.
var fromTheMachine = []string{"cat", "chmod", "cp", "grep", "head", "ls", "mkdir", "mv", "rm", "sort", "tail", "tee", "wc"}

// What a session tells its commands.
const (
	envProgram = "DOCTEST_PROGRAM" // the gateway's program
	envState   = "DOCTEST_STATE"   // a folder: what runs behind
	envAddr    = "DOCTEST_ADDR"    // stands for 127.0.0.1:8080
	envRegru   = "DOCTEST_REGRU"   // stands for 127.0.0.1:9101
	envSelzy   = "DOCTEST_SELZY"   // stands for 127.0.0.1:9102
)

// TestMain is also the main function of the commands: the shell finds this
// program under their names.
func TestMain(m *testing.M) {
	name := filepath.Base(os.Args[0])
	switch _, idle := notRun[name]; {
	case name == "curl":
		os.Exit(curlMain())
	case name == "gateway":
		os.Exit(gatewayMain(os.Args[1:]))
	case name == "go" && len(os.Args) > 2 && os.Args[1] == "run" && os.Args[2] == "./cmd/gateway":
		os.Exit(gatewayMain(os.Args[3:]))
	case idle:
		os.Exit(0)
	}
	var err error
	if scratch, err = os.MkdirTemp("", "doctest"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	status := m.Run()
	os.RemoveAll(scratch)
	os.Exit(status)
}

// behind are the commands that serve until they are stopped. The documents have
// them in a shell of their own; here they go on behind the session, in place of
// what was there before.
var behind = map[string]struct{ role, address, last string }{
	"serve":    {role: "gateway", address: envAddr},
	"demo":     {role: "gateway", address: envAddr, last: "/metrics\n"},
	"simulate": {role: "vendors", address: envRegru, last: "resellerkey\n"},
}

func gatewayMain(args []string) int {
	if len(args) == 0 {
		args = []string{"serve"}
	}
	if os.Getenv("GATEWAY_ADDR") == "" && args[0] != "demo" {
		os.Setenv("GATEWAY_ADDR", os.Getenv(envAddr))
	}
	for _, name := range os.Environ() { // of an account that the document has not set up yet
		if prefix, _, is := strings.Cut(name, "_BASE_URL="); is && os.Getenv(prefix+"_USERNAME")+os.Getenv(prefix+"_API_KEY") == "" {
			os.Unsetenv(prefix + "_BASE_URL")
		}
	}
	if err := nobodyElse(args); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if _, ok := behind[args[0]]; ok && !slices.Contains(args, "-h") {
		status, err := begin(args)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
		return status
	}
	c := exec.Command(os.Getenv(envProgram), args...)
	c.Stdin, c.Stdout, c.Stderr = os.Stdin, os.Stdout, os.Stderr
	err := c.Run()
	var ended *exec.ExitError
	switch {
	case errors.As(err, &ended):
		return ended.ExitCode()
	case err != nil:
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

var baseURL = regexp.MustCompile(`(?m)^\S+_BASE_URL +(\S+)`)

// nobodyElse refuses to call anybody but the simulated vendors.
func nobodyElse(args []string) error {
	if args[0] != "serve" && args[0] != "check" || slices.Contains(args, "--settings") {
		return nil
	}
	out, _ := exec.Command(os.Getenv(envProgram), "check", "--settings").Output() // its fault shows again
	for _, match := range baseURL.FindAllSubmatch(out, -1) {
		if !bytes.HasPrefix(match[1], []byte("http://127.0.0.1:")) {
			return fmt.Errorf("doctest: %s would call %s", args[0], match[1])
		}
	}
	return nil
}

// begin starts a command behind, waits until it answers, and prints what it
// has printed.
func begin(args []string) (status int, err error) {
	how := behind[args[0]]
	address := os.Getenv(how.address)
	switch args[0] {
	case "demo":
		if !slices.Contains(args, "--addr") {
			args = append(args, "--addr", address)
		}
	case "simulate":
		if !slices.Contains(args, "--regru-addr") {
			args = append(args, "--regru-addr", address, "--selzy-addr", os.Getenv(envSelzy))
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
	defer cancel()
	state := filepath.Join(os.Getenv(envState), how.role)
	if err := end(ctx, state+".pid", address); err != nil {
		return 1, err
	}
	printed, err := os.Create(state + ".out")
	if err != nil {
		return 1, err
	}
	defer printed.Close()
	c := exec.Command(os.Getenv(envProgram), args...)
	c.Stdout, c.Stderr = printed, os.Stderr
	if err := c.Start(); err != nil {
		return 1, err
	}
	if err := os.WriteFile(state+".pid", []byte(strconv.Itoa(c.Process.Pid)), 0o600); err != nil {
		return 1, errors.Join(err, c.Process.Kill())
	}
	ended := make(chan struct{})
	go func() { defer close(ended); _ = c.Wait() }() // its status is in ProcessState
	var text []byte
	err = until(ctx, func() bool {
		select {
		case <-ended:
			return true
		default:
		}
		text, _ = os.ReadFile(state + ".out")
		return answers(address) && bytes.HasSuffix(text, []byte(how.last))
	})
	_, _ = os.Stdout.Write(text)
	select {
	case <-ended:
		return c.ProcessState.ExitCode(), err
	default:
		return 0, err
	}
}

// end stops what a file with a process number names, if anything.
func end(ctx context.Context, file, address string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil //nolint:nilerr // nothing was begun
	}
	pid, err := strconv.Atoi(string(text))
	if err != nil {
		return err
	}
	if err := os.Remove(file); err != nil {
		return err
	}
	if err := syscall.Kill(pid, syscall.SIGTERM); err != nil {
		return nil //nolint:nilerr // it has ended
	}
	if err := until(ctx, func() bool { return !answers(address) && gone(pid) }); err != nil {
		return fmt.Errorf("process %d does not end: %w", pid, err)
	}
	return nil
}

// gone tells whether a process has ended. Its parent has ended too, and in a
// container nobody may take its place: then the dead stay in the list.
func gone(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return true
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid)) // Linux has it
	if err != nil {
		return false
	}
	_, state, _ := strings.Cut(string(stat), ") ")
	return strings.HasPrefix(state, "Z")
}

func answers(address string) bool {
	conn, err := net.DialTimeout("tcp", address, time.Second)
	if err != nil {
		return false
	}
	conn.Close()
	return true
}

// until waits for a condition.
func until(ctx context.Context, is func() bool) error {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt)
	defer stop()
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	for !is() {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// whyNotRun says why a line is not run; "" if it is.
func whyNotRun(line string) string {
	if strings.Contains(line, "go run ./cmd/gateway") {
		return ""
	}
	return notRun[nameOf(line)]
}

// nameOf gives the command that a line begins with, behind its variables.
func nameOf(line string) string {
	for word := range strings.FieldsSeq(line) {
		if !assignment.MatchString(word) {
			return word
		}
	}
	return ""
}

var assignment = regexp.MustCompile(`^[A-Z_]+=`)
