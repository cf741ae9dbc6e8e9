package deploytest

import (
	"context"
	"debug/elf"
	"io/fs"
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

	"accountgateway/api"
	"accountgateway/internal/testneed"
)

// imageUser is who the image runs as.
const imageUser = 65532

// TestImage does by hand what the Dockerfile says, as far as that goes without
// an engine: its own build command, then only the program in an empty root, as
// the image's user.
func TestImage(t *testing.T) {
	if os.Geteuid() != 0 {
		testneed.Missing(t, "root", "run as root: only root may change the root folder and the user of a process")
	}
	need(t, "sh", needShell)
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

	source, out := buildContext(t), t.TempDir()
	build := exec.CommandContext(ctx, "sh", "-euc", strings.ReplaceAll(run[1], "/out/", out+"/"))
	build.Dir = source
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

	image := regexp.MustCompile(`(?m)^ENV (\S+=\S+)$`).FindAllStringSubmatch(dockerfile, -1)
	inside := func(cmd *exec.Cmd) {
		var settings []string // the image's, which those of the container replace
		for _, match := range image {
			settings = append(settings, match[1])
		}
		cmd.Env = append(settings, cmd.Env...)
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
	if text := once(nil, "version"); !strings.HasPrefix(text, "gateway "+api.Version+" ") {
		t.Errorf("version: %s", text)
	}

	vendors := startSimulators(ctx, t)
	// docker run --publish 8080:8080, with nothing but the vendors' settings.
	if text := once(vendors, "check", "--settings"); !regexp.MustCompile(`(?m)^GATEWAY_ADDR +0\.0\.0\.0:8080 `).MatchString(text) {
		t.Errorf("the port that the image exposes is reached by nobody:\n%s", text)
	}
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

// buildContext is a copy of the repository as COPY . . sees it: without what
// .dockerignore names. Its patterns are those of this repository: a path, or
// **/ and a pattern for the last part of a path.
func buildContext(t *testing.T) string {
	t.Helper()
	var paths, names []string
	for line := range strings.Lines(string(read(t, root, ".dockerignore"))) {
		line = strings.TrimSpace(line)
		name, anywhere := strings.CutPrefix(line, "**/")
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
		case anywhere:
			names = append(names, name)
		default:
			paths = append(paths, line)
		}
	}
	ignored := func(path string) bool {
		return slices.Contains(paths, path) || slices.ContainsFunc(names, func(pattern string) bool {
			match, err := filepath.Match(pattern, filepath.Base(path))
			return match || err != nil
		})
	}
	dir := t.TempDir()
	repository := os.DirFS(root)
	err := fs.WalkDir(repository, ".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case path != "." && ignored(path) && entry.IsDir():
			return fs.SkipDir
		case ignored(path) || !entry.IsDir() && !entry.Type().IsRegular():
			return nil
		case entry.IsDir():
			return os.MkdirAll(filepath.Join(dir, path), 0o755)
		}
		data, err := fs.ReadFile(repository, path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(dir, path), data, 0o644)
	})
	if err != nil {
		t.Fatal(err)
	}
	return dir
}
