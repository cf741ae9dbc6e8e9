package selzy

import (
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
	_ "time/tzdata" // register checks time zones, also where the system has no zone files

	"accountgateway/internal/simulator"
)

// Brand says whose API is served (selzy.md 1 and 6.1: languages, currencies, balance_bonus).
type Brand string

// The two brands of one protocol.
const (
	Selzy     Brand = "selzy"
	UniSender Brand = "unisender"
)

// Options configure a Server. The zero value works.
type Options struct {
	Brand    Brand            // empty: Selzy
	Accounts []Account        // nil: DefaultAccounts
	Now      func() time.Time // nil: time.Now

	// Calls a window for one key and for one address (0: the documented 1200; below 0: no limit) and the
	// window's length (0: the documented 60 s).
	KeyLimit, IPLimit int
	Window            time.Duration
}

// The documented limits (selzy.md 4). registerLimit holds for an address, for others than resellers.
const (
	defaultLimit  = 1200
	defaultWindow = time.Minute
	registerLimit = 1
)

// Server is the simulated vendor. Safe for concurrent use.
type Server struct {
	Control *simulator.Control

	handler http.Handler
	brand   Brand
	now     func() time.Time

	mu        sync.Mutex // guards all below
	accounts  []*account // in the order of registration
	perKey    *limiter
	perIP     *limiter
	registers *limiter
}

// New returns a Server with its accounts in place.
func New(opts Options) *Server {
	if opts.Brand == "" {
		opts.Brand = Selzy
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.Accounts == nil {
		opts.Accounts = DefaultAccounts(opts.Brand, opts.Now())
	}
	if opts.KeyLimit == 0 {
		opts.KeyLimit = defaultLimit
	}
	if opts.IPLimit == 0 {
		opts.IPLimit = defaultLimit
	}
	if opts.Window == 0 {
		opts.Window = defaultWindow
	}
	s := &Server{
		Control:   simulator.NewControl(allQuirks...),
		brand:     opts.Brand,
		now:       opts.Now,
		perKey:    newLimiter(opts.KeyLimit, opts.Window),
		perIP:     newLimiter(opts.IPLimit, opts.Window),
		registers: newLimiter(registerLimit, defaultWindow),
	}
	for _, a := range opts.Accounts {
		s.accounts = append(s.accounts, &account{Account: a})
	}
	s.handler = s.Control.Wrap(http.HandlerFunc(s.serve), operation)
	return s
}

// ServeHTTP answers API calls and, under /_simulator/, the control routes.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// Account returns a copy of the account with this login, as it is now.
func (s *Server) Account(login string) (Account, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.byLogin(login)
	if a == nil {
		return Account{}, false
	}
	return a.Account, true
}

// operation names a call for faults and counts: its method, or "unknown_method".
func operation(r *http.Request) string {
	_, method, ok := route(r.URL.Path)
	if _, known := methods[method]; !ok || !known {
		return codeUnknownMethod
	}
	return method
}

// route splits /{lang}/api/{method}; a method may be nested (selzy.md 1).
func route(path string) (lang, method string, ok bool) {
	lang, rest, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	method, ok = strings.CutPrefix(rest, "api/")
	return lang, method, ok && lang != ""
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	lang, name, ok := route(r.URL.Path)
	if !ok {
		htmlError(w, http.StatusNotFound)
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead && r.Method != http.MethodPost {
		w.Header().Set("Allow", "GET, HEAD, POST")
		htmlError(w, http.StatusMethodNotAllowed)
		return
	}
	values, err := readArguments(r)
	if err != nil {
		htmlError(w, statusOf(err))
		return
	}
	q := s.quirks(operation(r))
	c := &call{server: s, quirks: q, lang: s.language(lang), args: values, ip: clientIP(r), now: s.now().UTC()}
	result, failure := c.answer(name)
	body := q.envelope(result, c.warnings, failure, c.lang)
	writeBody(w, r, body)
}

// call is one API call on its way through the checks.
type call struct {
	server   *Server
	quirks   quirks
	lang     string
	args     arguments
	ip       string
	now      time.Time // UTC
	caller   *account  // nil: register without a key
	test     bool      // report success, change nothing
	warnings []string
}

// answer runs the checks in the order of selzy.md 9.3 and then the method.
func (c *call) answer(name string) (any, *apiError) {
	s := c.server
	s.mu.Lock()
	defer s.mu.Unlock()
	key, keyErr := c.args.text("api_key")
	c.caller = s.byKey(key)
	// The key's counter goes before the address's (selzy.md 4, assumed). A key of no account has no counter.
	if c.caller != nil && !s.perKey.allow(key, c.now) {
		return nil, fail(codeKeyLimit)
	}
	if !s.perIP.allow(c.ip, c.now) {
		return nil, fail(codeIPLimit)
	}
	if c.caller == nil && (keyErr != nil || key != "" || !c.needsNoKey(name)) {
		return nil, fail(codeInvalidKey)
	}
	if c.caller != nil && c.caller.APIMode == ModeOff {
		return nil, failText(codeAccessDenied, "API access is switched off for this account")
	}
	m, ok := methods[name]
	if !ok {
		return nil, fail(codeUnknownMethod)
	}
	if m.reseller && !c.caller.Reseller {
		return nil, failText(codeAccessDenied, "the method is open to resellers only")
	}
	if failure := c.checkCommon(); failure != nil {
		return nil, failure
	}
	if failure := c.quirks.failure(); failure != nil {
		return nil, failure
	}
	return m.run(c)
}

// needsNoKey holds only for register with need_confirm=1 (selzy.md 1, documented).
func (c *call) needsNoKey(name string) bool {
	confirm, err := c.args.text("need_confirm")
	return name == "register" && err == nil && confirm == "1"
}

// checkCommon checks format, without which the answer is JSON too (seen: a public Ruby client), and sets the test mode:
// of the account (documented) or, in test_mode, of this call (seen: mkedo; True is what a Python client makes of it).
func (c *call) checkCommon() *apiError {
	if c.args.notUTF8 {
		return badArg("every parameter must be UTF-8")
	}
	format, failure := c.args.text("format")
	if failure != nil {
		return failure
	}
	if format != "" && !strings.EqualFold(format, "json") {
		return badArg("format must be json")
	}
	testMode, failure := c.args.text("test_mode")
	if failure == nil && !strings.EqualFold(testMode, "true") {
		_, failure = c.args.flag("test_mode")
	}
	if failure != nil {
		return failure
	}
	c.test = testMode == "1" || strings.EqualFold(testMode, "true") || c.caller != nil && c.caller.APIMode == ModeTest
	return nil
}

// language falls back to English where the brand does not know it (selzy.md 9.1, assumed).
func (s *Server) language(lang string) string {
	known := map[Brand]string{Selzy: "en ua ru pt", UniSender: "ru en it"}[s.brand]
	for one := range strings.FieldsSeq(known) {
		if one == lang {
			return lang
		}
	}
	return "en"
}

func clientIP(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}
