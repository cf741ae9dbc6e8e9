package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
	"github.com/google/go-cmp/cmp"
	"github.com/govalues/decimal"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"accountgateway/api"
	"accountgateway/internal/account"
	"accountgateway/internal/durable"
	"accountgateway/internal/httpapi/middleware"
	ui "accountgateway/internal/page"
	"accountgateway/internal/provider"
	"accountgateway/internal/store"
	"accountgateway/internal/token"
)

// fake is a vendor of func fields; what is nil is not supported.
type fake struct {
	balance    func(context.Context, provider.BalanceQuery) (provider.Balance, error)
	statistics func(context.Context, provider.StatisticsQuery) (provider.Statistics, error)
	users      func(context.Context, provider.UserQuery) (provider.Users, error)
	create     func(context.Context, provider.NewUser) (provider.CreatedUser, error)
	refill     func(context.Context, provider.RefillRequest) (provider.Invoice, error)
	notBuilt   bool // its balance
}

func (f fake) Capabilities() provider.Capabilities {
	c := provider.Capabilities{provider.OpCreateUser: provider.NotBuilt, provider.OpRefill: provider.Unsupported}
	for op, built := range map[provider.Operation]bool{
		provider.OpBalance: f.balance != nil, provider.OpStatistics: f.statistics != nil, provider.OpUsers: f.users != nil,
	} {
		c[op] = provider.Unsupported
		if built {
			c[op] = provider.Supported
		}
	}
	if f.notBuilt {
		c[provider.OpBalance] = provider.NotBuilt
	}
	if f.create != nil {
		c[provider.OpCreateUser] = provider.Supported
	}
	if f.refill != nil {
		c[provider.OpRefill] = provider.Unverified
	}
	return c
}

func (f fake) CheckCredentials(context.Context) error { return nil }

func (f fake) ReadBalance(ctx context.Context, q provider.BalanceQuery) (provider.Readings, error) {
	v, err := f.balance(ctx, q)
	return provider.Readings{Balance: &v}, err
}

func (f fake) ReadStatistics(ctx context.Context, q provider.StatisticsQuery) (provider.Readings, error) {
	v, err := f.statistics(ctx, q)
	return provider.Readings{Statistics: &v}, err
}

func (f fake) ReadUsers(ctx context.Context, q provider.UserQuery) (provider.Readings, error) {
	v, err := f.users(ctx, q)
	return provider.Readings{Users: &v}, err
}

func (f fake) CreateUser(ctx context.Context, u provider.NewUser) (provider.CreatedUser, error) {
	return f.create(ctx, u)
}

func (f fake) Refill(ctx context.Context, r provider.RefillRequest) (provider.Invoice, error) {
	return f.refill(ctx, r)
}

// balanceOf is a vendor whose account holds amount.
func balanceOf(amount string, currency provider.Currency) fake {
	return fake{balance: func(context.Context, provider.BalanceQuery) (provider.Balance, error) {
		return provider.Balance{Balance: money(amount, currency)}, nil
	}}
}

// failing is a vendor that fails every read.
func failing(err error) fake {
	return fake{
		balance: func(context.Context, provider.BalanceQuery) (provider.Balance, error) { return provider.Balance{}, err },
		statistics: func(context.Context, provider.StatisticsQuery) (provider.Statistics, error) {
			return provider.Statistics{}, err
		},
		users: func(context.Context, provider.UserQuery) (provider.Users, error) { return provider.Users{}, err },
	}
}

func money(amount string, currency provider.Currency) provider.Money {
	return provider.Money{Amount: decimal.MustParse(amount), Currency: currency}
}

// gateway is the HTTP side over fakes.
type gateway struct {
	t        *testing.T
	url      string       // on loopback
	direct   http.Handler // called instead of url, if set
	from     string       // the caller's address, of direct
	registry *prometheus.Registry
	log      *lines
}

// lines is a log that tests read.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// start serves accounts by name; change may set further options.
func start(t *testing.T, accounts map[string]fake, change ...func(*Options)) *gateway {
	t.Helper()
	g := &gateway{t: t, registry: prometheus.NewRegistry(), log: &lines{}}
	o := Options{Accounts: service(accounts), Log: zerolog.New(g.log), AccessLog: zerolog.New(g.log), Registry: g.registry, Spec: api.Spec}
	for _, f := range change {
		f(&o)
	}
	if o.Page == nil {
		o.Page = pages(t, o.Accounts)
	}
	return g.serve(New(o))
}

// startDirect is start without a network, as a synctest bubble wants it.
func startDirect(t *testing.T, accounts map[string]fake, change ...func(*Options)) *gateway {
	t.Helper()
	g := &gateway{t: t, registry: prometheus.NewRegistry(), log: &lines{}}
	o := Options{Accounts: service(accounts), Log: zerolog.New(g.log), AccessLog: zerolog.New(g.log), Registry: g.registry, Spec: api.Spec}
	for _, f := range change {
		f(&o)
	}
	if o.Page == nil {
		o.Page = pages(t, o.Accounts)
	}
	g.direct = New(o)
	return g
}

