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

// checkedDatabase is how the database is.
type checkedDatabase struct {
	Engine string `json:"engine"` // sqlite or postgres
	State  string `json:"state"`  // ok or unavailable
	Detail string `json:"detail"`
}

func checkDatabase(ctx context.Context, r *config.Reader, url string) checkedDatabase {
	d := checkedDatabase{State: "ok", Detail: databaseName(r, url)}
	d.Engine, _, _ = strings.Cut(url, ":")
	switch made, err := store.Look(ctx, url); {
	case err != nil:
		d.State, d.Detail = "unavailable", strings.ReplaceAll(err.Error(), "\n", " ")
	case inMemory(url):
		d.Detail = "in memory; lost when the gateway stops"
	case !made:
		d.Detail += " does not exist or is empty; gateway serve creates it"
	}
	return d
}
