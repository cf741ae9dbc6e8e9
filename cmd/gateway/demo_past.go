package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/govalues/decimal"

	"accountgateway/internal/account"
	"accountgateway/internal/alert"
	"accountgateway/internal/operation"
	"accountgateway/internal/provider"
	"accountgateway/internal/simulator"
	"accountgateway/internal/simulator/selzy"
	"accountgateway/internal/store"
)

// demo is what the demo's accounts have behind them when it starts.
type demo struct {
	now      time.Time
	declared []demoPast // of the accounts at declared vendors
}

const (
	demoDays = 60
	// demoFine is how far back the history is as fine as background readings
	// would make it, which forecasts want. Before, demoCoarse is enough.
	demoFine   = 15 * 24 * time.Hour
	demoCoarse = 3 * time.Hour
	// refusedFor is since when unisender's key is refused. It was last read one
	// background reading before, and that was too old half a minute after two.
	refusedFor      = 5 * time.Hour
	demoInterval    = 5 * time.Minute
	demoTooOldAfter = 2*demoInterval + 30*time.Second
)

// selzyAccounts are the simulator's own, but for one that has more contacts than
// it may have: the demo has enough accounts in trouble without it.
func (d *demo) selzyAccounts() []selzy.Account {
	accounts := selzy.DefaultAccounts(selzy.Selzy, d.now)
	for i := range accounts {
		if accounts[i].APIKey == "resellerkey" {
			accounts[i].SubscribersUsed = 41_234
		}
	}
	return accounts
}

// pasts are the balances that end at those that the simulated vendors tell.
func (d *demo) pasts() []demoPast {
	past := func(balance string, weekday, weekend float64, topUps map[int]int64) simulator.Past {
		return simulator.Past{Till: d.now.Add(-time.Minute), Days: demoDays, Balance: decimal.MustParse(balance), Weekday: weekday, Weekend: weekend, TopUps: topUps}
	}
	all := []demoPast{
		{past("48213.07", 3300, 900, map[int]int64{6: 36_000, 20: 36_000, 33: 36_000, 48: 36_000}),
			store.BalancePoint{Account: "regru", Currency: "RUB", Blocked: "1250.50", Credit: "30000"}},
		{past("312.40", 160, 125, map[int]int64{19: 3_000, 41: 3_000}), store.BalancePoint{Account: "regru-shop", Currency: "RUB"}},
		{past("-4.75", 1.9, .6, map[int]int64{24: 40, 52: 40}), store.BalancePoint{Account: "selzy", Currency: "USD"}},
		{past("1530.07", 31, 9, map[int]int64{11: 750, 42: 750}), store.BalancePoint{Account: "selzy-agency", Currency: "EUR"}},
		{past("6410.20", 240, 60, map[int]int64{8: 5_000, 31: 5_000}), store.BalancePoint{Account: "unisender", Currency: "RUB"}},
	}
	all[4].Till = d.now.Add(-refusedFor - demoInterval)
	all = append(all, d.declared...)
	for i := range all {
		all[i].Seed = uint64(i)
	}
	return all
}

// demoPast is a past and what all its points have in common.
type demoPast struct {
	simulator.Past
	point store.BalancePoint
}

// fill writes histories, the last state and reading of the account that is
// refused, and writes of the past.
func (d *demo) fill(ctx context.Context, st *store.Store) error {
	for _, past := range d.pasts() {
		var points []store.BalancePoint
		for i, p := range past.Points() {
			if past.Till.Sub(p.At) > demoFine && i%int(demoCoarse/simulator.PastStep) != 0 {
				continue
			}
			point := past.point
			point.AsOf, point.Balance = p.At, p.Balance.String()
			points = append(points, point)
		}
		for some := range slices.Chunk(points, 500) {
			if err := st.AppendBalances(ctx, some); err != nil {
				return err
			}
		}
	}
	readings, facts := d.known()
	if err := st.SaveReadings(ctx, readings, facts...); err != nil {
		return err
	}
	if _, _, err := st.ChangeAlerts(ctx, 0, d.alerts()); err != nil {
		return err
	}
	for _, w := range d.writes() {
		if err := w.record(ctx, st); err != nil {
			return err
		}
	}
	return nil
}

// known are since when the accounts are in their states, and what the one that is
// refused was read last.
func (d *demo) known() (readings []store.Reading, facts []store.Fact) {
	for _, past := range d.pasts() {
		name, till := past.point.Account, past.Till
		state := account.State{State: account.StateOK, Since: d.now.AddDate(0, 0, -demoDays), LastSuccessAt: &till, Detail: "the last call succeeded"}
		if name == "unisender" {
			state.State, state.Since, state.Detail = account.StateBadCredentials, d.now.Add(-refusedFor), "the vendor refused the API key"
			for op, value := range map[provider.Operation]any{
				provider.OpBalance: provider.Balance{Balance: provider.Money{Amount: past.Balance, Currency: provider.Currency(past.point.Currency)}},
				provider.OpStatistics: provider.Statistics{Counters: []provider.Counter{
					{Name: "emails_period", Value: 8_120, Limit: new(int64(25_000)), Scope: provider.ScopePeriod},
					{Name: "contacts", Value: 2_914, Limit: new(int64(5_000)), Scope: provider.ScopeNow},
				}},
			} {
				readings = append(readings, store.Reading{Key: store.ReadingKey{Account: name, Operation: string(op)}, AsOf: till, Body: encode(value)})
			}
		}
		facts = append(facts, store.Fact{Account: name, Name: "state", AsOf: till, Body: encode(state)})
	}
	return readings, facts
}

