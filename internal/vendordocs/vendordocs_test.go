package vendordocs_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"accountgateway/internal/provider/declared"
	"accountgateway/internal/vendordocs"
	"accountgateway/vendors"
)

const root = "../.."

// TestUpToDate wants the generated files to be those that the vendor files come to.
func TestUpToDate(t *testing.T) {
	want, err := vendordocs.Generate(func(path string) ([]byte, error) { return os.ReadFile(filepath.Join(root, path)) })
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for path := range want {
		text, err := os.ReadFile(filepath.Join(root, path))
		if err == nil {
			got[path] = string(text)
		}
	}
	pages, err := filepath.Glob(filepath.Join(root, vendordocs.Pages, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range pages {
		if path := vendordocs.Pages + "/" + filepath.Base(page); want[path] == "" {
			got[path] = "of no vendor"
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("run go generate ./vendors (-vendor files +repository):\n%s", diff)
	}
}

// TestSchema: what loads is what the schema allows, as far as a schema can tell.
func TestSchema(t *testing.T) {
	schema := compiled(t)
	err := fs.WalkDir(vendors.Files, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := fs.ReadFile(vendors.Files, path)
		if err != nil {
			return err
		}
		if err := schema.Validate(decoded(t, text)); err != nil {
			t.Errorf("%s: %v", path, err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	smsc, err := fs.ReadFile(vendors.Files, "smsc.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct{ old, new string }{
		{"title: SMSC.ru", "titel: SMSC.ru"},
		{"title: SMSC.ru\n", ""},
		{"group: sms", "group: mobile"},
		{"kind: provider_access", "kind: access"},
		{"secret: true", "secret: perhaps"},
		{"rate: 5/1m", "rate: [5]"},
	} {
		bad := bytes.Replace(smsc, []byte(row.old), []byte(row.new), 1)
		if bytes.Equal(bad, smsc) {
			t.Errorf("%q is not in the file", row.old)
		}
		if schema.Validate(decoded(t, bad)) == nil {
			t.Errorf("%q instead of %q is allowed", row.new, row.old)
		}
	}
}

func compiled(t *testing.T) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(declared.Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("vendor.schema.json", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("vendor.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// decoded is a file as an editor's YAML server sees it: a date is a text.
func decoded(t *testing.T, text []byte) any {
	t.Helper()
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	return plain(t, doc.Content[0])
}

func plain(t *testing.T, n *yaml.Node) any {
	t.Helper()
	switch {
	case n.Kind == yaml.MappingNode:
		members := map[string]any{}
		for i := 0; i < len(n.Content); i += 2 {
			members[n.Content[i].Value] = plain(t, n.Content[i+1])
		}
		return members
	case n.Kind == yaml.SequenceNode:
		items := []any{}
		for _, item := range n.Content {
			items = append(items, plain(t, item))
		}
		return items
	case n.ShortTag() == "!!timestamp":
		return n.Value
	}
	var value any
	if err := n.Decode(&value); err != nil {
		t.Fatal(err)
	}
	return value
}
