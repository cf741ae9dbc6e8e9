package account_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"accountgateway/internal/account"
	"accountgateway/internal/provider"
	"accountgateway/internal/testneed"
)

// lines are what was logged.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// wantLog counts the lines about the database that have a text.
func (g *gateway) wantLog(t *testing.T, n int, text string) {
	t.Helper()
	if log := g.log.String(); strings.Count(log, text) != n {
		t.Errorf("%d lines have %q, want %d:\n%s", strings.Count(log, text), text, n, log)
	}
}

// until waits for what comes by itself.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(time.Minute); !is(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
	}
}

// TestLargeFleetIsNoOutage: thousands of readings at once wait for the
// database, and nobody takes that for an outage.
func TestLargeFleetIsNoOutage(t *testing.T) {
	for name, url := range engineURLs() {
		t.Run(name, func(t *testing.T) {
			var names []string
			for i := range 2000 {
				names = append(names, fmt.Sprintf("a%d", i))
			}
			g := newGateway(t, &wireServer{}, gatewayOptions{url: url(t), accounts: names, rate: twentyAMinute})
			g.run(t)
			everything := func(string) bool { return true }
			var wg sync.WaitGroup
			for range 3 {
				wg.Go(func() {
					for _, item := range g.Balances(t.Context(), everything, account.Bound{NoCache: true}) {
						// On a slow machine the read's own time may be over before all had their turn.
						if item.Err != nil && provider.KindOf(item.Err) != provider.KindTimeout {
							t.Errorf("%s: %v", item.Account, item.Err)
						}
					}
				})
			}
			stop := make(chan struct{})
			wg.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
						if err := g.durable.Err(); err != nil {
							t.Errorf("not ready: %v", err)
							return
						}
						time.Sleep(time.Millisecond)
					}
				}
			})
			time.AfterFunc(time.Second, func() { close(stop) })
			wg.Wait()
			g.wantLog(t, 0, "the database is unavailable")
		})
	}
}

// TestHistoriesAreNoOutage: many histories at full retention at once delay
// nothing else for long.
func TestHistoriesAreNoOutage(t *testing.T) {
	url := sqliteURL(t)
	vendor := &wireServer{}
	g := newGateway(t, vendor, gatewayOptions{url: url, rate: twentyAMinute})
	g.run(t)
	harm := newBreakage(t, url)
	harm.exec(t, `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 600000)
		INSERT INTO balance_history (account, currency, as_of, balance, blocked, credit, bonus) SELECT 'a', 'USD', i * 300000000, '1.00', '', '', '' FROM n`)
	from, till := time.Unix(0, 0), time.Unix(600_000*300, 0)
	var histories sync.WaitGroup
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for range 16 {
		histories.Go(func() {
			points, err := g.History(ctx, "a", from, till, 24*time.Hour)
			if err == nil && len(points) == 0 {
				t.Error("no points")
			}
		})
	}
	for range 10 {
		g.must(t, account.Bound{NoCache: true})
		if err := g.durable.Err(); err != nil {
			t.Errorf("not ready: %v", err)
		}
	}
	cancel()
	histories.Wait()
	g.wantLog(t, 0, "the database is unavailable")
}

// TestHangingDatabaseIsDown: a database that takes connections and answers
// nothing is first slow, and once it has not answered a ping, down.
func TestHangingDatabaseIsDown(t *testing.T) {
	t.Parallel()
	url, way := frozenPostgres(t)
	g := newGateway(t, &wireServer{}, gatewayOptions{url: url, rate: twentyAMinute})
	g.run(t)
	g.must(t, account.Bound{})
	way.freeze()
	t.Cleanup(way.thaw)
	g.must(t, account.Bound{NoCache: true})
	until(t, "an outage", func() bool { return g.durable.Err() != nil })
	way.thaw()
	until(t, "its end", func() bool { return g.durable.Err() == nil })
	g.wantLog(t, 1, "the database is unavailable")
	g.wantLog(t, 1, "the database is available again")
}

// engineURLs make an empty database of each engine.
func engineURLs() map[string]func(t *testing.T) string {
	return map[string]func(t *testing.T) string{
		"sqlite":   sqliteURL,
		"postgres": func(t *testing.T) string { return testneed.Postgres(t) },
	}
}

// A lease that could not be given back, or that was given unheard, because the
// database was away for a moment, keeps nobody waiting once it is back.
func TestLeaseIsGivenBackAfterAnOutage(t *testing.T) {
	for _, test := range []struct {
		name  string
		delay time.Duration // from the request until the database goes away
	}{{"while the vendor is asked", time.Second}, {"while the lease is taken", 0}} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				url := sqliteURL(t)
				slow := &wireServer{latency: func() time.Duration { return 3 * time.Second }}
				one, two := newGateway(t, slow, gatewayOptions{url: url}), newGateway(t, &wireServer{}, gatewayOptions{url: url})
				one.run(t)
				two.run(t)
				time.Sleep(5 * time.Second)
				harm := newBreakage(t, url)
				if test.delay == 0 { // it is written, and that can't be told
					harm.exec(t, `CREATE TRIGGER unheard AFTER INSERT ON leases WHEN NEW.name LIKE 'read/%' BEGIN SELECT RAISE(FAIL, 'connection reset'); END`)
				}
				var wg sync.WaitGroup
				wg.Go(func() { one.must(t, account.Bound{NoCache: true}) })
				time.Sleep(test.delay)
				if test.delay > 0 {
					harm.begin(t)
				}
				wg.Wait()
				if test.delay > 0 {
					harm.end(t)
				} else {
					harm.exec(t, `DROP TRIGGER unheard`)
				}
				time.Sleep(time.Second)
				began := time.Now()
				if two.must(t, account.Bound{NoCache: true}); time.Since(began) > noticed {
					t.Errorf("it took %s", time.Since(began))
				}
			})
		})
	}
}
