package main

import (
	"context"
	"fmt"
	"maps"
	"net"
	"strings"
	"text/template"
	"time"

	"github.com/spf13/cobra"

	"accountgateway/internal/simulator/regru"
	"accountgateway/internal/simulator/selzy"
)

func demoCommand(env environment) *cobra.Command {
	c := &cobra.Command{Use: "demo", Short: "Serve requests with simulated vendors: no settings, no credentials", Args: arguments()}
	addr := c.Flags().String("addr", "127.0.0.1:8080", "`address` to listen on; anyone who can reach it can use the demo")
	verbose := c.Flags().BoolP("verbose", "v", false, "log each request")
	c.RunE = func(c *cobra.Command, _ []string) error { return serveDemo(c.Context(), env, *addr, *verbose) }
	return c
}

// serveDemo serves the gateway in front of simulated vendors inside this
// process. It takes no setting from the environment, so that real credentials
// stay out of it, and keeps nothing on disk.
func serveDemo(ctx context.Context, env environment, addr string, verbose bool) error {
	if !loopbackAddr(addr) {
		fmt.Fprintf(env.stderr, "gateway demo: WARNING: anyone who can reach %s can use this demo without a token. Its accounts and money are simulated, and it has none of your credentials.\n", addr)
	}

	sims := newSimulators()
	defer sims.stop()
	d := &demo{now: time.Now().UTC()}
	regruAt, err := sims.listen(ctx, "127.0.0.1:0", regru.New(regru.Options{Refill: true}))
	if err != nil {
		return err
	}
	selzyAt, err := sims.listen(ctx, "127.0.0.1:0", selzy.New(selzy.Options{Accounts: d.selzyAccounts()}))
	if err != nil {
		return err
	}
	unisenderAt, err := sims.listen(ctx, "127.0.0.1:0", selzy.New(selzy.Options{Brand: selzy.UniSender}))
	if err != nil {
		return err
	}
	declaredSettings, err := d.listenDeclared(ctx, sims)
	if err != nil {
		return err
	}
	level := "warn"
	if verbose {
		level = "info"
	}
	settings := map[string]string{
		"GATEWAY_ADDR":          addr,
		"GATEWAY_AUTH":          "none",
		"GATEWAY_DATABASE_URL":  "sqlite::memory:",
		"GATEWAY_LOG_FORMAT":    "console",
		"GATEWAY_LOG_LEVEL":     level,
		"GATEWAY_ACCOUNTS":      "regru,regru-shop=regru,selzy,selzy-agency=selzy,unisender," + strings.Join(demoVendorNames(), ","),
		"REGRU_BASE_URL":        "http://" + regruAt + "/api/regru2",
		"REGRU_USERNAME":        "partner",
		"REGRU_PASSWORD":        "partner-secret",
		"REGRU_SHOP_BASE_URL":   "http://" + regruAt + "/api/regru2",
		"REGRU_SHOP_USERNAME":   "shop",
		"REGRU_SHOP_PASSWORD":   "shop-secret",
		"SELZY_BASE_URL":        "http://" + selzyAt,
		"SELZY_API_KEY":         "ordinarykey",
		"SELZY_AGENCY_BASE_URL": "http://" + selzyAt,
		"SELZY_AGENCY_API_KEY":  "resellerkey",
		"UNISENDER_BASE_URL":    "http://" + unisenderAt,
		"UNISENDER_API_KEY":     "replaced-five-hours-ago",
	}
	maps.Copy(settings, declaredSettings)
	env.names = nil
	env.lookup = func(name string) (string, bool) {
		value, found := settings[name]
		return value, found
	}
	serving, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() { cancel(sims.wait(serving)) }() // ends with this function at the latest
	show := func(at net.Addr) { _ = tour.Execute(env.stdout, "http://"+reachable(at.String())) }
	if err := serve(serving, env, serveOptions{started: show, demo: d}); err != nil {
		return fmt.Errorf("%w (to use another address: gateway demo --addr 127.0.0.1:8090)", err)
	}
	if ctx.Err() == nil {
		return context.Cause(serving) // nobody stopped us: a simulated vendor failed
	}
	return nil
}

var tour = template.Must(template.New("tour").Parse(`The account gateway is running with simulated vendors on {{.}}
In a browser: {{.}}/ is the operator's page, {{.}}/docs the API reference.
It begins with 60 days of simulated history. Nothing is kept on disk and no vendor is called: Ctrl-C ends it all.
Commands that need a database, like gateway alerts, can't see it. Lines to paste into another shell:

curl -s {{.}}/accounts
curl -s {{.}}/accounts/regru/balance
curl -s '{{.}}/accounts/regru/balance?currency=USD'
curl -s '{{.}}/accounts/regru/statistics?date_from=2026-01-01&date_till=2026-01-31'
curl -s {{.}}/accounts/selzy/statistics
curl -s '{{.}}/accounts/selzy-agency/users?limit=2'
curl -s {{.}}/balances
curl -s {{.}}/accounts/regru/users -H 'Idempotency-Key: client-1' -H 'Content-Type: application/json' -d '{"login":"new-client","password":"correct-horse-7","email":"client@example.com","country":"DE"}'
curl -s {{.}}/accounts/regru/operations
curl -s '{{.}}/accounts/regru/balance?curency=USD'
curl -s {{.}}/metrics

REG.RU has dropped refills (refill_balance). The simulated one still has them:

curl -s {{.}}/accounts/regru/refills -H 'Idempotency-Key: october-1' -H 'Content-Type: application/json' -d '{"method":"webmoney","wallet_id":"123456789012","amount":"19.95","currency":"USD"}'
`))
