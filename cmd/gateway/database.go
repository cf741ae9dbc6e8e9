package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"accountgateway/internal/config"
	"accountgateway/internal/store"
)

// openStore opens the database of the settings, for commands that need nothing
// else, and says on stderr which one that is. It makes none: in the wrong
// folder an empty database would answer for the real one.
func openStore(ctx context.Context, env environment) (*store.Store, error) {
	url, name, err := readDatabase(env)
	if err != nil {
		return nil, err
	}
	st, err := store.Open(ctx, url, store.Options{Existing: true})
	if err != nil {
		return nil, missing(err, name)
	}
	fmt.Fprintf(env.stderr, "database: %s\n", name)
	return st, nil
}

// readDatabase reads the one setting of commands that work on the database, and
// gives its URL and its name for people.
func readDatabase(env environment) (url, name string, err error) {
	r := config.NewReader(env.lookup)
	var s settings
	r.Into("GATEWAY", &s, "DATABASE_URL")
	url = string(s.DatabaseURL)
	checkDatabaseURL(r, url)
	checkSlips(r, env)
	if inMemory(url) {
		r.Fault("GATEWAY_DATABASE_URL", "an in-memory database can't be shared with other processes; use a file or PostgreSQL")
	}
	if err := r.Err(); err != nil {
		return "", "", &settingsError{err}
	}
	return url, databaseName(r, url), nil
}

// missing tells where a database was looked for that is not there.
func missing(err error, name string) error {
	if errors.Is(err, store.ErrNoDatabase) {
		return fmt.Errorf("no database at %s: set GATEWAY_DATABASE_URL to the value that gateway serve uses; gateway serve creates the database when it first starts", name)
	}
	return err
}

// databaseName is the database for people: a file by its full path, else the
// URL without what is secret.
func databaseName(r *config.Reader, url string) string {
	if file, ok := strings.CutPrefix(url, "sqlite:"); ok && !inMemory(url) {
		if full, err := filepath.Abs(strings.TrimPrefix(file, "//")); err == nil {
			return full
		}
	}
	for _, row := range r.Rows() {
		if row.Name == "GATEWAY_DATABASE_URL" {
			return row.Value
		}
	}
	return ""
}

// databaseLine is the database's row in the table of check.
func databaseLine(ctx context.Context, r *config.Reader, url string) (line string, err error) {
	kind, _, _ := strings.Cut(url, ":")
	state, detail := "ok", databaseName(r, url)
	switch made, lookErr := store.Look(ctx, url); {
	case lookErr != nil:
		err = lookErr
		state, detail = "unavailable", strings.ReplaceAll(lookErr.Error(), "\n", " ")
	case inMemory(url):
		detail = "in memory; lost when the gateway stops"
	case !made:
		detail += " does not exist or is empty; gateway serve creates it"
	}
	return strings.Join([]string{"(database)", kind, state, detail}, "\t"), err
}
