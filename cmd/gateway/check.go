package main

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"accountgateway/internal/account"
	"accountgateway/internal/config"
	"accountgateway/internal/httpapi"
	"accountgateway/internal/store"
)

func checkCommand(env environment) *cobra.Command {
	c := &cobra.Command{
		Use: "check", Short: "Check the settings, make one real call per account, check the database", Args: arguments(),
		Long: "Checks the settings, makes one real call per account with its credentials, and\nlooks at the database; exit status 1 if one of them failed.",
	}
	settingsAlone := c.Flags().Bool("settings", false, "print the effective settings, with secrets redacted, and make no calls")
	asJSON := jsonFlag(c)
	c.RunE = func(c *cobra.Command, _ []string) error { return check(c.Context(), env, *settingsAlone, *asJSON) }
	return c
}

// check reads the settings, makes one real call per account with its
// credentials, looks at the database, and prints a line for each; or only prints
// the settings.
func check(ctx context.Context, env environment, settingsAlone, asJSON bool) error {
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
	if settingsAlone {
		return printSettings(r, env, asJSON)
	}

	results := make([]checkedAccount, len(list))
	var database checkedDatabase
	var wg sync.WaitGroup
	for i, a := range list {
		wg.Go(func() {
			results[i] = tryAccount(ctx, g.accounts, a)
		})
	}
	wg.Go(func() { database = checkDatabase(ctx, r, string(s.DatabaseURL)) })
	wg.Wait()
	if err := tellLockouts(ctx, string(s.DatabaseURL), g.accounts); err != nil {
		fmt.Fprintf(env.stderr, "gateway check: running gateways could not be notified of these results: %v\n", err)
	}

	if err := printChecks(env, results, database, asJSON); err != nil {
		return err
	}
	if database.State != "ok" || slices.ContainsFunc(results, func(c checkedAccount) bool { return c.failed }) {
		return errSaid
	}
	return nil
}

func printChecks(env environment, results []checkedAccount, database checkedDatabase, asJSON bool) error {
	var infos []account.Info
	var rows [][]string
	for _, c := range results {
		detail := c.info.State.Detail
		if remedy := c.info.Remedy; remedy != "" {
			detail += "; " + remedy
		}
		rows = append(rows, []string{c.info.Name, c.info.Provider, c.info.State.State, detail + c.reach})
		c.info.State.Detail += c.reach
		infos = append(infos, c.info)
	}
	if asJSON {
		return printJSON(env, struct {
			httpapi.Accounts
			Database checkedDatabase `json:"database"`
		}{httpapi.AccountsBody(infos), database})
	}
	rows = append(rows, []string{"(database)", database.Engine, database.State, database.Detail})
	return printTable(env, "ACCOUNT\tPROVIDER\tSTATE\tDETAIL", rows)
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

// settingLine is a setting in its JSON form.
type settingLine struct {
	Name    string  `json:"name"`
	Value   *string `json:"value"` // null if there is none
	From    string  `json:"from"`
	Meaning string  `json:"meaning"`
}

// printSettings prints a line for each setting that was read.
func printSettings(r *config.Reader, env environment, asJSON bool) error {
	settings, rows := []settingLine{}, [][]string{}
	for _, row := range r.Rows() {
		one := settingLine{Name: row.Name, From: row.From, Meaning: row.Description}
		value := "-"
		if row.Value != "" {
			one.Value, value = &row.Value, row.Value
		}
		settings = append(settings, one)
		rows = append(rows, []string{row.Name, value, row.From, row.Description})
	}
	if asJSON {
		return printJSON(env, map[string]any{"settings": settings})
	}
	return printTable(env, "NAME\tVALUE\tFROM\tMEANING", rows)
}

// checkedAccount is an account as its call left it.
type checkedAccount struct {
	info   account.Info
	failed bool
	reach  string // of a failure: whether the vendor can be reached at all
}

func tryAccount(ctx context.Context, accounts *account.Service, a accountSetting) checkedAccount {
	err := accounts.Check(ctx, a.name)
	c := checkedAccount{failed: err != nil}
	c.info, _ = accounts.Info(a.name)
	if err == nil {
		c.info.State.Detail = "the credentials work"
		return c
	}
	if known, pingErr := accounts.Ping(ctx, a.name); known {
		c.reach = reachability(pingErr)
	}
	return c
}

func reachability(pingErr error) string {
	if pingErr != nil {
		return "; a call without credentials fails too"
	}
	return "; the vendor's API is reachable"
}
