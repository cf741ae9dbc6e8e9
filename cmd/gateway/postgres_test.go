package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/url"
	"os"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"accountgateway/internal/testneed"
)

// postgresVariable names a PostgreSQL database in which tests may make and
// drop schemas.
const postgresVariable = "GATEWAY_TEST_POSTGRES_URL"

// postgresURL is an empty schema of its own.
func postgresURL(t *testing.T) string {
	t.Helper()
	base := os.Getenv(postgresVariable)
	if base == "" {
		testneed.Missing(t, "postgres", postgresVariable+" is not set; want postgres://USER:PASSWORD@HOST/DATABASE")
	}
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, base)
	if err != nil {
		testneed.Missing(t, "postgres", postgresVariable+": "+err.Error())
	}
	schema := "t_" + rand.Text()
	if _, err := conn.Exec(ctx, fmt.Sprintf(`CREATE SCHEMA %q`, schema)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := conn.Exec(ctx, fmt.Sprintf(`DROP SCHEMA %q CASCADE`, schema)); err != nil {
			t.Error(err)
		}
		conn.Close(ctx)
	})
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	query := u.Query()
	query.Set("search_path", fmt.Sprintf("%q", schema))
	u.RawQuery = query.Encode()
	return u.String()
}

// eventually waits for what comes by itself.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for start := time.Now(); !is(); <-tick.C {
		if time.Since(start) > patience {
			t.Fatalf("never: %s", what)
		}
	}
}
