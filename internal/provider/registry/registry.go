// Package registry lists the vendors that the gateway has adapters for.
package registry

import (
	"reflect"
	"unicode/utf8"

	"accountgateway/internal/config"
	"accountgateway/internal/provider"
	"accountgateway/internal/provider/declared"
	"accountgateway/internal/provider/regru"
	"accountgateway/internal/provider/selzy"
	"accountgateway/internal/provider/upstream"
	"accountgateway/internal/redact"
)

// Vendors are the adapters by the vendors' names. A new one is a line here.
var Vendors = map[string]Vendor{
	"regru":     adapter("REG.RU", "registrar", regru.New, regru.AddressConfig{}),
	"selzy":     adapter("Selzy", "email", selzy.New, selzy.AddressConfig{}),
	"unisender": adapter("UniSender", "email", selzy.NewUniSender, selzy.AddressConfig{}),
}

// Vendor is how accounts of one vendor are opened.
type Vendor struct {
	Title        string   // the vendor's own name
	Group        string   // the sort of vendor, as in vendor files
	Settings     any      // the zero value of what each account's settings are read into
	Shared       any      // the same of the settings of all its accounts together
	Credentials  []string // the settings that are required, without prefix: one that is set tells that there is an account
	Capabilities provider.Capabilities
	// File gives what describes a declared vendor, which is compiled when it is first asked for; nil for one with an adapter
	// in Go. There are many files, so that variables which look like their settings may be somebody else's.
	File func() *declared.Vendor
	// Own is a vendor whose file is the operator's. Its name and settings may spell any variable of the environment, so an
	// account is opened only if GATEWAY_ACCOUNTS names it.
	Own bool

	// Open makes an account's adapter of the settings with the prefix. Their faults are left in r.
	Open func(r *config.Reader, prefix string, connect Connect) provider.Provider
}

// Connect makes an account's outgoing client.
type Connect func(Connection) *upstream.Client

// Connection is what an account's settings say of the way to its vendor.
type Connection struct {
	Base    config.BaseURL
	Rate    config.Rate
	Login   string   // whom the credentials are of; "" where they don't say
	Secrets []string // the credentials' secret part, and what to redact
}

// adapter registers an adapter by its constructor, whose second argument is the struct of an account's settings. Of its
// fields, the one of type config.BaseURL is where the vendor is reached, the one of type config.Rate the account's
// budget, all of type config.Secret are secrets, and those that are required are the credentials. shared is a struct
// with the settings of all the vendor's accounts, whose config.Rate limits calls from one address; nil if the vendor
// has no such limit.
func adapter[C any, P provider.Provider](title, group string, open func(*upstream.Client, C) P, shared any) Vendor {
	var none C
	if shared == nil {
		shared = struct{}{}
	}
	return Vendor{
		Title: title, Group: group, Settings: none, Shared: shared, Credentials: required(none), Capabilities: open(nil, none).Capabilities(),
		Open: func(r *config.Reader, prefix string, connect Connect) provider.Provider {
			var cfg C
			r.Into(prefix, &cfg)
			to := connection(cfg)
			checkSecrets(r, prefix, cfg, to.Base)
			return open(connect(to), cfg)
		},
	}
}

// SharedRate reads how many calls all accounts at one host may make together. Zero is no limit.
func (v Vendor) SharedRate(r *config.Reader, prefix string) config.Rate {
	settings := reflect.New(reflect.TypeOf(v.Shared))
	r.Into(prefix, settings.Interface())
	return connection(settings.Elem().Interface()).Rate
}

// required names the settings without which there is no account.
func required(settings any) []string {
	var names []string
	for field := range reflect.TypeOf(settings).Fields() {
		if field.Tag.Get("required") == "true" {
			names = append(names, field.Tag.Get("envconfig"))
		}
	}
	return names
}

// connection finds the way to the vendor in its settings.
func connection(settings any) Connection {
	to := Connection{Secrets: config.Secrets(settings)}
	for field, value := range reflect.ValueOf(settings).Fields() {
		switch value := value.Interface().(type) {
		case config.BaseURL:
			to.Base = value
		case config.Rate:
			to.Rate = value
		case string:
			if field.Tag.Get("required") == "true" {
				to.Login = value
			}
		}
	}
	return to
}

// checkSecrets refuses secrets that are too short to be hidden wherever the vendor repeats them. Simulated vendors on a
// loopback address may have such.
func checkSecrets(r *config.Reader, prefix string, settings any, vendor config.BaseURL) {
	for field, value := range reflect.ValueOf(settings).Fields() {
		secret, ok := value.Interface().(config.Secret)
		length := utf8.RuneCountInString(string(secret))
		name := prefix + "_" + field.Tag.Get("envconfig")
		if !ok || length == 0 || length >= redact.MinLength || config.IsLoopback(vendor.Hostname()) || r.Faulty(name) {
			continue
		}
		r.Fault(name, "must have at least %d characters: a shorter secret can't be redacted from vendor texts", redact.MinLength)
	}
}
