package main

import (
	"context"
	"fmt"
	"net"

	"accountgateway/internal/config"
	"accountgateway/internal/simulator/regru"
	"accountgateway/internal/simulator/selzy"
)

// simulateCommand serves the simulated vendors alone. Before it serves it
// prints the settings that point a gateway at them, one NAME=value a line.
func simulateCommand(ctx context.Context, args []string, env environment) error {
	flags := newFlags("simulate")
	regruAddr := flags.String("regru-addr", "127.0.0.1:9101", "where REG.RU listens")
	selzyAddr := flags.String("selzy-addr", "127.0.0.1:9102", "where Selzy listens")
	profile := flags.String("regru-profile", string(regru.ProfileCurrent), "REG.RU's behaviour: current, or 2017 (GET allowed, refill_balance exists)")
	refill := flags.Bool("regru-refill", false, "keep refill_balance in the current profile too")
	if err := parse(flags, args, env); err != nil {
		return err
	}
	if p := regru.Profile(*profile); p != regru.ProfileCurrent && p != regru.Profile2017 {
		return &settingsError{fmt.Errorf("--regru-profile: want %s or %s", regru.ProfileCurrent, regru.Profile2017)}
	}
	for name, addr := range map[string]string{"--regru-addr": *regruAddr, "--selzy-addr": *selzyAddr} {
		if !loopbackAddr(addr) {
			return &settingsError{fmt.Errorf("%s: %s is no loopback address: the simulated vendors have well-known passwords", name, addr)}
		}
	}

	sims := newSimulators()
	defer sims.stop()
	regruAt, err := sims.listen(ctx, *regruAddr, regru.New(regru.Options{Profile: regru.Profile(*profile), Refill: *refill}))
	if err != nil {
		return fmt.Errorf("--regru-addr: %w", err)
	}
	selzyAt, err := sims.listen(ctx, *selzyAddr, selzy.New(selzy.Options{}))
	if err != nil {
		return fmt.Errorf("--selzy-addr: %w", err)
	}
	fmt.Fprintf(env.stdout, `GATEWAY_ACCOUNTS=regru,regru-partner=regru,selzy,selzy-reseller=selzy
REGRU_BASE_URL=http://%[1]s/api/regru2
REGRU_USERNAME=test
REGRU_PASSWORD=test
REGRU_PARTNER_BASE_URL=http://%[1]s/api/regru2
REGRU_PARTNER_USERNAME=partner
REGRU_PARTNER_PASSWORD=partner-secret
SELZY_BASE_URL=http://%[2]s
SELZY_API_KEY=ordinarykey
SELZY_RESELLER_BASE_URL=http://%[2]s
SELZY_RESELLER_API_KEY=resellerkey
`, regruAt, selzyAt)
	return sims.wait(ctx)
}

// loopbackAddr tells whether host:port can be reached from this machine alone.
func loopbackAddr(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	return err == nil && config.IsLoopback(host)
}
