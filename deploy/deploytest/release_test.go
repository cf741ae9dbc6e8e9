package deploytest

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"accountgateway/api"
	"accountgateway/internal/testneed"
)

// releaseVariable names a folder that tools/release/build filled, at least for
// the system that the tests run on.
const releaseVariable = "GATEWAY_TEST_RELEASE"

// released is the path of a file of the release.
func released(t *testing.T, name string) string {
	t.Helper()
	dir := os.Getenv(releaseVariable)
	if dir == "" {
		testneed.Missing(t, "release", releaseVariable+" is not set: must be a folder that tools/release/build filled")
	}
	return filepath.Join(dir, name)
}

func TestReleaseChecksums(t *testing.T) {
	lines := bufio.NewScanner(bytes.NewReader(read(t, released(t, "checksums.txt"))))
	listed := 1 // checksums.txt itself
	for lines.Scan() {
		sum, name, ok := strings.Cut(lines.Text(), "  ")
		if got := sha256.Sum256(read(t, released(t, name))); !ok || sum != hex.EncodeToString(got[:]) {
			t.Errorf("%s: has %x", lines.Text(), got)
		}
		listed++
	}
	files, err := os.ReadDir(released(t, ""))
	if err != nil || len(files) != listed {
		t.Errorf("%d of %d files have a checksum: %v", listed, len(files), err)
	}
}

// TestReleaseArchive: who unpacks it has the program, how to use it and what it
// is made of, and learns nothing of the machine that built it.
func TestReleaseArchive(t *testing.T) {
	name := "account-gateway_" + api.Version + "_" + runtime.GOOS + "_" + runtime.GOARCH
	unzipped, err := gzip.NewReader(bytes.NewReader(read(t, released(t, name+".tar.gz"))))
	if err != nil {
		t.Fatal(err)
	}
	files, folders := map[string][]byte{}, map[string]bool{}
	for archive := tar.NewReader(unzipped); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if header.Uid != 0 || header.Gid != 0 || header.Uname+header.Gname != "" {
			t.Errorf("%s belongs to %d %q", header.Name, header.Uid, header.Uname)
		}
		inside, ok := strings.CutPrefix(header.Name, name+"/")
		if !ok && header.Name != name {
			t.Errorf("%s is not in the folder %s", header.Name, name)
		}
		if header.Typeflag == tar.TypeDir {
			folders[path.Clean(inside)] = true
			continue
		}
		if files[inside], err = io.ReadAll(archive); err != nil {
			t.Fatal(err)
		}
		if inside == "gateway" && header.Mode != 0o755 {
			t.Errorf("the program's mode is %o", header.Mode)
		}
	}
	for _, want := range []string{
		"gateway", "LICENSE", "README.md", "CHANGELOG.md", "completions/gateway.bash", "completions/_gateway", "completions/gateway.fish",
		"licences/README.md", "licences/go/LICENSE", "licences/github.com/go-chi/chi/v5/LICENSE", "licences/github.com/prometheus/client_golang/prometheus/NOTICE",
	} {
		if len(files[want]) == 0 {
			t.Errorf("no %s", want)
		}
	}
	for file, text := range files {
		if !strings.HasSuffix(file, ".md") {
			continue
		}
		for _, match := range regexp.MustCompile(`\]\(([^)\s#]+)[^)]*\)`).FindAllSubmatch(text, -1) {
			to := path.Join(path.Dir(file), string(match[1]))
			if _, found := files[to]; !found && !folders[to] && !strings.Contains(string(match[1]), "://") {
				t.Errorf("%s links to %s, which is not in the archive", file, match[1])
			}
		}
	}
	repository, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{repository, strings.TrimSpace(command(t, root, "go", "env", "GOMODCACHE")), os.TempDir() + "/"} {
		if bytes.Contains(files["gateway"], []byte(path)) {
			t.Errorf("the program has the path %s", path)
		}
	}
	info, err := buildinfo.Read(bytes.NewReader(files["gateway"]))
	if err != nil {
		t.Fatal(err)
	}
	built := map[string]string{}
	for _, setting := range info.Settings {
		built[setting.Key] = setting.Value
	}
	if built["vcs.revision"] == "" || built["vcs.modified"] != "false" {
		t.Fatalf("the program does not know its commit: %v", built)
	}
	program := filepath.Join(t.TempDir(), "gateway")
	if err := os.WriteFile(program, files["gateway"], 0o755); err != nil {
		t.Fatal(err)
	}
	if got, want := command(t, ".", program, "version"), "gateway "+api.Version+" ("+built["vcs.revision"][:12]+") go"; !strings.HasPrefix(got, want) {
		t.Errorf("gateway version prints %q, not %q…", got, want)
	}

	var bill struct {
		Format     string `json:"bomFormat"`
		Metadata   struct{ Component struct{ Version string } }
		Components []struct{ Name, Version string }
	}
	if err := json.Unmarshal(read(t, released(t, name+".cdx.json")), &bill); err != nil {
		t.Fatal(err)
	}
	parts := map[string]string{}
	for _, c := range bill.Components {
		parts[c.Name] = c.Version
	}
	if bill.Format != "CycloneDX" || bill.Metadata.Component.Version != api.Version || parts["modernc.org/sqlite"] == "" || parts["std"] == "" {
		t.Errorf("bill of materials: %+v", bill)
	}
}
