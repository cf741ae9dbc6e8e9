// Generate writes the schemas in this folder: the kinds that deploy/ uses, with
// what they refer to, without descriptions, and closed to unknown fields. In
// the repository's folder, with two modules in the module cache:
//
//	go mod download sigs.k8s.io/kubectl-validate@v0.0.4 github.com/prometheus-operator/prometheus-operator@v0.85.0
//	go run deploy/deploytest/testdata/schemas/generate.go
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"
)

const folder = "deploy/deploytest/testdata/schemas"

// builtin has the kinds of Kubernetes by the file that describes them.
var builtin = map[string][]string{
	"api/v1.json":                    {"ConfigMap", "PersistentVolumeClaim", "Service", "ServiceAccount"},
	"apis/apps/v1.json":              {"Deployment"},
	"apis/networking.k8s.io/v1.json": {"NetworkPolicy"},
	"apis/policy/v1.json":            {"PodDisruptionBudget"},
}

func main() {
	log.SetFlags(0)
	if err := generate(); err != nil {
		log.Fatal(err)
	}
}

func generate() error {
	cache, err := exec.Command("go", "env", "GOMODCACHE").Output()
	if err != nil {
		return err
	}
	module := func(path ...string) string {
		return filepath.Join(append([]string{strings.TrimSpace(string(cache))}, path...)...)
	}
	for file, kinds := range builtin {
		data, err := os.ReadFile(module("sigs.k8s.io/kubectl-validate@v0.0.4/pkg/openapiclient/builtins/1.30", file))
		if err != nil {
			return err
		}
		var openapi struct {
			Components struct{ Schemas map[string]any }
		}
		if err := json.Unmarshal(data, &openapi); err != nil {
			return err
		}
		for _, kind := range kinds {
			schema, err := whole(openapi.Components.Schemas, kind)
			if err != nil {
				return fmt.Errorf("%s: %w", file, err)
			}
			if err := write(kind, schema); err != nil {
				return err
			}
		}
	}
	for kind, file := range map[string]string{"PrometheusRule": "prometheusrules", "ServiceMonitor": "servicemonitors"} {
		data, err := os.ReadFile(module("github.com/prometheus-operator/prometheus-operator@v0.85.0/example/prometheus-operator-crd/monitoring.coreos.com_" + file + ".yaml"))
		if err != nil {
			return err
		}
		var crd struct {
			Spec struct {
				Versions []struct {
					Schema struct {
						OpenAPIV3Schema map[string]any `yaml:"openAPIV3Schema"`
					}
				}
			}
		}
		if err := yaml.Unmarshal(data, &crd); err != nil {
			return err
		}
		schema := crd.Spec.Versions[0].Schema.OpenAPIV3Schema
		delete(schema["properties"].(map[string]any), "metadata") // any resource has one; Kubernetes checks it
		closed := strict(schema, func(string) {}).(map[string]any)
		closed["properties"].(map[string]any)["metadata"] = map[string]any{"type": "object"}
		if err := write(kind, closed); err != nil {
			return err
		}
	}
	return nil
}

// whole is the schema of a kind with all that it refers to.
func whole(schemas map[string]any, kind string) (map[string]any, error) {
	definitions := map[string]any{}
	var follow func(name string)
	follow = func(name string) {
		if _, ok := definitions[name]; !ok {
			definitions[name] = nil // for what refers to itself
			definitions[name] = strict(schemas[name], follow)
		}
	}
	for name := range schemas {
		if strings.HasPrefix(name, "io.k8s.api.") && strings.HasSuffix(name, "."+kind) {
			follow(name)
			return map[string]any{"$ref": "#/definitions/" + name, "definitions": definitions}, nil
		}
	}
	return nil, fmt.Errorf("no schema of %s", kind)
}

// strict keeps of a schema what JSON Schema knows, and closes objects.
func strict(schema any, refer func(name string)) any {
	switch s := schema.(type) {
	case []any:
		kept := make([]any, len(s))
		for i := range s {
			kept[i] = strict(s[i], refer)
		}
		return kept
	case map[string]any:
		kept := map[string]any{}
		for key, value := range s {
			switch key {
			case "type", "pattern", "enum", "required", "minLength", "minimum", "maximum", "minItems", "minProperties":
				kept[key] = value
			case "$ref":
				name := strings.TrimPrefix(value.(string), "#/components/schemas/")
				refer(name)
				kept[key] = "#/definitions/" + name
			case "properties":
				properties := map[string]any{}
				for name, property := range value.(map[string]any) {
					properties[name] = strict(property, refer)
				}
				kept[key], kept["additionalProperties"] = properties, false
			case "items", "additionalProperties", "allOf", "anyOf", "oneOf":
				kept[key] = strict(value, refer)
			}
		}
		return kept
	}
	return schema
}

func write(kind string, schema any) error {
	data, err := json.MarshalIndent(schema, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, strings.ToLower(kind)+".json"), fmt.Appendf(data, "\n"), 0o644)
}
