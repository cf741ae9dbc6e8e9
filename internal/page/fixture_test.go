package page_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/govalues/decimal"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"accountgateway/api"
	"accountgateway/internal/account"
	"accountgateway/internal/alert"
	"accountgateway/internal/durable"
	"accountgateway/internal/httpapi"
	"accountgateway/internal/page"
	"accountgateway/internal/provider"
	"accountgateway/internal/provider/providertest"
	"accountgateway/internal/store"
	"accountgateway/internal/token"
)

// fixture is a page behind the gateway's routes, over a service whose store was filled by hand.
type fixture struct {
	t       testing.TB
	page    *page.Page
	store   *store.Store
	fakes   map[string]*providertest.Fake
	now     time.Time
	options account.Options // seeds may change them
	handler http.Handler
	token   string // that opens the page; set by as
}

const day = 24 * time.Hour

// goodToken has the form of a token.
const goodToken = "gw_abcdefghij_" + "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

// declared are the capabilities of accounts that can't do everything.
var declared = map[string]provider.Capabilities{
	"regru": {provider.OpBalance: provider.Supported, provider.OpStatistics: provider.Supported, provider.OpUsers: provider.Supported,
		provider.OpCreateUser: provider.Supported, provider.OpRefill: provider.Unverified},
	"selzy": {provider.OpBalance: provider.Supported, provider.OpStatistics: provider.Supported, provider.OpUsers: provider.Supported,
		provider.OpCreateUser: provider.NotBuilt, provider.OpRefill: provider.Unsupported},
}

var vendors = map[string]page.Vendor{
	"regru": {Title: "REG.RU", Group: "registrar"}, "selzy": {Title: "Selzy", Group: "email"}, "unisender": {Title: "UniSender", Group: "email"},
}

// seeds fill the store before the service reads it.
type seeds func(f *fixture)

// newFixture serves the accounts named to an anonymous caller.
func newFixture(t testing.TB, fill seeds, accounts ...string) *fixture {
	t.Helper()
	f := &fixture{t: t, now: time.Now().UTC().Truncate(time.Second), fakes: map[string]*providertest.Fake{}}
	var err error
	if f.store, err = store.Open(t.Context(), "sqlite::memory:", store.Options{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.store.Close() })
	f.options = account.Options{
		TTL:          map[provider.Operation]time.Duration{provider.OpBalance: time.Hour, provider.OpStatistics: time.Hour, provider.OpUsers: time.Hour},
		StaleIfError: 24 * time.Hour, LoadTimeout: 10 * time.Second, HistoryFor: 100 * day,
		Registry: prometheus.NewRegistry(), Log: zerolog.Nop(),
	}
	if fill != nil {
		fill(f)
	}
	var configured []account.Account
	for _, name := range accounts {
		vendor, _, _ := strings.Cut(name, "-")
		f.fakes[name] = &providertest.Fake{Declared: declared[name]}
		configured = append(configured, account.Account{Name: name, Provider: vendor, Adapter: f.fakes[name]})
	}
	d := durable.New(zerolog.Nop())
	d.Attach(f.store)
	service := account.New(configured, d, f.options)
	service.Load(t.Context())
	f.open(service)
	return f
}

// open makes the page anew, as a start does.
func (f *fixture) open(service *account.Service) {
	f.t.Helper()
	var err error
	f.page, err = page.New(page.Options{
		Accounts: service, Log: zerolog.Nop(), Vendors: vendors,
		Check: func(context.Context, string) (token.Caller, error) { return token.Caller{}, token.ErrUnknown },
	})
	f.must(err)
	f.serve(nil)
}

// serve puts the page behind the routes. Without tokens everybody may see everything.
func (f *fixture) serve(tokens *token.Keeper) {
	f.handler = httpapi.New(httpapi.Options{
		Accounts: f.page.Accounts, Log: zerolog.Nop(), Registry: f.options.Registry.(*prometheus.Registry), Spec: api.Spec, Page: f.page,
		Tokens: tokens, AnyName: true,
	})
}

// as makes the page ask for a token, f.token, whose caller this is.
func (f *fixture) as(caller token.Caller) *fixture {
	f.t.Helper()
	text, row := token.New(token.Spec{Name: caller.Name, Scopes: caller.Scopes, Accounts: caller.Accounts}, time.Now())
	f.must(f.store.AddToken(f.t.Context(), row))
	keeper := token.NewKeeper(zerolog.Nop())
	keeper.Attach(f.store)
	f.must(keeper.Load(f.t.Context()))
	f.token, f.page.TokenName = text, keeper.Name
	f.page.Check = func(ctx context.Context, text string) (token.Caller, error) {
		return keeper.Lookup(ctx, text, time.Now())
	}
	f.serve(keeper)
	return f
}

func (f *fixture) get(path string, cookies ...*http.Cookie) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(f.t.Context(), http.MethodGet, path, nil)
	for _, c := range cookies {
		r.AddCookie(c)
	}
	w := httptest.NewRecorder()
	f.handler.ServeHTTP(w, r)
	return w
}

