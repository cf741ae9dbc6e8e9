package httpapi

import (
	"net/http"

	"github.com/go-chi/chi/v5"
	chimiddleware "github.com/go-chi/chi/v5/middleware"

	"accountgateway/internal/httpapi/middleware"
	ui "accountgateway/internal/page"
	"accountgateway/internal/token"
)

// New serves callers.
func New(o Options) http.Handler {
	s := newServer(o)
	return s.begin(s.routes())
}

// NewService serves only health and metrics, for an address of their own.
func NewService(o Options) http.Handler {
	s := newServer(o)
	return s.begin(s.routesApart())
}

// routes are the callers'. Every one says who may ask: require wants a token with
// that scope, Open wants none. The specification says the same (security).
func (s *server) routes() chi.Router {
	r := s.router()
	auth := middleware.NewAuth(s.Tokens, s.AnyName, s.CallerRate, s.fail)
	require, heavy := auth.Require, middleware.Heavy(s.fail)

	r.With(require(token.Read), s.query("provider", "health", "limit", "cursor")).Get("/accounts", s.serve(s.listAccounts))
	r.With(require(token.Read), s.query()).Get("/accounts/{account}", s.serve(s.getAccount))
	r.With(require(token.Read), s.query("currency")).Get("/accounts/{account}/balance", s.serve(s.getBalance))
	r.With(require(token.Read), s.query("from", "till", "step"), heavy).Get("/accounts/{account}/balance/history", s.serve(s.getBalanceHistory))
	r.With(require(token.Read), s.query(), heavy).Get("/accounts/{account}/forecast", s.serve(s.getForecast))
	r.With(require(token.Read), s.query("date_from", "date_till")).Get("/accounts/{account}/statistics", s.serve(s.getStatistics))
	r.With(require(token.UsersRead), s.query("login", "limit", "cursor")).Get("/accounts/{account}/users", s.serve(s.listUsers))
	r.With(require(token.UsersWrite), s.query()).Post("/accounts/{account}/users", s.serve(s.createUser))
	r.With(require(token.RefillsWrite), s.query()).Post("/accounts/{account}/refills", s.serve(s.createRefill))
	r.With(require(token.OperationsRead), s.query("limit", "cursor")).Get("/accounts/{account}/operations", s.serve(s.listOperations))
	r.With(require(token.OperationsRead), s.query()).Get("/accounts/{account}/operations/{id}", s.serve(s.getOperation))
	r.With(require(token.OperationsWrite), s.query()).Post("/accounts/{account}/operations/{id}/settlement", s.serve(s.settleOperation))
	r.With(require(token.OperationsRead), s.query("state", "kind", "limit", "cursor")).Get("/operations", s.serve(s.listAllOperations))
	r.With(require(token.Read), s.query("require", "provider", "limit", "cursor")).Get("/balances", s.serve(s.listBalances))
	r.With(require(token.Read), s.query("account", "severity")).Get("/alerts", s.serve(s.listAlerts))
	r.With(auth.Open, s.query()).Get("/openapi.yaml", s.serve(s.getSpec))
	if s.Page != nil {
		s.pageRoutes(r, auth, heavy)
	}
	if !s.ServiceApart {
		s.serviceRoutes(r, auth.LoopbackOnly)
	}
	return r
}

