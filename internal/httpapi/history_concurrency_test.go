package httpapi

import (
	"database/sql"
	"net/http"
	"path/filepath"
	"sync"
	"testing"

	"github.com/rs/zerolog"

	"accountgateway/internal/durable"
	"accountgateway/internal/store"
)

// TestManyHistoriesAtOnce asks for more at once than one caller is given: each
// is answered whole, or told when to come again.
func TestManyHistoriesAtOnce(t *testing.T) {
	file := filepath.Join(t.TempDir(), "gateway.db")
	st, err := store.Open(t.Context(), "sqlite:"+file, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	db, err := sql.Open("sqlite", "file:"+file+"?_busy_timeout=5000")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)
		INSERT INTO balance_history (account, currency, as_of, balance, blocked, credit, bonus) SELECT 'acme', 'USD', i * 300000000, '1.00', '', '', '' FROM n`); err != nil {
		t.Fatal(err)
	}
	d := durable.New(zerolog.Nop())
	d.Attach(st)
	g := start(t, nil, func(o *Options) { o.Accounts = serviceOn(d, map[string]fake{"acme": everything()}) })
	var all sync.WaitGroup
	var mu sync.Mutex
	sizes := map[int]int{}
	for range 16 {
		all.Go(func() {
			a := g.get("/accounts/acme/balance/history?from=1970-01-01&till=1971-01-01&step=1h")
			mu.Lock()
			defer mu.Unlock()
			switch {
			case a.status == http.StatusOK:
				sizes[len(a.body)]++
			case a.status != http.StatusTooManyRequests || a.header.Get("Retry-After") == "":
				t.Errorf("got %d %s", a.status, a.body)
			}
		})
	}
	all.Wait()
	if len(sizes) != 1 {
		t.Errorf("different answers to one question: %v", sizes)
	}
	if err := d.Err(); err != nil {
		t.Error(err)
	}
}
