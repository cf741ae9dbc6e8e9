package main

import (
	"errors"
	"flag"
	"fmt"
	"strings"
)

// parse reads a command's flags; a command that takes no others than these
// refuses further arguments.
func parse(flags *flag.FlagSet, args []string, env environment) error {
	flags.SetOutput(env.stderr)
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return errHelp
	case err != nil:
		return &settingsError{err}
	case flags.NArg() > 0:
		return &settingsError{fmt.Errorf("%s takes no argument %q", flags.Name(), flags.Arg(0))}
	}
	return nil
}

// helpFirst is what to parse of a command whose first argument is an id, where
// the flags' help may be asked for in its place.
func helpFirst(id string, args []string) []string {
	if id == "-h" || id == "--help" {
		return []string{"-h"}
	}
	return args
}

// newFlags are a command's flags; the caller adds its own before parse.
func newFlags(command string) *flag.FlagSet {
	return flag.NewFlagSet("gateway "+command, flag.ContinueOnError)
}

func indent(err error) string {
	return "  " + strings.ReplaceAll(err.Error(), "\n", "\n  ")
}
