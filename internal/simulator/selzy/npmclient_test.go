package selzy_test

import (
	"bytes"
	"context"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"accountgateway/internal/simulator/selzy"
	"accountgateway/internal/testneed"
)

// npmVariable names a folder in which testdata/npm/package.json was installed (npm install).
const npmVariable = "GATEWAY_TEST_UNISENDER_NPM"

// TestNPMClient runs the vendor's public npm client, unchanged but for its base URL, and compares what it understood.
func TestNPMClient(t *testing.T) {
	const component = "unisender-npm"
	node, err := exec.LookPath("node")
	if err != nil {
		testneed.Missing(t, component, "no node in PATH")
	}
	dir := os.Getenv(npmVariable)
	if dir == "" {
		testneed.Missing(t, component, npmVariable+" is not set: install testdata/npm/package.json with npm and name the folder")
	}
	modules, err := filepath.Abs(filepath.Join(dir, "node_modules"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(modules, "unisender", "package.json")); err != nil {
		testneed.Missing(t, component, npmVariable+" has no node_modules/unisender: run npm install there")
	}

	s := selzy.New(selzy.Options{Brand: selzy.UniSender, Now: func() time.Time { return noon }})
	srv := httptest.NewServer(s)
	defer srv.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var out, problems bytes.Buffer
	cmd := exec.CommandContext(ctx, node, filepath.Join("testdata", "npm", "client.js"), srv.URL)
	cmd.Env = append(os.Environ(), "NODE_PATH="+modules, "NODE_NO_WARNINGS=1", "NO_PROXY=127.0.0.1", "no_proxy=127.0.0.1")
	cmd.Stdout, cmd.Stderr = &out, &problems
	if err := cmd.Run(); err != nil {
		t.Fatalf("node: %v\n%s", err, problems.String())
	}
	want, err := os.ReadFile(filepath.Join("testdata", "npm", "want.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(out.String(), "\n")); diff != "" {
		t.Errorf("what the client understood (-want +got):\n%s", diff)
	}
}