func encode(value any) []byte {
	body, err := json.Marshal(value)
	if err != nil { // these values have a JSON form
		panic(err)
	}
	return body
}

// demoWrite is a write of the past.
type demoWrite struct {
	store.Operation
	to store.Settlement
}

func (d *demo) writes() []demoWrite {
	write := func(name, login string, ago time.Duration, to store.Settlement) demoWrite {
		op := store.Operation{
			ID: strings.ToLower(rand.Text()), Account: name, Kind: string(operation.KindCreateUser), Caller: "token:simulation", Key: rand.Text(),
			Request:   fmt.Appendf(nil, `{"login":%q,"fields":["country","email","password"],"check_only":false}`, login),
			CreatedAt: d.now.Add(-ago), GiveUpAt: d.now.Add(-ago + time.Minute),
		}
		to.SettledAt = op.CreatedAt.Add(2 * time.Second)
		return demoWrite{op, to}
	}
	const day = 24 * time.Hour
	return []demoWrite{
		write("regru", "blue-bakery", 9*day, store.Settlement{State: store.Succeeded, Reference: "4811190"}),
		write("regru", "corner-shop", 2*day, store.Settlement{State: store.Failed, Problem: []byte(`{"kind":"conflict","message":"the login is taken"}`)}),
		write("selzy-agency", "lumi_cafe", 16*day, store.Settlement{State: store.Succeeded, Reference: "lumi_cafe"}),
		write("selzy-agency", "fjord_tours", 26*time.Minute, store.Settlement{
			State: store.Unknown, Problem: []byte(`{"kind":"provider_timeout","message":"the vendor did not answer within 10 s"}`),
		}),
	}
}

func (w demoWrite) record(ctx context.Context, st *store.Store) error {
	if _, _, err := st.BeginOperation(ctx, w.Operation, time.Time{}, nil); err != nil {
		return err
	}
	_, err := st.SettleOperation(ctx, w.ID, w.to, store.Started)
	return err
}

// alerts are since when some are open that the gateway would find to have opened
// just now. The rest of them it tells itself.
func (d *demo) alerts() []store.AlertChange {
	var changes []store.AlertChange
	for _, one := range []struct {
		account, provider string
		code              alert.Code
		severity          alert.Severity
		open              time.Duration
		detail            string // until the first reading
	}{
		{"selzy", "selzy", alert.BalanceNegative, alert.Critical, 67 * time.Hour, "the balance is below zero"},
		{"selzy", "selzy", alert.RunsOutSoon, alert.Critical, 66 * time.Hour, "the money has run out"},
		{"selzy", "selzy", alert.QuotaNearlyUsed, alert.Critical, 49 * time.Hour, "emails_payg is used up"},
		{"selzy-agency", "selzy", alert.QuotaNearlyUsed, alert.Warning, 4 * time.Hour, "emails_payg is nearly used up"},
		{"selzy-agency", "selzy", alert.WriteOutcomeUnknown, alert.Warning, 25 * time.Minute, "the outcome of a write is unknown"},
		{"regru-shop", "regru", alert.RunsOutSoon, alert.Warning, 118 * time.Hour, "the money is forecast to run out within days"},
		{"unisender", "unisender", alert.CredentialsRefused, alert.Critical, refusedFor, "the vendor refused the API key"},
		{"unisender", "unisender", alert.ReadingTooOld, alert.Warning, refusedFor + demoInterval - demoTooOldAfter, "it has not been read"},
	} {
		a := alert.Alert{
			Account: one.account, Provider: one.provider, Code: one.code, Severity: one.severity,
			Since: d.now.Add(-one.open), Detail: one.detail, Remedy: alert.Remedy(one.code, one.account, nil),
		}
		changes = append(changes, store.AlertChange{Account: a.Account, Code: string(a.Code), Body: encode(a)})
	}
	return changes
}

// readAll reads all accounts at once. How that went is in their states.
func readAll(ctx context.Context, accounts *account.Service) {
	var wg sync.WaitGroup
	for _, info := range accounts.List() {
		wg.Go(func() {
			_, _ = accounts.Balance(ctx, info.Name, provider.BalanceQuery{}, account.Bound{})
			_, _ = accounts.Statistics(ctx, info.Name, provider.StatisticsQuery{}, account.Bound{})
		})
	}
	wg.Wait()
	accounts.RenewRunways(ctx)
}
