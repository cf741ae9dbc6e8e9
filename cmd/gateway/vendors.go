package main

import (
	"maps"
	"slices"
	"unicode/utf8"

	"accountgateway/internal/config"
	"accountgateway/internal/provider"
	"accountgateway/internal/provider/regru"
	"accountgateway/internal/provider/selzy"
	"accountgateway/internal/provider/upstream"
	"accountgateway/internal/redact"
)

// vendor is how accounts of one vendor are opened.
type vendor struct {
	credentials []string // settings that tell, when one is set, that there is an account; all are required
	settings    any      // what open reads, for its names
	address     any      // what ipRate reads, for its names
	// ipRate reads how many calls all accounts at one host may make together.
	ipRate func(r *config.Reader, prefix string) config.Rate
	open   func(r *config.Reader, prefix string, connect connect) provider.Provider
}

// connection is what an account's settings say of the way to its vendor.
type connection struct {
	base    config.BaseURL
	login   string   // whom the credentials are of; "" where they don't say
	secrets []string // the credentials' secret part, and what to redact
	rate    config.Rate
}

// connect makes an account's outgoing client.
type connect func(connection) *upstream.Client

// vendors are all that the gateway knows. A new one is an entry here.
var vendors = map[string]vendor{
	"regru": {
		credentials: []string{"USERNAME", "PASSWORD"},
		settings:    regru.Config{},
		address:     regru.AddressConfig{},
		ipRate: func(r *config.Reader, prefix string) config.Rate {
			var cfg regru.AddressConfig
			r.Into(prefix, &cfg)
			return cfg.IPRate
		},
		open: func(r *config.Reader, prefix string, connect connect) provider.Provider {
			var cfg regru.Config
			r.Into(prefix, &cfg)
			checkSecret(r, prefix+"_PASSWORD", cfg.Password, cfg.BaseURL)
			return regru.New(connect(connection{base: cfg.BaseURL, login: cfg.Username, secrets: cfg.Secrets(), rate: cfg.Rate}), cfg)
		},
	},
	"selzy": {
		credentials: []string{"API_KEY"},
		settings:    selzy.Config{},
		address:     selzy.AddressConfig{},
		ipRate:      selzyIPRate,
		open: func(r *config.Reader, prefix string, connect connect) provider.Provider {
			var cfg selzy.Config
			r.Into(prefix, &cfg)
			checkSecret(r, prefix+"_API_KEY", cfg.APIKey, cfg.BaseURL)
			return selzy.New(connect(connection{base: cfg.BaseURL, secrets: cfg.Secrets(), rate: cfg.Rate}), cfg)
		},
	},
	"unisender": {
		credentials: []string{"API_KEY"},
		settings:    selzy.UniSenderConfig{},
		address:     selzy.AddressConfig{},
		ipRate:      selzyIPRate,
		open: func(r *config.Reader, prefix string, connect connect) provider.Provider {
			var cfg selzy.UniSenderConfig
			r.Into(prefix, &cfg)
			checkSecret(r, prefix+"_API_KEY", cfg.APIKey, cfg.BaseURL)
			return selzy.New(connect(connection{base: cfg.BaseURL, secrets: cfg.Secrets(), rate: cfg.Rate}), selzy.Config(cfg))
		},
	},
}

func selzyIPRate(r *config.Reader, prefix string) config.Rate {
	var cfg selzy.AddressConfig
	r.Into(prefix, &cfg)
	return cfg.IPRate
}

// checkSecret refuses a vendor's secret that is too short to be hidden wherever
// the vendor repeats it. Simulated vendors on a loopback address may have one.
func checkSecret(r *config.Reader, name string, secret config.Secret, vendor config.BaseURL) {
	length := utf8.RuneCountInString(string(secret))
	if length == 0 || length >= redact.MinLength || config.IsLoopback(vendor.Hostname()) || r.Faulty(name) {
		return
	}
	r.Fault(name, "has fewer than %d characters: so short a secret can't be told from parts of words, and so not be kept out of what the vendor says", redact.MinLength)
}

func vendorNames() []string { return slices.Sorted(maps.Keys(vendors)) }
