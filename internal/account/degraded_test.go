package account_test

import (
	"database/sql"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"accountgateway/internal/account"
	"accountgateway/internal/durable"
	"accountgateway/internal/provider"
)

func newDurable() *durable.Store { return durable.New(zerolog.Nop()) }

// breakage breaks a database from outside, and mends it.
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

func (b *breakage) exec(t *testing.T, statements ...string) {
	t.Helper()
	for _, statement := range statements {
		if _, err := b.db.Exec(statement); err != nil {
			t.Error(err)
		}
	}
}

// begin makes pings fail, and every use of leases, budgets and readings.
func (b *breakage) begin(t *testing.T) {
	t.Helper()
	b.exec(t, `ALTER TABLE readings_seq RENAME TO away_readings_seq`, `ALTER TABLE leases RENAME TO away_leases`, `ALTER TABLE budgets RENAME TO away_budgets`, `ALTER TABLE readings RENAME TO away_readings`)
}

func (b *breakage) end(t *testing.T) {
	t.Helper()
	b.exec(t, `ALTER TABLE away_readings_seq RENAME TO readings_seq`, `ALTER TABLE away_leases RENAME TO leases`, `ALTER TABLE away_budgets RENAME TO budgets`, `ALTER TABLE away_readings RENAME TO readings`)
}

// full makes every write fail as it does on a full disk, and leaves reading.
func (b *breakage) full(t *testing.T) {
	t.Helper()
	for _, table := range []string{"leases", "replicas", "budgets", "readings", "balance_history", "readings_seq"} {
		for _, event := range []string{"INSERT", "UPDATE"} {
			b.exec(t, `CREATE TRIGGER full_`+table+event+` BEFORE `+event+` ON `+table+` BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END`)
		}
	}
}

func (b *breakage) roomy(t *testing.T) {
	t.Helper()
	for _, table := range []string{"leases", "replicas", "budgets", "readings", "balance_history", "readings_seq"} {
		for _, event := range []string{"INSERT", "UPDATE"} {
			b.exec(t, `DROP TRIGGER full_`+table+event)
		}
	}
}

// The store is away at the start: readings come from the vendor, and once it is
// there, it learns them.
func TestStoreAwayAtTheStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		url := sqliteURL(t)
		vendor := &wireServer{}
		g := newGateway(t, vendor, gatewayOptions{rate: twentyAMinute})
		stop := g.run(t)
		if g.durable.Err() == nil {
			t.Error("ready without a store")
		}
		g.must(t, account.Bound{})
		var away *durable.UnavailableError
		if _, err := g.History(t.Context(), "a", time.Now().Add(-time.Hour), time.Now(), 0); !errors.As(err, &away) {
			t.Errorf("history: %v", err)
		}
		if _, err := g.Forecast(t.Context(), "a", account.Bound{}); !errors.As(err, &away) {
			t.Errorf("forecast: %v", err)
		}
		g.attach(t, url)
		if err := g.durable.Err(); err != nil {
			t.Errorf("not ready: %v", err)
		}
		time.Sleep(2 * time.Minute)
		want := g.must(t, account.Bound{})
		stop()
		again := newGateway(t, vendor, gatewayOptions{url: url})
		if got := again.must(t, account.Bound{}); amountOf(got) != amountOf(want) || vendor.count() != 2 {
			t.Errorf("after a restart: %+v, %d calls", got, vendor.count())
		}
	})
}

