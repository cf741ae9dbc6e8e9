// Command gateway is one REST service in front of a company's vendor accounts.
// Everything is wired here; it knows no vendor's wire format.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"os/signal"
	"syscall"

	"accountgateway/internal/config"
	"accountgateway/internal/notify"
)

func main() {
	// net/http tells the standard logger what a vendor sent beyond its answer,
	// which may be an echoed secret. Our own log is zerolog's.
	log.SetOutput(io.Discard)
	notify.BoundClient(http.DefaultClient)
	http.DefaultTransport.(*http.Transport).Proxy = nil // as for vendors: requests hold credentials
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

  serve        serve requests (the default); configured by environment variables
  demo         serve requests with simulated vendors: no settings, no credentials
  simulate     serve only the simulated vendors, to test their clients
  check        check the settings, make one real call per account, check the database
  token        create, list, revoke and rotate callers' tokens
  alerts       list what needs attention now; exit status 1 if anything is critical
  operations   list write operations, settle one by hand
  vendor       list vendors and their settings; create and test your own vendor files
  notify       send a test message to where alerts are sent
  backup       copy the SQLite database to a file, even while in use
  healthcheck  check whether a running gateway is up
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
		"alerts":      alertsCommand,
		"backup":      backupCommand,
		"demo":        demoCommand,
		"simulate":    simulateCommand,
		"check":       checkCommand,
		"healthcheck": healthcheckCommand,
		"notify":      notifyCommand,
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
		fmt.Fprintf(env.stderr, "gateway: unknown command %q\n\n%s", command, usage)
		return exitSettings
	}
	err := do(ctx, args, env)
	var settings *settingsError
	var usage *usageError
	switch {
	case err == nil, errors.Is(err, errHelp):
		return exitOK
	case errors.As(err, &settings), errors.As(err, &usage):
		fmt.Fprintln(env.stderr, err)
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

// settingsError is a fault in the settings.
type settingsError struct{ err error }

func (e *settingsError) Error() string { return "gateway: invalid configuration:\n" + indent(e.err) }

func (e *settingsError) Unwrap() error { return e.err }

// usageError is a fault in the flags or arguments.
type usageError struct{ err error }

func (e *usageError) Error() string { return "gateway: invalid arguments:\n" + indent(e.err) }

func (e *usageError) Unwrap() error { return e.err }
