package deploytest

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"accountgateway/internal/testneed"
)

// TestCompose follows every reference in compose.yml: secrets, networks,
// volumes, addresses of one service in another's configuration.
func TestCompose(t *testing.T) {
	dir := filepath.Join(deploy, "compose")
	compose := object(parse[map[string]any](t, read(t, dir, "compose.yml")))
	services, _ := compose.at("services").(map[string]any)
	defined := func(kind string) []string {
		m, _ := compose.at(kind).(map[string]any)
		return slices.Sorted(maps.Keys(m))
	}
	secrets := makeSecrets(t)
	used := map[string]bool{}
	for name := range services {
		service := object(services[name].(map[string]any))
		for _, secret := range service.texts("secrets") {
			used[secret] = true
			if !slices.Contains(defined("secrets"), secret) {
				t.Errorf("%s: no secret %s", name, secret)
			}
		}
		for _, network := range service.texts("networks") {
			if !slices.Contains(defined("networks"), network) {
				t.Errorf("%s: no network %s", name, network)
			}
		}
		for _, volume := range service.texts("volumes") {
			source, _, _ := strings.Cut(volume, ":")
			if strings.HasPrefix(source, ".") {
				if _, err := os.Stat(filepath.Join(dir, source)); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			} else if !slices.Contains(defined("volumes"), source) {
				t.Errorf("%s: no volume %s", name, source)
			}
		}
		environment, _ := service.at("environment").(map[string]any)
		for variable, value := range environment {
			if file, ok := strings.CutPrefix(text(value), "/run/secrets/"); ok && !slices.Contains(service.texts("secrets"), file) {
				t.Errorf("%s: %s names a secret that the service is not given: %s", name, variable, file)
			}
		}
		for _, port := range service.texts("ports") {
			if !strings.HasPrefix(port, "127.0.0.1:") {
				t.Errorf("%s: port %s is open to others", name, port)
			}
		}
	}
	for _, secret := range defined("secrets") {
		if !used[secret] {
			t.Errorf("nobody uses the secret %s", secret)
		}
		if file := filepath.Base(compose.text("secrets", secret, "file")); secrets[file] == "" {
			t.Errorf("make-secrets.sh does not make %s", file)
		}
	}

	url := "postgres://" + compose.text("services", "postgres", "environment", "POSTGRES_USER") + ":" + secrets["postgres_password"] +
		"@postgres:5432/" + compose.text("services", "postgres", "environment", "POSTGRES_DB")
	if secrets["database_url"] != url {
		t.Errorf("the database's URL is %s, want %s", secrets["database_url"], url)
	}
	_, port, _ := strings.Cut(compose.text("services", "gateway", "environment", "GATEWAY_METRICS_ADDR"), ":")
	prometheus := object(parse[map[string]any](t, read(t, deploy, "prometheus/prometheus.yml")))
	if got, want := prometheus.text("scrape_configs", "static_configs", "targets"), "gateway:"+port; got != want {
		t.Errorf("Prometheus scrapes %s, want %s", got, want)
	}
	source := object(parse[map[string]any](t, read(t, deploy, "grafana/provisioning/datasources/prometheus.yml")))
	if got := source.text("datasources", "url"); got != "http://prometheus:9090" {
		t.Errorf("Grafana asks %s", got)
	}
}

// makeSecrets runs make-secrets.sh in a copy of the folder, twice: the second
// time must change nothing.
func makeSecrets(t *testing.T) map[string]string {
	t.Helper()
	need(t, "sh", needShell)
	dir := t.TempDir()
	write(t, filepath.Join(dir, "make-secrets.sh"), read(t, deploy, "compose/make-secrets.sh"))
	run := func() map[string]string {
		if out, err := try(t, dir, "login\npass word\nkey\n", "sh", "make-secrets.sh"); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		files, err := filepath.Glob(filepath.Join(dir, "secrets/*"))
		if err != nil {
			t.Fatal(err)
		}
		made := map[string]string{}
		for _, file := range files {
			made[filepath.Base(file)] = string(read(t, file))
		}
		return made
	}
	first := run()
	if second := run(); !maps.Equal(first, second) {
		t.Error("make-secrets.sh changed a secret that was there")
	}
	if first["regru_password"] != "pass word" || !regexp.MustCompile(`^[0-9a-f]{48}$`).MatchString(first["postgres_password"]) {
		t.Errorf("secrets: %q", first)
	}
	if info, err := os.Stat(filepath.Join(dir, "secrets")); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the folder of secrets: %v %v", info.Mode(), err)
	}
	return first
}

// TestComposeConfig has compose.yml read by what will read it.
func TestComposeConfig(t *testing.T) {
	dir := filepath.Join(deploy, "compose")
	if path, err := exec.LookPath("compose-spec"); err == nil {
		command(t, dir, path, "compose.yml")
		return
	}
	if _, err := try(t, dir, "", "docker", "compose", "version"); err != nil {
		testneed.Missing(t, "compose-spec", "build github.com/compose-spec/compose-go/v2/cmd of tools/go.mod as compose-spec, or install docker's compose plugin")
	}
	command(t, dir, "docker", "compose", "config", "--quiet")
}
