package testneed

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/url"
	"os"
	"testing"

	"github.com/jackc/pgx/v5"
)

// PostgresVariable names a PostgreSQL database in which tests may make and
// drop schemas.
const PostgresVariable = "GATEWAY_TEST_POSTGRES_URL"

// Postgres is the URL of an empty schema of the test's own, dropped at its end.
func Postgres(t testing.TB) string {
	t.Helper()
	base := os.Getenv(PostgresVariable)
	if base == "" {
		Missing(t, "postgres", PostgresVariable+" is not set; must be postgres://USER:PASSWORD@HOST/DATABASE")
	}
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, base)
	if err != nil {
		Missing(t, "postgres", PostgresVariable+": "+err.Error())
	}
	schema := "t_" + rand.Text()
	if _, err := conn.Exec(ctx, fmt.Sprintf(`CREATE SCHEMA %q`, schema)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		// The server may still be busy with a statement whose client is gone:
		// a deadlock with that ends by itself.
		var err error
		for range 6 {
			if _, err = conn.Exec(ctx, fmt.Sprintf(`DROP SCHEMA %q CASCADE`, schema)); err == nil {
				break
			}
		}
		if err != nil {
			t.Error(err)
		}
		_ = conn.Close(ctx) // nothing is left to lose
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
