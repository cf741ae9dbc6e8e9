package deploytest

import (
	"regexp"
	"testing"

	"accountgateway/api"
)

// TestVersion: the specification, the chart, the newest release among the changes
// and the documents have one version.
func TestVersion(t *testing.T) {
	meta := object(parse[map[string]any](t, read(t, deploy, "helm/account-gateway/Chart.yaml")))
	found := map[string]string{"Chart.yaml's version": meta.text("version"), "Chart.yaml's appVersion": meta.text("appVersion")}
	release := regexp.MustCompile(`(?m)^## (\d\S*) / \d{4}-\d\d-\d\d$`).FindSubmatch(read(t, root, "CHANGELOG.md"))
	if release == nil {
		t.Fatal("CHANGELOG.md has no heading like ## 1.2.3 / 2026-11-27")
	}
	found["CHANGELOG.md"] = string(release[1])
	for _, match := range regexp.MustCompile(`account-gateway:([\d.]+)`).FindAllSubmatch(read(t, deploy, "helm/README.md"), -1) {
		found["helm/README.md"] = string(match[1])
	}
	for _, match := range regexp.MustCompile(`account-gateway_([\d.]+)_`).FindAllSubmatch(read(t, root, "docs/install.md"), -1) {
		found["docs/install.md"] = string(match[1])
	}
	for where, version := range found {
		if version != api.Version {
			t.Errorf("%s: %s, and the specification has %s", where, version, api.Version)
		}
	}
}
