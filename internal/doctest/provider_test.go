package doctest

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
)

// goFile is a block of Go that is a whole file.
var goFile = regexp.MustCompile("(?ms)^```go\n((?:// [^\n]*\n)?package .*?)^```$")

// TestAddingAProvider compiles the adapter of docs/adding-a-provider.md, with
// its simulator, and runs its tests.
func TestAddingAProvider(t *testing.T) {
	t.Parallel()
	files := []string{ // in the document's order
		"internal/simulator/acme/acme.go", "internal/provider/acme/acme.go", "internal/provider/acme/conformance_test.go",
		"internal/provider/acme/acme_test.go",
	}
	blocks := goFile.FindAllStringSubmatch(read(t, filepath.Join(root, "docs/adding-a-provider.md")), -1)
	if len(blocks) != len(files) {
		t.Fatalf("docs/adding-a-provider.md has %d whole files, want %d", len(blocks), len(files))
	}
	dir := t.TempDir()
	overlay := struct{ Replace map[string]string }{map[string]string{}}
	for i, file := range files {
		there, err := filepath.Abs(filepath.Join(root, file))
		if err != nil {
			t.Fatal(err)
		}
		overlay.Replace[there] = filepath.Join(dir, filepath.Base(filepath.Dir(filepath.Dir(file)))+filepath.Base(file))
		if err := os.WriteFile(overlay.Replace[there], []byte(blocks[i][1]), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	text, err := json.Marshal(overlay)
	if err != nil {
		t.Fatal(err)
	}
	list, tests := filepath.Join(dir, "overlay.json"), filepath.Join(dir, "acme.test")
	if err := os.WriteFile(list, text, 0o600); err != nil {
		t.Fatal(err)
	}
	// vet would want the folder to exist.
	build := exec.Command("go", "test", "-c", "-vet=off", "-overlay", list, "-o", tests, "./internal/provider/acme")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if out, err := exec.Command(tests).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
