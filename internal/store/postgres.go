package store

import (
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"accountgateway/internal/redact"
)

const (
	postgresConnections = 8                // at most, by one replica
	postgresIdle        = 5 * time.Minute  // then a connection is given back
	postgresLife        = 30 * time.Minute // then it is renewed, so that a moved server is found
	postgresConnect     = 5 * time.Second  // for connecting, unless the URL has connect_timeout
)

// BadValue tells whether the database answered that a value can't be what it
// was given for, such as a text with a NUL: the caller's fault, and no outage.
func BadValue(err error) bool {
	var e *pgconn.PgError
	return errors.As(err, &e) && strings.HasPrefix(e.Code, "22") // class 22: data exception
}

// openPostgres prepares connections to the server in the URL; none is made yet.
func openPostgres(raw string) (*Store, error) {
	// A parser quotes what it stumbled over, which may be a piece of the
	// password: its words are dropped here and cleaned below.
	parsed, err := url.Parse(raw)
	if err != nil {
		return nil, errors.New("not a URL; special characters in a user or password are written %XX")
	}
	config, err := pgx.ParseConfig(raw)
	if err != nil {
		return nil, errors.New(withoutPassword(err.Error(), parsed))
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = postgresConnect
	}
	db := stdlib.OpenDB(*config)
	db.SetMaxOpenConns(postgresConnections)
	db.SetMaxIdleConns(postgresConnections)
	db.SetConnMaxIdleTime(postgresIdle)
	db.SetConnMaxLifetime(postgresLife)
	return &Store{write: db, durable: db, read: db}, nil
}

// withoutPassword hides the URL's passwords in text.
func withoutPassword(text string, u *url.URL) string {
	secrets := u.Query()["password"]
	if password, ok := u.User.Password(); ok {
		secrets = append(secrets, password)
	}
	return redact.New(redact.Texts{Secrets: secrets}).Words(text)
}
