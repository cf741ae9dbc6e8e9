// Package regru is REG.RU's REG.API 2 as an http.Handler: the categories user and bill and the functions without a
// category, as a strict server with state. Facts are from regru.md (section numbers in the comments); "assumed" marks
// what nobody has seen of the true server.
//
// The handler serves <address>/api/regru2/<category>/<function> and the control routes of package simulator.
// It knows nothing of the gateway.
//
// Quirks that can be set (a simulator.Fault of kind "quirk"):
//
//	numbers         ids, counters and amounts are JSON numbers instead of strings
//	bare_envelope   no charset and messagestore, as in older samples
//	wm_invid_0      refill_balance: the invoice is made, but wm_invid is 0
//	billing_lock    functions that touch the balance answer BILLING_LOCK
//	password_auth_failed  wrong credentials give the older PASSWORD_AUTH_FAILED, as the manual's examples still do
//	unavailable503  HTTP 503 with INTERNAL_API_ERROR as JSON, in Russian, whatever lang was asked for
//	NOT_ENOUGH_MONEY, SERVICE_UNAVAILABLE, … every error code in capitals: the answer to a call that passed authentication
package regru

import (
	"net/http"
	"strings"
	"sync"
	"time"

	"accountgateway/internal/simulator"

	"github.com/govalues/decimal"
)

// Profile is one of the service's two behaviours in time.
type Profile string

// The profiles. Profile2017 accepts GET, has user/refill_balance and the older authentication codes.
const (
	ProfileCurrent Profile = "current"
	Profile2017    Profile = "2017"
)

const basePath = "/api/regru2/"

// Options sets up a Server. The zero value works.
type Options struct {
	// Accounts replaces the seeds (see Seeds). test/test is always there, as at the vendor.
	Accounts []Account
	// Profile is ProfileCurrent unless set.
	Profile Profile
	// Refill switches user/refill_balance on in ProfileCurrent too.
	Refill bool
	// HTTPSOnly refuses plain http with HTTPS_ONLY, as the vendor does.
	HTTPSOnly bool
	// AnyCountryCase accepts user_country_code in small letters, which else gives INVALID_CONTACTS (5.2, assumed).
	AnyCountryCase bool
	// Rate limits calls per account and per source address; the zero value is the vendor's 1200 an hour (2.4).
	Rate Rate
	// Rates is the price of one unit of a currency in roubles; nil: a fixed table of USD, EUR and UAH.
	Rates map[string]decimal.Decimal
	// Now is the clock; nil: time.Now.
	Now func() time.Time
}

// Server is the simulated vendor. Safe for concurrent use.
type Server struct {
	// Control counts the calls and injects faults.
	Control *simulator.Control

	opts    Options
	handler http.Handler

	mu       sync.Mutex // guards what follows
	accounts []*account // in order of creation, test first
	invoices []invoice
	lastID   int64 // of accounts
	lastBill int64
	byLogin  windows
	byIP     windows
}

// New returns a server in its first state.
func New(opts Options) *Server {
	if opts.Accounts == nil {
		opts.Accounts = Seeds()
	}
	if opts.Profile == "" {
		opts.Profile = ProfileCurrent
	}
	if opts.Rates == nil {
		opts.Rates = defaultRates()
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.Rate == (Rate{}) {
		opts.Rate = Rate{Calls: 1200, Per: time.Hour}
	}
	s := &Server{
		opts:     opts,
		Control:  simulator.NewControl(quirkNames()...),
		lastID:   firstID,
		lastBill: firstBill,
		byLogin:  windows{},
		byIP:     windows{},
	}
	s.accounts = append(s.accounts, testAccount())
	for _, a := range opts.Accounts {
		s.addAccount(a)
	}
	s.handler = s.Control.Wrap(http.HandlerFunc(s.serve), operation)
	return s
}

// ServeHTTP answers one call or control request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// operation names the call as the vendor does: "nop", "user/get_balance".
func operation(r *http.Request) string {
	return strings.TrimPrefix(strings.TrimPrefix(r.URL.Path, basePath), "/")
}

// call is one request on its way through the server.
type call struct {
	function string // "user/get_balance"
	params   params
	account  *account // nil for functions that everyone may call
}

// serve walks a call through the checks: transport, request format, function, rate, credentials, address, rights.
// The vendor's order of these is unknown beyond what regru.md 2.1 says (assumed).
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	if !strings.HasPrefix(r.URL.Path, basePath) {
		http.NotFound(w, r)
		return
	}
	name := operation(r)
	out := output{bare: s.Control.Quirk(name, "bare_envelope"), numbers: s.Control.Quirk(name, "numbers")}
	if s.Control.Quirk(name, "unavailable503") {
		out.status, out.lang = http.StatusServiceUnavailable, "ru"
		out.fail(w, fail("INTERNAL_API_ERROR"))
		return
	}
	if err := s.checkTransport(r); err != nil {
		out.fail(w, err)
		return
	}
	p, err := parseRequest(r)
	out.use(p)
	if err != nil {
		out.fail(w, err)
		return
	}
	if err := out.check(p); err != nil {
		out.fail(w, err)
		return
	}
	answer, err := s.run(r, name, p)
	if err != nil {
		out.fail(w, err)
		return
	}
	out.succeed(w, answer)
}

// run finds the function, lets the caller in and calls it. State is locked meanwhile, so calls are atomic (section 1).
func (s *Server) run(r *http.Request, name string, p params) (answer, *apiError) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.byIP.allow(sourceIP(r).String(), s.opts.Rate, s.opts.Now()) {
		return nil, fail("IP_EXCEEDED_ALLOWED_CONNECTION_RATE")
	}
	f, ok := s.function(name)
	if !ok {
		return nil, fail("NO_SUCH_COMMAND", "command_name", name)
	}
	c := &call{function: name, params: p}
	if f.access != everyone {
		a, err := s.authenticate(c, r)
		if err != nil {
			return nil, err
		}
		c.account = a
		if f.access == partners && !a.Partner {
			return nil, fail("RESELLER_AUTH_FAILED", "command_name", name)
		}
	}
	if f.billing && s.Control.Quirk(name, "billing_lock") {
		return nil, fail("BILLING_LOCK")
	}
	for _, code := range errorCodes() {
		if s.Control.Quirk(name, code) {
			return nil, fail(code, "command_name", name, "error_detail", "simulated")
		}
	}
	return f.run(s, c)
}
