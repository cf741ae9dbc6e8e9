package main

import (
	"context"
	"fmt"
	"maps"
	"time"

	"accountgateway/internal/provider"
	"accountgateway/internal/provider/declared"
	"accountgateway/internal/provider/registry"
	"accountgateway/internal/simulator"
	"accountgateway/internal/store"
)

// demoVendors are the declared vendors at which the demo has accounts, at least one of each group, and how their
// balances move: what is spent on a day of the week and of a weekend, negative where money comes in, and what is topped
// up, by how many days ago. The last balance is that of the file's first sample.
var demoVendors = []struct {
	name             string
	weekday, weekend float64
	topUps           map[int]int64
}{
	{"digitalocean", .95, .95, map[int]int64{24: 29, 55: 29}}, // paid afterwards
	{"smsc", 6.2, 1.4, map[int]int64{18: 250, 46: 250}},
	{"deepseek", 4.1, .9, map[int]int64{13: 100, 44: 100}},
	{"bunny", .31, .24, map[int]int64{29: 15}},
	{"stripe", -390, -240, map[int]int64{7: -2400, 14: -2400, 21: -2400, 28: -2400, 35: -2400, 42: -2400, 49: -2400, 56: -2400}}, // paid out weekly
	{"dadata", 210, 35, map[int]int64{26: 10_000}},
	{"anticaptcha", .22, .22, map[int]int64{31: 10}},
}

func demoVendorNames() []string {
	var names []string
	for _, one := range demoVendors {
		names = append(names, one.name)
	}
	return names
}

// listenDeclared serves the demo's declared vendors and gives the settings of the accounts there.
func (d *demo) listenDeclared(ctx context.Context, sims *simulators) (map[string]string, error) {
	known, err := registry.All("")
	if err != nil {
		return nil, err
	}
	settings := map[string]string{}
	for _, one := range demoVendors {
		file := known[one.name].File
		if file == nil {
			return nil, fmt.Errorf("there is no declared vendor %s", one.name)
		}
		v := file()
		its, err := sims.listenDeclared(ctx, "127.0.0.1:0", one.name, v)
		if err != nil {
			return nil, err
		}
		maps.Copy(settings, its)
		balance, ok := sampleBalance(v)
		if !ok {
			return nil, fmt.Errorf("the vendor %s has no sample of a balance", one.name)
		}
		d.declared = append(d.declared, demoPast{
			simulator.Past{
				Till: d.now.Add(-time.Minute), Days: demoDays, Balance: balance.Amount,
				Weekday: one.weekday, Weekend: one.weekend, TopUps: one.topUps,
			},
			store.BalancePoint{Account: one.name, Currency: string(balance.Currency)},
		})
	}
	return settings, nil
}

// sampleBalance is what the simulated vendor's account has.
func sampleBalance(v *declared.Vendor) (provider.Money, bool) {
	for _, r := range v.Results() {
		if r.Operation == provider.OpBalance && r.Err == nil {
			return r.Readings.Balance.Balance, true
		}
	}
	return provider.Money{}, false
}
