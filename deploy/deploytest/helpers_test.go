package deploytest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"accountgateway/internal/testneed"
)

// The folders, seen from this package.
const (
	deploy = ".."
	root   = "../.."
)

// need finds a component's program in PATH, or ends the test.
func need(t *testing.T, component, why string) string {
	t.Helper()
	path, err := exec.LookPath(component)
	if err != nil {
		testneed.Missing(t, component, why)
	}
	return path
}

const needShell = "scripts of deploy/ are run by a POSIX shell"

const prometheusPackage = "install Debian's package prometheus"

// command runs a program to its end and returns all that it wrote.
func command(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	out, err := try(t, dir, "", name, args...)
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return out
}

func try(t *testing.T, dir, stdin, name string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir, cmd.Stdin = dir, strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func read(t *testing.T, path ...string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func write(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// parse reads one YAML document into T, which may leave fields out.
func parse[T any](t *testing.T, data []byte) T {
	t.Helper()
	var value T
	if err := yaml.Unmarshal(data, &value); err != nil {
		t.Fatal(err)
	}
	return value
}

// documents reads every document of a YAML file.
func documents(t *testing.T, name string, data []byte) []object {
	t.Helper()
	var all []object
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	for {
		var doc map[string]any
		switch err := decoder.Decode(&doc); {
		case errors.Is(err, io.EOF):
			return all
		case err != nil:
			t.Fatalf("%s: %v", name, err)
		}
		if doc != nil {
			all = append(all, doc)
		}
	}
}

// object is a YAML or JSON object.
type object map[string]any

// at follows keys; nil if one is missing. Lists are passed through: the result
// then holds what each element has.
func (o object) at(keys ...string) any { return follow(map[string]any(o), keys) }

func follow(value any, keys []string) any {
	if len(keys) == 0 {
		return value
	}
	switch value := value.(type) {
	case map[string]any:
		return follow(value[keys[0]], keys[1:])
	case []any:
		var found []any
		for _, element := range value {
			switch next := follow(element, keys).(type) {
			case nil:
			case []any:
				found = append(found, next...)
			default:
				found = append(found, next)
			}
		}
		return found
	}
	return nil
}

// texts is at as texts.
func (o object) texts(keys ...string) []string {
	var all []string
	switch value := o.at(keys...).(type) {
	case nil:
	case []any:
		for _, v := range value {
			all = append(all, text(v))
		}
	default:
		all = append(all, text(value))
	}
	return all
}

func (o object) text(keys ...string) string { return strings.Join(o.texts(keys...), ",") }

func text(value any) string {
	if s, ok := value.(string); ok {
		return s
	}
	data, err := json.Marshal(value)
	if err != nil {
		return ""
	}
	return string(data)
}

// eventually asks until check is content; got is what the last check saw.
func eventually(ctx context.Context, t *testing.T, what string, check func() (ok bool, got any)) {
	t.Helper()
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	for {
		ok, got := check()
		if ok {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%s: did not come about; last seen: %v", what, got)
		case <-ticker.C:
		}
	}
}
