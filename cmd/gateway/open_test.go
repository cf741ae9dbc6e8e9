package main

import (
	"testing"

	"github.com/rs/zerolog"

	"accountgateway/internal/config"
	"accountgateway/internal/durable"
	"accountgateway/internal/provider/registry"
	"accountgateway/internal/provider/upstream"
)

// Accounts whose settings name the same vendor host share its bound of
// background readings, whatever else differs.
func TestAccountsHost(t *testing.T) {
	t.Parallel()
	env := map[string]string{
		"ONE_USERNAME": "u", "ONE_PASSWORD": "password", "TWO_API_KEY": "two-key", "THREE_API_KEY": "three-key", "THREE_BASE_URL": "http://127.0.0.1:9/x",
	}
	r := config.NewReader(func(name string) (string, bool) {
		value, ok := env[name]
		return value, ok
	})
	for want, a := range map[string]accountSetting{
		"api.reg.ru":    {name: "one", vendor: "regru", of: registry.Vendors["regru"]},
		"api.selzy.com": {name: "two", vendor: "selzy", of: registry.Vendors["selzy"]},
		"127.0.0.1:9":   {name: "three", vendor: "unisender", of: registry.Vendors["unisender"]},
	} {
		d := durable.New(zerolog.Nop())
		opened := openAccount(r, a, newHostBudgets(0, d), d, upstream.Options{})
		if opened.Host != want {
			t.Errorf("%s is at %q, want %q", a.name, opened.Host, want)
		}
	}
	if err := r.Err(); err != nil {
		t.Error(err)
	}
}
