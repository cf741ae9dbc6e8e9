// Command gateway is one REST service in front of a company's vendor accounts.
// Everything is wired here; it knows no vendor's wire format.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"syscall"

	"accountgateway/internal/config"
)

func main() {
	// net/http tells the standard logger what a vendor sent beyond its answer,
	// which may be an echoed secret. Our own log is zerolog's.
	log.SetOutput(io.Discard)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], environment{lookup: os.LookupEnv, names: variableNames(os.Environ()), stdout: os.Stdout, stderr: os.Stderr}))
}

// environment is what a command gets from outside.
type environment struct {
	lookup         config.Lookup
	names          []string // all that lookup finds
	stdout, stderr io.Writer
}

// The exit statuses.
const (
	exitOK       = 0
	exitFailure  = 1
	exitSettings = 2 // a fault in the arguments or the settings
)

const usage = `Usage: gateway [COMMAND]

  serve        answer requests (also without a command); set up by environment variables
  demo         serve simulated vendors on loopback: no settings, no credentials
  simulate     the simulated vendors alone, for testing clients of theirs
  check        read the settings, make one real call per account, look at the database
  token        make, list, revoke and rotate callers' tokens
  operations   list the writes that were asked for, settle one by hand
  vendor       list vendors, show what to set for one, try and begin a file of one's own
  backup       copy the SQLite database into a file, while it is in use
  healthcheck  ask a running gateway whether it is up
  version      print the version

gateway COMMAND -h lists the flags of a command.
`

// run does what the arguments say, until it is done or ctx ends, and returns
// the exit status.
func run(ctx context.Context, args []string, env environment) int {
	command := "serve"
	if len(args) > 0 {
		command, args = args[0], args[1:]
	}
	commands := map[string]func(context.Context, []string, environment) error{
		"serve":       serveCommand,
		"backup":      backupCommand,
		"demo":        demoCommand,
		"simulate":    simulateCommand,
		"check":       checkCommand,
		"healthcheck": healthcheckCommand,
		"operations":  operationsCommand,
		"token":       tokenCommand,
		"vendor":      vendorCommand,
		"version":     versionCommand,
	}
	do, ok := commands[command]
	if !ok {
		if command == "help" || command == "-h" || command == "--help" {
			fmt.Fprint(env.stdout, usage)
			return exitOK
		}
		fmt.Fprintf(env.stderr, "gateway: no command %q\n\n%s", command, usage)
		return exitSettings
	}
	err := do(ctx, args, env)
	var settings *settingsError
	switch {
	case err == nil, errors.Is(err, errHelp):
		return exitOK
	case errors.As(err, &settings):
		fmt.Fprintln(env.stderr, settings)
		return exitSettings
	case errors.Is(err, errSaid):
		return exitFailure
	case errors.Is(err, errFaultsSaid):
		return exitSettings
	}
	fmt.Fprintf(env.stderr, "gateway %s: %v\n", command, err)
	return exitFailure
}

// errSaid ends a command that has already printed what failed.
var errSaid = errors.New("failed")

// errFaultsSaid ends a command that has already printed the faults in what the
// user gave us.
var errFaultsSaid = errors.New("there are faults")

// errHelp ends a command that was asked for its flags.
var errHelp = errors.New("help was asked for")

// settingsError is a fault in what the user gave us.
type settingsError struct{ err error }

func (e *settingsError) Error() string { return "gateway: these must be mended:\n" + indent(e.err) }

func (e *settingsError) Unwrap() error { return e.err }
