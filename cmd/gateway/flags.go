package main

import (
	"errors"
	"flag"
	"fmt"
	"strings"
	"time"

	"accountgateway/internal/config"
)

// parse reads the flags of a command that takes no other arguments.
func parse(flags *flag.FlagSet, args []string, env environment) error {
	_, err := parseWith(flags, args, env)
	return err
}

// parseWith reads a command's flags, which may stand anywhere, and one further
// argument for each of names, such as ID. What follows "--" is no flag.
func parseWith(flags *flag.FlagSet, args []string, env environment, names ...string) (values []string, err error) {
	flags.SetOutput(env.stderr)
	for {
		switch err := flags.Parse(args); {
		case errors.Is(err, flag.ErrHelp):
			return nil, errHelp
		case err != nil:
			return nil, &usageError{err}
		}
		rest := flags.Args()
		if read := len(args) - len(rest); read > 0 && args[read-1] == "--" {
			values = append(values, rest...)
			break
		}
		if len(rest) == 0 {
			break
		}
		values, args = append(values, rest[0]), rest[1:]
	}
	switch {
	case len(values) > len(names):
		return nil, &usageError{fmt.Errorf("%s: unexpected argument %q", flags.Name(), values[len(names)])}
	case len(values) < len(names):
		return nil, &usageError{fmt.Errorf("%s: missing argument %s", flags.Name(), strings.Join(names[len(values):], " and "))}
	}
	return values, nil
}

// durationFlag is a flag with a duration, which may take days.
func durationFlag(flags *flag.FlagSet, name, usage string) *time.Duration {
	d := new(time.Duration)
	flags.Func(name, usage, func(text string) (err error) {
		*d, err = config.ParseDuration(text)
		return err
	})
	return d
}

// newFlags are a command's flags; the caller adds its own before parse.
func newFlags(command string) *flag.FlagSet {
	return flag.NewFlagSet("gateway "+command, flag.ContinueOnError)
}

func indent(err error) string {
	return "  " + strings.ReplaceAll(err.Error(), "\n", "\n  ")
}
