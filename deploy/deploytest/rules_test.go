package deploytest

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"accountgateway/internal/account"
	"accountgateway/internal/alert"
)

// ruleFile is a file of recording rules and alerts.
type ruleFile struct {
	Groups []struct {
		Rules []struct {
			Record, Alert, Expr, For string
			Labels, Annotations      map[string]string
		}
	}
}

// alerts are the alerts' annotations and labels, by name.
func alerts(t *testing.T) map[string]map[string]string {
	t.Helper()
	all := map[string]map[string]string{}
	for _, group := range parse[ruleFile](t, read(t, deploy, "prometheus/gateway.rules.yml")).Groups {
		for _, rule := range group.Rules {
			if rule.Alert == "" {
				continue
			}
			facts := map[string]string{"severity": rule.Labels["severity"], "for": rule.For}
			for name, text := range rule.Annotations {
				facts[name] = text
			}
			all[rule.Alert] = facts
		}
	}
	return all
}

func TestAlertsAreComplete(t *testing.T) {
	for name, facts := range alerts(t) {
		for _, want := range []string{"summary", "description", "for"} {
			if facts[want] == "" {
				t.Errorf("%s has no %s", name, want)
			}
		}
		severity, entry := facts["severity"], strings.ToLower(name)
		if name == accountAlert { // it has one of the gateway's own alerts
			severity, entry = "critical"+severity, "{{ $labels.code }}"
		}
		if severity != "critical" && severity != "warning" {
			t.Errorf("%s: severity is %q", name, facts["severity"])
		}
		want := "{{ $externalLabels.runbook_base }}docs/runbook.md#" + entry
		if diff := cmp.Diff(want, facts["runbook_url"]); diff != "" {
			t.Errorf("%s: runbook_url: %s", name, diff)
		}
	}
}

// accountAlert fires for each alert of the gateway: the runbook has those.
const accountAlert = "AccountAlert"

func TestEveryAlertHasACaseThatFiresAndOneThatStaysSilent(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(deploy, "prometheus/tests/*.yml"))
	if err != nil {
		t.Fatal(err)
	}
	fires, silent := map[string]bool{}, map[string]bool{}
	for _, file := range files {
		type testFile struct {
			Tests []struct {
				Cases []struct {
					Alert string `yaml:"alertname"`
					Want  []any  `yaml:"exp_alerts"`
				} `yaml:"alert_rule_test"`
			}
		}
		for _, test := range parse[testFile](t, read(t, file)).Tests {
			for i, c := range test.Cases {
				// The last case of a test is what the test is about: one before it
				// may be silent just because the time has not come.
				if len(c.Want) > 0 {
					fires[c.Alert] = true
				} else if i == len(test.Cases)-1 {
					silent[c.Alert] = true
				}
			}
		}
	}
	for name := range alerts(t) {
		if !fires[name] {
			t.Errorf("%s: no case fires", name)
		}
		if !silent[name] {
			t.Errorf("%s: no case stays silent", name)
		}
	}
}

func TestPromtoolRules(t *testing.T) {
	promtool := need(t, "promtool", prometheusPackage)
	dir := filepath.Join(deploy, "prometheus")
	command(t, dir, promtool, "check", "config", "prometheus.yml")
	command(t, dir, promtool, "check", "rules", "--lint-fatal", "gateway.rules.yml")
}

// headings are the runbook's entries by the heading above them.
func headings(t *testing.T) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	part := ""
	for line := range strings.Lines(string(read(t, root, "docs/runbook.md"))) {
		line = strings.TrimSpace(line)
		if name, ok := strings.CutPrefix(line, "## "); ok {
			part = name
		}
		if name, ok := strings.CutPrefix(line, "### "); ok {
			all[part] = append(all[part], name)
		}
	}
	return all
}

func TestRunbookHasEveryAlertAndState(t *testing.T) {
	got := headings(t)
	var wantAlerts, gotAlerts []string
	for name := range alerts(t) {
		if name != accountAlert {
			wantAlerts = append(wantAlerts, name)
		}
	}
	for part, names := range got {
		if part != "Alerts" && part != "Account states" {
			gotAlerts = append(gotAlerts, names...)
		}
	}
	var codes []string
	for _, code := range alert.Codes() {
		codes = append(codes, string(code))
	}
	if diff := cmp.Diff(codes, got["Alerts"]); diff != "" {
		t.Errorf("the gateway's alerts (-code +runbook): %s", diff)
	}
	slices.Sort(wantAlerts)
	slices.Sort(gotAlerts)
	if diff := cmp.Diff(wantAlerts, gotAlerts); diff != "" {
		t.Errorf("alerts (-rules +runbook): %s", diff)
	}
	if diff := cmp.Diff(account.States(), sortLike(account.States(), got["Account states"])); diff != "" {
		t.Errorf("states (-code +runbook): %s", diff)
	}
	anchors := map[string]bool{}
	for _, names := range got {
		for _, name := range names {
			anchors[strings.ToLower(name)] = true
		}
	}
	for _, link := range regexp.MustCompile(`\]\(#([^)]+)\)`).FindAllStringSubmatch(string(read(t, root, "docs/runbook.md")), -1) {
		if !anchors[link[1]] {
			t.Errorf("no entry for the link #%s", link[1])
		}
	}
}

// TestRunbookAsksRoutesThatExist compares the runbook's curl lines with the
// API's description.
func TestRunbookAsksRoutesThatExist(t *testing.T) {
	spec := parse[struct{ Paths map[string]any }](t, read(t, root, "api/openapi.yaml"))
	lines := regexp.MustCompile(`(?m)^curl .*\$GATEWAY(/[^\s?"]*)\S*$`).FindAllStringSubmatch(string(read(t, root, "docs/runbook.md")), -1)
	if len(lines) == 0 {
		t.Fatal("the runbook has no curl line")
	}
	for _, line := range lines {
		if path := strings.ReplaceAll(line[1], "$ACCOUNT", "{account}"); spec.Paths[path] == nil {
			t.Errorf("%s: no such route", path)
		}
	}
}

// sortLike puts names into the order that they have in list; others come last.
func sortLike(list, names []string) []string {
	sorted := slices.Clone(names)
	place := func(name string) int {
		if i := slices.Index(list, name); i >= 0 {
			return i
		}
		return len(list)
	}
	slices.SortStableFunc(sorted, func(a, b string) int { return place(a) - place(b) })
	return sorted
}
