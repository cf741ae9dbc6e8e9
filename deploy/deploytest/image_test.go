package deploytest

import (
	"context"
	"debug/elf"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"accountgateway/internal/testneed"
)

// imageUser is who the image runs as.
const imageUser = 65532

// TestImage does by hand what the Dockerfile says, as far as that goes without
// an engine: its own build command, then the program alone in an empty root, as
// the image's user.
func TestImage(t *testing.T) {
	if os.Geteuid() != 0 {
		testneed.Missing(t, "root", "run as root: only root may change the root folder and the user of a process")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	dockerfile := string(read(t, root, "Dockerfile"))
	for _, line := range []string{
		"FROM scratch", "COPY --from=build /out/gateway /gateway", "COPY --from=build --chown=65532:65532 /out/data /data",
		"WORKDIR /data", "USER 65532:65532", `ENTRYPOINT ["/gateway"]`,
	} {
		if !strings.Contains(dockerfile, "\n"+line+"\n") {
			t.Fatalf("the Dockerfile has no line %s: mend it or this test", line)
		}
	}
	run := regexp.MustCompile(`(?m)^RUN (CGO_ENABLED=0 go build (?:.*\\\n)*.*)$`).FindStringSubmatch(dockerfile)
	if run == nil {
		t.Fatal("the Dockerfile has no RUN CGO_ENABLED=0 go build …")
	}

	out := t.TempDir()
	build := exec.CommandContext(ctx, "sh", "-euc", strings.ReplaceAll(run[1], "/out/", out+"/"))
	build.Dir, build.Env = root, append(os.Environ(), "VERSION=1.2.3-test")
	if text, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", build, err, text)
	}
	binary, err := elf.Open(filepath.Join(out, "gateway"))
	if err != nil {
		t.Fatal(err)
	}
	defer binary.Close()
	libraries, err := binary.ImportedLibraries()
	if err != nil || len(libraries) > 0 || binary.Section(".interp") != nil {
		t.Errorf("the program is not static: %v %v", libraries, err)
	}

	inside := func(cmd *exec.Cmd) {
		cmd.Dir = "/data"
		cmd.SysProcAttr = &syscall.SysProcAttr{
			Chroot: out, Credential: &syscall.Credential{Uid: imageUser, Gid: imageUser},
		}
	}
	once := func(settings []string, args ...string) string {
		cmd := exec.CommandContext(ctx, "/gateway", args...)
		cmd.Env = settings
		inside(cmd)
		text, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("gateway %v: %v\n%s", args, err, text)
		}
		return string(text)
	}
	if text := once(nil, "version"); !strings.HasPrefix(text, "gateway 1.2.3-test ") {
		t.Errorf("version: %s", text)
	}

	vendors := startSimulators(ctx, t)
	gateway, address := startGateway(ctx, t, vendors, inside, "/gateway")
	if status, body := request(ctx, t, http.MethodGet, address+"/accounts/regru/balance", nil, ""); status != http.StatusOK {
		t.Errorf("balance: %d %s", status, body)
	}
	once([]string{"GATEWAY_ADDR=" + strings.TrimPrefix(address, "http://")}, "healthcheck")
	if status := gateway.stop(); status != 0 {
		t.Errorf("SIGTERM: exit status %d", status)
	}
	info, err := os.Stat(filepath.Join(out, "data/gateway.db"))
	if err != nil {
		t.Fatal(err)
	}
	if owner := info.Sys().(*syscall.Stat_t).Uid; owner != imageUser {
		t.Errorf("the database belongs to %d", owner)
	}
}
