package deploytest

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"accountgateway/internal/store"
)

// TestPrometheus runs everything as it is in earnest, sixty times as fast: a
// Prometheus with the rules of deploy/ scrapes a gateway whose vendors are
// simulated. First the dashboard and the runbook are asked, then faults are
// switched on.
func TestPrometheus(t *testing.T) {
	prometheus := need(t, "prometheus", prometheusPackage)
	promtool := need(t, "promtool", prometheusPackage)
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()

	vendors := startSimulators(ctx, t)
	database := filepath.Join(t.TempDir(), "gateway.db")
	spend(ctx, t, database)
	process, gateway := startGateway(ctx, t, append(vendors,
		"GATEWAY_DATABASE_URL=sqlite:"+database, "GATEWAY_REFRESH_INTERVAL=1s", "GATEWAY_PROVIDER_TIMEOUT=2s",
		// Accounts that are in order. At Selzy that is no account of its own.
		"GATEWAY_ACCOUNTS=regru,regru-partner=regru,selzy", "SELZY_API_KEY=lumikey",
	), nil, program(t))
	p := startPrometheus(ctx, t, prometheus, strings.TrimPrefix(gateway, "http://"))

	// Somebody has to ask something, or there are no requests to see.
	noCache := http.Header{"Cache-Control": {"no-cache"}}
	for _, path := range []string{"/accounts", "/balances", "/accounts/regru/balance", "/accounts/selzy/statistics", "/accounts/none", "/readyz"} {
		request(ctx, t, http.MethodGet, gateway+path, nil, "")
	}

	t.Run("metrics are well formed", func(t *testing.T) {
		_, metrics := request(ctx, t, http.MethodGet, gateway+"/metrics", nil, "")
		out, _ := try(t, ".", metrics, promtool, "check", "metrics") // its status is about these lines
		// These two names are promised to callers.
		want := "account_counter metric name should not include type 'counter'\n" +
			"account_counter_limit metric name should not include type 'counter'\n"
		if diff := cmp.Diff(want, out); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("dashboard", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
		defer cancel()
		for title, exprs := range dashboardQueries(t) {
			for _, expr := range exprs {
				if title == "Open alerts" || title == "Wallets" { // there are none
					p.numbers(ctx, t, expr)
					continue
				}
				eventually(ctx, t, title+": data for "+expr, func() (bool, any) {
					return p.numbers(ctx, t, expr) > 0, nil
				})
			}
		}
	})
	t.Run("runbook", func(t *testing.T) {
		runbook := string(read(t, root, "docs/runbook.md"))
		for _, block := range regexp.MustCompile("(?s)```promql\n(.*?)```").FindAllStringSubmatch(runbook, -1) {
			p.numbers(ctx, t, block[1]) // some are empty while all is well
		}
	})
	if t.Failed() {
		return
	}

	regru, selzy := setting(vendors, "REGRU_BASE_URL"), setting(vendors, "SELZY_BASE_URL")
	if got := p.alerts(ctx, t); len(got) > 0 {
		t.Fatalf("alerts while all is well: %v", got)
	}

	fault(ctx, t, regru, map[string]any{"kind": "quirk", "quirk": "USER_AUTHENTICATION_FAILED"})
	p.onlyThese(ctx, t, "AccountAlert regru credentials_refused critical", "AccountAlert regru-partner credentials_refused critical")

	for _, expr := range dashboardQueries(t)["Open alerts"] {
		if n := p.numbers(ctx, t, expr); n != 2 {
			t.Errorf("the dashboard shows %d open alerts, want 2: %s", n, expr)
		}
	}

	// They are mended; the runbook's no-cache asks before the 15 minutes are over.
	clearFaults(ctx, t, regru)
	for _, account := range []string{"regru", "regru-partner"} {
		if status, answer := request(ctx, t, http.MethodGet, gateway+"/accounts/"+account+"/balance", noCache, ""); status != http.StatusOK {
			t.Fatalf("%d %s", status, answer)
		}
	}
	eventually(ctx, t, "the alert ends", func() (bool, any) {
		got := p.alerts(ctx, t)
		return len(got) == 0, got
	})

	fault(ctx, t, selzy, map[string]any{"kind": "quirk", "quirk": "without:balance"})
	p.onlyThese(ctx, t, "AccountAlert selzy reply_not_understood critical")

	fault(ctx, t, regru, map[string]any{"kind": "status", "status": 503})
	p.onlyThese(ctx, t, "AccountAlert regru vendor_unavailable warning", "AccountAlert regru-partner vendor_unavailable warning")

	process.stop()
	p.onlyThese(ctx, t, "GatewayDown "+strings.TrimPrefix(gateway, "http://")+" critical")
}

// spend writes a day of falling balances into the gateway's database, because
// there is no forecast without one.
func spend(ctx context.Context, t *testing.T, database string) {
	t.Helper()
	st, err := store.Open(ctx, "sqlite:"+database, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	const step = 2 * time.Second // two refresh intervals of the gateway's: what is further apart is not measured
	now := time.Now().UTC()
	var points []store.BalancePoint
	for ago := 30 * time.Hour; ago > 0; ago -= step {
		points = append(points, store.BalancePoint{
			Account: "regru", Currency: "RUB", AsOf: now.Add(-ago), Balance: strconv.Itoa(1000 + int(ago.Hours())),
		})
	}
	for some := range slices.Chunk(points, 2000) {
		if err := st.AppendBalances(ctx, some); err != nil {
			t.Fatal(err)
		}
	}
}

// server is a running Prometheus.
type server struct{ url string }

// startPrometheus runs one with the rules of deploy/, where a minute is a
// second.
func startPrometheus(ctx context.Context, t *testing.T, path, target string) server {
	t.Helper()
	dir := t.TempDir()
	rules := regexp.MustCompile(`(for: |offset |\[)(\d+)([mh])\b`).ReplaceAllStringFunc(
		string(read(t, deploy, "prometheus/gateway.rules.yml")), func(s string) string {
			return s[:len(s)-1] + map[string]string{"m": "s", "h": "m"}[s[len(s)-1:]]
		})
	write(t, filepath.Join(dir, "gateway.rules.yml"), []byte(rules))
	config := string(read(t, deploy, "prometheus/prometheus.yml"))
	for from, to := range map[string]string{
		"scrape_interval: 15s": "scrape_interval: 1s", "evaluation_interval: 15s": "evaluation_interval: 500ms", "gateway:8081": target,
	} {
		if !strings.Contains(config, from) {
			t.Fatalf("prometheus.yml has no %s", from)
		}
		config = strings.Replace(config, from, to, 1)
	}
	write(t, filepath.Join(dir, "prometheus.yml"), []byte(config))
	addr := freeAddr(t)
	start(t, os.Environ(), nil, path, "--config.file="+filepath.Join(dir, "prometheus.yml"),
		"--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+addr, "--log.level=warn")
	p := server{url: "http://" + addr}
	eventually(ctx, t, "Prometheus is ready", func() (bool, any) {
		status, body := request(ctx, t, http.MethodGet, p.url+"/-/ready", nil, "")
		return status == http.StatusOK, body
	})
	return p
}

func (p server) get(ctx context.Context, t *testing.T, path string, data any) {
	t.Helper()
	status, body := request(ctx, t, http.MethodGet, p.url+path, nil, "")
	if status != http.StatusOK {
		t.Fatalf("%s: %d %s", path, status, body)
	}
	if err := json.Unmarshal([]byte(body), &struct{ Data any }{data}); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

// numbers asks a query and counts the series that have a number.
func (p server) numbers(ctx context.Context, t *testing.T, expr string) int {
	t.Helper()
	var data struct {
		Result []struct{ Value [2]any }
	}
	p.get(ctx, t, "/api/v1/query?query="+url.QueryEscape(expr), &data)
	n := 0
	for _, series := range data.Result {
		if value, err := strconv.ParseFloat(fmt.Sprint(series.Value[1]), 64); err == nil && !math.IsNaN(value) {
			n++
		}
	}
	return n
}

// alerts are the active ones: "name account-or-instance code severity" to
// "pending" or "firing".
func (p server) alerts(ctx context.Context, t *testing.T) map[string]string {
	t.Helper()
	var data struct {
		Alerts []struct {
			Labels map[string]string
			State  string
		}
	}
	p.get(ctx, t, "/api/v1/alerts", &data)
	active := map[string]string{}
	for _, a := range data.Alerts {
		about := a.Labels["account"]
		if about == "" {
			about = a.Labels["instance"]
		}
		name := strings.Join([]string{a.Labels["alertname"], about, a.Labels["code"], a.Labels["severity"]}, " ")
		active[strings.ReplaceAll(name, "  ", " ")] = a.State
	}
	return active
}

// onlyThese waits until the alerts are pending and then firing, and sees to it
// that meanwhile no other one begins.
func (p server) onlyThese(ctx context.Context, t *testing.T, want ...string) {
	t.Helper()
	began := time.Now()
	ctx, cancel := context.WithTimeout(ctx, 40*time.Second)
	defer cancel()
	before := p.alerts(ctx, t)
	pending := map[string]bool{}
	eventually(ctx, t, strings.Join(want, ", ")+" is pending and then fires", func() (bool, any) {
		now := p.alerts(ctx, t)
		firing := 0
		for name, state := range now {
			_, old := before[name]
			switch {
			case slices.Contains(want, name) && state == "pending":
				pending[name] = true
			case slices.Contains(want, name) && pending[name]:
				firing++
			case slices.Contains(want, name):
				t.Errorf("%s is %s and was never pending", name, state)
			case !old:
				t.Fatalf("waiting for %v: %s is %s", want, name, state)
			}
		}
		return firing == len(want), now
	})
	t.Logf("%v after %s", slices.Sorted(maps.Keys(pending)), time.Since(began).Round(time.Second/10))
}
