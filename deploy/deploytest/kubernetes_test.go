package deploytest

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"accountgateway/internal/testneed"
)

var overlays = []string{"base", "overlays/replicas"}

// TestKubernetesFilesAreUsed finds files that a kustomization names and that
// are not there, and those that none names.
func TestKubernetesFilesAreUsed(t *testing.T) {
	for _, overlay := range overlays {
		dir := filepath.Join(deploy, "kubernetes", overlay)
		kustomization := object(parse[map[string]any](t, read(t, dir, "kustomization.yaml")))
		var named []string
		for _, list := range [][]string{
			kustomization.texts("resources"), kustomization.texts("patches", "path"), kustomization.texts("configMapGenerator", "envs"),
		} {
			for _, name := range list {
				if !strings.HasPrefix(name, "..") {
					named = append(named, name)
				}
			}
		}
		named = append(named, "kustomization.yaml")
		slices.Sort(named)
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		var there []string
		for _, entry := range entries {
			there = append(there, entry.Name())
			if strings.HasSuffix(entry.Name(), ".yaml") {
				parse[any](t, read(t, dir, entry.Name()))
			}
		}
		if diff := cmp.Diff(named, there); diff != "" {
			t.Errorf("%s (-named +there): %s", overlay, diff)
		}
	}
}

// TestKubernetesBase checks that what the base's files say of each other is so.
func TestKubernetesBase(t *testing.T) {
	dir := filepath.Join(deploy, "kubernetes/base")
	kustomization := object(parse[map[string]any](t, read(t, dir, "kustomization.yaml")))
	var docs []object
	for _, name := range kustomization.texts("resources") {
		docs = append(docs, documents(t, name, read(t, dir, name))...)
	}
	docs = append(docs, object{"kind": "ConfigMap", "metadata": map[string]any{"name": kustomization.text("configMapGenerator", "name")}, "data": settings(t, filepath.Join(dir, "gateway.env"))})
	checkManifests(t, docs)
	checkSecret(t, docs)
}

// TestKubernetesEgress wants the policy to let out what the documents offer:
// name service, vendors, the collector of traces, and PostgreSQL for replicas.
func TestKubernetesEgress(t *testing.T) {
	collector := regexp.MustCompile(`OTEL_EXPORTER_OTLP_ENDPOINT=http://[\w.]+:(\d+)`).FindStringSubmatch(string(read(t, root, "docs/operations.md")))
	if collector == nil {
		t.Fatal("docs/operations.md names no collector")
	}
	base := object(parse[map[string]any](t, read(t, deploy, "kubernetes/base/networkpolicy.yaml")))
	out := base.texts("spec", "egress", "ports", "port")
	for _, patch := range parse[[]map[string]any](t, read(t, deploy, "kubernetes/overlays/replicas/networkpolicy.yaml")) {
		out = append(out, object(patch).texts("value", "ports", "port")...)
	}
	for _, port := range []string{"53", "443", "5432", collector[1]} {
		if !slices.Contains(out, port) {
			t.Errorf("the policy keeps port %s from the pods; it opens %q", port, out)
		}
	}
	example := regexp.MustCompile(`(?m)^# OTEL_EXPORTER_OTLP_ENDPOINT=http://[\w.]+:(\d+)$`).FindStringSubmatch(string(read(t, deploy, "kubernetes/base/gateway.env")))
	if example == nil || example[1] != collector[1] {
		t.Errorf("gateway.env shows the collector as %q", example)
	}
}

