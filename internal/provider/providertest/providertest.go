// Package providertest is the conformance suite that every adapter passes with one call of Run, the Fake of this
// package included. It asserts what package provider promises and nothing in which vendors truly differ: which
// currencies, dates and logins they take is told by the Harness. It knows no vendor.
package providertest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"accountgateway/internal/provider"
)

// Scenario is the state in which an adapter meets its vendor.
type Scenario string

// The scenarios. In all but Healthy every call to the vendor fares alike.
const (
	Healthy     Scenario = "healthy"
	Refused     Scenario = "refused"      // the credentials are wrong
	UnknownCode Scenario = "unknown code" // an error with the code of Code, which no document lists
	HTMLPage    Scenario = "html page"
	EmptyBody   Scenario = "empty body"
	Truncated   Scenario = "truncated"
	Garbage     Scenario = "garbage"
	OtherJSON   Scenario = "other json"
	Trailing    Scenario = "trailing bytes"
	Silent      Scenario = "silent" // never answers; the adapter's own time limit is to be well below 1 s
	Down        Scenario = "down"   // connections are refused

	// Met only by writes.
	Outage Scenario = "outage" // HTTP status 502 with a page
	Reset  Scenario = "reset"  // the connection breaks after the request
	Echo   Scenario = "echo"   // an error with the code of Code, whose text repeats the secrets of Harness

	// UnknownCode with another HTTP status.
	UnknownCode400 Scenario = "unknown code, status 400"
	UnknownCode500 Scenario = "unknown code, status 500"
)

// Code is the vendor's code in Echo and in UnknownCode with whatever status.
const Code = "CODE_OF_TOMORROW"

// bodies are answered with HTTP status 200.
var bodies = map[Scenario]string{
	HTMLPage:  "<!DOCTYPE html><html><body><h1>Maintenance</h1></body></html>",
	EmptyBody: "",
	Truncated: `{"result": {"balance": 1`,
	Garbage:   "\x00\xff\xfe balance: 1",
	OtherJSON: `[{"balance": 1}]`,
	Trailing:  `{"result": "success", "answer": {}} {"result": "success"}`,
}

// Body is what the vendor answers in a scenario of bad bodies; ok is false in the others.
func (s Scenario) Body() (body string, ok bool) {
	body, ok = bodies[s]
	return body, ok
}

// Harness is what the suite needs to know of an adapter.
type Harness struct {
	// New makes an adapter in front of a vendor in the scenario. requests tells how many calls have reached the vendor.
	New func(t *testing.T, s Scenario) (p provider.Provider, requests func() int)

	// Queries that are answered in Healthy. The zero query is always among them.
	Balances   []provider.BalanceQuery
	Statistics []provider.StatisticsQuery
	Users      []provider.UserQuery

	// Queries that are refused in Healthy, and how.
	NoCurrency provider.Currency // with KindUnsupportedCurrency
	NoLogin    string            // with KindUnsupportedParameter or KindNotFound

	// Writes that succeed in Healthy, once; nil: the account may not do it.
	NewUser *provider.NewUser
	Refill  *provider.RefillRequest

	// NoCodes is true for a vendor whose errors have no code.
	NoCodes bool

	Secrets []string // the account's; they must be in no error. Nor must NewUser's password and e-mail address
}

// healthy makes an adapter in front of a vendor that works.
func (h Harness) healthy(t *testing.T) provider.Provider {
	p, _ := h.New(t, Healthy)
	return p
}

