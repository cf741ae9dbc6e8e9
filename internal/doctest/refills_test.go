package doctest

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestRefillsAreNotPromised: no current vendor is known to take refills. README.md
// says so where it first names them, and docs/api.md shows another write first.
func TestRefillsAreNotPromised(t *testing.T) {
	t.Parallel()
	text := read(t, filepath.Join(root, "README.md"))
	paragraph := ""
	for p := range strings.SplitSeq(text, "\n\n") {
		if regexp.MustCompile(`(?i)refill|invoice|top-up|top up`).MatchString(p) {
			paragraph = p
			break
		}
	}
	if !strings.Contains(paragraph, "`refill_balance`") || !strings.Contains(strings.ReplaceAll(paragraph, "\n", " "), "no longer") {
		t.Errorf("README.md first names refills without saying that REG.RU has dropped them:\n%s", paragraph)
	}
	write := regexp.MustCompile(`/accounts/\w+/(users|refills) -H 'Idempotency-Key`).FindStringSubmatch(read(t, filepath.Join(root, "docs/api.md")))
	if write == nil || write[1] != "users" {
		t.Errorf("the first write of docs/api.md is %v, want a new user", write)
	}
}
