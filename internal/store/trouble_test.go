package store_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"

	"accountgateway/internal/store"
	"accountgateway/internal/testneed"
)

func operation(key string) store.Operation {
	return store.Operation{ID: key, Account: "a", Kind: "refill", Caller: "c", Key: key, Request: []byte(`{}`), CreatedAt: epoch, GiveUpAt: epoch.Add(time.Minute)}
}

// wantTrouble checks what an error says of the database.
func wantTrouble(t *testing.T, err error, down, busy bool) {
	t.Helper()
	if trouble := store.TroubleOf(err); err == nil || (trouble == store.Down) != down || (trouble == store.Busy) != busy {
		t.Errorf("%v: trouble %v; want down %v, busy %v", err, trouble, down, busy)
	}
}

// TestSlowIsNotDown has each way in which a database is slow or has no room:
// that is no outage. An outage is a database that is not there.
func TestSlowIsNotDown(t *testing.T) {
	soon := func(t *testing.T) context.Context {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		t.Cleanup(cancel)
		return ctx
	}
	save := func(ctx context.Context, s *store.Store) error {
		return s.SaveReadings(ctx, []store.Reading{reading(balanceKey, 0, strings.Repeat("x", 1<<16))})
	}
	t.Run("deadline", func(t *testing.T) {
		onEngines(t, func(t *testing.T, url string) {
			s := open(t, url, newClock())
			ctx, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
			defer cancel()
			wantTrouble(t, save(ctx, s), false, true)
		})
	})
	t.Run("locked", func(t *testing.T) {
		onEngines(t, func(t *testing.T, url string) {
			s := open(t, url, newClock())
			lock(t, url)
			wantTrouble(t, save(soon(t), s), false, true)
			_, err := s.SettleOperation(soon(t), "x", store.Settlement{}, store.Started)
			if strings.HasPrefix(url, "sqlite") {
				wantTrouble(t, err, false, true)
			}
		})
	})
	t.Run("sqlite full", func(t *testing.T) {
		s := open(t, sqliteURL(t), newClock())
		if _, err := s.Pools()["write"].ExecContext(t.Context(), `PRAGMA max_page_count = 1`); err != nil { // it becomes what there is
			t.Fatal(err)
		}
		wantTrouble(t, save(t.Context(), s), false, true)
	})
	t.Run("given up within a transaction", func(t *testing.T) { // as database/sql tells after a statement's deadline
		wantTrouble(t, fmt.Errorf("end a slot: %w", driver.ErrBadConn), false, true)
	})
	t.Run("sqlite no database", func(t *testing.T) {
		url := sqliteURL(t)
		must(t, os.WriteFile(strings.TrimPrefix(url, "sqlite:"), []byte(strings.Repeat("no database any more", 100)), 0o600))
		_, err := store.Open(t.Context(), url, store.Options{})
		wantTrouble(t, err, true, false)
	})
	t.Run("postgres canceled and full", func(t *testing.T) {
		s := open(t, testneed.Postgres(t), newClock())
		for code, want := range map[string]struct{ down, busy bool }{
			"57014": {false, true}, // canceled, by statement_timeout for one
			"53100": {false, true}, // disk full
			"53300": {false, true}, // too many connections
			"40P01": {false, true}, // deadlock
			"57P01": {true, false}, // the server shuts down
			"57P03": {true, false}, // the server starts
			"08006": {true, false}, // connection failure
			"42P01": {false, false},
		} {
			err := s.Exec(soon(t), `DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '`+code+`'; END $$`)
			wantTrouble(t, err, want.down, want.busy)
		}
	})
	t.Run("postgres refused and reset", func(t *testing.T) {
		raw := testneed.Postgres(t)
		u, err := url.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		server := u.Host
		u.Host = l.Addr().String()
		go relay(l, server)
		s := open(t, u.String(), newClock())
		must(t, s.Ping(t.Context()))
		l.Close() // and with it all connections
		for range 3 {
			wantTrouble(t, s.Ping(t.Context()), true, false)
		}
	})
}

// relay hands connections on to a server until its listener is closed.
func relay(l net.Listener, server string) {
	var all []net.Conn
	defer func() {
		for _, c := range all {
			c.Close()
		}
	}()
	for {
		in, err := l.Accept()
		if err != nil {
			return
		}
		out, err := net.Dial("tcp", server)
		if err != nil {
			in.Close()
			continue
		}
		all = append(all, in, out)
		pipe := func(to, from net.Conn) {
			buf := make([]byte, 1<<15)
			for {
				n, err := from.Read(buf)
				if _, werr := to.Write(buf[:n]); err != nil || werr != nil {
					to.Close()
					return
				}
			}
		}
		go pipe(in, out)
		go pipe(out, in)
	}
}

// lock keeps everybody else from saving readings, until the test's end or
// unlock.
func lock(t *testing.T, raw string) (unlock func()) {
	t.Helper()
	driver, statement := "pgx", `UPDATE readings_seq SET last = last`
	if path, ok := strings.CutPrefix(raw, "sqlite:"); ok {
		driver, raw = "sqlite", "file:"+path+"?_busy_timeout=10000"
	}
	db, err := sql.Open(driver, raw)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	tx, err := db.Begin()
	if err == nil {
		_, err = tx.Exec(statement)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tx.Rollback() })
	return func() { _ = tx.Rollback() }
}

