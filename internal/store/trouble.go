package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
)

// SQLite's primary result codes (https://sqlite.org/rescode.html).
const (
	sqlitePerm      = 3
	sqliteBusyCode  = 5
	sqliteLocked    = 6
	sqliteReadOnly  = 8
	sqliteInterrupt = 9
	sqliteIOErr     = 10
	sqliteCorrupt   = 11
	sqliteFull      = 13
	sqliteCantOpen  = 14
	sqliteNotADB    = 26
)

// Trouble is what an error says of the database.
type Trouble int

// From none to the worst.
const (
	Fine    Trouble = iota // no error, or one about what was asked
	Refused                // it did not take a statement: a fault of the gateway's, or of whoever changed its tables
	Busy                   // it did not do this in time, or has no room for it
	Down                   // it is not there
)

// TroubleOf tells what an error says of the database.
func TroubleOf(err error) Trouble {
	var tooMany *TooManyPointsError
	switch {
	case err == nil, badValue(err), errors.As(err, &tooMany):
		return Fine
	case isDown(err):
		return Down
	case isBusy(err):
		return Busy
	}
	return Refused
}

// isDown tells whether an error says that the database is not there: the
// connection is refused or broken, the server stops or starts, the file can't
// be read.
func isDown(err error) bool {
	if code, ok := sqliteCode(err); ok {
		switch code {
		case sqlitePerm, sqliteIOErr, sqliteCorrupt, sqliteCantOpen, sqliteNotADB:
			return true
		}
		return false
	}
	var server *pgconn.PgError
	if errors.As(err, &server) {
		var connect *pgconn.ConnectError
		return errors.As(err, &connect) && !isBusy(err) || strings.HasPrefix(server.Code, "08") || // connection exception
			server.Code == "57P01" || server.Code == "57P02" || server.Code == "57P03" // the server shuts down, has crashed, is starting
	}
	if err == nil || isBusy(err) {
		return false
	}
	var network *net.OpError
	var name *net.DNSError
	return errors.As(err, &network) || errors.As(err, &name) || errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.ECONNRESET) ||
		errors.Is(err, syscall.EPIPE) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// isBusy tells whether an error says that the database is there and did not do
// this in time, or has no room for it: a deadline, a lock, no free connection,
// a full disk. A connection that was given up within a transaction is one whose
// statement ran out of time; if the server is gone, the next statement tells.
func isBusy(err error) bool {
	if code, ok := sqliteCode(err); ok {
		switch code {
		case sqliteBusyCode, sqliteLocked, sqliteReadOnly, sqliteInterrupt, sqliteFull:
			return true
		}
		return false
	}
	var server *pgconn.PgError
	if errors.As(err, &server) {
		return strings.HasPrefix(server.Code, "53") || // insufficient resources: connections, disk, memory
			strings.HasPrefix(server.Code, "40") || // transaction rollback: deadlock, serialization
			server.Code == "55P03" || server.Code == "57014" || server.Code == "25006" // lock not available, canceled, read only
	}
	var network net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) || errors.Is(err, errStuck) ||
		errors.Is(err, driver.ErrBadConn) || errors.As(err, &network) && network.Timeout()
}

// occupied tells whether nothing was done because there was no connection to
// be had or another process had the file. Waiting helps.
func occupied(err error) bool {
	if code, ok := sqliteCode(err); ok {
		return code == sqliteBusyCode
	}
	return noConnection(err)
}

func noConnection(err error) bool {
	var server *pgconn.PgError
	return errors.As(err, &server) && server.Code == "53300" // too_many_connections
}

// badValue tells whether the database answered that a value can't be what it
// was given for, such as a text with a NUL: the caller's fault, and no outage.
func badValue(err error) bool {
	var e *pgconn.PgError
	return errors.As(err, &e) && strings.HasPrefix(e.Code, "22") // class 22: data exception
}

func sqliteCode(err error) (primary int, ok bool) {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return 0, false
	}
	return e.Code() & 0xff, true
}