// TestKustomize does the same with what kubectl would send.
func TestKustomize(t *testing.T) {
	build := []string{"kustomize", "build"}
	if _, err := exec.LookPath("kustomize"); err != nil {
		build = []string{"kubectl", "kustomize"}
	}
	if _, err := exec.LookPath(build[0]); err != nil {
		testneed.Missing(t, "kustomize", "put kustomize 5 or kubectl into PATH")
	}
	for _, overlay := range overlays {
		t.Run(overlay, func(t *testing.T) {
			rendered := command(t, filepath.Join(deploy, "kubernetes"), build[0], build[1], overlay)
			docs := documents(t, overlay, []byte(rendered))
			checkManifests(t, docs)
			checkSecret(t, docs)
			pod := only(t, docs, "Deployment")
			labels, _ := pod.at("spec", "template", "metadata", "labels").(map[string]any)
			for _, doc := range docs {
				for _, path := range [][]string{{"spec", "selector", "matchLabels"}, {"spec", "selector"}, {"spec", "podSelector", "matchLabels"}} {
					selector, ok := doc.at(path...).(map[string]any)
					if !ok || selector["matchLabels"] != nil {
						continue
					}
					for name, value := range selector {
						if labels[name] != value {
							t.Errorf("%s selects %s=%v, which the pods don't have", doc.text("kind"), name, value)
						}
					}
				}
			}
			if overlay != "overlays/replicas" {
				return
			}
			if n := pod.text("spec", "replicas"); n != "3" {
				t.Errorf("%s replicas", n)
			}
			for _, doc := range docs {
				if doc.text("kind") == "PersistentVolumeClaim" {
					t.Error("replicas can't share a volume")
				}
			}
		})
	}
}

// TestSchemas holds what kubectl and Helm would send against the API's schemas.
// The oldest release that has preStop.sleep switched on is 1.30.
func TestSchemas(t *testing.T) {
	check := need(t, "kubeconform", "build github.com/yannh/kubeconform/cmd/kubeconform of tools/go.mod as kubeconform")
	valid := func(rendered string) (string, error) {
		return try(t, ".", rendered, check, "-strict", "-schema-location", "testdata/schemas/{{.ResourceKind}}.json", "-")
	}
	sent := map[string]string{}
	for _, overlay := range overlays {
		sent[overlay] = command(t, filepath.Join(deploy, "kubernetes"), need(t, "kustomize", "put kustomize 5 into PATH"), "build", overlay)
	}
	for name, values := range map[string]string{"chart": twoAccounts, "chart with all": everyOption} {
		rendered, err := chart(t, values)
		if err != nil {
			t.Fatalf("%v: %s", err, rendered)
		}
		sent[name] = rendered
	}
	for name, rendered := range sent {
		if out, err := valid(rendered); err != nil {
			t.Errorf("%s: %v: %s", name, err, out)
		}
		if out, err := valid(strings.Replace(rendered, "terminationGracePeriodSeconds:", "terminationGracePeriod:", 1)); err == nil || !strings.Contains(out, "terminationGracePeriod") {
			t.Errorf("%s, with a field that there is not: %v: %s", name, err, out)
		}
	}
}

