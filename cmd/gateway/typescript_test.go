package main

import (
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"accountgateway/api"
	"accountgateway/internal/simulator"
	"accountgateway/internal/testneed"
)

// typescriptVariable names a folder that has what testdata/typescript/package.json
// asks for.
const typescriptVariable = "GATEWAY_TEST_TYPESCRIPT"

// TestCallerInTypeScript compiles a caller with the types that openapi-typescript
// makes of the specification, strictly, and runs it.
func TestCallerInTypeScript(t *testing.T) {
	t.Parallel()
	const component = "openapi-typescript"
	tools := filepath.Join(os.Getenv(typescriptVariable), "node_modules", ".bin")
	if _, err := os.Stat(filepath.Join(tools, "openapi-typescript")); err != nil {
		testneed.Missing(t, component, typescriptVariable+" names no folder with it: install testdata/typescript/package.json with npm")
	}
	node, err := exec.LookPath("node")
	if err != nil {
		testneed.Missing(t, component, "no node in PATH")
	}
	dir := t.TempDir()
	run := func(name string, args ...string) string {
		t.Helper()
		command := exec.CommandContext(t.Context(), name, args...)
		command.Dir = dir
		out, err := command.CombinedOutput()
		if err != nil {
			t.Fatalf("%s %v: %v\n%s", filepath.Base(name), args, err, out)
		}
		return string(out)
	}
	for _, name := range []string{"package.json", "caller.ts"} {
		data, err := os.ReadFile(filepath.Join("testdata", "typescript", name))
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), data, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "openapi.yaml"), api.Spec, 0o600); err != nil {
		t.Fatal(err)
	}
	run(filepath.Join(tools, "openapi-typescript"), "openapi.yaml", "--output", "api.ts")
	run(filepath.Join(tools, "tsc"), "--strict", "--exactOptionalPropertyTypes", "--noUncheckedIndexedAccess", "--noUnusedLocals", "--target", "es2022", "--module", "es2022",
		"--moduleResolution", "bundler", "--lib", "es2022,dom", "caller.ts")

	f := newFleet(t)
	vendor := f.refilling("shop")
	f.simulated("agency", "selzy", "resellerkey")
	f.misbehaving("broken", "selzy", "ordinarykey", faultBody("no JSON"))
	g, token := f.guarded(t)
	vendor.inject(simulator.Fault{Kind: simulator.KindReset, Operation: "user/refill_balance", Times: 1})
	if a := g.post(t, "/accounts/shop/refills", "top-up", aRefill, "Authorization", "Bearer "+token); a.status != http.StatusAccepted {
		t.Fatalf("%d %s", a.status, a.body)
	}

	var got map[string]any
	if out := run(node, "caller.js", g.url, token, "agency"); json.Unmarshal([]byte(out), &got) != nil {
		t.Fatalf("it printed %s", out)
	}
	want := map[string]any{
		"accounts": []any{"agency is well", "broken is in trouble", "shop is well"},
		"balance":  "1530.07 EUR", "blocked": nil, "counters": 3.0, "logins": []any{"lumi_cafe", "lumi_cafe_staff"}, "failed": []any{"provider_bad_response"},
		"totals": []any{"1530.07 EUR", "48213.07 RUB"}, "unknown": []any{"top-up"}, "problem": "invalid_parameter",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("it printed (-want +got):\n%s", diff)
	}
}