func money(amount, currency string) *provider.Money {
	return &provider.Money{Amount: decimal.MustParse(amount), Currency: provider.Currency(currency)}
}

func (f *fixture) must(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
}

func (f *fixture) save(name, operation string, age time.Duration, value any) {
	f.t.Helper()
	body, err := json.Marshal(value)
	f.must(err)
	f.must(f.store.SaveReadings(f.t.Context(), []store.Reading{{
		Key: store.ReadingKey{Account: name, Operation: operation}, AsOf: f.now.Add(-age), Body: body,
	}}))
}

// balance is a reading of that age.
func (f *fixture) balance(name string, age time.Duration, b provider.Balance) {
	f.t.Helper()
	f.save(name, "balance", age, b)
}

func (f *fixture) state(name, state string, age time.Duration, detail string) {
	f.t.Helper()
	body, err := json.Marshal(account.State{State: state, Since: f.now.Add(-age), Detail: detail})
	f.must(err)
	f.must(f.store.SaveReadings(f.t.Context(), nil, store.Fact{Account: name, Name: "state", AsOf: f.now.Add(-age), Body: body}))
}

// alert is one that is open. Those that are given later come beside it.
func (f *fixture) alert(a alert.Alert, age time.Duration) {
	f.t.Helper()
	a.Since = f.now.Add(-age)
	body, err := json.Marshal(a)
	f.must(err)
	version, err := f.store.AlertsVersion(f.t.Context())
	f.must(err)
	_, done, err := f.store.ChangeAlerts(f.t.Context(), version, []store.AlertChange{{Account: a.Account, Code: string(a.Code), Body: body, Kind: string(alert.Opened)}})
	f.must(err)
	if !done {
		f.t.Fatal("another alert came in between")
	}
}

// runway is the last forecast: the money ends in so long.
func (f *fixture) runway(name string, status account.ForecastStatus, left time.Duration) {
	f.t.Helper()
	end := time.Time{}
	if left > 0 {
		end = f.now.Add(left)
	}
	body, err := json.Marshal(map[string]any{"currency": "USD", "status": status, "end": end})
	f.must(err)
	f.must(f.store.SaveReadings(f.t.Context(), nil, store.Fact{Account: name, Name: "runway", AsOf: f.now, Body: body}))
}

// history is a past balance.
func (f *fixture) history(name string, age time.Duration, amount, currency string) {
	f.t.Helper()
	f.must(f.store.AppendBalance(f.t.Context(), store.BalancePoint{Account: name, Currency: currency, AsOf: f.now.Add(-age), Balance: amount}))
}

// burning is a history of days that ends at an amount in cents, with a fall
// each hour, heavier on some days than on others, and a top-up now and then.
func (f *fixture) burning(name, currency string, days int, endCents, perHourCents, topUpCents int64) {
	f.t.Helper()
	cents := endCents
	for hour := range days * 24 {
		if hour > 0 {
			cents += int64(float64(perHourCents) * (1 + math.Sin(float64(hour)/24*2*math.Pi/7)*.6))
		}
		if topUpCents > 0 && hour%(11*24) == 8*24 {
			cents -= topUpCents
		}
		f.history(name, time.Duration(hour)*time.Hour+2*time.Minute, decimal.MustNew(cents, 2).String(), currency)
	}
}

func (f *fixture) operation(op store.Operation, age time.Duration, to *store.Settlement) {
	f.t.Helper()
	op.CreatedAt, op.GiveUpAt = f.now.Add(-age), f.now.Add(-age+time.Minute)
	op.Key, op.Caller = op.ID, "token:abcdefghij"
	if op.Kind == "refill" {
		op.Request = fmt.Appendf(nil, `{"method":"webmoney","wallet_id":"123456789012","amount":{"amount":%q,"currency":%q}}`, op.Amount, op.Currency)
	} else {
		op.Request = []byte(`{"login":"ada","fields":["country"],"check_only":false}`)
	}
	_, _, err := f.store.BeginOperation(f.t.Context(), op, time.Time{}, nil)
	f.must(err)
	if to != nil {
		to.SettledAt = op.CreatedAt.Add(2 * time.Second)
		_, err = f.store.SettleOperation(f.t.Context(), op.ID, *to, store.Started)
		f.must(err)
	}
}

// fleetNames are the accounts of aFleet.
var fleetNames = []string{"regru", "regru-shop", "selzy", "selzy-agency", "unisender-gulf", "selzy-new"}

