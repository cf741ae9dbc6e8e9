package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"accountgateway/internal/account"
	"accountgateway/internal/alert"
	"accountgateway/internal/httpapi"
)

func alertsCommand(env environment) *cobra.Command {
	c := &cobra.Command{
		Use: "alerts", Short: "List what needs attention now; exit status 1 if anything is critical", Args: arguments(),
		Long: "Lists what needs attention now, as the running gateways know it; exit status 1 if\nanything is critical.",
	}
	asJSON := jsonFlag(c)
	c.RunE = func(c *cobra.Command, _ []string) error { return listAlerts(c.Context(), env, *asJSON) }
	return c
}

// listAlerts prints what needs a person now, as the running gateways know it. It
// fails if anything is critical.
func listAlerts(ctx context.Context, env environment, asJSON bool) error {
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
	if err := printAlerts(env, open, asJSON); err != nil {
		return err
	}
	if slices.ContainsFunc(open, func(a alert.Alert) bool { return a.Severity == alert.Critical }) {
		return errSaid
	}
	return nil
}

func printAlerts(env environment, open []alert.Alert, asJSON bool) error {
	if asJSON {
		return printJSON(env, httpapi.AlertsBody(open))
	}
	var rows [][]string
	for _, a := range open {
		rows = append(rows, []string{
			a.Account, string(a.Code), string(a.Severity), a.Since.Format(time.RFC3339), a.Detail, a.Remedy,
		})
	}
	return printTable(env, "ACCOUNT\tCODE\tSEVERITY\tSINCE\tDETAIL\tREMEDY", rows)
}
