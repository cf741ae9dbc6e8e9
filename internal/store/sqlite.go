package store

import (
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"strings"

	"modernc.org/sqlite"
)

const (
	// Readers that one process uses at once. SQLite readers don't wait for
	// the writer, nor it for them.
	sqliteReaders = 4

	// How long a call waits for another writer, in milliseconds. Transactions
	// here are short; only a sick disk makes them last. SQLite does not look at
	// the call's context meanwhile.
	sqliteBusy = "2000"
)

// sqlitePath is the file of a URL, given what follows "sqlite:".
func sqlitePath(rest string) string { return strings.TrimPrefix(rest, "//") }

// openSQLite opens the file at path, or a private database for ":memory:".
// create says whether to make a file that is not there. It makes the file readable to its owner alone: it holds names and figures
// of accounts.
//
// Most of what is written may be lost with the power: a reading is read again,
// and the vendor knows its own limit. So the write pool syncs at checkpoints
// only. A commit takes 25 to 50 µs like this and 0.2 to 1 ms on the durable
// pool, on a fast disk; several ms on a slow one.
func openSQLite(path string, create bool) (*Store, error) {
	if path == ":memory:" {
		// A second connection would be a second, empty database.
		db, err := sqliteDB("file::memory:?_txlock=immediate", 1)
		return &Store{write: db, durable: db, read: db}, err
	}
	if path == "" || strings.ContainsAny(path, "?#") {
		return nil, errors.New("sqlite: want the name of a file and nothing else, like sqlite:gateway.db")
	}
	flags := os.O_RDWR
	if create {
		flags |= os.O_CREATE
	}
	file, err := os.OpenFile(path, flags, 0o600)
	switch {
	case !create && errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%w: %w", ErrNoDatabase, err)
	case err != nil:
		return nil, fmt.Errorf("sqlite: %w", err)
	}
	if err := file.Close(); err != nil {
		return nil, fmt.Errorf("sqlite: %w", err)
	}

	name := "file:" + (&url.URL{Path: path}).EscapedPath() + "?_busy_timeout=" + sqliteBusy
	writer := name + "&_journal_mode=WAL&_txlock=immediate&_synchronous="
	write, writeErr := sqliteDB(writer+"NORMAL", 1)
	durable, durableErr := sqliteDB(writer+"FULL", 1)
	read, readErr := sqliteDB(name+"&_query_only=1", sqliteReaders)
	return &Store{write: write, durable: durable, read: read}, errors.Join(writeErr, durableErr, readErr)
}

// sqliteDB makes a pool that keeps its connections for good: opening one
// costs more than all that is asked of it.
func sqliteDB(name string, connections int) (*sql.DB, error) {
	connector, err := sqlite.NewConnector(name)
	if err != nil {
		return nil, fmt.Errorf("sqlite: %w", err)
	}
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	return db, nil
}
