package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"accountgateway/internal/store"
)

const backupLong = `Copies the SQLite database to a new file; gateways may be using it. With - as
FILE the copy goes to standard output, for example from a container:

    docker exec gateway /gateway backup - > backup.db

The only setting needed is GATEWAY_DATABASE_URL. To restore a backup, see
docs/operations.md.`

func backupCommand(env environment) *cobra.Command {
	return &cobra.Command{
		Use: "backup FILE", Short: "Copy the SQLite database to a file, even while in use", Long: backupLong, Args: arguments("FILE"),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return nil, cobra.ShellCompDirectiveDefault // files
		},
		RunE: func(c *cobra.Command, args []string) error { return backup(c.Context(), env, args[0]) },
	}
}

// backup copies the database. The image has no sqlite3 that could.
func backup(ctx context.Context, env environment, file string) error {
	url, name, err := readDatabase(env)
	if err != nil {
		return err
	}
	path, isSQLite := strings.CutPrefix(url, "sqlite:")
	if !isSQLite {
		return &settingsError{errors.New("GATEWAY_DATABASE_URL: gateway backup is for SQLite only; back up PostgreSQL with pg_dump")}
	}
	fmt.Fprintf(env.stderr, "database: %s\n", name)
	if file == "-" {
		// A reader that is gone is an error of the write. The signal would end
		// the process with the copy still there.
		signal.Ignore(syscall.SIGPIPE)
		return missing(printBackup(ctx, env.stdout, url, filepath.Dir(strings.TrimPrefix(path, "//"))), name)
	}
	if err := store.Backup(ctx, url, file); err != nil {
		return missing(err, name)
	}
	_, err = fmt.Fprintf(env.stderr, "backup: %s\n", file)
	return err
}

// printBackup makes the copy in a folder beside the database, the one place
// that the gateway can surely write, and prints it.
func printBackup(ctx context.Context, w io.Writer, url, beside string) (err error) {
	dir, err := os.MkdirTemp(beside, ".gateway-backup-*")
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return store.ErrNoDatabase
	case err != nil:
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	const name = "backup.db"
	if err := store.Backup(ctx, url, filepath.Join(dir, name)); err != nil {
		return err
	}
	file, err := os.DirFS(dir).Open(name)
	if err != nil {
		return err
	}
	_, err = io.Copy(w, file)
	return errors.Join(err, file.Close())
}
