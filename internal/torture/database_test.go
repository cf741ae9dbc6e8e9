//go:build linux

package torture

import (
	"context"
	"database/sql"
	"math/rand/v2"
	"net/url"
	"path/filepath"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	_ "modernc.org/sqlite"             // the driver "sqlite"

	"accountgateway/internal/testneed"
)

// database is what the replicas share, and the ways in which it can be taken from them.
type database struct {
	name     string
	replicas int
	// machineClock: it has no clock of its own, but goes by that of the replica.
	machineClock bool
	url          func(replica int) string // each may have a way of its own
	outages      []outage
}

// outage is one way. begin is told which replicas it is for and gives what ends it.
type outage struct {
	kind  string
	disk  bool // counts as a round with a full disk
	busy  bool // the database is slow, and not away
	begin func(h *harness, rng *rand.Rand, hit []int) (end func())
}

// sqliteDatabase is a file on a disk of its own, if that can be had. One replica works with it.
func sqliteDatabase(t *testing.T) database {
	dir := t.TempDir()
	mounted := mountDisk(t, dir)
	file := filepath.Join(dir, "gateway.db")
	d := database{name: "sqlite", replicas: 1, machineClock: true, url: func(int) string { return "sqlite:" + file }}
	d.outages = []outage{
		{kind: "files are limited", disk: true, begin: func(h *harness, _ *rand.Rand, hit []int) func() {
			return h.onProcesses(hit, func(p *process) { _ = limitFiles(p.cmd.Process.Pid, 4096) }, // it may be dead
				func(p *process) { _ = limitFiles(p.cmd.Process.Pid, ^uint64(0)) })
		}},
		{kind: "locked by another process", busy: true, begin: func(h *harness, _ *rand.Rand, _ []int) func() {
			return hold(h, "sqlite", "file:"+file+"?_txlock=immediate&_busy_timeout=10000", "SELECT 1")
		}},
	}
	if mounted {
		d.outages = append(d.outages, outage{kind: "the disk is full", disk: true, begin: func(h *harness, _ *rand.Rand, _ []int) func() {
			return fill(h.t, dir)
		}})
	}
	return d
}

// postgresDatabase is a schema that two replicas reach by a proxy each.
func postgresDatabase(t *testing.T) database {
	direct := testneed.Postgres(t)
	config, err := pgconn.ParseConfig(direct)
	if err != nil {
		t.Fatal(err)
	}
	d := database{name: "postgres", replicas: 2}
	var proxies []*proxy
	network, address := pgconn.NetworkAddress(config.Host, config.Port)
	for range d.replicas {
		proxies = append(proxies, newProxy(t, network, address))
	}
	d.url = func(replica int) string {
		u, err := url.Parse(direct)
		if err != nil {
			t.Fatal(err)
		}
		u.Host = proxies[replica].listener.Addr().String()
		return u.String()
	}
	through := func(kind string, do func(p *proxy, rng *rand.Rand)) outage {
		return outage{kind: kind, begin: func(_ *harness, rng *rand.Rand, hit []int) func() {
			for _, i := range hit {
				do(proxies[i], rng)
			}
			return func() {
				for _, i := range hit {
					proxies[i].set(passage{})
				}
			}
		}}
	}
	slow := through("is slow", func(p *proxy, rng *rand.Rand) { p.set(passage{slow: upTo(rng, 500*time.Millisecond)}) })
	slow.busy = true
	d.outages = []outage{
		through("connections are refused", func(p *proxy, _ *rand.Rand) { p.set(passage{refuse: true}); p.reset() }),
		through("connections are reset", func(p *proxy, _ *rand.Rand) { p.reset() }),
		through("hangs", func(p *proxy, _ *rand.Rand) { p.set(passage{hang: true}) }),
		slow,
		{kind: "locked by another client", busy: true, begin: func(h *harness, rng *rand.Rand, _ []int) func() {
			table := []string{"operations", "leases", "readings", "budgets"}[rng.IntN(4)]
			return hold(h, "pgx", direct, "LOCK TABLE "+table+" IN EXCLUSIVE MODE")
		}},
	}
	return d
}

// hold keeps the gateway from writing by a transaction of somebody else.
func hold(h *harness, driver, name, statement string) (release func()) {
	db, err := sql.Open(driver, name)
	if err != nil {
		h.t.Error(err)
		return func() {}
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	tx, err := db.BeginTx(ctx, nil)
	if err == nil {
		_, err = tx.ExecContext(ctx, statement)
	}
	if err != nil {
		h.truth.event("the lock was not to be had: %v", err)
	}
	return func() {
		if tx != nil {
			_ = tx.Rollback() // nothing was written
		}
		cancel()
		db.Close()
	}
}
