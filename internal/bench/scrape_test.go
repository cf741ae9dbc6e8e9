package bench

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"accountgateway/internal/simulator/regru"
)

// BenchmarkScrape has the balances of many accounts scraped as Prometheus
// does: from the gateway, and from json_exporter, which asks the vendor each
// time.
func BenchmarkScrape(b *testing.B) {
	for b.Loop() {
		compareScrapes(b)
	}
}

// The minute that is measured has five minutes' work: everything that is done
// at an interval is done five times as often. What a process does on its own
// is measured beside it and counted at its true speed.
const (
	scrapedAccounts = 100
	scrapers        = 2
	faster          = 5
	scrapeInterval  = 15 * time.Second / faster
	refreshInterval = 5 * time.Minute / faster // the gateway's default
	balanceTTL      = time.Minute / faster     // the same
	parts           = 5
	partTime        = refreshInterval / parts
	minutesAnHour   = 60
)

// scraped is a server with what one hour of it takes.
type scraped struct {
	*process
	name    string
	idle    *process // the same server, which nobody asks for anything
	calls   *vendorCalls
	targets []string // what one scrape asks for
	hours   spread   // seconds of processor time an hour, by part
	rests   spread   // the same of idle
}

func compareScrapes(b *testing.B) {
	contestants := []*scraped{scrapedGateway(b)}
	if e := scrapedExporter(b); e != nil {
		contestants = append(contestants, e)
	}
	for _, c := range contestants {
		c.prove(b)
	}
	ctx, cancel := context.WithCancel(b.Context())
	var scraping sync.WaitGroup
	for _, c := range contestants {
		c.calls.balances.Store(0)
		c.calls.others.Store(0)
		for i := range scrapers {
			scraping.Go(func() { c.scrape(ctx, b, scrapeInterval*time.Duration(i)/scrapers) })
		}
	}
	for range parts {
		busy, idle := make([]time.Duration, len(contestants)), make([]time.Duration, len(contestants))
		for i, c := range contestants {
			busy[i], idle[i] = c.cpu(b), c.idle.cpu(b)
		}
		time.Sleep(partTime)
		for i, c := range contestants {
			busy[i], idle[i] = c.cpu(b)-busy[i], c.idle.cpu(b)-idle[i]
			rest := idle[i] * parts * minutesAnHour
			c.rests = append(c.rests, seconds(rest))
			c.hours = append(c.hours, seconds(rest+(busy[i]-idle[i])*parts*minutesAnHour/faster))
		}
	}
	for _, c := range contestants {
		row(fmt.Sprintf("%d balances, %d scrapers × 15 s: %s", scrapedAccounts, scrapers, c.name), "an hour: vendor calls %d for balances, %d others; %s s of processor time, of it %.0f s that it takes at rest",
			c.calls.balances.Load()*minutesAnHour/faster, c.calls.others.Load()*minutesAnHour/faster, c.hours.text("%.0f"), c.rests.median())
	}
	cancel()
	scraping.Wait()
	for _, c := range contestants {
		c.stop()
		c.idle.stop()
	}
}

type vendorCalls struct{ balances, others atomic.Int64 }

// countedVendor is REG.RU in this process, so that its time is not counted,
// but its calls are.
func countedVendor(b *testing.B) (addr string, calls *vendorCalls) {
	simulator := regru.New(regru.Options{Rate: regru.Rate{Calls: -1}})
	calls = new(vendorCalls)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if path.Base(r.URL.Path) == "get_balance" {
			calls.balances.Add(1)
		} else { // the gateway reads statistics too
			calls.others.Add(1)
		}
		simulator.ServeHTTP(w, r)
	}))
	b.Cleanup(server.Close)
	return server.Listener.Addr().String(), calls
}

