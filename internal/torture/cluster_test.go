//go:build linux

package torture

import (
	"context"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"accountgateway/internal/testneed"
)

// cluster is a PostgreSQL server of the test's own: others can go on with theirs while it is down.
type cluster struct {
	t        *testing.T
	programs string             // the folder of PostgreSQL's programs
	dir      string             // its socket, its log and, in data, its files
	owner    syscall.Credential // PostgreSQL does not run as root
	server   *exec.Cmd
}

// newCluster makes one that runs until the test ends.
func newCluster(t *testing.T) *cluster {
	t.Helper()
	c := &cluster{t: t, programs: postgresPrograms(t), owner: syscall.Credential{Uid: uint32(os.Getuid()), Gid: uint32(os.Getgid())}}
	if c.owner.Uid == 0 {
		c.owner = someUser(t)
	}
	var err error
	if c.dir, err = os.MkdirTemp("", "postgres"); err != nil { // t.TempDir is in a folder of root's
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(c.dir); err != nil {
			t.Error(err)
		}
	})
	if err := os.Chown(c.dir, int(c.owner.Uid), int(c.owner.Gid)); err != nil {
		t.Fatal(err)
	}
	if out, err := c.command("initdb", "--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C", "--no-sync").CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}
	c.start()
	t.Cleanup(func() {
		if c.server != nil {
			c.stop(syscall.SIGQUIT)
		}
	})
	return c
}

// postgresPrograms finds the server's programs, which Debian keeps out of PATH.
func postgresPrograms(t *testing.T) string {
	t.Helper()
	if initdb, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(initdb)
	}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil {
		t.Fatal(err)
	}
	if len(found) == 0 {
		testneed.Missing(t, "postgres-server", "no initdb in PATH or in /usr/lib/postgresql/*/bin (Debian: apt-get install postgresql)")
	}
	return filepath.Dir(found[len(found)-1])
}

// someUser is one without root's rights.
func someUser(t *testing.T) syscall.Credential {
	t.Helper()
	u, err := user.Lookup("nobody")
	if err != nil {
		t.Fatal(err)
	}
	uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
	gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	return syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}

// command is one of PostgreSQL's programs for this cluster's files. It ends with the test.
func (c *cluster) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(c.programs, name), append([]string{"-D", filepath.Join(c.dir, "data")}, args...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &c.owner, Pdeathsig: syscall.SIGQUIT}
	cmd.Dir = c.dir
	return cmd
}

// url is for whoever connects.
func (c *cluster) url() string {
	return "postgres://postgres@/postgres?host=" + url.QueryEscape(c.dir)
}

// start starts the server and returns once it takes connections. What it has written survives its own end, if not
// that of the machine: fsync is off.
func (c *cluster) start() {
	c.t.Helper()
	log, err := os.OpenFile(filepath.Join(c.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		c.t.Fatal(err)
	}
	defer log.Close()
	server := c.command("postgres", "-k", c.dir, "-c", "listen_addresses=", "-c", "fsync=off")
	server.Stdout, server.Stderr = log, log
	if err := server.Start(); err != nil {
		c.t.Fatal(err)
	}
	c.server = server
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for {
		conn, err := pgx.Connect(ctx, c.url())
		if err == nil {
			_ = conn.Close(ctx) // nothing was written
			return
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			text, _ := os.ReadFile(log.Name()) // for the message only
			c.t.Fatalf("PostgreSQL does not start: %v\n%s", err, text)
		}
	}
}

// stop ends the server: by SIGINT it cuts off its clients and keeps its files in order, by SIGQUIT it crashes.
func (c *cluster) stop(how syscall.Signal) {
	c.t.Helper()
	if err := c.server.Process.Signal(how); err != nil {
		c.t.Error(err)
	}
	_ = c.server.Wait() // whose status says how it was ended
	c.server = nil
}
