package account_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/govalues/decimal"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"accountgateway/internal/account"
	"accountgateway/internal/config"
	"accountgateway/internal/durable"
	"accountgateway/internal/provider"
	"accountgateway/internal/provider/upstream"
	"accountgateway/internal/store"
)

// wireVendor is a vendor behind the real outgoing client: its breaker, its
// retries and its budget are the gateway's own. Every answer is another
// amount, so that each figure tells which request it came from.
type wireVendor struct {
	client  *upstream.Client
	account string
	oneCall bool // balance, statistics and users come from one call

	shared *wireServer
}

// wireServer is the vendor's side, which several replicas call.
type wireServer struct {
	latency func() time.Duration // nil: a millisecond
	answer  func(n int) (status int, body string, header http.Header)

	mu       sync.Mutex
	arrivals []time.Time
	paths    []string
	accounts []string
}

// wireOK is the vendor's usual answer.
func wireOK(n int) (int, string, http.Header) { return http.StatusOK, fmt.Sprintf("%d.00", n), nil }

// RoundTrip counts the request when it arrives, which is somewhere between its
// start and its end.
func (s *wireServer) RoundTrip(req *http.Request) (*http.Response, error) {
	took := time.Millisecond
	if s.latency != nil {
		took = s.latency()
	}
	way := took / 3
	if err := sleep(req.Context(), way); err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.arrivals = append(s.arrivals, time.Now())
	s.paths = append(s.paths, req.URL.Path)
	s.accounts = append(s.accounts, strings.TrimSuffix(req.URL.Host, ".invalid"))
	n := len(s.arrivals)
	s.mu.Unlock()
	if err := sleep(req.Context(), took-way); err != nil {
		return nil, err
	}
	answer := wireOK
	if s.answer != nil {
		answer = s.answer
	}
	status, body, header := answer(n)
	if header == nil {
		header = http.Header{}
	}
	return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader(body)), Request: req}, nil
}

func (s *wireServer) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.arrivals)
}

// saidAt is when it said an amount.
func (s *wireServer) saidAt(amount string) time.Time {
	var n int
	if _, err := fmt.Sscanf(amount, "%d.00", &n); err != nil {
		panic(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.arrivals[n-1]
}

// most is the largest number of requests that arrived in any span of length per.
func (s *wireServer) most(per time.Duration) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return busiest(slices.SortedFunc(slices.Values(s.arrivals), time.Time.Compare), per)
}

// mostOf is most for one account.
func (s *wireServer) mostOf(account string, per time.Duration) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	var at []time.Time
	for i, of := range s.accounts {
		if of == account {
			at = append(at, s.arrivals[i])
		}
	}
	return busiest(slices.SortedFunc(slices.Values(at), time.Time.Compare), per)
}