func scrapedGateway(b *testing.B) *scraped {
	vendor, calls := countedVendor(b)
	names := make([]string, scrapedAccounts)
	for i := range names {
		names[i] = fmt.Sprintf("a%03d", i)
	}
	begin := func(name string, refresh time.Duration) *process {
		p, _ := gateway(b, filepath.Join(b.TempDir(), name), names, vendor, "GATEWAY_AUTH=none",
			"GATEWAY_BALANCE_TTL="+balanceTTL.String(), "GATEWAY_REFRESH_INTERVAL="+refresh.String())
		return p
	}
	c := &scraped{name: "gateway", process: begin("busy.db", refreshInterval), idle: begin("idle.db", 0), calls: calls}
	c.targets = []string{"http://" + c.addr + "/metrics"}
	return c
}

// exporterConfig has json_exporter ask REG.RU for what the gateway asks for.
const exporterConfig = `modules:
  regru:
    headers:
      Content-Type: application/x-www-form-urlencoded
    body:
      content: username=test&password=test&input_format=json&output_format=json&io_encoding=utf8
    metrics:
    - {name: account_balance, path: '{ .answer.prepay }'}
    - {name: account_credit, path: '{ .answer.credit }'}
`

// scrapedExporter is nil if it could not be built.
func scrapedExporter(b *testing.B) *scraped {
	if err := compared(); err != nil {
		missing("json_exporter", err)
		return nil
	}
	vendor, calls := countedVendor(b)
	config := filepath.Join(b.TempDir(), "config.yml")
	if err := os.WriteFile(config, []byte(exporterConfig), 0o600); err != nil {
		b.Fatal(err)
	}
	begin := func() *process {
		addr, began := freeAddr(b), time.Now()
		p := start(b, addr, nil, filepath.Join(builds, "json_exporter"), "--config.file", config, "--web.listen-address", addr)
		p.wait(b, "/metrics", began)
		return p
	}
	c := &scraped{name: "json_exporter", process: begin(), idle: begin(), calls: calls}
	target := "http://" + c.addr + "/probe?module=regru&target=" + url.QueryEscape("http://"+vendor+"/api/regru2/user/get_balance")
	c.targets = slices.Repeat([]string{target}, scrapedAccounts) // one an account, if all are the same here
	return c
}

// accountBalance is the line of one balance, which is that of the simulator.
var accountBalance = regexp.MustCompile(`^account_balance(\{.*\})? 1000(\.0)?\n$`)

// prove waits until a scrape brings the balances of all accounts.
func (c *scraped) prove(b *testing.B) {
	b.Helper()
	for began := time.Now(); ; time.Sleep(time.Second) {
		found := 0
		for _, target := range c.targets {
			zipped, err := ask(b.Context(), http.DefaultClient, target)
			if err != nil {
				b.Fatal(err)
			}
			r, err := gzip.NewReader(bytes.NewReader(zipped))
			if err != nil {
				b.Fatal(err)
			}
			text, err := io.ReadAll(r)
			if err != nil {
				b.Fatal(err)
			}
			for line := range strings.Lines(string(text)) {
				if accountBalance.MatchString(line) {
					found++
				}
			}
		}
		if found == scrapedAccounts {
			return
		}
		if time.Since(began) > 2*refreshInterval {
			b.Fatalf("%s: %d balances of %d", c.name, found, scrapedAccounts)
		}
	}
}

// scrape asks for all targets once an interval, spread over it, until ctx ends.
func (c *scraped) scrape(ctx context.Context, b *testing.B, offset time.Duration) {
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	for next := time.Now().Add(offset); ; {
		for _, target := range c.targets {
			select {
			case <-time.After(time.Until(next)): // at once if it is late
			case <-ctx.Done():
				return
			}
			next = next.Add(scrapeInterval / time.Duration(len(c.targets)))
			if _, err := ask(ctx, client, target); err != nil && ctx.Err() == nil {
				b.Error(err)
				return
			}
		}
	}
}

// ask asks as Prometheus does, and gives the compressed answer.
func ask(ctx context.Context, client *http.Client, target string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.2")
	req.Header.Set("Accept-Encoding", "gzip")
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	body, err := readAll(resp)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", target, resp.Status)
	}
	return body, err
}
