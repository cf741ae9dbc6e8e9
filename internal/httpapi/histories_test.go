package httpapi

import (
	"context"
	"database/sql"
	"errors"
	"net/http"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/rs/zerolog"

	"accountgateway/internal/durable"
	"accountgateway/internal/store"
)

// TestHistoriesOfOneCaller: a third one waits, is let in once another is over,
// and is refused when that takes too long. Other callers don't notice.
func TestHistoriesOfOneCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var h histories
		first, err1 := h.begin(t.Context(), "a")
		second, err2 := h.begin(t.Context(), "a")
		other, err3 := h.begin(t.Context(), "b")
		if err := errors.Join(err1, err2, err3); err != nil {
			t.Fatal(err)
		}
		_, err := h.begin(t.Context(), "a")
		var p *problemError
		if !errors.As(err, &p) || p.code != ProblemCodeTooManyRequests || p.retryAfter == 0 {
			t.Errorf("a third one: %v", err)
		}
		let := make(chan error)
		go func() {
			end, err := h.begin(t.Context(), "a")
			if err == nil {
				defer end()
			}
			let <- err
		}()
		synctest.Wait()
		first()
		if err := <-let; err != nil {
			t.Errorf("after another was over: %v", err)
		}
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		again, err := h.begin(t.Context(), "a")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := h.begin(gone, "a"); !errors.Is(err, context.Canceled) {
			t.Errorf("whose caller has gone: %v", err)
		}
		for _, end := range []func(){second, other, again} {
			end()
		}
		synctest.Wait()
		if len(h.callers) != 0 {
			t.Errorf("%d callers are kept", len(h.callers))
		}
	})
}

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
