//go:build linux

package torture

import (
	"encoding/binary"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// clockVariable names the file in which a program finds how far its clock is off.
const clockVariable = "TORTURE_CLOCK"

// shiftedClock takes the place of time.Now in the program under test. The wall clock is off by what the file says,
// and the monotonic clock is not, as after a clock was set.
const shiftedClock = `package time

import (
	"sync/atomic"
	"syscall"
	"unsafe"
)

var offBy = func() *atomic.Int64 {
	name, found := syscall.Getenv("` + clockVariable + `")
	if !found {
		return new(atomic.Int64)
	}
	fd, err := syscall.Open(name, syscall.O_RDONLY, 0)
	if err != nil {
		panic(err)
	}
	page, err := syscall.Mmap(fd, 0, 8, syscall.PROT_READ, syscall.MAP_SHARED)
	if err != nil {
		panic(err)
	}
	return (*atomic.Int64)(unsafe.Pointer(&page[0]))
}()

func Now() Time {
	now := trueNow()
	off := Duration(offBy.Load())
	monotonic := now.wall & hasMonotonic
	now = now.Add(off)
	if monotonic != 0 && now.wall&hasMonotonic != 0 {
		now.ext -= int64(off)
	}
	return now
}
`

// build makes the program as it is shipped, but for its clock, which can be set. It takes a minute where the build
// cache has nothing of it, because everything depends on package time.
func build(t *testing.T) (program string) {
	t.Helper()
	dir := t.TempDir()
	run := func(args ...string) string {
		t.Helper()
		cmd := exec.Command("go", args...)
		cmd.Env = append(cmd.Environ(), "CGO_ENABLED=0")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out)
		}
		return strings.TrimSpace(string(out))
	}
	write := func(name, text string) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	source := filepath.Join(run("env", "GOROOT"), "src", "time")
	original, err := os.ReadFile(filepath.Join(source, "time.go"))
	if err != nil {
		t.Fatal(err)
	}
	const name = "func Now() Time {"
	if strings.Count(string(original), name) != 1 {
		t.Fatalf("%s: %q is not there once: the clock can't be replaced", source, name)
	}
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": {
		filepath.Join(source, "time.go"):    write("time.go", strings.Replace(string(original), name, "func trueNow() Time {", 1)),
		filepath.Join(source, "shifted.go"): write("shifted.go", shiftedClock),
	}})
	if err != nil {
		t.Fatal(err)
	}
	program = filepath.Join(dir, "gateway")
	run("build", "-overlay", write("overlay.json", string(overlay)), "-o", program, "accountgateway/cmd/gateway")
	return program
}

// clock is the wall clock of one replica.
type clock struct {
	file *os.File
	off  atomic.Int64
}

func newClock(t *testing.T) *clock {
	t.Helper()
	file, err := os.Create(filepath.Join(t.TempDir(), "clock"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	c := &clock{file: file}
	c.set(t, 0)
	return c
}

// set puts the clock off the true time by that much.
func (c *clock) set(t testing.TB, off time.Duration) {
	t.Helper()
	c.off.Store(int64(off))
	if _, err := c.file.WriteAt(binary.NativeEndian.AppendUint64(nil, uint64(off)), 0); err != nil {
		t.Error(err)
	}
}

func (c *clock) offset() time.Duration { return time.Duration(c.off.Load()) }
