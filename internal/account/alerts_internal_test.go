package account

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/govalues/decimal"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"accountgateway/internal/alert"
	"accountgateway/internal/config"
	"accountgateway/internal/durable"
	"accountgateway/internal/provider"
	"accountgateway/internal/provider/providertest"
)

// newFleet makes n accounts, each with a balance, statistics and a budget at hand.
func newFleet(n int) *Service {
	d := durable.New(zerolog.Nop())
	host := NewHostBudget("host", config.Rate{Calls: 1 << 30, Per: time.Hour}, time.Second, d)
	accounts := make([]Account, n)
	for i := range accounts {
		accounts[i] = Account{
			Name: fmt.Sprintf("a%05d", i), Provider: "fake", Adapter: &providertest.Fake{}, Budget: NewBudget(fmt.Sprint(i), config.Rate{Calls: 100, Per: time.Hour}, time.Second, d, host),
			Limits: alert.Limits{BalanceLow: alert.Threshold{Amount: decimal.MustParse("500"), Set: true}, DaysLow: 7 * 24 * time.Hour},
		}
	}
	s := New(accounts, d, Options{
		TTL:             map[provider.Operation]time.Duration{provider.OpBalance: time.Minute, provider.OpStatistics: time.Minute},
		RefreshInterval: 5 * time.Minute, Registry: prometheus.NewRegistry(), Log: zerolog.Nop(),
	})
	balance := &provider.Balance{Balance: provider.Money{Amount: decimal.MustParse("1234.56"), Currency: "RUB"}}
	statistics := &provider.Statistics{Counters: []provider.Counter{{Name: "emails", Value: 10, Limit: new(int64(100))}, {Name: "contacts", Value: 5}}}
	for _, a := range s.accounts {
		s.memory.put(key{account: a.Name, op: provider.OpBalance}, &entry{stamp: s.stamp(), ours: true, value: balance})
		s.memory.put(key{account: a.Name, op: provider.OpStatistics}, &entry{stamp: s.stamp(), ours: true, value: statistics})
		a.runway.Store(&runway{Currency: "RUB", End: s.label().Add(60 * 24 * time.Hour), Status: ForecastOK})
		a.state.observe(nil, s.stamp())
	}
	return s
}

// breakAll makes every account's vendor refuse the credentials.
func (s *Service) breakAll() {
	for _, a := range s.accounts {
		a.state.observe(&provider.Error{Kind: provider.KindCredentials, Err: errors.New("refused")}, s.stamp())
	}
}

// Where nothing changes, a round allocates next to nothing.
func TestAlertsRoundAllocates(t *testing.T) {
	s := newFleet(1000)
	if n := testing.AllocsPerRun(10, func() { s.alerts.apply(s.alertChanges()) }); n > 10 {
		t.Errorf("%v allocations for 1000 accounts that are in order", n)
	}
	s.breakAll()
	changes := s.alertChanges()
	if len(changes) != 1000 || changes[0].Kind != alert.Opened {
		t.Fatalf("%d changes", len(changes))
	}
	s.alerts.apply(changes)
	if n := testing.AllocsPerRun(10, func() { s.alerts.apply(s.alertChanges()) }); n > 5000 {
		t.Errorf("%v allocations for 1000 open alerts that stay as they are", n)
	}
}

// BenchmarkAlerts is one round over 10,000 accounts, of which there is one each
// second: all in order, and all with an open alert.
func BenchmarkAlerts(b *testing.B) {
	for _, broken := range []bool{false, true} {
		b.Run(map[bool]string{false: "calm", true: "broken"}[broken], func(b *testing.B) {
			s := newFleet(10_000)
			if broken {
				s.breakAll()
			}
			s.alerts.apply(s.alertChanges())
			b.ReportAllocs()
			for b.Loop() {
				s.alerts.apply(s.alertChanges())
			}
		})
	}
}
