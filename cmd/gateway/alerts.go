package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"accountgateway/internal/account"
	"accountgateway/internal/alert"
	"accountgateway/internal/httpapi"
)

// alertsCommand prints what needs a person now, as the running gateways know it.
// It fails if anything is critical.
func alertsCommand(ctx context.Context, args []string, env environment) error {
	flags := newFlags("alerts")
	asJSON := flags.Bool("json", false, "print JSON, as GET /alerts returns it")
	if err := parse(flags, args, env); err != nil {
		return err
	}
	st, err := openStore(ctx, env)
	if err != nil {
		return err
	}
	defer st.Close()
	open, kept, err := account.OpenAlerts(ctx, st)
	if err != nil {
		return err
	}
	if !kept {
		fmt.Fprintln(env.stderr, "no running gateway keeps this list up to date")
	}
	if err := printAlerts(env, open, *asJSON); err != nil {
		return err
	}
	if slices.ContainsFunc(open, func(a alert.Alert) bool { return a.Severity == alert.Critical }) {
		return errSaid
	}
	return nil
}

func printAlerts(env environment, open []alert.Alert, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(env.stdout).Encode(httpapi.AlertsBody(open))
	}
	table := tabwriter.NewWriter(env.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ACCOUNT\tCODE\tSEVERITY\tSINCE\tDETAIL\tREMEDY")
	for _, a := range open {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", a.Account, a.Code, a.Severity, a.Since.Format(time.RFC3339), strings.ReplaceAll(a.Detail, "\n", " "), a.Remedy)
	}
	return table.Flush()
}
