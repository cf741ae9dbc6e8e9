package deploytest

import (
	"context"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"accountgateway/api"
	"accountgateway/internal/testneed"
)

// TestDeb installs the Debian package into an empty root folder, runs what its
// unit runs there, upgrades and purges it.
func TestDeb(t *testing.T) {
	deb := released(t, "account-gateway_"+api.Version+"_"+runtime.GOARCH+".deb")
	if os.Geteuid() != 0 {
		testneed.Missing(t, "root", "run as root: only root may install packages")
	}
	need(t, "dpkg", "install Debian's package dpkg")
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	system := t.TempDir()
	inside := func(path string) string { return filepath.Join(system, path) }
	for _, dir := range []string{"var/lib/dpkg/info", "var/lib/dpkg/updates", "var/lib/private/gateway"} {
		if err := os.MkdirAll(inside(dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	write(t, inside("var/lib/dpkg/status"), nil)
	dpkg := func(args ...string) string {
		t.Helper()
		// There is no shell in that folder, and none of the packages it depends on.
		return command(t, ".", "dpkg", append([]string{"--root=" + system, "--log=" + filepath.Join(t.TempDir(), "log"), "--force-script-chrootless", "--force-depends", "--force-unsafe-io"}, args...)...)
	}
	dpkg("--install", deb)
	if info, err := os.Stat(inside("etc/gateway/credentials")); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the credentials' folder: %v %v", info, err)
	}
	for _, document := range []string{"README.md", "docs/operations.md", "examples/notify.conf"} {
		if len(read(t, inside("usr/share/doc/account-gateway/"+document))) == 0 {
			t.Errorf("%s is empty", document)
		}
	}

	unit := string(read(t, inside("usr/lib/systemd/system/gateway.service")))
	words := regexp.MustCompile(`(?m)^ExecStart=(gateway) (\w+)$`).FindStringSubmatch(unit)
	file := regexp.MustCompile(`(?m)^EnvironmentFile=-(\S+)$`).FindStringSubmatch(unit)
	if words == nil || file == nil {
		t.Fatal("the unit's ExecStart and EnvironmentFile are not understood: mend it or this test")
	}
	// systemd looks for a program without a folder in those of PATH.
	program := "/usr/bin/" + words[1]
	// What StateDirectory=gateway makes of a DynamicUser.
	if err := os.Symlink("private/gateway", inside("var/lib/gateway")); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(inside("var/lib/private/gateway"), imageUser, imageUser); err != nil {
		t.Fatal(err)
	}
	asService := func(cmd *exec.Cmd) {
		for line := range strings.Lines(string(read(t, inside(file[1])))) {
			if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
				cmd.Env = append(cmd.Env, line)
			}
		}
		cmd.Dir = "/var/lib/gateway"
		cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: system, Credential: &syscall.Credential{Uid: imageUser, Gid: imageUser}}
	}

	// Without an account it ends, which systemd does not try for ever.
	idle := start(t, nil, asService, program, words[2])
	select {
	case <-idle.done:
	case <-ctx.Done():
		t.Fatalf("without an account it runs on:\n%s", idle.output)
	}
	if status := idle.stop(); status != 2 || !strings.Contains(unit, "\nStartLimitBurst=5\n") {
		t.Errorf("without an account: exit status %d\n%s", status, idle.output)
	}

	address := freeAddr(t)
	settings := strings.Join(append(startSimulators(ctx, t), "GATEWAY_ADDR="+address, "GATEWAY_AUTH=none"), "\n")
	write(t, inside(file[1]), []byte(settings))
	gateway := start(t, nil, asService, program, words[2])
	eventually(ctx, t, "the installed gateway is ready", func() (bool, any) {
		status, body := request(ctx, t, http.MethodGet, "http://"+address+"/readyz", nil, "")
		return status == http.StatusOK, body
	})
	if status := gateway.stop(); status != 0 {
		t.Errorf("SIGTERM: exit status %d", status)
	}

	dpkg("--install", deb)
	if got := string(read(t, inside(file[1]))); got != settings {
		t.Errorf("an upgrade changed %s: %s", file[1], got)
	}
	dpkg("--remove", "account-gateway")
	for _, kept := range []string{file[1], "var/lib/gateway/gateway.db"} {
		if _, err := os.Stat(inside(kept)); err != nil {
			t.Errorf("removing the package: %v", err)
		}
	}
	dpkg("--purge", "account-gateway")
	err := fs.WalkDir(os.DirFS(system), ".", func(path string, entry fs.DirEntry, err error) error {
		if path == "var/lib/dpkg" {
			return fs.SkipDir
		}
		if err == nil && (!entry.IsDir() || strings.Contains(path, "gateway")) {
			t.Errorf("left after purging: %s", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