// TestStuckQueue: calls that wait behind one that does not end give up
// together with it, not one after the other.
func TestStuckQueue(t *testing.T) {
	onEngines(t, func(t *testing.T, url string) {
		s := open(t, url, newClock())
		s.SetWritePatience(200 * time.Millisecond)
		lock(t, url)
		const calls = 20
		errs := make([]error, calls)
		together(calls, func(i int) {
			errs[i] = s.SaveReadings(t.Context(), []store.Reading{reading(balanceKey, time.Duration(i), "x")})
		})
		waited := 0
		for _, err := range errs {
			wantTrouble(t, err, false, true)
			if errors.Is(err, store.ErrStuck) {
				waited++
			}
		}
		if waited == 0 {
			t.Errorf("nobody gave up with another: %v", errors.Join(errs...))
		}
	})
}

// TestOperationsOvertakeReadings: an operation does not wait for all the
// readings that are to be saved.
func TestOperationsOvertakeReadings(t *testing.T) {
	onEngines(t, func(t *testing.T, url string) {
		s := open(t, url, newClock())
		const readings = 500
		saved, begun := make(chan struct{}, readings), make(chan error, 1)
		var left int
		together(readings, func(i int) {
			if i == 0 {
				for range 20 { // the others are on their way
					<-saved
				}
				_, _, err := s.BeginOperation(t.Context(), operation("op"), epoch, nil)
				left = readings - 21 - len(saved)
				begun <- err
				return
			}
			if err := s.SaveReadings(t.Context(), []store.Reading{reading(balanceKey, time.Duration(i), "x")}); err != nil {
				t.Error(err)
			}
			saved <- struct{}{}
		})
		must(t, <-begun)
		if left < readings/2 {
			t.Errorf("only %d of %d readings were left to save", left, readings)
		}
	})
}

// TestHistoriesHaveTheirOwnConnections: whatever histories are read, all else
// goes on.
func TestHistoriesHaveTheirOwnConnections(t *testing.T) {
	onEngines(t, func(t *testing.T, url string) {
		s := open(t, url, newClock())
		must(t, s.SaveReadings(t.Context(), []store.Reading{reading(balanceKey, 0, "x")}))
		pool := s.Pools()["history"]
		for range pool.Stats().MaxOpenConnections {
			conn, err := pool.Conn(t.Context())
			must(t, err)
			defer conn.Close()
		}
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		_, err := history(ctx, s, "a", epoch, epoch.Add(time.Hour), 0)
		wantTrouble(t, err, false, true)
		must(t, s.Ping(t.Context()))
		if got, err := s.ReadingsAfter(t.Context(), 0, 10); err != nil || len(got) != 1 {
			t.Errorf("got %v, %v", got, err)
		}
		if _, _, err := s.BeginOperation(t.Context(), operation("op"), epoch, nil); err != nil {
			t.Error(err)
		}
	})
}

// TestWriteWaitsForAConnection: a server whose connections are all taken is
// waited for, within the write's deadline.
func TestWriteWaitsForAConnection(t *testing.T) {
	raw := testneed.Postgres(t)
	admin := open(t, raw, newClock())
	u, err := url.Parse(raw)
	must(t, err)
	schema := strings.Trim(u.Query().Get("search_path"), `"`)
	role := strings.ToLower(schema)
	for _, statement := range []string{
		`CREATE ROLE ` + role + ` LOGIN CONNECTION LIMIT 1`,
		`GRANT ALL ON SCHEMA "` + schema + `" TO ` + role,
		`GRANT ALL ON ALL TABLES IN SCHEMA "` + schema + `" TO ` + role,
	} {
		must(t, admin.Exec(t.Context(), statement))
	}
	t.Cleanup(func() { // the pool of admin is still open
		_ = admin.Exec(context.Background(), `DROP OWNED BY `+role)
		if err := admin.Exec(context.Background(), `DROP ROLE `+role); err != nil {
			t.Error(err)
		}
	})
	u.User = url.User(role)
	s := open(t, u.String(), newClock()) // migrates by its one connection
	s.Pools()["durable"].SetMaxIdleConns(0)
	other, err := pgx.Connect(t.Context(), u.String())
	must(t, err)
	defer other.Close(context.Background())

	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	_, _, err = s.BeginOperation(ctx, operation("early"), epoch, nil)
	wantTrouble(t, err, false, true)
	done := make(chan error, 1)
	go func() {
		_, _, err := s.BeginOperation(t.Context(), operation("op"), epoch, nil)
		done <- err
	}()
	must(t, other.Close(t.Context()))
	must(t, <-done)
}

// TestOperationsAreOnDisk: what the server is set to does not count.
func TestOperationsAreOnDisk(t *testing.T) {
	raw := testneed.Postgres(t)
	u, err := url.Parse(raw)
	must(t, err)
	for _, test := range []struct{ server, want string }{{"off", "on"}, {"local", "on"}, {"on", "on"}, {"remote_apply", "remote_apply"}} {
		query := u.Query()
		query.Set("synchronous_commit", test.server)
		u.RawQuery = query.Encode()
		s := open(t, u.String(), newClock())
		var got string
		must(t, s.Pools()["durable"].QueryRowContext(t.Context(), `SHOW synchronous_commit`).Scan(&got))
		if got != test.want {
			t.Errorf("%s: operations have %s, want %s", test.server, got, test.want)
		}
	}
}
