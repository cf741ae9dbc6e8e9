package main

import (
	"html"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"accountgateway/internal/simulator"
	"accountgateway/internal/testneed"
)

// TestSettleHintCanBePasted: of an unknown write the page shows who may not settle
// it a command for each outcome, which a shell runs as it is.
func TestSettleHintCanBePasted(t *testing.T) {
	t.Parallel()
	shell, err := exec.LookPath("sh")
	if err != nil {
		testneed.Missing(t, "sh", "the page's hint is for a POSIX shell")
	}
	f := newFleet(t)
	vendor := f.refilling("regru")
	settings := with(f.settings, "GATEWAY_DATABASE_URL=sqlite:"+filepath.Join(t.TempDir(), "gateway.db"), "GATEWAY_AUTH=token")
	g := serving(t, settings)
	token, _ := created(t, settings, "--name", "viewer", "--scopes", "read,operations:read,refills:write", "--accounts", "regru")
	bearer := []string{"Authorization", "Bearer " + token}
	hint := regexp.MustCompile(`<code>(gateway operations settle .*?)</code>`)
	for i, state := range []string{"succeeded", "failed"} {
		vendor.inject(simulator.Fault{Kind: simulator.KindReset, Operation: "user/refill_balance", Times: 1})
		if a := g.post(t, "/accounts/regru/refills", state, roubles("100"), bearer...); a.status != http.StatusAccepted {
			t.Fatalf("%d %s", a.status, a.body)
		}
		page, _ := fetch(t, g.url, "/writes?state=unknown", bearer...)
		found := hint.FindAllStringSubmatch(string(page.body), -1)
		if len(found) != 2 {
			t.Fatalf("%d hints", len(found))
		}
		line := html.UnescapeString(found[i][1])
		words := exec.CommandContext(t.Context(), shell, "-c", `gateway() { printf '%s\n' "$@"; }; `+line)
		words.Env = []string{"USER=ada"}
		out, err := words.Output()
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		args := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
		if status, stdout, stderr := complete(t, settings, args...); status != 0 || !strings.HasSuffix(stdout, " settled: "+state+"\n") {
			t.Errorf("%s: exit status %d, wrote %q, %q", line, status, stdout, stderr)
		}
	}
	if _, journal, _ := complete(t, settings, "operations", "list", "--json"); strings.Count(journal, `"settled_by":"ada"`) != 2 {
		t.Errorf("the journal:\n%s", journal)
	}
}

// pageOf loads a page.
func pageOf(t *testing.T, address string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d %v", address, resp.StatusCode, err)
	}
	return string(body)
}
