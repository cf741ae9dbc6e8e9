package store

import (
	"context"
	"errors"
	"net/url"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"accountgateway/internal/redact"
)

// The connections of one replica, eleven at most.
const (
	postgresWriters = 3
	postgresDurable = 2
	postgresReaders = 2
	postgresHistory = 2
	postgresBeat    = 1
	postgresControl = 1

	postgresIdle    = 5 * time.Minute  // then a connection is given back, but for the pools that must always have one
	postgresLife    = 30 * time.Minute // then it is renewed, so that a moved server is found
	postgresConnect = 5 * time.Second  // for connecting, unless the URL has connect_timeout
)

// durably makes every commit of a session wait for the server's disk, whatever
// is the default of the server, the database or the user.
const durably = `SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') IN ('off', 'local', 'remote_write')`

// openPostgres prepares connections to the server in the URL; none is made yet.
func openPostgres(raw string) (*Store, error) {
	// A parser quotes what it stumbled over, which may be a piece of the
	// password: its words are dropped here and cleaned below.
	parsed, err := url.Parse(raw)
	if err != nil {
		return nil, errors.New("invalid URL; special characters in a user or password must be percent-encoded")
	}
	config, err := pgx.ParseConfig(raw)
	if err != nil {
		return nil, errors.New(withoutPassword(err.Error(), parsed))
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = postgresConnect
	}
	open := func(connections int, idle, patience time.Duration, o ...stdlib.OptionOpenDB) *pool {
		db := stdlib.OpenDB(*config, o...)
		db.SetConnMaxIdleTime(idle)
		db.SetConnMaxLifetime(postgresLife)
		return newPool(db, connections, patience)
	}
	return &Store{
		write: open(postgresWriters, postgresIdle, writePatience),
		durable: open(postgresDurable, 0, 0, stdlib.OptionAfterConnect(func(ctx context.Context, conn *pgx.Conn) error {
			_, err := conn.Exec(ctx, durably)
			return err
		})),
		read:    open(postgresReaders, postgresIdle, 0),
		history: open(postgresHistory, postgresIdle, 0),
		beat:    open(postgresBeat, 0, writePatience),
		control: open(postgresControl, 0, 0),
	}, nil
}

// withoutPassword hides the URL's passwords in text.
func withoutPassword(text string, u *url.URL) string {
	secrets := u.Query()["password"]
	if password, ok := u.User.Password(); ok {
		secrets = append(secrets, password)
	}
	return redact.New(redact.Texts{Secrets: secrets}).Words(text)
}
