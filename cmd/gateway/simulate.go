package main

import (
	"context"
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"

	"accountgateway/internal/config"
	"accountgateway/internal/provider/declared"
	"accountgateway/internal/simulator/regru"
	"accountgateway/internal/simulator/selzy"
)

// simulateCommand serves only the simulated vendors. Before it serves it
// prints the settings that point a gateway at them, one NAME=value a line.
func simulateCommand(ctx context.Context, args []string, env environment) error {
	flags := newFlags("simulate")
	regruAddr := flags.String("regru-addr", "127.0.0.1:9101", "listen address of the simulated REG.RU")
	selzyAddr := flags.String("selzy-addr", "127.0.0.1:9102", "listen address of the simulated Selzy")
	profile := flags.String("regru-profile", string(regru.ProfileCurrent), "REG.RU's behaviour: current, or 2017 (GET allowed, refill_balance exists)")
	refill := flags.Bool("regru-refill", false, "also offer refill_balance in the current profile")
	var more []string
	flags.Func("vendor", "NAME=ADDRESS: a declared vendor that listens there too, like digitalocean=127.0.0.1:9103; it answers by its file's samples (may be repeated)", func(text string) error {
		more = append(more, text)
		return nil
	})
	if err := parse(flags, args, env); err != nil {
		return err
	}
	if p := regru.Profile(*profile); p != regru.ProfileCurrent && p != regru.Profile2017 {
		return &usageError{fmt.Errorf("--regru-profile: must be %s or %s, not %q", regru.ProfileCurrent, regru.Profile2017, p)}
	}
	for name, addr := range map[string]string{"--regru-addr": *regruAddr, "--selzy-addr": *selzyAddr} {
		if !loopbackAddr(addr) {
			return &usageError{fmt.Errorf("%s: must be a loopback address, not %s: the simulated vendors have well-known passwords", name, addr)}
		}
	}

	declaredVendors, err := simulatedVendors(env, more)
	if err != nil {
		return err
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
	accounts := []string{"regru", "regru-partner=regru", "selzy", "selzy-reseller=selzy"}
	var lines []string
	for _, one := range declaredVendors {
		settings, err := sims.listenDeclared(ctx, one.addr, one.vendor.Name(), one.vendor)
		if err != nil {
			return fmt.Errorf("--vendor: %w", err)
		}
		accounts = append(accounts, one.vendor.Name())
		for _, name := range slices.Sorted(maps.Keys(settings)) {
			lines = append(lines, name+"="+settings[name]+"\n")
		}
	}
	if folder, set := env.lookup("GATEWAY_VENDORS_DIR"); set && len(more) > 0 {
		lines = append([]string{"GATEWAY_VENDORS_DIR=" + folder + "\n"}, lines...)
	}
	fmt.Fprintf(env.stdout, `GATEWAY_ACCOUNTS=%[3]s
%[4]sREGRU_BASE_URL=http://%[1]s/api/regru2
REGRU_USERNAME=test
REGRU_PASSWORD=test
REGRU_PARTNER_BASE_URL=http://%[1]s/api/regru2
REGRU_PARTNER_USERNAME=partner
REGRU_PARTNER_PASSWORD=partner-secret
SELZY_BASE_URL=http://%[2]s
SELZY_API_KEY=ordinarykey
SELZY_RESELLER_BASE_URL=http://%[2]s
SELZY_RESELLER_API_KEY=resellerkey
`, regruAt, selzyAt, strings.Join(accounts, ","), strings.Join(lines, ""))
	return sims.wait(ctx)
}

// simulatedVendor is a declared vendor, and where it listens.
type simulatedVendor struct {
	vendor *declared.Vendor
	addr   string
}

// simulatedVendors reads NAME=ADDRESS.
func simulatedVendors(env environment, list []string) ([]simulatedVendor, error) {
	var all []simulatedVendor
	for _, text := range list {
		name, addr, _ := strings.Cut(text, "=")
		v, err := namedVendor(env, name)
		switch {
		case err != nil:
			return nil, err
		case v.File == nil:
			return nil, &usageError{fmt.Errorf("--vendor: unknown declared vendor %q; REG.RU and Selzy are always simulated", name)}
		case !loopbackAddr(addr):
			return nil, &usageError{fmt.Errorf("--vendor: must be NAME=ADDRESS with a loopback address, not %q", addr)}
		case slices.ContainsFunc(all, func(one simulatedVendor) bool { return one.vendor.Name() == name }):
			return nil, &usageError{fmt.Errorf("--vendor: %s is listed twice", name)}
		}
		all = append(all, simulatedVendor{v.File(), addr})
	}
	return all, nil
}

// loopbackAddr tells whether host:port can be reached only from this machine.
func loopbackAddr(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	return err == nil && config.IsLoopback(host)
}
