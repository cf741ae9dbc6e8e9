package main

import (
	"context"
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"accountgateway/internal/config"
	"accountgateway/internal/provider/declared"
	"accountgateway/internal/simulator/regru"
	"accountgateway/internal/simulator/selzy"
)

func simulateCommand(env environment) *cobra.Command {
	c := &cobra.Command{Use: "simulate", Short: "Serve only the simulated vendors, to test their clients", Args: arguments()}
	var o simulateOptions
	flags := c.Flags()
	flags.StringVar(&o.regruAddr, "regru-addr", "127.0.0.1:9101", "listen `address` of the simulated REG.RU")
	flags.StringVar(&o.selzyAddr, "selzy-addr", "127.0.0.1:9102", "listen `address` of the simulated Selzy")
	flags.StringVar(&o.profile, "regru-profile", string(regru.ProfileCurrent), "REG.RU's behaviour: current, or 2017 (GET allowed, refill_balance exists)")
	oneOf(c, "regru-profile", string(regru.ProfileCurrent), string(regru.Profile2017))
	flags.BoolVar(&o.refill, "regru-refill", false, "also offer refill_balance in the current profile")
	flags.StringArrayVar(&o.vendors, "vendor", nil, "`NAME=ADDRESS`: a declared vendor that listens there too, like digitalocean=127.0.0.1:9103; it answers by its file's samples (may be repeated)")
	complete := func(*cobra.Command, []string, string) (list []cobra.Completion, _ cobra.ShellCompDirective) {
		known, err := knownVendors(env)
		for _, name := range known.Names() {
			if err == nil && known[name].File != nil {
				list = append(list, name+"=")
			}
		}
		return list, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
	}
	if err := c.RegisterFlagCompletionFunc("vendor", complete); err != nil {
		panic(err) // there is no such flag: every test would show it
	}
	c.RunE = func(c *cobra.Command, _ []string) error { return simulate(c.Context(), env, o) }
	return c
}

type simulateOptions struct {
	regruAddr, selzyAddr, profile string
	refill                        bool
	vendors                       []string // NAME=ADDRESS
}

// simulate serves only the simulated vendors. Before it serves it prints the
// settings that point a gateway at them, one NAME=value a line.
func simulate(ctx context.Context, env environment, o simulateOptions) error {
	if p := regru.Profile(o.profile); p != regru.ProfileCurrent && p != regru.Profile2017 {
		return &usageError{fmt.Errorf("--regru-profile: must be %s or %s, not %q", regru.ProfileCurrent, regru.Profile2017, p)}
	}
	for name, addr := range map[string]string{"--regru-addr": o.regruAddr, "--selzy-addr": o.selzyAddr} {
		if !loopbackAddr(addr) {
			return &usageError{fmt.Errorf("%s: must be a loopback address, not %s: the simulated vendors have well-known passwords", name, addr)}
		}
	}

	declaredVendors, err := simulatedVendors(env, o.vendors)
	if err != nil {
		return err
	}

	sims := newSimulators()
	defer sims.stop()
	regruAt, err := sims.listen(ctx, o.regruAddr, regru.New(regru.Options{Profile: regru.Profile(o.profile), Refill: o.refill}))
	if err != nil {
		return fmt.Errorf("--regru-addr: %w", err)
	}
	selzyAt, err := sims.listen(ctx, o.selzyAddr, selzy.New(selzy.Options{}))
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
	if folder, set := env.lookup("GATEWAY_VENDORS_DIR"); set && len(o.vendors) > 0 {
		lines = append([]string{"GATEWAY_VENDORS_DIR=" + folder + "\n"}, lines...)
	}
	fmt.Fprintln(env.stderr, "gateway simulate: to use it, put these lines into a file, and in another shell: set -a; . ./FILE; set +a")
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
