package main

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"text/tabwriter"

	"github.com/rs/zerolog"

	"accountgateway/internal/account"
	"accountgateway/internal/config"
	"accountgateway/internal/store"
)

// checkCommand reads the settings, makes one real call per account with its
// credentials, looks at the database, and prints a line for each; or only prints the
// settings.
func checkCommand(ctx context.Context, args []string, env environment) error {
	flags := newFlags("check")
	settingsAlone := flags.Bool("settings", false, "print the effective settings, with secrets redacted, and make no calls")
	if err := parse(flags, args, env); err != nil {
		return err
	}
	r := config.NewReader(env.lookup)
	s, known, list := readSettings(r)
	openCertificates(r, s, zerolog.Nop())
	s.destinations(r)
	g := open(r, s, list, nil, zerolog.Nop())
	strange := checkNames(r, env, known, list)
	if err := faults(r, strange); err != nil {
		return err
	}
	for _, s := range strange {
		fmt.Fprintf(env.stderr, "gateway check: %s is ignored: %s\n", s.name, s.why)
	}
	if *settingsAlone {
		return printSettings(r, env)
	}

	results := make([]string, len(list)+1) // the last is the database's
	failed := make([]bool, len(results))
	var wg sync.WaitGroup
	for i, a := range list {
		wg.Go(func() {
			err := g.accounts.Check(ctx, a.name)
			failed[i] = err != nil
			results[i] = checkLine(ctx, g.accounts, a, err)
		})
	}
	wg.Go(func() {
		line, err := databaseLine(ctx, r, string(s.DatabaseURL))
		results[len(list)], failed[len(list)] = line, err != nil
	})
	wg.Wait()
	if err := tellLockouts(ctx, string(s.DatabaseURL), g.accounts); err != nil {
		fmt.Fprintf(env.stderr, "gateway check: running gateways could not be notified of these results: %v\n", err)
	}

	table := tabwriter.NewWriter(env.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ACCOUNT\tPROVIDER\tSTATE\tDETAIL")
	status := error(nil)
	for i := range results {
		fmt.Fprintln(table, results[i])
		if failed[i] {
			status = errSaid
		}
	}
	if err := table.Flush(); err != nil {
		return err
	}
	return status
}

// tellLockouts lets the gateways that serve from the database know of the calls
// just made: they go on at once with an account that was refused before. Where
// there is no database yet, or it does not answer, there is nobody to tell.
func tellLockouts(ctx context.Context, url string, accounts *account.Service) error {
	if inMemory(url) {
		return nil
	}
	st, err := store.Open(ctx, url, store.Options{Existing: true, AsItIs: true})
	if err != nil {
		return nil //nolint:nilerr // the database's row says why
	}
	defer st.Close()
	if _, err := st.CheckClock(ctx); err != nil { // lockouts are kept by that clock, not by this machine's
		return err
	}
	return accounts.TellLockouts(ctx, st)
}

// printSettings prints a line for each setting that was read.
func printSettings(r *config.Reader, env environment) error {
	table := tabwriter.NewWriter(env.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "NAME\tVALUE\tFROM\tMEANING")
	for _, row := range r.Rows() {
		if row.Value == "" {
			row.Value = "-"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", row.Name, row.Value, row.From, row.Description)
	}
	return table.Flush()
}

// checkLine is an account's row: its state and, after a failure, the cause and
// what to do.
func checkLine(ctx context.Context, accounts *account.Service, a accountSetting, err error) string {
	info, _ := accounts.Info(a.name)
	detail := "the credentials work"
	if err != nil {
		detail = strings.ReplaceAll(info.State.Detail, "\n", " ")
		if remedy := account.Remedy(a.name, info.State.State); remedy != "" {
			detail += "; " + remedy
		}
		if known, pingErr := accounts.Ping(ctx, a.name); known {
			detail += reachability(pingErr)
		}
	}
	return strings.Join([]string{a.name, a.vendor, info.State.State, detail}, "\t")
}

func reachability(pingErr error) string {
	if pingErr != nil {
		return "; a call without credentials fails too"
	}
	return "; the vendor's API is reachable"
}