// TestMain lets the specification's check take metrics as they are.
func TestMain(m *testing.M) {
	for _, contentType := range []string{"application/openmetrics-text", "application/vnd.google.protobuf"} {
		openapi3filter.RegisterBodyDecoder(contentType, openapi3filter.FileBodyDecoder)
	}
	os.Exit(m.Run())
}

// pages are the operator's, open to everybody.
func pages(t *testing.T, accounts *account.Service) *ui.Page {
	t.Helper()
	p, err := ui.New(ui.Options{
		Accounts: accounts, Log: zerolog.Nop(),
		Check: func(context.Context, string) (token.Caller, error) { return token.Anonymous(), nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (g *gateway) serve(h http.Handler) *gateway {
	server := httptest.NewServer(h)
	g.t.Cleanup(server.Close)
	g.url = server.URL
	return g
}

func service(accounts map[string]fake) *account.Service {
	return serviceOn(durable.New(zerolog.Nop()), accounts)
}

// withStore gives the accounts a database of their own.
func withStore(t *testing.T, accounts map[string]fake) (*store.Store, func(*Options)) {
	t.Helper()
	st, d := durableStore(t)
	return st, func(o *Options) { o.Accounts = serviceOn(d, accounts) }
}

// durableStore is a database in memory.
func durableStore(t *testing.T) (*store.Store, *durable.Store) {
	t.Helper()
	st, err := store.Open(t.Context(), "sqlite::memory:", store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	d := durable.New(zerolog.Nop())
	d.Attach(st)
	return st, d
}

func serviceOn(d *durable.Store, accounts map[string]fake) *account.Service {
	var list []account.Account
	for name, adapter := range accounts {
		list = append(list, account.Account{Name: name, Provider: "vendor-of-" + name, Adapter: adapter})
	}
	return account.New(list, d, serviceOptions())
}

func serviceOptions() account.Options {
	return account.Options{
		TTL: map[provider.Operation]time.Duration{
			provider.OpBalance: time.Minute, provider.OpStatistics: time.Minute, provider.OpUsers: time.Minute,
		},
		StaleIfError: time.Hour, LoadTimeout: 10 * time.Second, Registry: prometheus.NewRegistry(), Log: zerolog.Nop(),
	}
}

// answer is a response that was found to be as the specification says.
type answer struct {
	t      *testing.T
	status int
	header http.Header
	body   []byte
}

func (g *gateway) get(target string) answer {
	g.t.Helper()
	return g.ask(http.MethodGet, target, nil, nil)
}

// ask sends a request and holds the answer against the specification. All tests go
// through it.
func (g *gateway) ask(method, target string, header http.Header, body io.Reader) answer {
	g.t.Helper()
	req, err := http.NewRequestWithContext(g.t.Context(), method, g.url+target, body)
	if err != nil {
		g.t.Fatal(err)
	}
	for name, values := range header {
		req.Header[name] = values
	}
	resp, err := g.do(req)
	if err != nil {
		g.t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		g.t.Fatal(err)
	}
	a := answer{t: g.t, status: resp.StatusCode, header: resp.Header, body: data}
	a.check(req)
	return a
}

func (g *gateway) do(req *http.Request) (*http.Response, error) {
	if g.direct == nil {
		return http.DefaultClient.Do(req)
	}
	w := httptest.NewRecorder()
	req.RemoteAddr = g.from
	if req.Host == "" {
		req.Host = "localhost"
	}
	g.direct.ServeHTTP(w, req)
	return w.Result(), nil
}

// instants finds the times in a JSON body.
var instants = regexp.MustCompile(`"[0-9]{4}-[0-9]{2}-[0-9]{2}T[^"]*"`)

// check holds the answer against the specification.
func (a answer) check(req *http.Request) {
	a.t.Helper()
	if !middleware.WellFormedID(a.header.Get(middleware.RequestIDHeader)) {
		a.t.Errorf("X-Request-Id is %q", a.header.Get(middleware.RequestIDHeader))
	}
	if got := a.header.Get("X-Content-Type-Options"); got != "nosniff" {
		a.t.Errorf("X-Content-Type-Options is %q", got)
	}
	if req.Method == http.MethodHead {
		return
	}
	if strings.Contains(a.header.Get("Content-Type"), "json") {
		a.checkJSON(req)
	}
	if a.status >= 400 && a.header.Get("Content-Type") == "application/problem+json" {
		a.checkProblem()
	}
	spec := contract(a.t)
	route, params, err := spec.router.FindRoute(req)
	if err != nil { // no such route or method, or a page: nothing to hold it against
		if a.status < 400 && !strings.HasPrefix(a.header.Get("Content-Type"), "text/html") {
			a.t.Errorf("%s %s: status %d from a route that the specification lacks", req.Method, req.URL, a.status)
		}
		return
	}
	err = openapi3filter.ValidateResponse(a.t.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: req, PathParams: params, Route: route},
		Status:                 a.status,
		Header:                 a.header,
		Body:                   io.NopCloser(bytes.NewReader(a.body)),
		Options:                &openapi3filter.Options{IncludeResponseStatus: true},
	})
	if err != nil {
		a.t.Errorf("%s %s: not as the specification says: %v\n%s", req.Method, req.URL, err, a.body)
	}
}

// checkJSON holds what all JSON bodies have in common: their times, and one line's
// end, so that a prompt does not stick to them.
func (a answer) checkJSON(req *http.Request) {
	a.t.Helper()
	for _, moment := range instants.FindAllString(string(a.body), -1) {
		if _, err := time.Parse(`"2006-01-02T15:04:05.000Z"`, moment); err != nil {
			a.t.Errorf("%s %s: %s has not three digits of milliseconds, in UTC", req.Method, req.URL, moment)
		}
	}
	if !bytes.HasSuffix(a.body, []byte("}\n")) || bytes.Count(a.body, []byte("\n")) != 1 {
		a.t.Errorf("%s %s: the body does not end with one newline: %q", req.Method, req.URL, a.body)
	}
}

func (a answer) checkProblem() {
	a.t.Helper()
	var value any
	if err := json.Unmarshal(a.body, &value); err != nil {
		a.t.Fatalf("no JSON: %s", a.body)
	}
	schema := contract(a.t).doc.Components.Schemas["Problem"].Value
	if err := schema.VisitJSON(value, openapi3.EnableJSONSchema2020()); err != nil {
		a.t.Errorf("no problem as the specification has it: %v\n%s", err, a.body)
	}
	p := a.problem()
	if p.Status != a.status || p.RequestID == nil || *p.RequestID != a.header.Get(middleware.RequestIDHeader) {
		a.t.Errorf("problem %s does not fit status %d and X-Request-Id %s", a.body, a.status, a.header.Get(middleware.RequestIDHeader))
	}
}

func (a answer) problem() Problem {
	a.t.Helper()
	var p Problem
	if err := json.Unmarshal(a.body, &p); err != nil || a.header.Get("Content-Type") != "application/problem+json" {
		a.t.Fatalf("no problem: %s %s", a.header.Get("Content-Type"), a.body)
	}
	return p
}

// decode reads the body of an answer of status 200.
func (a answer) decode(body any) {
	a.t.Helper()
	if err := json.Unmarshal(a.body, body); err != nil || a.status != http.StatusOK {
		a.t.Fatalf("got %d %s: %v", a.status, a.body, err)
	}
}

// wantCode checks that the answer is a problem of the code, with the code's status.
func (a answer) wantCode(code ProblemCode) Problem {
	a.t.Helper()
	p := a.problem()
	if p.Code != code || a.status != problems[code].status {
		a.t.Errorf("got %d %s, want %s", a.status, a.body, code)
	}
	return p
}

// wantFields checks that the answer is invalid_parameter and names just these fields.
func (a answer) wantFields(fields ...string) {
	a.t.Helper()
	p := a.wantCode(ProblemCodeInvalidParameter)
	var got []string
	if p.Errors != nil {
		for _, e := range *p.Errors {
			got = append(got, e.Field)
		}
	}
	if diff := cmp.Diff(fields, got); diff != "" {
		a.t.Errorf("fields (-want +got):\n%s", diff)
	}
}

var asOf = regexp.MustCompile(`"(as_of|since|last_success_at)":"[^"]*Z"`)

// wantBody compares the whole body with JSON text, times of reading apart.
func (a answer) wantBody(want string) {
	a.t.Helper()
	if a.status != http.StatusOK || a.header.Get("Content-Type") != "application/json" {
		a.t.Fatalf("got %d %s %s", a.status, a.header.Get("Content-Type"), a.body)
	}
	got := asOf.ReplaceAllString(string(a.body), `"$1":"T"`)
	var compact bytes.Buffer
	if err := json.Compact(&compact, []byte(want)); err != nil {
		a.t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(sorted(a.t, compact.Bytes()), ","), strings.Split(sorted(a.t, []byte(got)), ",")); diff != "" {
		a.t.Errorf("body (-want +got):\n%s", diff)
	}
}

// sorted gives JSON with its members in order; numbers keep their text.
func sorted(t *testing.T, data []byte) string {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%v: %s", err, data)
	}
	out, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// specification is api/openapi.yaml, read once.
type specification struct {
	doc    *openapi3.T
	router routers.Router
}

var loadSpecification = sync.OnceValues(func() (*specification, error) {
	doc, err := openapi3.NewLoader().LoadFromData(slices.Clone(api.Spec))
	if err != nil {
		return nil, err
	}
	if err := doc.Validate(context.Background(), openapi3.EnableExamplesValidation(), openapi3.EnableSchemaFormatValidation()); err != nil {
		return nil, err
	}
	router, err := gorillamux.NewRouter(doc)
	return &specification{doc: doc, router: router}, err
})

func contract(t *testing.T) *specification {
	t.Helper()
	spec, err := loadSpecification()
	if err != nil {
		t.Fatalf("api/openapi.yaml: %v", err)
	}
	return spec
}
