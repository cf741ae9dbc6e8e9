package deploytest

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"accountgateway/api"
	"accountgateway/internal/testneed"
)

// chart renders the Helm chart with values.
func chart(t *testing.T, values string, more ...string) (string, error) {
	t.Helper()
	if _, err := exec.LookPath("helm"); err != nil {
		testneed.Missing(t, "helm", "put Helm 3 into PATH")
	}
	file := filepath.Join(t.TempDir(), "values.yaml")
	if err := os.WriteFile(file, []byte(values), 0o600); err != nil {
		t.Fatal(err)
	}
	args := append([]string{"template", "gateway", filepath.Join(deploy, "helm/account-gateway"), "--kube-version", "1.32", "--values", file}, more...)
	cmd := exec.CommandContext(t.Context(), "helm", args...)
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		return said.String(), err
	}
	return string(out), nil
}

// twoAccounts are the accounts of the kustomize base.
const twoAccounts = `
accounts:
  - name: regru
    secret: {name: regru, keys: {USERNAME: username, PASSWORD: password}}
    settings: {BALANCE_LOW: 500 RUB}
  - name: selzy-shop
    provider: selzy
    secret: {name: selzy, keys: {API_KEY: api-key}}
secretSettings:
  GATEWAY_NOTIFY_URL: {name: notify, key: url}
serviceMonitor: {enabled: true}
`

// everyOption has what is off by default.
const everyOption = twoAccounts + `
prometheusRule: {enabled: true, labels: {release: monitoring}}
dashboard: {enabled: true}
vendors: {mine.yaml: "name: mine"}
database: {secret: {name: database}}
replicas: 3
`

