package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

const (
	setting     = "GATEWAY_DATABASE_URL"
	openTimeout = 2 * time.Minute // other processes may be migrating
)

// ErrNoDatabase says that there is no database at a URL, or an empty one, and
// that none was made.
var ErrNoDatabase = errors.New("not a gateway database")

// Open connects to the database at url and brings its tables up to date; several
// processes may do so at once. A new database is made, unless o.Existing is set:
// then the error is ErrNoDatabase. url is "sqlite:FILE", "sqlite::memory:" (for
// this Store alone, gone with Close) or "postgres://…". Errors name
// GATEWAY_DATABASE_URL and never hold its password.
func Open(ctx context.Context, url string, o Options) (*Store, error) {
	s, dialect, err := connect(url, !o.Existing)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", setting, err)
	}
	s.now = o.Now
	if s.now == nil {
		s.now = time.Now //nolint:forbidigo // the default
		s.ownClock = dialect == goose.DialectPostgres
	}
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	if o.Existing {
		err = s.mustExist(ctx)
	}
	if err == nil && !o.AsItIs {
		err = migrate(ctx, s.durable.DB, dialect)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", setting, errors.Join(err, s.Close()))
	}
	return s, nil
}

// mustExist fails with ErrNoDatabase if the tables have never been made.
func (s *Store) mustExist(ctx context.Context) error {
	if err := s.read.PingContext(ctx); err != nil {
		return err
	}
	if version(ctx, s.read.DB) < 0 {
		return fmt.Errorf("%w: it is empty", ErrNoDatabase)
	}
	return nil
}

// connect opens the pools. create says whether to make an SQLite file that is
// not there.
func connect(url string, create bool) (*Store, goose.Dialect, error) {
	if err := CheckURL(url); err != nil {
		return nil, "", err
	}
	if rest, ok := strings.CutPrefix(url, "sqlite:"); ok {
		s, err := openSQLite(sqlitePath(rest), create)
		return s, goose.DialectSQLite3, err
	}
	s, err := openPostgres(url)
	return s, goose.DialectPostgres, err
}

// CheckURL fails for a URL that Open would never open, whatever becomes of files
// and servers. The error holds nothing of the URL.
func CheckURL(url string) error {
	switch scheme, rest, _ := strings.Cut(url, ":"); scheme {
	case "sqlite":
		if path := sqlitePath(rest); path == "" || strings.ContainsAny(path, "?#") {
			return errors.New("must be sqlite: and a file name without ? and #, e.g. sqlite:gateway.db")
		}
		return nil
	case "postgres", "postgresql":
		return nil
	}
	return errors.New("must be sqlite:FILE, sqlite::memory: or postgres://USER:PASSWORD@HOST/DATABASE")
}

// migrate applies what is missing of migrations/. On PostgreSQL an advisory
// lock lets one process at a time do it. SQLite has no such lock: the process
// that comes second fails on what the first has made, and its transaction is
// rolled back. So who fails looks whether there was progress, and goes on from
// there.
func migrate(ctx context.Context, db *sql.DB, dialect goose.Dialect) error {
	steps, err := fs.Sub(migrationFiles, "migrations")
	if err != nil {
		return err
	}
	options := []goose.ProviderOption{goose.WithDisableGlobalRegistry(true)}
	if dialect == goose.DialectPostgres {
		// Looks every second, for a minute.
		locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 60))
		if err != nil {
			return err
		}
		options = append(options, goose.WithSessionLocker(locker))
	}
	for before := version(ctx, db); ; {
		provider, err := goose.NewProvider(dialect, db, steps, options...)
		if err != nil {
			return err
		}
		if _, err = provider.Up(ctx); err == nil {
			return nil
		}
		after := version(ctx, db)
		if after <= before {
			return err
		}
		before = after
	}
}

// version is the number of the last migration applied; -1 when that can't be
// told, as in an empty database.
func version(ctx context.Context, db *sql.DB) int64 {
	var v sql.NullInt64
	if err := db.QueryRowContext(ctx, `SELECT max(version_id) FROM goose_db_version`).Scan(&v); err != nil || !v.Valid {
		return -1
	}
	return v.Int64
}
