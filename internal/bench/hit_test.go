package bench

import (
	"net/http"
	"path/filepath"
	"testing"
	"time"
)

const (
	balancePath = "/accounts/a/balance"
	rounds      = 9
	roundTime   = time.Second
)

// BenchmarkHit asks for a reading that is in memory: of the gateway, and of
// servers that send the same bytes.
func BenchmarkHit(b *testing.B) {
	for b.Loop() {
		compareHits(b)
	}
}

func compareHits(b *testing.B) {
	vendor := child(b, "simulator", nil)
	database := filepath.Join(b.TempDir(), "gateway.db")
	open, _ := gateway(b, database, []string{"a"}, vendor.addr, "GATEWAY_AUTH=none")
	secret := token(b, database)
	guarded, _ := gateway(b, database, []string{"a"}, vendor.addr)

	get(b, http.DefaultClient, "http://"+open.addr+balancePath, "", "", "")
	resp, body := get(b, http.DefaultClient, "http://"+open.addr+balancePath, "", "", "")
	if resp.StatusCode != http.StatusOK {
		b.Fatalf("%s: %s", resp.Status, body)
	}
	resp.Header.Del("Date") // which net/http sends anyway, as the length
	resp.Header.Del("Content-Length")
	answer := &recorded{Header: resp.Header, Body: body}
	bare, chi := child(b, "bare", answer), child(b, "chi", answer)
	contestants := []*contestant{
		{name: "bare net/http handler", process: bare},
		{name: "chi with log line and histogram", process: chi},
		{name: "gateway, GATEWAY_AUTH=none", process: open},
		{name: "gateway, with a token", process: guarded, token: secret},
	}
	if cache := nginx(b, bare.addr); cache != nil {
		contestants = append(contestants, &contestant{name: "nginx proxy_cache", process: cache})
	} else {
		row("nginx proxy_cache", "missing component: nginx (Debian: apt-get install nginx-light)")
	}
	if cache := caddy(b, bare.addr); cache != nil {
		contestants = append(contestants, &contestant{name: "Caddy cache handler", process: cache})
	}
	for _, c := range contestants { // warm
		hammer(b, c.addr, balancePath, c.token, roundTime/2)
	}
	for range rounds {
		for _, c := range contestants {
			c.round(b)
		}
	}
	base := contestants[0]
	for _, c := range contestants {
		var rate, work spread // of the rounds next to each other
		for i := range rounds {
			rate = append(rate, c.rate[i]/base.rate[i])
			work = append(work, base.work[i]/c.work[i])
		}
		row("hit: "+c.name, "%s requests/s; %s µs of processor each; of bare: %s by requests, %s by processor",
			c.rate.text("%.0f"), c.work.text("%.1f"), rate.text("%.2f"), work.text("%.2f"))
	}
	for _, cache := range contestants[4:] {
		var rate spread
		for i := range rounds {
			rate = append(rate, contestants[2].rate[i]/cache.rate[i])
		}
		row("hit: gateway, GATEWAY_AUTH=none, of "+cache.name, "%s by requests", rate.text("%.2f"))
	}
}

// contestant is a server with its results, a number for each round.
type contestant struct {
	*process
	name, token string
	rate, work  spread // requests a second; µs of processor time a request
}

func (c *contestant) round(b *testing.B) {
	b.Helper()
	cpu, began := c.cpu(b), time.Now()
	n := hammer(b, c.addr, balancePath, c.token, roundTime)
	if n == 0 {
		b.Fatalf("%s: no answers", c.name)
	}
	c.rate = append(c.rate, float64(n)/seconds(time.Since(began)))
	c.work = append(c.work, float64((c.cpu(b)-cpu).Microseconds())/float64(n))
}
