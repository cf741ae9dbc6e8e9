package main

import (
	"maps"
	"slices"

	"accountgateway/internal/config"
	"accountgateway/internal/provider"
	"accountgateway/internal/provider/regru"
	"accountgateway/internal/provider/selzy"
	"accountgateway/internal/provider/upstream"
)

// vendor is how accounts of one vendor are opened.
type vendor struct {
	credentials []string // settings that tell, when one is set, that there is an account
	open        func(r *config.Reader, prefix string, connect connect) provider.Provider
}

// connect makes an account's outgoing client, given where its vendor is, the
// texts to redact and the rate of its budget.
type connect func(base config.BaseURL, secrets []string, rate config.Rate) *upstream.Client

// vendors are all that the gateway knows. A new one is an entry here.
var vendors = map[string]vendor{
	"regru": {
		credentials: []string{"USERNAME", "PASSWORD"},
		open: func(r *config.Reader, prefix string, connect connect) provider.Provider {
			var cfg regru.Config
			r.Into(prefix, &cfg)
			return regru.New(connect(cfg.BaseURL, cfg.Secrets(), cfg.Rate), cfg)
		},
	},
	"selzy": {
		credentials: []string{"API_KEY"},
		open: func(r *config.Reader, prefix string, connect connect) provider.Provider {
			var cfg selzy.Config
			r.Into(prefix, &cfg)
			return selzy.New(connect(cfg.BaseURL, cfg.Secrets(), cfg.Rate), cfg)
		},
	},
	"unisender": {
		credentials: []string{"API_KEY"},
		open: func(r *config.Reader, prefix string, connect connect) provider.Provider {
			var cfg selzy.UniSenderConfig
			r.Into(prefix, &cfg)
			return selzy.New(connect(cfg.BaseURL, cfg.Secrets(), cfg.Rate), selzy.Config(cfg))
		},
	},
}

func vendorNames() []string { return slices.Sorted(maps.Keys(vendors)) }
