// Package httpapi is the gateway's HTTP side: routes, parameters, bodies and
// problems as api/openapi.yaml has them. It turns a request into plain values, asks
// internal/account and writes the answer. It knows no vendor and no SQL.
package httpapi

//go:generate go tool -modfile=../../tools/go.mod oapi-codegen -config contract.yaml ../../api/openapi.yaml

import (
	"context"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
	"go.opentelemetry.io/otel/trace"

	"accountgateway/internal/account"
	"accountgateway/internal/config"
	ui "accountgateway/internal/page"
	"accountgateway/internal/provider"
	"accountgateway/internal/token"
)

// Options are what the HTTP side is made of.
type Options struct {
	Accounts *account.Service
	Log      zerolog.Logger
	Registry *prometheus.Registry // what /metrics shows, and where the requests are counted

	// Tokens knows the callers; nil: nobody is asked who he is, and all may do all.
	Tokens *token.Keeper
	// AnyName answers without tokens by other names than this machine's own too.
	// Any site that a browser shows can then reach the gateway: it is for
	// simulated accounts alone.
	AnyName bool
	// CallerRate is how many requests one caller may make of this process; the
	// zero rate is no bound.
	CallerRate config.Rate
	// Secure tells browsers to come by https alone.
	Secure bool

	// Ready tells whether the gateway can serve; nil: always. Anybody may have it
	// asked, without a limit, so it looks at no more than memory. A NotReady
	// error's text is shown to anyone; any other goes to the log alone.
	Ready func(context.Context) error

	Tracer trace.Tracer // nil: no spans

	Spec []byte   // what /openapi.yaml answers
	Page *ui.Page // what people look at; nil: nothing

	// ServiceApart leaves /healthz, /readyz and /metrics to NewService.
	ServiceApart bool
}

// NotReady is a reason, fit for anyone to read, why the gateway can't serve.
type NotReady string

func (e NotReady) Error() string { return string(e) }

// server answers the routes.
type server struct {
	Options
	requests     *requestMetric
	providers    map[string]string               // by the name of the account
	cacheControl map[provider.Operation][]string // of answers of readings

	notReady atomic.Bool // when it was last asked

	anonymous token.Caller
	callers   *limits  // by the caller's id
	policy    []string // what callers are told of their limit
	strangers *limits  // by network
	scrapes   *limits  // by network
	refusals  *limits  // lines of the audit log, by network
	auditLog  zerolog.Logger
	histories histories
}

func newServer(o Options) *server {
	s := &server{
		Options: o, requests: newRequestMetric(o.Registry, o.Log),
		providers: map[string]string{}, cacheControl: map[provider.Operation][]string{},
		anonymous: token.Anonymous(), callers: newLimits(o.CallerRate, maxAtOnce), strangers: newLimits(strangerRate, 0),
		scrapes:  newLimits(scrapeRate, 0),
		refusals: newLimits(refusalLines, 0), auditLog: auditLog(o.Log),
	}
	s.policy = s.callers.policy()
	if o.Accounts != nil {
		for _, info := range o.Accounts.List() {
			s.providers[info.Name] = info.Provider
		}
		for _, op := range []provider.Operation{provider.OpBalance, provider.OpStatistics, provider.OpUsers} {
			s.cacheControl[op] = cacheControl(o.Accounts.Limits(op))
		}
	}
	return s
}
