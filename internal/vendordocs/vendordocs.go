// Package vendordocs makes what is generated from the shipped vendor files: their JSON Schema, their index, a page for
// each, the list of them, and README's table by group. It knows nothing of the gateway.
package vendordocs

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/template"

	"accountgateway/internal/config"
	"accountgateway/internal/provider/declared"
	"accountgateway/vendors"
)

// Where the files are, from the root of the repository.
const (
	Schema = "api/vendor.schema.json"
	Index  = "vendors/index.json"
	Readme = "README.md"
	List   = "docs/vendors.md"
	Pages  = "docs/vendors"
)

// Generate gives all generated files by their paths. old reads those that are
// generated in part, as they are.
func Generate(old func(path string) ([]byte, error)) (map[string]string, error) {
	all, err := declared.LoadAll(vendors.Files, "vendors", nil)
	if err != nil {
		return nil, err
	}
	files := map[string]string{Schema: string(declared.Schema())}
	heads := make([]declared.Head, len(all))
	for i, v := range all {
		heads[i] = v.Head()
	}
	index, err := json.MarshalIndent(heads, "", "  ")
	if err != nil {
		return nil, err
	}
	files[Index] = string(index) + "\n"
	var table strings.Builder
	table.WriteString("| vendor (its page) | provider | group | operations | least sure fact |\n|---|---|---|---|---|\n")
	groups := map[string][]string{}
	for _, v := range all {
		about := v.About(config.Prefix(v.Name()))
		var text strings.Builder
		if err := page.Execute(&text, about); err != nil {
			return nil, err
		}
		path := Pages + "/" + about.Name + ".md"
		files[path] = text.String()
		fmt.Fprintf(&table, "| [%s](%s) | `%s` | %s | %s | %s |\n", cell(about.Title), strings.TrimPrefix(path, "docs/"), about.Name, about.Group, strings.Join(about.Operations(), ", "), about.Sure)
		groups[about.Group] = append(groups[about.Group], fmt.Sprintf("[%s](%s)", cell(about.Title), path))
	}
	var byGroup strings.Builder
	byGroup.WriteString("| group | vendors |\n|---|---|\n")
	for _, group := range slices.Sorted(maps.Keys(groups)) {
		fmt.Fprintf(&byGroup, "| %s | %s |\n", group, strings.Join(groups[group], ", "))
	}
	for _, part := range []struct{ path, begin, text string }{
		{Readme, "<!-- vendors by group: made by go generate ./vendors -->\n", byGroup.String()},
		{List, "<!-- vendors: made by go generate ./vendors -->\n", table.String()},
	} {
		text, err := old(part.path)
		if err != nil {
			return nil, err
		}
		before, rest, begins := strings.Cut(string(text), part.begin)
		_, after, ends := strings.Cut(rest, end)
		if !begins || !ends {
			return nil, fmt.Errorf("%s has no place for the table of vendors", part.path)
		}
		files[part.path] = before + part.begin + "\n" + part.text + "\n" + end + after
	}
	return files, nil
}

// end is the line after a table.
const end = "<!-- end of vendors -->\n"

// cell is a text within a table.
func cell(text string) string {
	return strings.NewReplacer("|", `\|`, "\n", " ", "<", "&lt;").Replace(text)
}

var page = template.Must(template.New("page").Funcs(template.FuncMap{"cell": cell, "join": strings.Join}).Parse(
	`<!-- Made from vendors/{{.Name}}.yaml by go generate ./vendors -->

# {{.Title}}

Provider ` + "`{{.Name}}`" + `, group {{.Group}}. It is the file [{{.Name}}.yaml](../../vendors/{{.Name}}.yaml); what that file's keys mean: [vendor file](../vendor-file.md).
{{- if eq .Sure "verified"}}
Somebody has seen the vendor answer so with an account of their own.
{{- else}}
Nobody has yet told of having used it with an account of their own: try it with ` + "`gateway vendor test {{.Name}} --live`" + `.
{{- end}}
{{if .Notes}}
{{range .Notes}}- {{.}}
{{end}}{{end}}
## Settings

Of an account called ` + "`{{.Name}}`" + `. ` + "`NAME_FILE`" + ` reads the value of ` + "`NAME`" + ` from a file.

| name | default | meaning |
|---|---|---|
{{range .Settings}}| ` + "`{{.Name}}`" + ` | {{if .Required}}required{{else if .Default}}` + "`{{.Default}}`" + `{{end}} | {{cell .Meaning}}{{if .OneOf}}: {{join .OneOf ", "}}{{end}}{{if .Secret}} (secret){{end}} |
{{end}}
## What it answers

| operation | support | members |
|---|---|---|
{{range .Reads}}| ` + "`{{.Operation}}`" + ` | {{index $.Capabilities .Operation}} | {{join .Members ", "}} |
{{end}}{{if .Sources}}
## Sources

| fact | from | how sure |
|---|---|---|
{{range .Sources}}| {{cell .Fact}} | {{cell .From}} | {{.Sure}} |
{{end}}{{end}}`))
