package deploytest

import (
	"context"
	"debug/elf"
	"encoding/json"
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

	"github.com/google/go-cmp/cmp"

	"accountgateway/api"
	"accountgateway/internal/testneed"
)

// imageUser is who the image runs as.
const imageUser = 65532

// imageConfig is what an image says about how to run it.
type imageConfig struct {
	User, WorkingDir     string
	Env, Entrypoint, Cmd []string
	ExposedPorts         map[string]struct{}
	Healthcheck          struct{ Test []string }
}

// TestImage builds the Dockerfile and runs the image as an engine would: in its
// root folder, with its user, settings and entry point, also with the arguments of
// the documents' docker run.
func TestImage(t *testing.T) {
	if os.Geteuid() != 0 {
		testneed.Missing(t, "root", "run as root: only root may change the root folder and the user of a process")
	}
	need(t, "buildah", "install Debian's package buildah")
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	rootfs, config := buildImage(ctx, t)

	want := imageConfig{
		User: "65532:65532", WorkingDir: "/data", Entrypoint: []string{"/gateway"}, Cmd: []string{},
		Env:          []string{"GATEWAY_ADDR=0.0.0.0:8080"},
		ExposedPorts: map[string]struct{}{"8080/tcp": {}},
	}
	want.Healthcheck.Test = []string{"CMD", "/gateway", "healthcheck"}
	config.Env = slices.DeleteFunc(config.Env, func(s string) bool { return strings.HasPrefix(s, "PATH=") })
	if diff := cmp.Diff(want, config); diff != "" {
		t.Fatalf("the image's configuration (-want +got): %s", diff)
	}
	binary, err := elf.Open(filepath.Join(rootfs, "gateway"))
	if err != nil {
		t.Fatal(err)
	}
	defer binary.Close()
	libraries, err := binary.ImportedLibraries()
	if err != nil || len(libraries) > 0 || binary.Section(".interp") != nil {
		t.Errorf("the program is not static: %v %v", libraries, err)
	}
	if info, err := os.Stat(filepath.Join(rootfs, "etc/ssl/certs/ca-certificates.crt")); err != nil || info.Size() == 0 {
		t.Errorf("no certificates: %v", err)
	}

	inside := func(cmd *exec.Cmd) {
		cmd.Env = append(slices.Clone(config.Env), cmd.Env...) // the container's settings replace the image's
		cmd.Dir = config.WorkingDir
		cmd.SysProcAttr = &syscall.SysProcAttr{
			Chroot: rootfs, Credential: &syscall.Credential{Uid: imageUser, Gid: imageUser},
		}
	}
	once := func(settings []string, args ...string) string {
		cmd := exec.CommandContext(ctx, args[0], args[1:]...)
		cmd.Env = settings
		inside(cmd)
		text, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %v\n%s", args, err, text)
		}
		return string(text)
	}
	if text := once(nil, "/gateway", "version"); !strings.HasPrefix(text, "gateway "+api.Version+" ") {
		t.Errorf("version: %s", text)
	}

	vendors := startSimulators(ctx, t)
	// docker run --publish 8080:8080, with nothing but the vendors' settings.
	if text := once(vendors, "/gateway", "check", "--settings"); !regexp.MustCompile(`(?m)^GATEWAY_ADDR +0\.0\.0\.0:8080 `).MatchString(text) {
		t.Errorf("the port that the image exposes is reached by nobody:\n%s", text)
	}
	gateway, address := startGateway(ctx, t, vendors, inside, config.Entrypoint[0])
	if status, body := request(ctx, t, http.MethodGet, address+"/accounts/regru/balance", nil, ""); status != http.StatusOK {
		t.Errorf("balance: %d %s", status, body)
	}
	if status, body := request(ctx, t, http.MethodGet, address+"/readyz", nil, ""); status != http.StatusOK {
		t.Errorf("ready: %d %s", status, body)
	}
	once([]string{"GATEWAY_ADDR=" + strings.TrimPrefix(address, "http://")}, config.Healthcheck.Test[1:]...)
	if status := gateway.stop(); status != 0 {
		t.Errorf("SIGTERM: exit status %d", status)
	}
	runs := regexp.MustCompile(`(?m)^docker run .*--publish 127\.0\.0\.1:8080:8080 .*account-gateway(?: (.+))?$`).FindAllStringSubmatch(string(read(t, root, "docs/install.md")), -1)
	if len(runs) == 0 {
		t.Fatal("docs/install.md has no docker run")
	}
	for _, line := range runs {
		addr := freeAddr(t)
		outside := "0.0.0.0" + strings.TrimPrefix(addr, "127.0.0.1")
		args := strings.Fields(strings.ReplaceAll(line[1], "0.0.0.0:8080", outside))
		container := start(t, append(slices.Clone(vendors), "GATEWAY_ADDR="+outside), inside, config.Entrypoint[0], args...)
		eventually(ctx, t, line[0]+" is ready", func() (bool, any) {
			status, body := request(ctx, t, http.MethodGet, "http://"+addr+"/readyz", nil, "")
			return status == http.StatusOK, body
		})
		if status := container.stop(); status != 0 {
			t.Errorf("%s: SIGTERM: exit status %d", line[0], status)
		}
	}
	info, err := os.Stat(filepath.Join(rootfs, "data/gateway.db"))
	if err != nil {
		t.Fatal(err)
	}
	if owner := info.Sys().(*syscall.Stat_t).Uid; owner != imageUser {
		t.Errorf("the database belongs to %d", owner)
	}
}

