package deploytest

import (
	"context"
	"errors"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"accountgateway/internal/testneed"
)

// composed are compose files laid over each other: maps are merged, lists joined.
func composed(t *testing.T, files ...string) object {
	t.Helper()
	all := map[string]any{}
	for _, file := range files {
		merge(all, parse[map[string]any](t, read(t, deploy, "compose", file)))
	}
	return all
}

func merge(into, from map[string]any) {
	for key, value := range from {
		switch old := into[key].(type) {
		case map[string]any:
			merge(old, value.(map[string]any))
		case []any:
			into[key] = append(old, value.([]any)...)
		default:
			into[key] = value
		}
	}
}

// TestCompose follows every reference in the compose files: secrets, networks,
// volumes, addresses of one service in another's configuration.
func TestCompose(t *testing.T) {
	dir := filepath.Join(deploy, "compose")
	compose := composed(t, "compose.yml", "regru.yml", "selzy.yml", "notify.yml")
	services, _ := compose.at("services").(map[string]any)
	defined := func(kind string) []string {
		m, _ := compose.at(kind).(map[string]any)
		return slices.Sorted(maps.Keys(m))
	}
	_, secrets := makeSecrets(t, "login\npass word\nkey\n", 0)
	secrets["notify_url"] = "made by hand"
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

// makeSecrets runs make-secrets.sh in a copy of the folder, and gives that and
// the secrets by name.
func makeSecrets(t *testing.T, answers string, status int) (dir string, secrets map[string]string) {
	t.Helper()
	need(t, "sh", needShell)
	dir = t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join(deploy, "compose"))); err != nil {
		t.Fatal(err)
	}
	return dir, makeSecretsIn(t, dir, answers, status)
}

func makeSecretsIn(t *testing.T, dir, answers string, status int) map[string]string {
	t.Helper()
	out, err := try(t, dir, answers, "sh", "make-secrets.sh")
	var exit *exec.ExitError
	if got := errors.As(err, &exit); got != (status != 0) || got && exit.ExitCode() != status {
		t.Fatalf("%v, want exit status %d: %s", err, status, out)
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

// TestMakeSecrets: who has one vendor gets a gateway that serves one, and no
// answer makes a file that the gateway can't use.
func TestMakeSecrets(t *testing.T) {
	tests := []struct {
		name, answers string
		status        int
		files         string // COMPOSE_FILE
		want          map[string]string
	}{
		{"both", "login\npass word\nkey\n", 0, "compose.yml:regru.yml:selzy.yml", map[string]string{"regru_username": "login", "regru_password": "pass word", "selzy_api_key": "key"}},
		{"only REG.RU", "login\npass word\n\n", 0, "compose.yml:regru.yml", map[string]string{"regru_username": "login", "regru_password": "pass word"}},
		{"only Selzy", "\nkey\n", 0, "compose.yml:selzy.yml", map[string]string{"selzy_api_key": "key"}},
		{"no line end", "\nkey", 0, "compose.yml:selzy.yml", map[string]string{"selzy_api_key": "key"}},
		{"no password at first", "login\n\n\npass word\n\n", 0, "compose.yml:regru.yml", map[string]string{"regru_username": "login", "regru_password": "pass word"}},
		{"no password at all", "login\n", 1, "", map[string]string{"regru_username": "login"}},
		{"none", "\n\n", 1, "", nil},
		{"no answer", "", 1, "", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir, made := makeSecrets(t, tt.answers, tt.status)
			env, _ := os.ReadFile(filepath.Join(dir, ".env")) // there may be none
			if want := map[bool]string{true: "COMPOSE_FILE=" + tt.files + "\n"}[tt.files != ""]; string(env) != want {
				t.Errorf(".env is %q, want %q", env, want)
			}
			for _, own := range []string{"postgres_password", "grafana_admin_password"} {
				if !regexp.MustCompile(`^[0-9a-f]{48}$`).MatchString(made[own]) {
					t.Errorf("%s is %q", own, made[own])
				}
			}
			given := maps.Clone(made)
			maps.DeleteFunc(given, func(name, _ string) bool {
				return !strings.HasPrefix(name, "regru_") && !strings.HasPrefix(name, "selzy_")
			})
			if diff := cmp.Diff(tt.want, given, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("secrets (-want +got):\n%s", diff)
			}
			if info, err := os.Stat(filepath.Join(dir, "secrets")); err != nil || info.Mode().Perm() != 0o700 {
				t.Errorf("the folder of secrets: %v %v", info.Mode(), err)
			}
		})
	}
}

// TestMakeSecretsAgain: a second run asks only for what is missing, changes
// nothing that is there, and adds the vendor.
func TestMakeSecretsAgain(t *testing.T) {
	dir, first := makeSecrets(t, "login\npass word\n\n", 0)
	write(t, filepath.Join(dir, ".env"), []byte("COMPOSE_FILE=compose.yml:regru.yml\nCOMPOSE_PROFILES=x\n"))
	second := makeSecretsIn(t, dir, "key\n", 0)
	first["selzy_api_key"] = "key"
	if diff := cmp.Diff(first, second); diff != "" {
		t.Errorf("secrets (-first +second):\n%s", diff)
	}
	second["notify_url"] = "slack://…"
	write(t, filepath.Join(dir, "secrets/notify_url"), []byte(second["notify_url"]))
	third := makeSecretsIn(t, dir, "", 0)
	if diff := cmp.Diff(second, third); diff != "" {
		t.Errorf("secrets (-second +third):\n%s", diff)
	}
	if env := string(read(t, dir, ".env")); env != "COMPOSE_PROFILES=x\nCOMPOSE_FILE=compose.yml:regru.yml:selzy.yml:notify.yml\n" {
		t.Errorf(".env is %q", env)
	}
}

// TestMakeSecretsOwnAccount: an account of another vendor is enough.
func TestMakeSecretsOwnAccount(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join(deploy, "compose"))); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "droplets.yml"), []byte("services: {}\n"))
	makeSecretsIn(t, dir, "\n\n", 0)
	if env := string(read(t, dir, ".env")); env != "COMPOSE_FILE=compose.yml:droplets.yml\n" {
		t.Errorf(".env is %q", env)
	}
}

