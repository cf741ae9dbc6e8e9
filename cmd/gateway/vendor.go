package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"text/template"

	"github.com/spf13/cobra"

	"accountgateway/internal/config"
	"accountgateway/internal/provider"
	"accountgateway/internal/provider/declared"
	"accountgateway/internal/provider/registry"
)

const vendorLong = `Vendors have an adapter in Go, a file of the shipped catalogue, or one in
GATEWAY_VENDORS_DIR. To write a file: new, test, then test --live with the
settings of an account.`

func vendorCommand(env environment) *cobra.Command {
	list := &cobra.Command{Use: "list", Short: "List all vendors", Args: arguments()}
	listJSON := jsonFlag(list)
	list.RunE = func(*cobra.Command, []string) error { return listVendors(env, *listJSON) }

	show := &cobra.Command{
		Use: "show NAME", Short: "Print what to set for an account, and where each fact is from",
		Args: arguments("NAME"), ValidArgsFunction: completeVendors(env, cobra.ShellCompDirectiveNoFileComp),
	}
	showJSON := jsonFlag(show)
	show.RunE = func(_ *cobra.Command, args []string) error { return showVendor(env, args[0], *showJSON) }

	test := &cobra.Command{
		Use: "test FILE|NAME", Short: "Run the samples of a vendor's file, and try it",
		Long: "Loads a file, runs its samples and prints what the API would answer. With --live\nit then makes one real call for each request of the file.",
		Args: arguments("FILE or NAME"), ValidArgsFunction: completeVendors(env, cobra.ShellCompDirectiveDefault),
	}
	var o testOptions
	test.Flags().BoolVar(&o.live, "live", false, "make one real call for each request of the file, with the settings of an account")
	test.Flags().StringVar(&o.account, "account", "", "with --live: the `account` whose settings are used (the vendor's name unless this is set)")
	testJSON := jsonFlag(test)
	test.RunE = func(c *cobra.Command, args []string) error {
		o.asJSON = *testJSON
		return testVendor(c.Context(), env, args[0], o)
	}

	begin := &cobra.Command{Use: "new NAME", Short: "Print a vendor's file to fill in", Args: arguments("NAME"), Example: "gateway vendor new acme > acme.yaml"}
	begin.RunE = func(_ *cobra.Command, args []string) error { return newVendor(env, args[0]) }

	schema := &cobra.Command{Use: "schema", Short: "Print the JSON Schema that editors complete a file with", Args: arguments()}
	schema.RunE = func(*cobra.Command, []string) error {
		_, err := env.stdout.Write(declared.Schema())
		return err
	}
	return group("vendor", "List vendors and their settings; create and test your own vendor files", vendorLong, list, show, test, begin, schema)
}

// completeVendors completes the first argument with the vendors' names.
func completeVendors(env environment, beside cobra.ShellCompDirective) cobra.CompletionFunc {
	return func(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		known, err := knownVendors(env)
		if err != nil || len(args) > 0 {
			return nil, beside
		}
		return known.Names(), beside
	}
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

func listVendors(env environment, asJSON bool) error {
	known, err := knownVendors(env)
	if err != nil {
		return err
	}
	all, rows := []declared.About{}, [][]string{}
	for _, name := range known.Names() {
		about := aboutVendor(name, known[name])
		all = append(all, about)
		rows = append(rows, []string{name, about.Title, about.Group, strings.Join(about.Operations(), ","), about.Sure})
	}
	if asJSON {
		return printJSON(env, map[string]any{"vendors": all})
	}
	return printTable(env, "NAME\tTITLE\tGROUP\tOPERATIONS\tSURE", rows)
}

func showVendor(env environment, name string, asJSON bool) error {
	v, err := namedVendor(env, name)
	if err != nil {
		return err
	}
	about := aboutVendor(name, v)
	if asJSON {
		return printJSON(env, about)
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

func newVendor(env environment, name string) error {
	if !declared.ValidName(name) {
		return &usageError{fmt.Errorf("invalid name %q: must be %s", name, declared.NameRule)}
	}
	shipped, err := registry.All("") // a file of one's own may be the one that this is written to
	if err != nil {
		return err
	}
	if _, taken := shipped[name]; taken {
		return &usageError{fmt.Errorf("there is a vendor %s already: choose another name", name)}
	}
	_, err = io.WriteString(env.stdout, strings.ReplaceAll(skeleton, "acme", name))
	return err
}