// Run tests an adapter.
func Run(t *testing.T, h Harness) {
	h.Balances = append([]provider.BalanceQuery{{}}, h.Balances...)
	h.Statistics = append([]provider.StatisticsQuery{{}}, h.Statistics...)
	h.Users = append([]provider.UserQuery{{}}, h.Users...)

	t.Run("capabilities", func(t *testing.T) { testCapabilities(t, h.healthy(t)) })
	t.Run("healthy calls", func(t *testing.T) { testHealthy(t, h.healthy(t)) })
	t.Run("balance", func(t *testing.T) { testBalance(t, h) })
	t.Run("statistics", func(t *testing.T) { testStatistics(t, h) })
	t.Run("users", func(t *testing.T) { testUsers(t, h) })
	t.Run("extra readings", func(t *testing.T) { testExtras(t, h) })
	t.Run("writes", func(t *testing.T) { testWrites(t, h) })
	t.Run("failed writes", func(t *testing.T) { testFailedWrites(t, h) })
	t.Run("writes given up", func(t *testing.T) { testWritesGivenUp(t, h) })
	t.Run("failures", func(t *testing.T) { testFailures(t, h) })
	t.Run("given up", func(t *testing.T) { testGivenUp(t, h) })
	t.Run("concurrent", func(t *testing.T) { testConcurrent(t, h.healthy(t)) })
}

// interfaces tells which operations an adapter implements.
func interfaces(p provider.Provider) map[provider.Operation]bool {
	_, balance := p.(provider.BalanceReader)
	_, statistics := p.(provider.StatisticsReader)
	_, users := p.(provider.UserReader)
	_, createUser := p.(provider.UserCreator)
	_, refill := p.(provider.Refiller)
	return map[provider.Operation]bool{
		provider.OpBalance:    balance,
		provider.OpStatistics: statistics,
		provider.OpUsers:      users,
		provider.OpCreateUser: createUser,
		provider.OpRefill:     refill,
	}
}

func testCapabilities(t *testing.T, p provider.Provider) {
	declared, implemented := p.Capabilities(), interfaces(p)
	for _, op := range provider.Operations() {
		switch support := declared[op]; support {
		case provider.Supported, provider.Unverified, provider.Unsupported, provider.NotBuilt:
			if declared.Callable(op) != implemented[op] {
				t.Errorf("%s is declared %q, but implemented: %v", op, support, implemented[op])
			}
		default:
			t.Errorf("%s is declared %q, which is no support", op, support)
		}
	}
	if got, want := len(declared), len(provider.Operations()); got != want {
		t.Errorf("declares %d operations, want %d", got, want)
	}
	declared[provider.OpBalance] = "changed"
	if p.Capabilities()[provider.OpBalance] == "changed" {
		t.Error("a caller can change what is declared")
	}
}

// calls are all reads that can be asked of an adapter with credentials, with zero queries.
func calls(p provider.Provider) map[string]func(context.Context) error {
	all := map[string]func(context.Context) error{"check": p.CheckCredentials}
	if r, ok := p.(provider.BalanceReader); ok {
		all["balance"] = func(ctx context.Context) error {
			return empty(r.ReadBalance(ctx, provider.BalanceQuery{}))
		}
	}
	if r, ok := p.(provider.StatisticsReader); ok {
		all["statistics"] = func(ctx context.Context) error {
			return empty(r.ReadStatistics(ctx, provider.StatisticsQuery{}))
		}
	}
	if r, ok := p.(provider.UserReader); ok {
		all["users"] = func(ctx context.Context) error {
			return empty(r.ReadUsers(ctx, provider.UserQuery{}))
		}
	}
	if f, ok := p.(provider.InvoiceFinder); ok {
		all["invoices"] = func(ctx context.Context) error {
			found, err := f.UnpaidInvoices(ctx)
			if err != nil && found != nil {
				return errors.Join(err, errors.New("there are invoices beside the error"))
			}
			return err
		}
	}
	return all
}

// empty passes a read's error on and adds one if there are readings beside it.
func empty(r provider.Readings, err error) error {
	if err != nil && r != (provider.Readings{}) {
		return errors.Join(err, errors.New("there are readings beside the error"))
	}
	return err
}

