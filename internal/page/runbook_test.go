package page_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"accountgateway/internal/alert"
	"accountgateway/internal/page"
)

// TestRunbook: the runbook is a page for everyone, whose links lead to headings
// of it.
func TestRunbook(t *testing.T) {
	f := newFixture(t, nil, "regru")
	w := f.get(page.RunbookPath)
	html := w.Body.String()
	if w.Code != http.StatusOK || !strings.Contains(html, "<h1 id=\"runbook\">Runbook</h1>") || !strings.Contains(html, "<pre tabindex=\"0\"><code class=\"language-sh\">") {
		t.Fatalf("%d %s", w.Code, html)
	}
	names := map[string]int{}
	for _, match := range regexp.MustCompile(`<h\d id="([^"]+)">`).FindAllStringSubmatch(html, -1) {
		names[match[1]]++
	}
	if names["bad_credentials"] != 1 {
		t.Errorf("the headings are %v", names)
	}
	for _, code := range alert.Codes() {
		if names[string(code)] == 0 {
			t.Errorf("there is no entry for %s, which notifications link to", code)
		}
	}
	for name, times := range names {
		if times > 1 {
			t.Errorf("%d headings are named %s", times, name)
		}
	}
	for _, match := range regexp.MustCompile(`href="([^"/][^"]*)"`).FindAllStringSubmatch(html, -1) {
		if name, inside := strings.CutPrefix(match[1], "#"); !inside || name != "main" && names[name] == 0 {
			t.Errorf("a link to %s leads nowhere", match[1])
		}
	}
	if w := f.get(page.RunbookPath + "/"); w.Code != http.StatusSeeOther || w.Header().Get("Location") != page.RunbookPath {
		t.Errorf("with a slash: %d %v", w.Code, w.Header())
	}
}