// The store goes away and comes back: reads go on, readiness follows.
func TestStoreAwayLater(t *testing.T) {
	kinds := map[string]func(t *testing.T, b *breakage) (mend func()){
		"failing": func(t *testing.T, b *breakage) func() {
			b.begin(t)
			return func() { b.end(t) }
		},
		"disk full": func(t *testing.T, b *breakage) func() {
			b.full(t)
			return func() { b.roomy(t) }
		},
	}
	for name, harm := range kinds {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				url := sqliteURL(t)
				vendor := &wireServer{}
				g := newGateway(t, vendor, gatewayOptions{url: url, rate: twentyAMinute})
				g.run(t)
				g.must(t, account.Bound{})
				mend := harm(t, newBreakage(t, url))
				time.Sleep(90 * time.Second)
				if g.durable.Err() == nil {
					t.Error("ready though the store is away")
				}
				began := time.Now()
				if got := g.must(t, account.Bound{}); got.Stale || amountOf(got) != "2.00" {
					t.Errorf("while the store is away: %+v", got)
				}
				if took := time.Since(began); took > 3*time.Second {
					t.Errorf("a reading took %s", took)
				}
				mend()
				time.Sleep(10 * time.Second)
				if err := g.durable.Err(); err != nil {
					t.Errorf("not ready though the store is back: %v", err)
				}
				time.Sleep(2 * time.Minute)
				g.must(t, account.Bound{})
				synctest.Wait()
				points, err := g.History(t.Context(), "a", time.Now().Add(-time.Hour), time.Now(), 0)
				if err != nil || len(points) == 0 || points[len(points)-1].Balance.Balance.Amount.String() != "3.00" {
					t.Errorf("history after it: %v, %v", points, err)
				}
			})
		})
	}
}

// A store that is locked delays one request by two seconds, and no other; it
// is slow, not down, and the log says so once. This test takes them: SQLite
// waits for locks by the real clock.
func TestStoreHangs(t *testing.T) {
	url := sqliteURL(t)
	g := newGateway(t, &wireServer{}, gatewayOptions{url: url, rate: twentyAMinute})
	tx, err := newBreakage(t, url).db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(`UPDATE readings_seq SET last = last`); err != nil { // holds the write lock
		t.Fatal(err)
	}
	began := time.Now()
	for range 5 {
		g.must(t, account.Bound{NoCache: true})
	}
	if took := time.Since(began); took > 5*time.Second || g.durable.Err() != nil {
		t.Errorf("five readings took %s; the store: %v", took, g.durable.Err())
	}
	for range 2 {
		g.Load(t.Context())
	}
	g.wantLog(t, 1, "the database is slow or full")
	g.wantLog(t, 0, "the database is unavailable")
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	g.Load(t.Context())
	if err := g.durable.Err(); err != nil {
		t.Errorf("not ready though the store is back: %v", err)
	}
	g.wantLog(t, 1, "the database is available again")
}

// A start on a full disk forgets nothing that can be read.
func TestStartOnFullDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		url := sqliteURL(t)
		vendor := &wireServer{}
		first := newGateway(t, vendor, gatewayOptions{url: url})
		want := first.must(t, account.Bound{})
		first.run(t)()
		first.store.Close()
		newBreakage(t, url).full(t)
		dead := &wireServer{answer: func(int) (int, string, http.Header) { return http.StatusBadGateway, "", nil }}
		g := newGateway(t, dead, gatewayOptions{url: url})
		time.Sleep(2 * time.Minute)
		got := g.must(t, account.Bound{})
		if !got.Stale || amountOf(got) != amountOf(want) || provider.KindOf(got.Err) != provider.KindUnavailable {
			t.Errorf("got %+v because of %v", got, got.Err)
		}
	})
}

// The vendor is down at the start: not fatal, and the last reading stands with
// its old time.
func TestVendorDownAtTheStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		url := sqliteURL(t)
		first := newGateway(t, &wireServer{}, gatewayOptions{url: url})
		want := first.must(t, account.Bound{})
		time.Sleep(time.Hour)
		dead := &wireServer{answer: func(int) (int, string, http.Header) { return http.StatusBadGateway, "", nil }}
		g := newGateway(t, dead, gatewayOptions{url: url, interval: 20 * time.Second})
		g.run(t)
		time.Sleep(2 * time.Minute)
		got := g.must(t, account.Bound{})
		if !got.Stale || !got.AsOf.Equal(want.AsOf.Truncate(time.Microsecond)) || got.Err == nil {
			t.Errorf("got %+v because of %v", got, got.Err)
		}
		if info, err := g.Info("a"); err != nil || info.State.State != account.StateUnavailable || info.State.LastSuccessAt == nil ||
			info.State.LastSuccessAt.After(time.Now().Add(-time.Hour)) {
			t.Errorf("state %+v, %v", info.State, err)
		}
	})
}
