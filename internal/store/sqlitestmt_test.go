package store_test

import (
	"database/sql"
	"fmt"
	"slices"
	"testing"
	"time"

	"accountgateway/internal/store"
)

// What is done again and again is the same statements, whatever the time: else
// none of them is prepared when it is run.
func TestStatementsStayTheSame(t *testing.T) {
	clock := newClock()
	s := open(t, "sqlite::memory:", clock) // all pools are one connection
	round := func() int {
		clock.advance(time.Second)
		_, err := s.CheckClock(t.Context())
		must(t, err)
		budgets := []store.BudgetShare{{Name: "regru", Limit: limit}, {Name: "host", Limit: limit}}
		begun, err := s.BeginCall(t.Context(), store.Beginning{Lease: "turn", Holder: "replica", TTL: time.Minute, Account: "regru", Budgets: budgets})
		must(t, err)
		if begun.Slot.Granted() {
			must(t, s.EndSlot(t.Context(), begun.Slot))
		}
		_, _, err = s.TakeSlot(t.Context(), budgets, store.Asker{Background: true}, time.Millisecond)
		must(t, err)
		must(t, s.SaveReadings(t.Context(), []store.Reading{{Key: balanceKey, AsOf: clock.Now()}}, store.Fact{Account: "regru", Name: "state", AsOf: clock.Now()}))
		must(t, s.ReleaseLease(t.Context(), "turn", "replica"))
		_, err = s.ReadingsAfter(t.Context(), 0, 10)
		must(t, err)
		_, err = s.FactsAfter(t.Context(), 0)
		must(t, err)
		_, err = s.UsedSlots(t.Context())
		must(t, err)
		_, err = s.PruneLeases(t.Context())
		must(t, err)
		must(t, s.DrainBudget(t.Context(), "selzy", time.Second))
		n, err := s.KnownStatements(t.Context(), "write")
		must(t, err)
		return n
	}
	for range 5 { // the budgets are used up by then
		round()
	}
	before := round()
	for range 5 {
		round()
	}
	if after := round(); after != before {
		t.Errorf("the connection knew %d statements, and then %d", before, after)
	}
}

// Prepared statements see what another process did to the tables, as an upgrade
// does.
func TestStatementsSurviveAnUpgrade(t *testing.T) {
	url, clock := sqliteURL(t), newClock()
	s, other := open(t, url, clock), open(t, url, clock)
	for i := range 6 {
		if i == 3 {
			must(t, other.Exec(t.Context(), `DROP INDEX budget_slots_by_time`))
			must(t, other.Exec(t.Context(), `ALTER TABLE leases RENAME TO old_leases`))
			must(t, other.Exec(t.Context(), `CREATE TABLE leases (note TEXT, expires_at BIGINT NOT NULL, holder TEXT NOT NULL, name TEXT NOT NULL PRIMARY KEY)`))
		}
		mine, err := s.AcquireLease(t.Context(), "turn", fmt.Sprint("replica", i), time.Minute)
		if err != nil || mine != (i == 0 || i == 3) {
			t.Errorf("%d: %v, %v", i, mine, err)
		}
		take(t, s, store.BudgetLimit{Calls: 10, Per: time.Hour}, false, true)
	}
}

// A statement that runs while its rows are still read does not disturb them, and
// misses none itself.
func TestStatementWithinItself(t *testing.T) {
	s := open(t, "sqlite::memory:", newClock())
	must(t, s.Exec(t.Context(), `INSERT INTO leases (name, holder, expires_at) VALUES ('a', 'h', 1), ('b', 'h', 1), ('c', 'h', 1)`))
	const query = `SELECT name FROM leases ORDER BY name`
	for range 3 { // from the second time on it may be a prepared one
		tx, err := s.Pools()["write"].BeginTx(t.Context(), nil)
		must(t, err)
		var got []string
		read := func(rows *sql.Rows, also func()) {
			for rows.Next() {
				var name string
				must(t, rows.Scan(&name))
				got = append(got, name)
				also()
				also = func() {}
			}
			must(t, rows.Err())
			must(t, rows.Close())
		}
		outer, err := tx.QueryContext(t.Context(), query) //nolint:rowserrcheck // read does
		must(t, err)
		read(outer, func() {
			inner, err := tx.QueryContext(t.Context(), query) //nolint:rowserrcheck // read does
			must(t, err)
			read(inner, func() {})
		})
		must(t, tx.Rollback())
		if want := []string{"a", "a", "b", "c", "b", "c"}; !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	}
}

// A connection does not keep statements without end.
func TestStatementsAreBounded(t *testing.T) {
	s := open(t, "sqlite::memory:", newClock())
	for range 2 {
		for i := range 500 {
			must(t, s.Exec(t.Context(), fmt.Sprintf("UPDATE readings_seq SET last = last + %d", i)))
		}
	}
	if n, err := s.KnownStatements(t.Context(), "write"); err != nil || n > 256 {
		t.Errorf("%d statements, %v", n, err)
	}
	var last int
	must(t, s.Pools()["write"].QueryRow(`SELECT last FROM readings_seq`).Scan(&last))
	if want := 2 * 500 * 499 / 2; last != want {
		t.Errorf("got %d, want %d", last, want)
	}
}
