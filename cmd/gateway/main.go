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
	"strings"
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

// run does what the arguments say, until it is done or ctx ends, and returns
// the exit status.
func run(ctx context.Context, args []string, env environment) int {
	if len(args) == 0 {
		args = []string{"serve"}
	}
	root := commands(env) //nolint:contextcheck // a command has its context when it runs
	root.SetArgs(args)
	command, err := root.ExecuteContextC(ctx)
	var settings *settingsError
	var usage *usageError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &settings):
		fmt.Fprintln(env.stderr, err)
		return exitSettings
	case errors.As(err, &usage):
		for line := range strings.SplitSeq(err.Error(), "\n") {
			fmt.Fprintf(env.stderr, "%s: %s\n", command.CommandPath(), line)
		}
		return exitSettings
	case errors.Is(err, errSaid):
		return exitFailure
	case errors.Is(err, errFaultsSaid):
		return exitSettings
	}
	fmt.Fprintf(env.stderr, "%s: %v\n", command.CommandPath(), err)
	return exitFailure
}
