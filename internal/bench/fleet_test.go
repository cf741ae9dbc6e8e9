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

// BenchmarkFleet starts the gateway with many accounts, whose readings earlier
// runs have kept.
func BenchmarkFleet(b *testing.B) {
	b.Run("1", func(b *testing.B) {
		for b.Loop() {
			measureOne(b)
		}
	})
	for _, n := range []int{1000, 10_000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			for b.Loop() {
				measureFleet(b, n)
			}
		})
	}
}

const starts = 7

func measureOne(b *testing.B) {
	vendor := child(b, "simulator", nil)
	one, _ := gateway(b, filepath.Join(b.TempDir(), "one.db"), []string{"a"}, vendor.addr, "GATEWAY_AUTH=none")
	for _, path := range paths("a") {
		if resp, body := get(b, http.DefaultClient, "http://"+one.addr+path, "", "", ""); resp.StatusCode != http.StatusOK {
			b.Fatalf("%s: %s %s", path, resp.Status, body)
		}
	}
	row("1 account: memory", "%.1f MB resident", float64(one.resident(b))/1e6)
	var ready spread
	for range starts {
		p, took := gateway(b, filepath.Join(b.TempDir(), "empty.db"), []string{"a"}, vendor.addr, "GATEWAY_AUTH=none")
		p.stop()
		ready = append(ready, float64(took.Milliseconds()))
	}
	row("1 account: ready with a new database", "%s ms", ready.text("%.0f"))
}

func measureFleet(b *testing.B, n int) {
	vendor := child(b, "simulator", nil)
	database := filepath.Join(b.TempDir(), "gateway.db")
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("a%05d", i)
	}
	what := fmt.Sprintf("%d accounts: ", n)
	var empty, reopened spread
	for i := range starts {
		p, took := gateway(b, filepath.Join(b.TempDir(), fmt.Sprintf("empty%d.db", i)), names, vendor.addr, "GATEWAY_AUTH=none")
		p.stop()
		empty = append(empty, float64(took.Milliseconds()))
	}
	row(what+"ready with a new database", "%s ms", empty.text("%.0f"))
	seed(b, database, names)
	var p *process
	for range starts {
		if p != nil {
			p.stop()
		}
		var took time.Duration
		p, took = gateway(b, database, names, vendor.addr, "GATEWAY_AUTH=none", "GATEWAY_STATISTICS_TTL=1h")
		reopened = append(reopened, float64(took.Milliseconds()))
	}
	row(what+"ready with 4 readings each in the database", "%s ms", reopened.text("%.0f"))

	client := &http.Client{}
	timed := func(path, name, value string) (took time.Duration, size int) {
		b.Helper()
		began := time.Now()
		resp, body := get(b, client, "http://"+p.addr+path, "", name, value)
		if resp.StatusCode != http.StatusOK {
			b.Fatalf("%s: %s", path, resp.Status)
		}
		return time.Since(began), len(body)
	}
	for _, path := range []string{"/metrics", "/balances?limit=1000", "/"} {
		var times spread
		size := 0
		for range starts {
			time.Sleep(time.Second) // what is shared for a second is made anew
			var took time.Duration
			took, size = timed(path, "", "")
			times = append(times, float64(took.Microseconds())/1000)
		}
		row(what+path+" from memory", "%s ms, %.2f MB", times.text("%.0f"), float64(size)/1e6)
	}
	_, metrics := get(b, client, "http://"+p.addr+"/metrics", "", "", "")
	row(what+"memory, after these", "%.1f MB resident, %.1f MB heap in use", float64(p.resident(b))/1e6, inUse(b, metrics)/1e6)
	took, _ := timed("/balances", "Cache-Control", "no-cache")
	row(what+"/balances, each vendor asked", "%.1f s", took.Seconds())
	row(what+"memory, after that", "%.1f MB resident", float64(p.resident(b))/1e6)
	var counted spread // each account has a histogram of its calls now
	for range starts {
		time.Sleep(time.Second)
		took, _ := timed("/metrics", "", "")
		counted = append(counted, float64(took.Microseconds())/1000)
	}
	row(what+"/metrics, after that", "%s ms; %.1f MB resident", counted.text("%.0f"), float64(p.resident(b))/1e6)
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
