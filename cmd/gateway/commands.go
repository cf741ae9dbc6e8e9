package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"accountgateway/internal/config"
	"accountgateway/internal/plain"
)

// commands are the tree of all commands. Each one's constructor has its flags and
// words; what it does is a function that takes them.
func commands(env environment) *cobra.Command {
	root := group("gateway", "", "One REST service in front of a company's vendor accounts.")
	root.AddGroup(&cobra.Group{ID: "run", Title: "Run:"}, &cobra.Group{ID: "set up", Title: "Set up:"}, &cobra.Group{ID: "operate", Title: "Operate:"}, &cobra.Group{ID: "more", Title: "More:"})
	add := func(group string, commands ...*cobra.Command) {
		for _, c := range commands {
			c.GroupID = group
			root.AddCommand(c)
		}
	}
	add("run", serveCommand(env), demoCommand(env), simulateCommand(env))
	add("set up", checkCommand(env), tokenCommand(env), vendorCommand(env), notifyCommand(env))
	add("operate", alertsCommand(env), operationsCommand(env), backupCommand(env), healthcheckCommand(env))
	add("more", versionCommand(env))
	root.SetHelpCommandGroupID("more")
	root.SetCompletionCommandGroupID("more")
	root.CompletionOptions.SetDefaultShellCompDirective(cobra.ShellCompDirectiveNoFileComp)
	root.SilenceErrors, root.SilenceUsage = true, true
	root.SetFlagErrorFunc(flagError)
	root.SetUsageTemplate(usageTemplate)
	root.SetOut(env.stdout)
	root.SetErr(env.stderr)
	return root
}

const usageTemplate = `Usage: {{if .HasAvailableSubCommands}}{{.CommandPath}} {{if .HasParent}}COMMAND{{else}}[COMMAND]{{end}}{{else}}{{.UseLine}}{{end}}
{{- if .HasAvailableSubCommands}}
{{$all := .Commands}}{{if .Groups}}{{range $group := .Groups}}
{{.Title}}
{{- range $all}}{{if eq .GroupID $group.ID}}
  {{rpad .Name .NamePadding}} {{.Short}}{{end}}{{end}}
{{end}}{{else}}
{{- range $all}}{{if .IsAvailableCommand}}
  {{rpad .Name .NamePadding}} {{.Short}}{{end}}{{end}}
{{end}}
{{.CommandPath}} COMMAND --help has the flags of a command.
{{else}}
{{if .HasAvailableLocalFlags}}
Flags:
{{.LocalFlags.FlagUsages}}{{end}}{{end}}`

// group is a command that only has others.
func group(name, short, long string, commands ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{Use: name, Short: short, Long: long}
	c.AddCommand(commands...)
	c.Args = func(c *cobra.Command, args []string) error {
		var names []string
		for _, one := range c.Commands() {
			if one.IsAvailableCommand() {
				names = append(names, one.Name())
			}
		}
		switch {
		case len(args) == 0:
			return &usageError{fmt.Errorf("a command is missing; must be one of %s", strings.Join(names, ", "))}
		case config.Near(args[0], names) != "":
			return &usageError{fmt.Errorf("unknown command %q: did you mean %s?", args[0], config.Near(args[0], names))}
		}
		return &usageError{fmt.Errorf("unknown command %q; must be one of %s", args[0], strings.Join(names, ", "))}
	}
	c.RunE = func(*cobra.Command, []string) error { return nil } // for its Args to be looked at
	return c
}

// arguments wants one argument for each of names, such as ID.
func arguments(names ...string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		switch {
		case len(args) > len(names):
			return &usageError{fmt.Errorf("unexpected argument %q", args[len(names)])}
		case len(args) < len(names):
			return &usageError{fmt.Errorf("missing argument %s", strings.Join(names[len(args):], " and "))}
		}
		return nil
	}
}

// flagError says in one line what is wrong with a flag.
func flagError(_ *cobra.Command, err error) error {
	var invalid *pflag.InvalidValueError
	if !errors.As(err, &invalid) {
		return &usageError{err}
	}
	why := invalid.Unwrap()
	switch invalid.GetFlag().Value.Type() {
	case "int":
		why = errors.New("must be a whole number")
	case "bool":
		why = errors.New("must be true or false")
	}
	return &usageError{fmt.Errorf("--%s: %w, not %q", invalid.GetFlag().Name, why, invalid.GetValue())}
}

// jsonFlag is that of every command that prints a table.
func jsonFlag(c *cobra.Command) *bool {
	return c.Flags().Bool("json", false, "print JSON, in the API's shapes")
}

// durationFlag is a flag with a duration, which may take days.
func durationFlag(flags *pflag.FlagSet, name, usage string) *time.Duration {
	d := new(time.Duration)
	flags.Func(name, usage, func(text string) (err error) {
		*d, err = config.ParseDuration(text)
		return err
	})
	return d
}

// oneOf completes a flag's value.
func oneOf[T ~string](c *cobra.Command, flag string, values ...T) {
	var texts []string
	for _, v := range values {
		texts = append(texts, string(v))
	}
	if err := c.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(texts, cobra.ShellCompDirectiveNoFileComp)); err != nil {
		panic(err) // there is no such flag: every test would show it
	}
}

// printJSON prints what a command says as one document.
func printJSON(env environment, document any) error {
	return json.NewEncoder(env.stdout).Encode(document)
}

// printTable prints rows of cells under a head, which has tabs between its own.
func printTable(env environment, head string, rows [][]string) error {
	table := tabwriter.NewWriter(env.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, head)
	for _, row := range rows {
		cells := make([]string, 0, len(row))
		for _, cell := range row { // some are texts of others
			cells = append(cells, plain.Line(cell))
		}
		fmt.Fprintln(table, strings.Join(cells, "\t"))
	}
	return table.Flush()
}

// errSaid ends a command that has already printed what failed.
var errSaid = errors.New("failed")

// errFaultsSaid ends a command that has already printed the faults in what the
// user gave us.
var errFaultsSaid = errors.New("there are faults")

// settingsError is a fault in the settings.
type settingsError struct{ err error }

func (e *settingsError) Error() string {
	return "gateway: invalid configuration:\n  " + strings.ReplaceAll(e.err.Error(), "\n", "\n  ")
}

func (e *settingsError) Unwrap() error { return e.err }

// usageError is a fault in the flags or arguments.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }

func (e *usageError) Unwrap() error { return e.err }