// TestMakeSecretsHidesWhatIsTyped on a terminal.
func TestMakeSecretsHidesWhatIsTyped(t *testing.T) {
	need(t, "sh", needShell)
	script := need(t, "script", "install Debian's package bsdutils: it gives the shell a terminal")
	dir := t.TempDir()
	write(t, filepath.Join(dir, "make-secrets.sh"), read(t, deploy, "compose/make-secrets.sh"))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, script, "--quiet", "--return", "--command", "sh make-secrets.sh", "/dev/null")
	cmd.Dir = dir
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var shown strings.Builder
	for _, answer := range []string{"typed-login", "typed-password", "typed-key"} {
		for !strings.HasSuffix(shown.String(), "): ") {
			b := make([]byte, 1)
			if _, err := out.Read(b); err != nil {
				t.Fatalf("%v after %q", err, shown.String())
			}
			shown.Write(b)
		}
		shown.WriteString("|")
		if _, err := io.WriteString(in, answer+"\n"); err != nil {
			t.Fatal(err)
		}
	}
	rest, _ := io.ReadAll(out) // a terminal that is gone is an error
	shown.Write(rest)
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v: %s", err, shown.String())
	}
	if strings.Contains(shown.String(), "typed-") {
		t.Errorf("the terminal shows %q", shown.String())
	}
	if key := string(read(t, dir, "secrets/selzy_api_key")); key != "typed-key" {
		t.Errorf("the key is %q", key)
	}
}

// TestComposeConfig has the files read by what will read them, as .env combines
// them, for who has one vendor and for who has both.
func TestComposeConfig(t *testing.T) {
	reader := []string{"docker", "compose", "config", "--format=json"} // it reads .env
	_, err := exec.LookPath("compose-spec")
	if err == nil {
		reader = []string{"compose-spec", "--format=json"}
	} else {
		if _, err := try(t, ".", "", "docker", "compose", "version"); err != nil {
			testneed.Missing(t, "compose-spec", "build github.com/compose-spec/compose-go/v2/cmd of tools/go.mod as compose-spec, or install docker's compose plugin")
		}
	}
	for answers, want := range map[string]string{
		"login\npass word\nkey\n": "regru_password,regru_username,selzy_api_key",
		"login\npass word\n\n":    "regru_password,regru_username",
		"\nkey\n":                 "selzy_api_key",
	} {
		dir, _ := makeSecrets(t, answers, 0)
		args := slices.Clone(reader[1:])
		if reader[0] == "compose-spec" {
			_, files, _ := strings.Cut(strings.TrimSpace(string(read(t, dir, ".env"))), "COMPOSE_FILE=")
			args = append(args, strings.Split(files, ":")...)
		}
		project := object(parse[map[string]any](t, []byte(command(t, dir, reader[0], args...))))
		var vendors []string
		for _, secret := range project.texts("services", "gateway", "secrets", "source") {
			if secret != "database_url" {
				vendors = append(vendors, secret)
			}
		}
		slices.Sort(vendors)
		if got := strings.Join(vendors, ","); got != want {
			t.Errorf("the gateway is given %s, want %s", got, want)
		}
	}
}