// aFleet has an account in every situation that the page tells apart.
func aFleet(f *fixture) {
	// All is well: a long history, writes, statistics.
	f.balance("regru", 2*time.Minute, provider.Balance{Balance: *money("184350.20", "RUB"), Blocked: money("1500.00", "RUB"), Credit: money("25000.00", "RUB")})
	f.state("regru", account.StateOK, 26*day, "the last call succeeded")
	f.burning("regru", "RUB", 60, 18435020, 24000, 7000000)
	f.runway("regru", account.ForecastOK, 35*day+time.Hour)
	limit := int64(500)
	paid, over := f.now.Add(40*day), f.now.Add(-2*day)
	f.save("regru", "statistics", 4*time.Minute, provider.Statistics{
		Counters: []provider.Counter{
			{Name: "domains_active", Value: 12843, Scope: provider.ScopeNow},
			{Name: "emails_period", Value: 512, Limit: &limit, Scope: provider.ScopePeriod},
			{Name: "contacts", Value: 1048, Unlimited: true, Scope: provider.ScopeNow},
		},
		Amounts:  []provider.Amount{{Name: "costs", Scope: provider.ScopePeriod, Money: *money("45210.5", "RUB")}, {Name: "balance_total", Scope: provider.ScopeNow, Money: *money("185850.20", "RUB")}},
		Plan:     &provider.Plan{ID: "standard"},
		Services: []provider.Service{{ID: "77", Name: "Dedicated address", PaidUntil: &paid}, {ID: "78", Name: "Backup", PaidUntil: &over}},
	})
	f.operation(store.Operation{ID: "optopupok", Account: "regru", Kind: "refill", Amount: "5000.00", Currency: "RUB"}, 3*day,
		&store.Settlement{State: store.Succeeded, Reference: "8812345"})
	f.operation(store.Operation{ID: "opuserfailed", Account: "regru", Kind: "create_user"}, 7*time.Hour,
		&store.Settlement{State: store.Failed, Problem: []byte(`{"kind":"conflict","message":"the login is taken"}`)})
	f.operation(store.Operation{ID: "optopupunknown", Account: "regru", Kind: "refill", Amount: "150", Currency: "RUB"}, 25*time.Minute,
		&store.Settlement{State: store.Unknown, Problem: []byte(`{"kind":"provider_timeout","message":"no answer within 10 s"}`)})
	if err := f.store.SaveCandidates(f.t.Context(), "optopupunknown", []byte(`[{"id":"8812399","payment":{"amount":"150.00","currency":"RUB"},"date":"2026-10-30"}]`)); err != nil {
		f.t.Fatal(err)
	}

	f.alert(alert.Alert{Account: "regru", Code: alert.WriteOutcomeUnknown, Severity: alert.Warning, Detail: "the outcome of one write is unknown",
		Remedy: "check with the vendor whether it was done, then settle each"}, 24*time.Minute)

	// Credentials refused three days ago: the last figure is too old to be served.
	f.state("regru-shop", account.StateBadCredentials, 76*time.Hour, "provider_credentials: the vendor refused the username or password (vendor code PASSWORD_AUTH_FAILED)")
	for hour := 76; hour < 24*20; hour += 3 {
		f.history("regru-shop", time.Duration(hour)*time.Hour, decimal.MustNew(99000+int64(hour)*55, 2).String(), "RUB")
	}

	f.alert(alert.Alert{Account: "regru-shop", Code: alert.CredentialsRefused, Severity: alert.Critical, Remedy: "check REGRU_SHOP_USERNAME and REGRU_SHOP_PASSWORD; then run gateway check",
		Detail: "provider_credentials: the vendor refused the username or password (vendor code PASSWORD_AUTH_FAILED)"}, 76*time.Hour)

	// Ends soon, and its figure has one digit after the point.
	f.balance("selzy", 40*time.Second, provider.Balance{Balance: *money("28.5", "USD"), Bonus: money("5", "USD")})
	f.state("selzy", account.StateOK, 9*day, "the last call succeeded")
	f.burning("selzy", "USD", 14, 2850, 70, 0)
	f.runway("selzy", account.ForecastOK, 40*time.Hour)
	f.alert(alert.Alert{Account: "selzy", Code: alert.RunsOutSoon, Severity: alert.Critical, Detail: "at the rate of the last 14 days, balance and credit last until tomorrow",
		Remedy: "top up the account, or set SELZY_DAYS_LOW to fewer days"}, 5*day)

	// In debt, and held back.
	f.balance("selzy-agency", 5*time.Hour, provider.Balance{Balance: *money("-1240.07", "USD")})
	f.state("selzy-agency", account.StateRateLimited, 5*time.Hour, "provider_rate_limited: the vendor's limit of calls is used up")
	f.burning("selzy-agency", "USD", 9, -124007, 0, 0)
	f.runway("selzy-agency", account.ForecastNoBurn, 0)
	f.alert(alert.Alert{Account: "selzy-agency", Code: alert.BalanceNegative, Severity: alert.Critical, Detail: "the balance is −1240.07 USD",
		Remedy: "top up the account: the vendor may refuse orders or stop services"}, 9*day)

	// Three digits after the point, and a vendor whose words are not to be trusted.
	f.balance("unisender-gulf", 3*time.Hour, provider.Balance{Balance: *money("7310.125", "BHD")})
	f.alert(alert.Alert{Account: "unisender-gulf", Code: alert.ReplyNotUnderstood, Severity: alert.Warning, Detail: `provider_bad_response: "<script>alert(1)</script>" is no amount`}, 3*time.Hour)
	f.state("unisender-gulf", account.StateBadResponse, 3*time.Hour, `provider_bad_response: "<script>alert(1)</script>" is no amount`)
}
