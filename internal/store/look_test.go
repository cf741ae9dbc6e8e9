package store_test

import (
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"accountgateway/internal/store"
	"accountgateway/internal/testneed"
)

// TestExisting: without leave to make a database, none is made, in a file or in
// an empty schema; one that is there opens.
func TestExisting(t *testing.T) {
	for name, address := range map[string]func(t *testing.T) string{
		"sqlite":   func(t *testing.T) string { return "sqlite:" + filepath.Join(t.TempDir(), "gateway.db") },
		"postgres": func(t *testing.T) string { return testneed.Postgres(t) },
	} {
		t.Run(name, func(t *testing.T) {
			where := address(t)
			for range 2 { // nothing was made the first time either
				if s, err := store.Open(t.Context(), where, store.Options{Existing: true}); !errors.Is(err, store.ErrNoDatabase) {
					t.Fatalf("got %v, %v", s, err)
				}
				if made, err := store.Look(t.Context(), where); made || err != nil {
					t.Fatalf("look: %v, %v", made, err)
				}
			}
			for _, existing := range []bool{false, true} {
				s, err := store.Open(t.Context(), where, store.Options{Existing: existing})
				if err != nil {
					t.Fatal(err)
				}
				must(t, s.Close())
			}
			if made, err := store.Look(t.Context(), where); !made || err != nil {
				t.Errorf("look: %v, %v", made, err)
			}
		})
	}
}

// TestExistingIsReached: a server that can't be reached is no missing database.
func TestExistingIsReached(t *testing.T) {
	_, err := store.Open(t.Context(), "postgres://user:geheim@127.0.0.1:1/x", store.Options{Existing: true})
	if err == nil || errors.Is(err, store.ErrNoDatabase) || strings.Contains(err.Error(), "geheim") {
		t.Errorf("got %v", err)
	}
}

// TestLookFindsWhatCannotBeWritten: reading alone is not enough to serve.
func TestLookFindsWhatCannotBeWritten(t *testing.T) {
	base := testneed.Postgres(t)
	s, err := store.Open(t.Context(), base, store.Options{})
	must(t, err)
	must(t, s.Close())
	u, err := url.Parse(base)
	must(t, err)
	query := u.Query()
	query.Set("default_transaction_read_only", "on")
	u.RawQuery = query.Encode()
	if _, err := store.Look(t.Context(), u.String()); err == nil || !strings.Contains(err.Error(), "read-only") {
		t.Errorf("got %v", err)
	}
}

// TestLookLeavesNothing in a folder that a database could be made in, and says
// of which folder none can.
func TestLookLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	if made, err := store.Look(t.Context(), "sqlite:"+filepath.Join(dir, "gateway.db")); made || err != nil {
		t.Errorf("got %v, %v", made, err)
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) > 0 {
		t.Errorf("left %v, %v", files, err)
	}
	missing := filepath.Join(dir, "missing")
	if _, err := store.Look(t.Context(), "sqlite:"+filepath.Join(missing, "gateway.db")); err == nil ||
		err.Error() != "GATEWAY_DATABASE_URL: sqlite: no file can be created in the directory "+missing+": no such file or directory" {
		t.Errorf("got %v", err)
	}
}