// busiest is the largest number of times in any span of length per; they are
// sorted.
func busiest(at []time.Time, per time.Duration) int {
	most, first := 0, 0
	for i := range at {
		for at[i].Sub(at[first]) >= per {
			first++
		}
		most = max(most, i-first+1)
	}
	return most
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (v *wireVendor) Capabilities() provider.Capabilities {
	return provider.Capabilities{
		provider.OpBalance: provider.Supported, provider.OpStatistics: provider.Supported, provider.OpUsers: provider.Supported,
		provider.OpCreateUser: provider.Unsupported, provider.OpRefill: provider.Unsupported,
	}
}

func (v *wireVendor) OneCall(provider.Operation) bool { return v.oneCall }

func (v *wireVendor) CheckCredentials(ctx context.Context) error {
	_, err := v.call(ctx, provider.OpCheck)
	return err
}

func (v *wireVendor) ReadBalance(ctx context.Context, _ provider.BalanceQuery) (provider.Readings, error) {
	return v.call(ctx, provider.OpBalance)
}

func (v *wireVendor) ReadStatistics(ctx context.Context, _ provider.StatisticsQuery) (provider.Readings, error) {
	return v.call(ctx, provider.OpStatistics)
}

func (v *wireVendor) ReadUsers(ctx context.Context, _ provider.UserQuery) (provider.Readings, error) {
	return v.call(ctx, provider.OpUsers)
}

func (v *wireVendor) call(ctx context.Context, op provider.Operation) (provider.Readings, error) {
	var read provider.Readings
	err := v.client.Do(ctx, upstream.Call{Operation: op, URL: "http://" + v.account + ".invalid/" + string(op)}, func(a upstream.Answer) error {
		switch {
		case a.Status == http.StatusTooManyRequests:
			e := provider.Errorf(provider.KindRateLimited, "the vendor's own limit")
			e.OfAddress = string(a.Body) == "of the address"
			return e
		case a.Status >= 500:
			return provider.Errorf(provider.KindUnavailable, "status %d", a.Status)
		}
		amount, err := decimal.Parse(string(a.Body))
		if err != nil {
			return provider.Errorf(provider.KindBadResponse, "no amount")
		}
		balance := &provider.Balance{Balance: provider.Money{Amount: amount, Currency: "USD"}}
		statistics := &provider.Statistics{Counters: []provider.Counter{{Name: "calls", Value: 1, Scope: provider.ScopeNow}}}
		users := &provider.Users{Users: []provider.User{}}
		read = provider.Readings{}
		switch {
		case v.oneCall:
			read = provider.Readings{Balance: balance, Statistics: statistics, Users: users}
		case op == provider.OpStatistics:
			read.Statistics = statistics
		case op == provider.OpUsers:
			read.Users = users
		default:
			read.Balance = balance
		}
		return nil
	})
	return read, err
}

// gateway is one replica with everything that calls the vendor.
type gateway struct {
	*account.Service
	durable  *durable.Store
	registry *prometheus.Registry
	store    *store.Store
	budget   *account.Budget // of the first account
	log      *lines          // of its durable state
}

// gatewayOptions are what tests vary. The zero value is one account "a" with no
// limit, no store and no background readings.
type gatewayOptions struct {
	url      string // of the database; "": away
	accounts []string
	rate     config.Rate
	ipRate   config.Rate // of all accounts together; zero: no limit
	oneCall  bool
	interval time.Duration
	ttl      time.Duration    // 0: a minute
	stale    time.Duration    // 0: a day
	clock    func() time.Time // of the replica; nil: time.Now
	database func() time.Time // of the database; nil: its own
	timeout  time.Duration    // of a vendor call; 0: callTimeout
	low      string           // the accounts' thresholds; "": none
}

const callTimeout = 10 * time.Second

// newGateway makes a replica in front of a vendor.
func newGateway(t *testing.T, vendor *wireServer, o gatewayOptions) *gateway {
	t.Helper()
	if o.ttl == 0 {
		o.ttl = time.Minute
	}
	if o.stale == 0 {
		o.stale = 24 * time.Hour
	}
	if o.timeout == 0 {
		o.timeout = callTimeout
	}
	if o.accounts == nil {
		o.accounts = []string{"a"}
	}
	log := &lines{}
	g := &gateway{durable: durable.New(zerolog.New(log)), registry: prometheus.NewRegistry(), log: log}
	metrics := upstream.NewMetrics(prometheus.NewRegistry())
	var accounts []account.Account
	host := account.NewHostBudget("wire all.invalid", o.ipRate, o.timeout, g.durable)
	for _, name := range o.accounts {
		budget := account.NewBudget(name, o.rate, o.timeout, g.durable, host)
		client := upstream.New(upstream.Options{
			Account: name, Provider: "wire", Timeout: o.timeout, Metrics: metrics, Log: zerolog.Nop(), Transport: vendor, Budget: budget,
		})
		adapter := &wireVendor{client: client, account: name, oneCall: o.oneCall, shared: vendor}
		one := account.Account{Name: name, Provider: "wire", Adapter: adapter, Budget: budget, Circuit: client.Circuit}
		if o.low != "" {
			if err := one.Limits.BalanceLow.UnmarshalText([]byte(o.low)); err != nil {
				t.Fatal(err)
			}
		}
		accounts = append(accounts, one)
		if g.budget == nil {
			g.budget = budget
		}
	}
	g.Service = account.New(accounts, g.durable, account.Options{
		TTL:          map[provider.Operation]time.Duration{provider.OpBalance: o.ttl, provider.OpStatistics: o.ttl, provider.OpUsers: o.ttl},
		StaleIfError: o.stale, RefreshInterval: o.interval, LoadTimeout: o.timeout + 5*time.Second, HistoryFor: 100 * 24 * time.Hour,
		Now: o.clock, Registry: g.registry, Log: zerolog.Nop(),
	})
	if o.url != "" {
		g.attachAt(t, o.url, o.database)
	}
	return g
}

func (g *gateway) attach(t *testing.T, url string) {
	t.Helper()
	g.attachAt(t, url, nil)
}

func (g *gateway) attachAt(t *testing.T, url string, database func() time.Time) {
	t.Helper()
	st, err := store.Open(t.Context(), url, store.Options{Now: database})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	g.store = st
	g.durable.Attach(st)
	g.Load(t.Context())
}

// run does what the gateway does by itself, until stop.
func (g *gateway) run(t *testing.T) (stop func()) { return run(t, g.Service) }

func run(t *testing.T, s *account.Service) (stop func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	var wg sync.WaitGroup
	wg.Go(func() { s.Run(ctx) })
	stop = sync.OnceFunc(func() {
		cancel()
		wg.Wait()
	})
	t.Cleanup(stop)
	return stop
}

func (g *gateway) balance(ctx context.Context, b account.Bound) (account.Reading[provider.Balance], error) {
	return g.Balance(ctx, "a", provider.BalanceQuery{}, b)
}

// must reads a balance that has to come.
func (g *gateway) must(t *testing.T, b account.Bound) account.Reading[provider.Balance] {
	t.Helper()
	got, err := g.balance(t.Context(), b)
	if err != nil {
		t.Fatalf("balance: %v", err)
	}
	return got
}

func amountOf(r account.Reading[provider.Balance]) string { return r.Value.Balance.Amount.String() }

func sqliteURL(t *testing.T) string { return "sqlite:" + filepath.Join(t.TempDir(), "gateway.db") }