// TestHelm holds the chart against the kustomize base: the pod is the same but
// for what it is given to read.
func TestHelm(t *testing.T) {
	out, err := chart(t, twoAccounts)
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	docs := documents(t, "chart", []byte(out))
	checkManifests(t, docs)

	pod := func(deployment object) map[string]any {
		spec, ok := deployment.at("spec", "template", "spec").(map[string]any)
		if !ok {
			t.Fatal("a Deployment without a pod")
		}
		container := spec["containers"].([]any)[0].(map[string]any)
		for _, own := range []string{"env", "volumeMounts", "image", "imagePullPolicy"} {
			delete(container, own)
		}
		delete(spec, "volumes")
		return spec
	}
	base := object(parse[map[string]any](t, read(t, deploy, "kubernetes/base/deployment.yaml")))
	deployment := only(t, docs, "Deployment")
	var env []string
	for _, v := range deployment.at("spec", "template", "spec", "containers", "env").([]any) {
		env = append(env, object(v.(map[string]any)).text("name")+"="+object(v.(map[string]any)).text("value"))
	}
	want := []string{
		"GOMEMLIMIT=",
		"REGRU_PASSWORD_FILE=/run/secrets/accounts/regru/password", "REGRU_USERNAME_FILE=/run/secrets/accounts/regru/username",
		"SELZY_SHOP_API_KEY_FILE=/run/secrets/accounts/selzy-shop/api-key", "GATEWAY_NOTIFY_URL_FILE=/run/secrets/settings/GATEWAY_NOTIFY_URL/url",
	}
	if diff := cmp.Diff(want, env); diff != "" {
		t.Errorf("environment (-want +got): %s", diff)
	}
	if image := deployment.text("spec", "template", "spec", "containers", "image"); image != "account-gateway:"+api.Version {
		t.Errorf("the image is %s", image)
	}
	if diff := cmp.Diff(pod(base), pod(deployment)); diff != "" {
		t.Errorf("the pod (-kustomize +helm): %s", diff)
	}
	config := only(t, docs, "ConfigMap")
	for name, want := range map[string]string{"GATEWAY_ACCOUNTS": "regru,selzy-shop=selzy", "REGRU_BALANCE_LOW": "500 RUB"} {
		if got := config.text("data", name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

// TestHelmOptions renders what is off by default, and what the chart refuses.
func TestHelmOptions(t *testing.T) {
	out, err := chart(t, everyOption)
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	docs := documents(t, "chart", []byte(out))
	rules := parse[map[string]any](t, read(t, deploy, "prometheus/gateway.rules.yml"))
	if diff := cmp.Diff(rules["groups"], only(t, docs, "PrometheusRule").at("spec", "groups")); diff != "" {
		t.Errorf("rules (-file +chart): %s", diff)
	}
	found := map[string]bool{}
	for _, doc := range docs {
		found[doc.text("kind")+"/"+doc.text("metadata", "name")] = true
		if doc.text("metadata", "name") == "gateway-dashboard" && doc.text("data", "account-gateway.json") != string(read(t, deploy, "grafana/dashboards/account-gateway.json")) {
			t.Error("the dashboard is another")
		}
	}
	if !found["ConfigMap/gateway-dashboard"] || !found["ConfigMap/gateway-vendors"] || found["PersistentVolumeClaim/gateway"] {
		t.Errorf("got %v", found)
	}
	deployment := only(t, docs, "Deployment")
	if n, s := deployment.text("spec", "replicas"), deployment.text("spec", "strategy", "type"); n != "3" || s != "RollingUpdate" {
		t.Errorf("%s replicas, %s", n, s)
	}
	if config := out; !strings.Contains(config, `GATEWAY_VENDORS_DIR: "/etc/gateway/vendors"`) || !strings.Contains(config, "GATEWAY_DATABASE_URL_FILE") {
		t.Error("no folder of vendors, or no database")
	}

	for values, want := range map[string]string{
		``:                                                          "set accounts: at least one",
		twoAccounts + "replicas: 2\n":                               "more than one needs database.secret",
		twoAccounts + "replica: 2\n":                                "replica",
		"accounts: [{name: Regru}]\n":                               "name",
		"accounts: [{name: a, secret: {}}]\n":                       "secret",
		twoAccounts + "settings: {a: b}\n":                          "invalid propertyName",
		twoAccounts + "vendors: {a.txt: hello}\n":                   "a.txt",
		twoAccounts + "settings: {GATEWAY_NOTIFY_URL: x}\n":         "settings.GATEWAY_NOTIFY_URL: is a secret, and settings are none: use secretSettings",
		twoAccounts + "settings: {GATEWAY_ADDR: x}\n":               "settings.GATEWAY_ADDR: the chart sets it",
		twoAccounts + "settings: {REGRU_BALANCE_LOW: x}\n":          "accounts: regru: settings.BALANCE_LOW: REGRU_BALANCE_LOW is set twice",
		twoAccounts + "settings: {GATEWAY_X: 1.5}\n":                "settings",
		twoAccounts + "settings: {OTEL_EXPORTER_OTLP_HEADERS: x}\n": "is a secret",
		twoAccounts + "database: {volume: {storageClass: \"a\\n  volumeName: stolen\"}}\n": "storageClass",
		twoAccounts + "serviceMonitor: {interval: \"1s\\nx: y\"}\n":                        "interval",
		twoAccounts + "image: {tag: \"a\\\"b\"}\n":                                         "tag",
		"accounts: [{name: a}, {name: a}]":                                                 "accounts: a: is there twice",
		"accounts: [{name: a, secret: {name: a, keys: {PASSWORD: ../../etc/passwd}}}]":     "PASSWORD",
		"accounts: [{name: selzy, settings: {API_KEY: k}}]":                                "accounts: selzy: settings.API_KEY: looks like a secret, and settings are none: use secret.keys",
		twoAccounts + "settings: {GATEWAY_DATABASE_URL: postgres://u:p@h/d}\n":             "settings.GATEWAY_DATABASE_URL: is a secret, and settings are none: use database.secret",
	} {
		if out, err := chart(t, values); err == nil || !strings.Contains(out, want) {
			t.Errorf("%s: %v, %s; want %q", values, err, out, want)
		}
	}
}

// TestHelmValues: a value reaches the pod as it was written, whatever YAML or
// Helm make of it.
func TestHelmValues(t *testing.T) {
	out, err := chart(t, `
accounts:
  - name: a
    provider: voximplant
    secret: {name: "0777", keys: {API_KEY: "123"}}
    settings: {ACCOUNT_ID: 123456789, BALANCE_LOW: 1000000, REFILL_MAX: "1.10"}
settings: {GATEWAY_LOG_LEVEL: "x: \"y\"\n#", GATEWAY_HISTORY_DAYS: 90, GATEWAY_KEEP_USERS: true}
secretSettings: {OTEL_EXPORTER_OTLP_HEADERS: {name: traces, key: headers}}
database: {secret: {name: "123"}}
vendors: {mine.yaml: "  name: mine\nother: ü\n"}
`)
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	docs := documents(t, "chart", []byte(out))
	got := map[string]string{}
	for _, doc := range docs {
		if doc.text("kind") == "ConfigMap" {
			for name, value := range doc.at("data").(map[string]any) {
				got[name] = value.(string)
			}
		}
	}
	want := map[string]string{
		"GATEWAY_ACCOUNTS": "a=voximplant", "GATEWAY_ADDR": "0.0.0.0:8080", "GATEWAY_METRICS_ADDR": "0.0.0.0:8081", "GATEWAY_VENDORS_DIR": "/etc/gateway/vendors",
		"A_ACCOUNT_ID": "123456789", "A_BALANCE_LOW": "1000000", "A_REFILL_MAX": "1.10",
		"GATEWAY_LOG_LEVEL": "x: \"y\"\n#", "GATEWAY_HISTORY_DAYS": "90", "GATEWAY_KEEP_USERS": "true", "mine.yaml": "  name: mine\nother: ü\n",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got): %s", diff)
	}
	for _, volume := range only(t, docs, "Deployment").at("spec", "template", "spec", "volumes").([]any) {
		if secret, ok := volume.(map[string]any)["secret"].(map[string]any); ok {
			if _, ok := secret["secretName"].(string); !ok {
				t.Errorf("the name of a Secret is %T", secret["secretName"])
			}
		}
	}
}

// TestHelmKnowsSecrets: the chart knows the secrets of the shipped vendors by
// their names.
func TestHelmKnowsSecrets(t *testing.T) {
	template := string(read(t, deploy, "helm/account-gateway/templates/configmap.yaml"))
	looks := regexp.MustCompile(`regexMatch "(.+)" \$name`).FindStringSubmatch(template)
	if looks == nil {
		t.Fatal("the chart looks at no name")
	}
	files, err := filepath.Glob(filepath.Join(root, "vendors/*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no vendors: %v", err)
	}
	for _, file := range files {
		for name, setting := range parse[struct {
			Settings map[string]struct{ Secret bool }
		}](t, read(t, file)).Settings {
			if setting.Secret && !regexp.MustCompile(looks[1]).MatchString(name) {
				t.Errorf("%s: the chart takes %s for no secret", filepath.Base(file), name)
			}
		}
	}
}

// TestHelmLint has Helm's own checks.
func TestHelmLint(t *testing.T) {
	if _, err := exec.LookPath("helm"); err != nil {
		testneed.Missing(t, "helm", "put Helm 3 into PATH")
	}
	file := filepath.Join(t.TempDir(), "values.yaml")
	if err := os.WriteFile(file, []byte(twoAccounts), 0o600); err != nil {
		t.Fatal(err)
	}
	command(t, filepath.Join(deploy, "helm"), "helm", "lint", "--strict", "account-gateway", "--values", file)
}
