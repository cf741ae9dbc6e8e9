package operation_test

import (
	"context"
	"database/sql"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"accountgateway/internal/account"
	"accountgateway/internal/durable"
	"accountgateway/internal/provider"
	"accountgateway/internal/store"
)

// replica is one gateway process as far as this package goes.
type replica struct {
	*account.Service
	durable *durable.Store
}

// newReplica makes a gateway of one account "a". url is its database; "" is none.
func newReplica(t *testing.T, vendor provider.Provider, url string) *replica {
	t.Helper()
	return newLoggingReplica(t, vendor, url, io.Discard)
}

func newLoggingReplica(t *testing.T, vendor provider.Provider, url string, log io.Writer) *replica {
	t.Helper()
	d := durable.New(zerolog.Nop())
	r := &replica{durable: d, Service: account.New([]account.Account{{Name: "a", Provider: "fake", Adapter: vendor}}, d, account.Options{
		LoadTimeout: 10 * time.Second, Registry: prometheus.NewRegistry(), Log: zerolog.New(zerolog.SyncWriter(log)),
	})}
	if url != "" {
		st, err := store.Open(t.Context(), url, store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { st.Close() })
		d.Attach(st)
		r.Load(t.Context())
	}
	return r
}

func sqliteURL(t *testing.T) string { return "sqlite:" + filepath.Join(t.TempDir(), "gateway.db") }

// breakage changes a database behind the gateway's back.
type breakage struct{ db *sql.DB }

func newBreakage(t *testing.T, url string) *breakage {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+strings.TrimPrefix(url, "sqlite:")+"?_busy_timeout=5000")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return &breakage{db}
}

func (b *breakage) exec(t *testing.T, statement string) {
	t.Helper()
	if _, err := b.db.Exec(statement); err != nil {
		t.Error(err)
	}
}

// pause waits for d; its error is ctx's if that ends first.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