func testHealthy(t *testing.T, p provider.Provider) {
	for name, call := range calls(p) {
		if err := call(t.Context()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if pinger, ok := p.(provider.Pinger); ok {
		if err := pinger.Ping(t.Context()); err != nil {
			t.Errorf("ping: %v", err)
		}
	}
}

// failures are the kinds that the scenarios lead to.
var failures = []struct {
	scenario Scenario
	kind     provider.Kind
	notSent  bool
}{
	{Refused, provider.KindCredentials, false},
	{UnknownCode, provider.KindOther, false},
	{HTMLPage, provider.KindBadResponse, false},
	{EmptyBody, provider.KindBadResponse, false},
	{Truncated, provider.KindBadResponse, false},
	{Garbage, provider.KindBadResponse, false},
	{OtherJSON, provider.KindBadResponse, false},
	{Trailing, provider.KindBadResponse, false},
	{Silent, provider.KindTimeout, false},
	{Down, provider.KindUnavailable, true},
}

func testFailures(t *testing.T, h Harness) {
	for _, row := range failures {
		if h.NoCodes && row.scenario == UnknownCode {
			continue
		}
		p, _ := h.New(t, row.scenario)
		all := calls(p)
		// Whatever the credentials and codes, a ping may tell that the vendor answers.
		if pinger, ok := p.(provider.Pinger); ok && row.scenario != Refused && row.scenario != UnknownCode {
			all["ping"] = pinger.Ping
		}
		for name, call := range all {
			t.Run(string(row.scenario)+"/"+name, func(t *testing.T) {
				t.Parallel() // silence takes its time
				e := checkFailure(t, h.Secrets, row.scenario, call(t.Context()), row.kind)
				if e.NotSent != row.notSent {
					t.Errorf("got NotSent %v, want %v (%v)", e.NotSent, row.notSent, e)
				}
			})
		}
	}
}

// checkFailure wants a complete error of the kind, without secrets.
func checkFailure(t *testing.T, secrets []string, s Scenario, err error, kind provider.Kind) *provider.Error {
	t.Helper()
	var e *provider.Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v, want a *provider.Error of kind %s", err, kind)
	}
	if e.Kind != kind || e.Message == "" {
		t.Errorf("got kind %s, message %q; want %s and a message", e.Kind, e.Message, kind)
	}
	if kind == provider.KindBadResponse && e.Drift == "" {
		t.Error("the error does not say what was not understood")
	}
	if slices.Contains([]Scenario{UnknownCode, UnknownCode400, UnknownCode500, Echo}, s) && (e.Upstream == nil || e.Upstream.Code != Code) {
		t.Errorf("the vendor's code is lost: %+v", e.Upstream)
	}
	text := e.Error()
	if e.Upstream != nil {
		text += e.Upstream.Code + e.Upstream.Message
	}
	for _, secret := range secrets {
		if strings.Contains(text, secret) {
			t.Error("the error holds a secret")
		}
	}
	return e
}

// prompt is how long an adapter may take to notice that nobody waits any more.
const prompt = 2 * time.Second

func testGivenUp(t *testing.T, h Harness) {
	for name, call := range calls(h.healthy(t)) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := call(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("%s, given up before: got %v, want an error that wraps context.Canceled", name, err)
		}
	}
	silent, _ := h.New(t, Silent)
	for name, call := range calls(silent) {
		ctx, cancel := context.WithCancel(t.Context())
		stop := time.AfterFunc(20*time.Millisecond, cancel)
		began := time.Now()
		err := call(ctx)
		if took := time.Since(began); took > prompt {
			t.Errorf("%s, given up meanwhile: took %s", name, took)
		}
		if err == nil {
			t.Errorf("%s, given up meanwhile: no error", name)
		}
		stop.Stop()
		cancel()
	}
}

func testConcurrent(t *testing.T, p provider.Provider) {
	var all sync.WaitGroup
	for range 4 {
		for name, call := range calls(p) {
			all.Go(func() {
				if err := call(t.Context()); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			})
		}
	}
	all.Wait()
}