func only(t *testing.T, docs []object, kind string) object {
	t.Helper()
	var found []object
	for _, doc := range docs {
		if doc.text("kind") == kind {
			found = append(found, doc)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d of kind %s, want one", len(found), kind)
	}
	return found[0]
}

// checkManifests follows every reference: ports, volumes, config, secrets.
func checkManifests(t *testing.T, docs []object) {
	t.Helper()
	deployment, service, config := only(t, docs, "Deployment"), only(t, docs, "Service"), only(t, docs, "ConfigMap")
	for _, kind := range []string{"ServiceAccount", "NetworkPolicy", "PodDisruptionBudget", "ServiceMonitor"} {
		only(t, docs, kind)
	}
	spec := []string{"spec", "template", "spec"}
	in := func(keys ...string) []string { return deployment.texts(append(slices.Clone(spec), keys...)...) }
	subset := func(what string, used, there []string) {
		t.Helper()
		for _, name := range used {
			if !slices.Contains(there, name) {
				t.Errorf("%s: %q is not among %q", what, name, there)
			}
		}
	}

	ports := in("containers", "ports", "name")
	subset("probes' ports", slices.Concat(in("containers", "livenessProbe", "httpGet", "port"),
		in("containers", "readinessProbe", "httpGet", "port"), in("containers", "startupProbe", "httpGet", "port")), ports)
	subset("the service's ports", service.texts("spec", "ports", "targetPort"), ports)
	subset("the monitor's ports", only(t, docs, "ServiceMonitor").texts("spec", "endpoints", "port"), service.texts("spec", "ports", "name"))
	subset("the policy's ports", only(t, docs, "NetworkPolicy").texts("spec", "ingress", "ports", "port"), ports)
	var listening []string
	for _, name := range []string{"GATEWAY_ADDR", "GATEWAY_METRICS_ADDR"} {
		_, port, _ := strings.Cut(config.text("data", name), ":")
		listening = append(listening, port)
	}
	if diff := cmp.Diff(listening, in("containers", "ports", "containerPort")); diff != "" {
		t.Errorf("ports (-settings +container): %s", diff)
	}

	subset("config", in("containers", "envFrom", "configMapRef", "name"), config.texts("metadata", "name"))
	subset("service account", in("serviceAccountName"), only(t, docs, "ServiceAccount").texts("metadata", "name"))
	subset("mounts", in("containers", "volumeMounts", "name"), in("volumes", "name"))
	subset("volumes", in("volumes", "name"), in("containers", "volumeMounts", "name"))
	var claims []string
	for _, doc := range docs {
		if doc.text("kind") == "PersistentVolumeClaim" {
			claims = append(claims, doc.text("metadata", "name"))
		}
	}
	subset("claims", in("volumes", "persistentVolumeClaim", "claimName"), claims)
	subset("claims", claims, in("volumes", "persistentVolumeClaim", "claimName"))

	const drain = 20 // seconds, of the gateway's own
	pause, _ := strconv.Atoi(strings.Join(in("containers", "lifecycle", "preStop", "sleep", "seconds"), ""))
	grace, _ := strconv.Atoi(strings.Join(in("terminationGracePeriodSeconds"), ""))
	if pause == 0 || grace < pause+drain+5 {
		t.Errorf("the pod is killed %d s after preStop begins, which takes %d s, then up to %d s of draining", grace, pause, drain)
	}
	for path, want := range map[string]string{
		"securityContext.runAsNonRoot": "true", "securityContext.runAsUser": strconv.Itoa(imageUser), "securityContext.seccompProfile.type": "RuntimeDefault",
		"containers.securityContext.readOnlyRootFilesystem": "true", "containers.securityContext.allowPrivilegeEscalation": "false",
		"containers.securityContext.capabilities.drop": "ALL", "automountServiceAccountToken": "false",
	} {
		if got := strings.Join(in(strings.Split(path, ".")...), ","); got != want {
			t.Errorf("%s is %q, want %s", path, got, want)
		}
	}
	if len(in("containers", "resources", "limits", "memory")) != 1 || len(in("containers", "resources", "requests", "cpu")) != 1 {
		t.Error("no limit of memory, or no request of processor")
	}
}

// settings reads NAME=value lines.
func settings(t *testing.T, path string) map[string]any {
	t.Helper()
	all := map[string]any{}
	for line := range strings.Lines(string(read(t, path))) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok && !strings.HasPrefix(line, "#") {
			all[name] = value
		}
	}
	return all
}

// checkSecret checks that the Secret, which is made by hand as the README says,
// has what the pods want of it.
func checkSecret(t *testing.T, docs []object) {
	t.Helper()
	deployment := only(t, docs, "Deployment")
	spec := []string{"spec", "template", "spec"}
	in := func(keys ...string) []string { return deployment.texts(append(slices.Clone(spec), keys...)...) }
	readme := string(read(t, deploy, "kubernetes/README.md"))
	made := regexp.MustCompile(`kubectl create secret generic (\S+)`).FindStringSubmatch(readme)
	var keys []string
	for _, key := range regexp.MustCompile(`--from-file=(\S+)`).FindAllStringSubmatch(readme, -1) {
		keys = append(keys, key[1])
	}
	if made == nil || in("volumes", "secret", "secretName")[0] != made[1] {
		t.Errorf("the Secret is %v; the README makes %v", in("volumes", "secret", "secretName"), made)
	}
	mounts := in("containers", "volumeMounts", "mountPath")
	env, _ := deployment.at(append(slices.Clone(spec), "containers", "env")...).([]any)
	for _, variable := range env {
		name, path := object(variable.(map[string]any)).text("name"), object(variable.(map[string]any)).text("value")
		if name == "GOMEMLIMIT" {
			continue // of the container's own limit
		}
		if !strings.HasSuffix(name, "_FILE") || !slices.Contains(mounts, filepath.Dir(path)) {
			t.Errorf("%s=%s is no file of a mounted secret", name, path)
		}
		if !slices.Contains(keys, filepath.Base(path)) {
			t.Errorf("%s is not among the keys of the Secret: %q", path, keys)
		}
	}
}
