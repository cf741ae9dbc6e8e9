package deploytest

import (
	"context"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"accountgateway/internal/testneed"
)

// TestDropInsCredentials compares the credentials that a drop-in loads with those
// that its settings name. The unit itself loads none: it must start whichever
// vendors there are.
func TestDropInsCredentials(t *testing.T) {
	if unit := read(t, deploy, "systemd/gateway.service"); regexp.MustCompile(`(?m)^(LoadCredential=|Environment=.*_FILE=)`).Match(unit) {
		t.Error("the unit asks for the credentials of a vendor that may not be used")
	}
	if env := settings(t, filepath.Join(deploy, "systemd/gateway.env")); env["GATEWAY_ACCOUNTS"] != nil {
		t.Errorf("gateway.env asks for the accounts %s", env["GATEWAY_ACCOUNTS"])
	}
	files, err := filepath.Glob(filepath.Join(deploy, "systemd/*.conf"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%v: %v", files, err)
	}
	for _, file := range files {
		text := string(read(t, file))
		groups := func(pattern string) []string {
			var all []string
			for _, match := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
				all = append(all, match[1])
			}
			slices.Sort(all)
			return all
		}
		loaded, named := groups(`(?m)^LoadCredential=(\w+):/etc/gateway/credentials/\w+$`), groups(`(?m)^Environment=\w+_FILE=%d/(\w+)$`)
		if len(loaded) == 0 || !slices.Equal(loaded, named) {
			t.Errorf("%s: loaded: %v, named by settings: %v", file, loaded, named)
		}
	}
}

// TestTokenByRoot: root works on the database of a service whose user is another,
// while the service runs and while it does not, and leaves it usable.
func TestTokenByRoot(t *testing.T) {
	if os.Geteuid() != 0 {
		testneed.Missing(t, "root", "run as root: only root may start a process of another user")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	dir, err := os.MkdirTemp("", "service")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	binary := filepath.Join(dir, "gateway")
	if err := os.WriteFile(binary, read(t, program(t)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{os.Chmod(binary, 0o755), os.Chown(dir, imageUser, imageUser)} { //nolint:gosec // the service runs it
		if err != nil {
			t.Fatal(err)
		}
	}
	service := func(cmd *exec.Cmd) {
		cmd.Dir = dir
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: imageUser, Gid: imageUser}}
	}
	vendors := append(startSimulators(ctx, t), "GATEWAY_AUTH=token")
	var tokens []string
	byRoot := func() {
		cmd := exec.CommandContext(ctx, binary, "token", "create", "--name", "billing", "--scopes", "read", "--accounts", "*")
		cmd.Dir = dir
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		tokens = append(tokens, strings.TrimSpace(string(out)))
		files, err := filepath.Glob(filepath.Join(dir, "gateway.db*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			info, err := os.Stat(file)
			if err != nil {
				t.Fatal(err)
			}
			if owner := info.Sys().(*syscall.Stat_t).Uid; owner != imageUser {
				t.Errorf("%s belongs to %d now", file, owner)
			}
		}
	}
	gateway, _ := startGateway(ctx, t, vendors, service, binary)
	byRoot()
	if status := gateway.stop(); status != 0 {
		t.Fatalf("SIGTERM: exit status %d", status)
	}
	byRoot()
	_, address := startGateway(ctx, t, vendors, service, binary)
	if status, _ := request(ctx, t, http.MethodGet, address+"/accounts", nil, ""); status != http.StatusUnauthorized {
		t.Errorf("without a token: %d", status)
	}
	for _, token := range tokens {
		if status, body := request(ctx, t, http.MethodGet, address+"/accounts", http.Header{"Authorization": {"Bearer " + token}}, ""); status != http.StatusOK {
			t.Errorf("%d %s", status, body)
		}
	}
}

// TestSystemd has systemd read the unit with its drop-ins and rate it, on a scale
// from 0 (safe) to 100.
func TestSystemd(t *testing.T) {
	analyze := need(t, "systemd-analyze", "install Debian's package systemd")
	unit := strings.Replace(string(read(t, deploy, "systemd/gateway.service")), "ExecStart=gateway", "ExecStart="+program(t), 1)
	dir := t.TempDir()
	file := filepath.Join(dir, "gateway.service")
	write(t, file, []byte(unit))
	if err := os.Mkdir(file+".d", 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"regru.conf", "selzy.conf"} {
		write(t, filepath.Join(file+".d", name), read(t, deploy, "systemd", name))
	}
	if out := command(t, ".", analyze, "verify", file); strings.TrimSpace(out) != "" {
		t.Error(out)
	}
	command(t, ".", analyze, "security", "--offline=true", "--no-pager", "--threshold=20", file)
}
