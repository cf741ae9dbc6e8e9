// Package httpapi is the gateway's HTTP side: routes, parameters, bodies and
// problems as api/openapi.yaml has them. It turns a request into plain values, asks
// internal/account and writes the answer. It knows no vendor and no SQL.
package httpapi

//go:generate go tool -modfile=../../tools/go.mod oapi-codegen -config contract.yaml ../../api/openapi.yaml

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"accountgateway/internal/account"
	"accountgateway/internal/provider"
)

// Options are what the HTTP side is made of.
type Options struct {
	Accounts *account.Service
	Log      zerolog.Logger
	Registry *prometheus.Registry // what /metrics shows, and where the requests are counted

	// Ready tells whether the gateway can serve; nil: always. A NotReady error's
	// text is shown to anyone; any other goes to the log alone.
	Ready func(context.Context) error

	Spec []byte // what /openapi.yaml answers

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
}

func newServer(o Options) *server {
	s := &server{
		Options: o, requests: newRequestMetric(o.Registry, o.Log),
		providers: map[string]string{}, cacheControl: map[provider.Operation][]string{},
	}
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
