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
	"accountgateway/internal/httpapi/middleware"
	ui "accountgateway/internal/page"
	"accountgateway/internal/provider"
	"accountgateway/internal/token"
)

// Options are what the HTTP side is made of.
type Options struct {
	Accounts *account.Service
	Log      zerolog.Logger
	// AccessLog takes a line of each request. It may be slower to write than Log.
	AccessLog zerolog.Logger
	Registry  *prometheus.Registry // what /metrics shows, and where the requests are counted

	// Tokens knows the callers; nil: nobody is asked who he is, and all may do all.
	Tokens *token.Keeper
	// AnyName answers without tokens by other names than this machine's own too.
	// Any site that a browser shows can then reach the gateway: it is for
	// simulated accounts alone.
	AnyName bool
	// CallerRate is how many requests one caller may make of this process; the
	// zero rate is no bound.
	CallerRate config.Rate
	// Secure tells browsers to use only https.
	Secure bool

	// Ready tells whether the gateway can serve; nil: always. Anybody may have it
	// asked, without a limit, so it looks at no more than memory. A NotReady
	// error's text is shown to anyone; any other goes only to the log.
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
	requests     *middleware.Metrics
	accounts     middleware.Accounts
	cacheControl map[provider.Operation][]string // of answers of readings

	notReady atomic.Bool // when it was last asked
}

func newServer(o Options) *server {
	s := &server{
		Options: o, requests: middleware.NewMetrics(o.Registry, o.Log),
		accounts: middleware.Accounts{}, cacheControl: map[provider.Operation][]string{},
	}
	if o.Accounts != nil {
		for _, info := range o.Accounts.List() {
			s.accounts[info.Name] = info.Provider
		}
		for _, op := range []provider.Operation{provider.OpBalance, provider.OpStatistics, provider.OpUsers} {
			s.cacheControl[op] = cacheControl(o.Accounts.Limits(op))
		}
	}
	return s
}