// pageRoutes are for people. They ask for a token themselves, by a form, and
// ignore query parameters that they don't know: other sites add some to links.
func (s *server) pageRoutes(r chi.Router, auth *middleware.Auth, heavy func(http.Handler) http.Handler) {
	people := r.With(auth.Pages)
	people.With(heavy).Get(ui.FleetPath, s.Page.Fleet)
	people.With(heavy).Get(ui.AccountPath, s.Page.Account)
	people.With(heavy).Get(ui.HistoryPath, s.failing(s.Page.History))
	people.Get(ui.BalancePath, s.Page.OfAccount(s.serve(s.getBalanceAtHand)))
	people.Get(ui.WritesPath, s.Page.Writes)
	people.Get(ui.LoginPath, s.Page.LoginForm)
	people.Get(ui.DocsPath, s.Page.Docs)
	people.Get(ui.RunbookPath, s.Page.Runbook)
	posts := r.With(middleware.SameOrigin(s.fail))
	posts.With(auth.Pages).Post(ui.LoginPath, s.Page.Login)
	posts.With(auth.Pages).Post(ui.LogoutPath, s.Page.Logout)
	posts.With(auth.Forms(token.Read)).Post(ui.AskPath, s.Page.Ask)
	posts.With(auth.Forms(token.OperationsWrite)).Post(ui.SettlePath, s.failing(s.Page.Settle))
	r.Get(ui.StaticPath+"{file}", s.Page.Static) // the same for all, and kept by browsers
	for _, path := range ui.Elsewhere {
		r.Get(path, s.Page.Redirect)
	}
}

// failing answers with a handler's failure.
func (s *server) failing(h func(http.ResponseWriter, *http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := h(w, r); err != nil {
			s.fail(w, r, err)
		}
	}
}

// routesApart are those of an address for health and metrics alone.
func (s *server) routesApart() chi.Router {
	r := s.router()
	s.serviceRoutes(r)
	return r
}

// serviceRoutes are health and metrics; figures go through guard.
func (s *server) serviceRoutes(r chi.Router, guard ...func(http.Handler) http.Handler) {
	r.With(s.query()).Get("/healthz", s.serve(s.getHealth))
	r.With(s.query()).Get("/readyz", s.serve(s.getReady))
	scrapes := r.With(guard...).With(s.query())
	if s.Tokens != nil { // else nothing is limited
		scrapes = scrapes.With(middleware.NewLimits(scrapeRate, 0).PerNetwork(s.fail))
	}
	scrapes.Method(http.MethodGet, "/metrics", s.metrics())
}

// begin is around everything: what is counted and logged is what the recovered
// and limited request ended with.
func (s *server) begin(r chi.Router) http.Handler {
	s.requests.Preset(r)
	return middleware.Begin(r, s.requests.Observe, middleware.AccessLog(s.AccessLog, s.accounts), middleware.Audit(s.Log, s.accounts))
}

// router has what every route shares. The order matters.
func (s *server) router() chi.Router {
	r := chi.NewRouter()
	if s.Tracer != nil {
		r.Use(middleware.Tracing(s.Tracer, s.accounts))
	}
	checks := middleware.Checks(s.fail, middleware.EndConnection, middleware.Headers(s.Secure), middleware.LimitURL, middleware.LimitBody)
	r.Use(middleware.Recover(s.fail), checks, chimiddleware.GetHead)
	r.NotFound(s.notFound)
	r.MethodNotAllowed(s.methodNotAllowed)
	return r
}

func (s *server) notFound(w http.ResponseWriter, r *http.Request) {
	s.fail(w, r, &problemError{code: ProblemCodeNotFound, detail: "no such route; see GET /openapi.yaml"})
}

// methodNotAllowed also comes for methods that no route knows, on any path.
func (s *server) methodNotAllowed(w http.ResponseWriter, r *http.Request) {
	allow := allowed(r)
	if allow == "" {
		s.notFound(w, r)
		return
	}
	w.Header().Set("Allow", allow)
	s.fail(w, r, &problemError{code: ProblemCodeMethodNotAllowed, detail: "allowed methods: " + allow})
}

// allowed lists the methods that the request's path takes.
func allowed(r *http.Request) string {
	path := r.URL.RawPath
	if path == "" {
		path = r.URL.Path
	}
	routes := chi.RouteContext(r.Context()).Routes
	list := ""
	for _, m := range []string{http.MethodGet, http.MethodPost} {
		if !routes.Match(chi.NewRouteContext(), m, path) {
			continue
		}
		if list != "" {
			list += ", "
		}
		list += m
		if m == http.MethodGet {
			list += ", " + http.MethodHead
		}
	}
	return list
}