// buildImage builds the Dockerfile and returns the root folder of a container of
// it, and how the image is to be run. Nothing is pulled: the first stage's base
// is this system's /usr and Go, with their caches, in place of golang's image.
func buildImage(ctx context.Context, t *testing.T) (string, imageConfig) {
	t.Helper()
	dir := t.TempDir()
	buildah := func(args ...string) string {
		t.Helper()
		args = append([]string{"--root", filepath.Join(dir, "storage"), "--runroot", filepath.Join(dir, "run"), "--storage-driver", "vfs"}, args...)
		cmd := exec.CommandContext(ctx, "buildah", args...)
		cmd.Dir = root
		var said strings.Builder
		cmd.Stderr = &said
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("buildah %s: %v\n%s%s", strings.Join(args, " "), err, out, &said)
		}
		return strings.TrimSpace(string(out))
	}
	goEnv := func(name string) string { return strings.TrimSpace(command(t, root, "go", "env", name)) }

	base := filepath.Join(dir, "base")
	for _, folder := range []string{"etc/ssl/certs", "tmp", "usr"} {
		if err := os.MkdirAll(filepath.Join(base, folder), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"bin", "lib", "lib64"} {
		if err := os.Symlink("usr/"+name, filepath.Join(base, name)); err != nil {
			t.Fatal(err)
		}
	}
	write(t, filepath.Join(base, "etc/ssl/certs/ca-certificates.crt"), read(t, "/etc/ssl/certs/ca-certificates.crt"))
	file := filepath.Join(dir, "Dockerfile")
	write(t, file, []byte("FROM scratch\nCOPY . /\nENV PATH=/goroot/bin:/usr/bin GOMODCACHE=/gomodcache GOCACHE=/gocache GOPROXY="+goEnv("GOPROXY")+"\n"))
	buildah("build", "--file", file, "--tag", "localhost/golang", base)

	buildah("build", "--isolation", "chroot", "--format", "docker", "--from", "localhost/golang", "--tag", "account-gateway",
		"--volume", "/usr:/usr:ro", "--volume", goEnv("GOROOT")+":/goroot:ro",
		"--volume", goEnv("GOMODCACHE")+":/gomodcache", "--volume", goEnv("GOCACHE")+":/gocache", ".")
	var image struct{ Docker struct{ Config imageConfig } }
	if err := json.Unmarshal([]byte(buildah("inspect", "--type", "image", "account-gateway")), &image); err != nil {
		t.Fatal(err)
	}
	container := buildah("from", "account-gateway")
	return buildah("mount", container), image.Docker.Config
}
