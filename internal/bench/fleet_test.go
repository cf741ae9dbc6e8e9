package bench

import (
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"

	"accountgateway/internal/store"
)

const fleet = 1000

// BenchmarkFleet starts the gateway with many accounts, whose readings earlier
// runs have kept.
func BenchmarkFleet(b *testing.B) {
	for b.Loop() {
		measureFleet(b)
	}
}

func measureFleet(b *testing.B) {
	vendor := child(b, "simulator", nil)
	database := filepath.Join(b.TempDir(), "gateway.db")
	one, _ := gateway(b, filepath.Join(b.TempDir(), "one.db"), []string{"a"}, vendor.addr, "GATEWAY_AUTH=none")
	for _, path := range paths("a") {
		if resp, body := get(b, http.DefaultClient, "http://"+one.addr+path, "", "", ""); resp.StatusCode != http.StatusOK {
			b.Fatalf("%s: %s %s", path, resp.Status, body)
		}
	}
	row("memory: 1 account", "%.1f MB resident", float64(one.resident(b))/1e6)

	names := make([]string, fleet)
	for i := range names {
		names[i] = fmt.Sprintf("acc%04d", i)
	}
	seed(b, database, names)
	var ready, reopened spread
	var p *process
	for range 7 {
		var took time.Duration
		_, took = gateway(b, filepath.Join(b.TempDir(), "empty.db"), []string{"a"}, vendor.addr, "GATEWAY_AUTH=none")
		ready = append(ready, float64(took.Milliseconds()))
		p, took = gateway(b, database, names, vendor.addr, "GATEWAY_AUTH=none", "GATEWAY_STATISTICS_TTL=1h")
		reopened = append(reopened, float64(took.Milliseconds()))
	}
	row("ready: one account, new database", "%s ms", ready.text("%.0f"))
	row("ready: 1,000 accounts × 4 readings in the database", "%s ms", reopened.text("%.0f"))

	client := &http.Client{}
	for _, name := range names {
		for _, path := range paths(name) {
			resp, body := get(b, client, "http://"+p.addr+path, "", "Cache-Control", "only-if-cached")
			if resp.StatusCode != http.StatusOK {
				b.Fatalf("%s: %s %s", path, resp.Status, body)
			}
		}
	}
	_, metrics := get(b, client, "http://"+p.addr+"/metrics", "", "", "")
	row("memory: 1,000 accounts × 4 readings, each served once", "%.1f MB resident, %.1f MB heap in use", float64(p.resident(b))/1e6, inUse(b, metrics)/1e6)
	for _, name := range names {
		get(b, client, "http://"+p.addr+"/accounts/"+name+"/balance", "", "Cache-Control", "no-cache")
	}
	row("memory: and each vendor asked once", "%.1f MB resident", float64(p.resident(b))/1e6)
}

// paths are the four readings of an account.
func paths(name string) []string {
	return []string{
		"/accounts/" + name + "/balance", "/accounts/" + name + "/balance?currency=USD",
		"/accounts/" + name + "/statistics", "/accounts/" + name + "/statistics?date_from=2026-01-01&date_till=2026-01-31",
	}
}

// seed keeps four readings of each account in a new database.
func seed(b *testing.B, database string, names []string) {
	b.Helper()
	st, err := store.Open(b.Context(), "sqlite:"+database, store.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer st.Close()
	balance := []byte(`{"balance":{"amount":"1000.00","currency":"RUB"},"blocked":{"amount":"50.00","currency":"RUB"},"credit":{"amount":"200.00","currency":"RUB"},"bonus":null}`)
	counters := ""
	for i := range 8 {
		counters += fmt.Sprintf(`,{"name":"domains_of_kind_%d","value":%d,"limit":null,"unlimited":false,"scope":"now"}`, i, i*37)
	}
	statistics := []byte(`{"period":null,"counters":[` + counters[1:] + `],"amounts":[{"name":"costs","scope":"period","money":{"amount":"100.00","currency":"RUB"}}],"plan":null,"services":[]}`)
	for _, name := range names {
		var rows []store.Reading
		for _, r := range []struct {
			op, query string
			body      []byte
		}{
			{"balance", "", balance}, {"balance", "currency=USD", balance},
			{"statistics", "", statistics}, {"statistics", "date_from=2026-01-01&date_till=2026-01-31", statistics},
		} {
			rows = append(rows, store.Reading{Key: store.ReadingKey{Account: name, Operation: r.op, Query: r.query}, AsOf: time.Now(), Body: r.body})
		}
		if err := st.SaveReadings(b.Context(), rows); err != nil {
			b.Fatal(err)
		}
	}
}

var heapInUse = regexp.MustCompile(`(?m)^go_memstats_heap_inuse_bytes (\S+)$`)

func inUse(b *testing.B, metrics []byte) float64 {
	b.Helper()
	match := heapInUse.FindSubmatch(metrics)
	if match == nil {
		b.Fatal("no go_memstats_heap_inuse_bytes")
	}
	bytes, err := strconv.ParseFloat(string(match[1]), 64)
	if err != nil {
		b.Fatal(err)
	}
	return bytes
}

func readAll(resp *http.Response) ([]byte, error) {
	defer resp.Body.Close()
	return io.ReadAll(resp.Body)
}
