package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"text/template"

	"accountgateway/internal/config"
	"accountgateway/internal/provider"
	"accountgateway/internal/provider/declared"
	"accountgateway/internal/provider/registry"
)

const vendorUsage = `Usage: gateway vendor list [--json]
       gateway vendor show NAME [--json]
       gateway vendor test FILE|NAME [--live] [--account NAME] [--json]
       gateway vendor new NAME > NAME.yaml
       gateway vendor schema > vendor.schema.json

list prints the vendors that there are: with an adapter in Go, of the shipped
catalogue, and of GATEWAY_VENDORS_DIR. show prints what to set for an account,
and where each fact is from. test loads a file, runs its samples and prints what
the API would answer; with --live it then makes one real call for each request
of the file, with the settings of an account. new prints a file to fill in,
schema the JSON Schema that editors complete it with.
`

// vendorCommand tells of vendors, and tries and begins files of one's own.
func vendorCommand(ctx context.Context, args []string, env environment) error {
	commands := map[string]func(context.Context, []string, environment) error{
		"list": listVendors, "show": showVendor, "test": testVendor, "new": newVendor, "schema": vendorSchema,
	}
	if len(args) > 0 && commands[args[0]] != nil {
		return commands[args[0]](ctx, args[1:], env)
	}
	if len(args) == 1 && slices.Contains([]string{"-h", "--help", "help"}, args[0]) {
		fmt.Fprint(env.stdout, vendorUsage)
		return errHelp
	}
	return &settingsError{fmt.Errorf("vendor: missing or unknown subcommand: must be list, show NAME, test FILE|NAME, new NAME or schema\n\n%s", vendorUsage)}
}

// knownVendors are all vendors that the settings here know.
func knownVendors(env environment) (registry.Set, error) {
	r := config.NewReader(env.lookup)
	var s settings
	r.Into("GATEWAY", &s, "VENDORS_DIR")
	known := readVendors(r, s.VendorsDir)
	checkSlips(r, env)
	return known, faults(r, nil)
}

// namedVendor finds a vendor by its name.
func namedVendor(env environment, name string) (registry.Vendor, error) {
	known, err := knownVendors(env)
	if err != nil {
		return registry.Vendor{}, err
	}
	v, ok := known[name]
	if !ok {
		which := "gateway vendor list prints all"
		if near := config.Near(name, known.Names()); near != "" {
			which = "did you mean " + near + "?"
		}
		return v, &settingsError{fmt.Errorf("unknown vendor %q: %s", name, which)}
	}
	return v, nil
}

// aboutVendor tells of a vendor of either sort.
func aboutVendor(name string, v registry.Vendor) declared.About {
	if v.File != nil {
		return v.File().About(config.Prefix(name))
	}
	about := declared.About{
		Name: name, Title: v.Title, Group: v.Group, Capabilities: v.Capabilities, Sure: "documented",
		Settings: config.Describe(config.Prefix(name), v.Settings), Notes: []string{}, Sources: []declared.AboutSource{},
	}
	for _, s := range about.Settings {
		if strings.HasSuffix(s.Name, "_BASE_URL") {
			about.BaseURL = s.Default
		}
	}
	return about
}

func listVendors(_ context.Context, args []string, env environment) error {
	flags := newFlags("vendor list")
	asJSON := flags.Bool("json", false, "one JSON object a line")
	if err := parse(flags, args, env); err != nil {
		return err
	}
	known, err := knownVendors(env)
	if err != nil {
		return err
	}
	out := json.NewEncoder(env.stdout)
	table := tabwriter.NewWriter(env.stdout, 0, 0, 2, ' ', 0)
	if !*asJSON {
		fmt.Fprintln(table, "NAME\tTITLE\tGROUP\tOPERATIONS\tSURE")
	}
	for _, name := range known.Names() {
		about := aboutVendor(name, known[name])
		if *asJSON {
			if err := out.Encode(about); err != nil {
				return err
			}
			continue
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", name, about.Title, about.Group, strings.Join(about.Operations(), ","), about.Sure)
	}
	return table.Flush()
}

func showVendor(_ context.Context, args []string, env environment) error {
	flags := newFlags("vendor show")
	asJSON := flags.Bool("json", false, "one JSON object")
	name, err := parseWith(flags, args, env, "NAME")
	if err != nil {
		return err
	}
	v, err := namedVendor(env, name[0])
	if err != nil {
		return err
	}
	about := aboutVendor(name[0], v)
	if *asJSON {
		return json.NewEncoder(env.stdout).Encode(about)
	}
	return vendorPage.Execute(env.stdout, about)
}

// aligned are lines of cells in columns.
func aligned(lines ...string) (string, error) {
	var text strings.Builder
	table := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	for _, line := range lines {
		fmt.Fprintln(table, "  "+line)
	}
	err := table.Flush()
	return text.String(), err
}

var vendorPage = template.Must(template.New("vendor").Funcs(template.FuncMap{
	"settings": func(about declared.About) (string, error) {
		var lines []string
		for _, s := range about.Settings {
			value, meaning := s.Default, s.Meaning
			switch {
			case s.Required:
				value = "(required)"
			case value == "":
				value = "-"
			}
			if len(s.OneOf) > 0 && !strings.Contains(meaning, s.OneOf[0]+",") { // the meaning may list them
				meaning += ": " + strings.Join(s.OneOf, ", ")
			}
			lines = append(lines, s.Name+"\t"+value+"\t"+meaning)
		}
		return aligned(lines...)
	},
	"operations": func(about declared.About) (string, error) {
		var lines []string
		for _, op := range about.Operations() {
			members := ""
			for _, read := range about.Reads {
				if string(read.Operation) == op {
					members = strings.Join(read.Members, ", ")
				}
			}
			lines = append(lines, op+"\t"+string(about.Capabilities[provider.Operation(op)])+"\t"+members)
		}
		return aligned(lines...)
	},
}).Parse(`{{.Name}}: {{.Title}} ({{.Group}})

Set these for an account called {{.Name}}. NAME_FILE reads the value of NAME from a file. For another account name, begin with that.

{{settings .}}
What it can do (the least sure fact is {{.Sure}}):

{{operations .}}{{if .Notes}}
Notes:

{{range .Notes}}  - {{.}}
{{end}}{{end}}{{if .Sources}}
Where it is from:

{{range .Sources}}  - {{.Fact}}: {{.From}} ({{.Sure}})
{{end}}{{end}}`))

func vendorSchema(_ context.Context, args []string, env environment) error {
	if err := parse(newFlags("vendor schema"), args, env); err != nil {
		return err
	}
	_, err := env.stdout.Write(declared.Schema())
	return err
}

func newVendor(_ context.Context, args []string, env environment) error {
	name, err := parseWith(newFlags("vendor new"), args, env, "NAME")
	if err != nil {
		return err
	}
	if !declared.ValidName(name[0]) {
		return &usageError{fmt.Errorf("vendor new: invalid name %q: must be %s", name[0], declared.NameRule)}
	}
	shipped, err := registry.All("") // a file of one's own may be the one that this is written to
	if err != nil {
		return err
	}
	if _, taken := shipped[name[0]]; taken {
		return &usageError{fmt.Errorf("vendor new: there is a vendor %s already: choose another name", name[0])}
	}
	_, err = io.WriteString(env.stdout, strings.ReplaceAll(skeleton, "acme", name[0]))
	return err
}
