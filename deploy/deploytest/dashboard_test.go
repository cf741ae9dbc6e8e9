package deploytest

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
)

// dashboard is the part of Grafana's format that matters here.
type dashboard struct {
	UID           string
	SchemaVersion int
	Templating    struct {
		List []struct{ Name, Type, Definition string }
	}
	Panels []struct {
		ID          int
		Type, Title string
		Targets     []struct {
			Expr       string
			Datasource struct{ UID string }
		}
	}
}

func readDashboard(t *testing.T) dashboard {
	t.Helper()
	var d dashboard
	if err := json.Unmarshal(read(t, deploy, "grafana/dashboards/account-gateway.json"), &d); err != nil {
		t.Fatal(err)
	}
	return d
}

// dashboardQueries are the queries by panel, with variables filled in as
// Grafana does.
func dashboardQueries(t *testing.T) map[string][]string {
	t.Helper()
	queries := map[string][]string{}
	fill := strings.NewReplacer("$account", ".+", "$group", ".+", "$__rate_interval", "5s")
	for _, panel := range readDashboard(t).Panels {
		for _, target := range panel.Targets {
			expr := fill.Replace(target.Expr)
			if strings.Contains(expr, "$") {
				t.Errorf("%s: a variable without a value: %s", panel.Title, expr)
			}
			queries[panel.Title] = append(queries[panel.Title], expr)
		}
	}
	for _, variable := range readDashboard(t).Templating.List {
		if variable.Type != "query" {
			continue
		}
		series := regexp.MustCompile(`^label_values\((.+), \w+\)$`).FindStringSubmatch(variable.Definition)
		if series == nil {
			t.Fatalf("variable %s: %s is no label_values(metric, label)", variable.Name, variable.Definition)
		}
		queries["variable "+variable.Name] = []string{fill.Replace(series[1])}
	}
	return queries
}

func TestDashboard(t *testing.T) {
	d := readDashboard(t)
	if d.UID != "account-gateway" || d.SchemaVersion < 41 {
		t.Errorf("uid %q, schemaVersion %d", d.UID, d.SchemaVersion)
	}
	ids := map[int]bool{}
	for _, panel := range d.Panels {
		if ids[panel.ID] {
			t.Errorf("two panels with id %d", panel.ID)
		}
		ids[panel.ID] = true
		if panel.Type != "row" && len(panel.Targets) == 0 {
			t.Errorf("%s asks nothing", panel.Title)
		}
		for _, target := range panel.Targets {
			if target.Datasource.UID != "${datasource}" {
				t.Errorf("%s: data source %q", panel.Title, target.Datasource.UID)
			}
		}
	}
}

// TestGrafanaProvisioning follows the way from the provider to the dashboard
// and from the dashboard to its data source.
func TestGrafanaProvisioning(t *testing.T) {
	source := object(parse[map[string]any](t, read(t, deploy, "grafana/provisioning/datasources/prometheus.yml")))
	if uid := source.text("datasources", "uid"); uid != "prometheus" {
		t.Errorf("data source %q", uid)
	}
	provider := object(parse[map[string]any](t, read(t, deploy, "grafana/provisioning/dashboards/account-gateway.yml")))
	compose := object(parse[map[string]any](t, read(t, deploy, "compose/compose.yml")))
	folder := provider.text("providers", "options", "path")
	if mounts := compose.text("services", "grafana", "volumes"); !strings.Contains(mounts, "../grafana/dashboards:"+folder+":ro") {
		t.Errorf("the dashboards' folder %s is not mounted: %s", folder, mounts)
	}
}
