package store

import (
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"strings"
	"time"

	"modernc.org/sqlite"
)

const (
	// Readers that one process uses at once. SQLite readers don't wait for
	// the writer, nor it for them.
	sqliteReaders = 3
	sqliteHistory = 2

	// How long SQLite waits for another process that writes, in milliseconds,
	// before the call looks at its deadline and tries again.
	sqliteBusy = "500"
)

// sqlitePath is the file of a URL, given what follows "sqlite:".
func sqlitePath(rest string) string { return strings.TrimPrefix(rest, "//") }

// openSQLite opens the file at path, or a private database for ":memory:".
// create says whether to make a file that is not there. It makes the file readable only by its owner: it holds names and figures
// of accounts.
//
// Most of what is written may be lost with the power: a reading is read again,
// and the vendor knows its own limit. So the write pool syncs at checkpoints
// only. docs/performance.md has what the others cost.
func openSQLite(path string, create bool) (*Store, error) {
	s := &Store{boundClock: true}
	open := func(name string, connections int, patience time.Duration) (*pool, error) {
		connector, err := sqlite.NewConnector(name)
		if err != nil {
			return nil, fmt.Errorf("sqlite: %w", err)
		}
		clock := func() time.Time { return s.now() } // which is set later
		return newPool(sql.OpenDB(&sqliteConnector{Connector: connector, now: clock}), connections, patience), nil
	}
	if path == ":memory:" {
		// A second connection would be a second, empty database.
		db, err := open("file::memory:?_txlock=immediate", 1, 0)
		s.write, s.durable, s.read, s.history, s.beat, s.control = db, db, db, db, db, db
		return s, err
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
	reader := name + "&_query_only=1"
	var err1, err2, err3, err4, err5, err6 error
	s.write, err1 = open(writer+"NORMAL", 1, writePatience)
	s.durable, err2 = open(writer+"FULL", 1, 0)
	s.read, err3 = open(reader, sqliteReaders, 0)
	s.history, err4 = open(reader, sqliteHistory, 0)
	s.beat, err5 = open(writer+"NORMAL", 1, writePatience)
	s.control, err6 = open(reader, 1, 0)
	if err := errors.Join(err1, err2, err3, err4, err5, err6); err != nil {
		return nil, err
	}
	// Within this process writers wait for each other in order, not by polling
	// the file: an operation waits for one or two other calls, however many
	// readings are to be saved.
	s.write.writer = make(chan struct{}, 1)
	s.durable.writer, s.beat.writer = s.write.writer, s.write.writer
	return s, nil
}
