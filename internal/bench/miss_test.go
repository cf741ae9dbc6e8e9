package bench

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"accountgateway/internal/testneed"
)

// BenchmarkMiss asks the vendor each time, through the gateway and directly.
// The gateway's store, budget and leases are on.
func BenchmarkMiss(b *testing.B) {
	for b.Loop() {
		compareMisses(b, "SQLite file", "sqlite:"+filepath.Join(b.TempDir(), "gateway.db"))
		compareMisses(b, "SQLite in memory", "sqlite::memory:")
		if os.Getenv(testneed.PostgresVariable) == "" {
			row("miss: PostgreSQL", "not measured: %s is not set", testneed.PostgresVariable)
			continue
		}
		compareMisses(b, "PostgreSQL", testneed.Postgres(b))
	}
}

const (
	misses = 1000
	pause  = 5 * time.Millisecond // the gateway keeps the last reading after it has answered
)

func compareMisses(b *testing.B, kind, database string) {
	vendor := child(b, "simulator", nil)
	p, _ := gateway(b, "", []string{"a"}, vendor.addr, "GATEWAY_AUTH=none", "A_RATE=1000000/1h", "GATEWAY_DATABASE_URL="+database)
	client := &http.Client{}
	form := url.Values{"username": {"test"}, "password": {"test"}, "input_format": {"json"}, "output_format": {"json"}, "io_encoding": {"utf8"}}.Encode()
	direct := func() {
		resp, err := client.Post("http://"+vendor.addr+"/api/regru2/user/get_balance", "application/x-www-form-urlencoded", strings.NewReader(form))
		if err != nil {
			b.Fatal(err)
		}
		if _, err := readAll(resp); err != nil || resp.StatusCode != http.StatusOK {
			b.Fatalf("%s, %v", resp.Status, err)
		}
	}
	through := func() {
		resp, body := get(b, client, "http://"+p.addr+balancePath, "", "Cache-Control", "no-cache")
		if resp.StatusCode != http.StatusOK || !strings.Contains(resp.Header.Get("Cache-Status"), "fwd=") {
			b.Fatalf("%s, %s: %s", resp.Status, resp.Header.Get("Cache-Status"), body)
		}
	}
	timed := func(ask func()) float64 {
		began := time.Now()
		ask()
		return float64(time.Since(began).Microseconds()) / 1000
	}
	for range 50 { // warm
		direct()
		through()
	}
	var straight, by spread
	for range misses {
		straight = append(straight, timed(direct))
		by = append(by, timed(through))
		time.Sleep(pause)
	}
	for _, q := range []struct {
		name string
		at   float64
	}{{"p50", 0.5}, {"p99", 0.99}} {
		row("miss: "+kind+", "+q.name, "%.2f ms through the gateway, %.2f ms directly: overhead %.2f ms", by.quantile(q.at), straight.quantile(q.at), by.quantile(q.at)-straight.quantile(q.at))
	}
}
