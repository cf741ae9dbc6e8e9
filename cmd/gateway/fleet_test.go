package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"accountgateway/internal/simulator"
	"accountgateway/internal/simulator/regru"
	"accountgateway/internal/simulator/selzy"
)

// fleet is accounts at vendors of this process. Each has a vendor of its own
// below its own path of one address, so that the faults, calls and readings of
// one never touch another.
type fleet struct {
	t        *testing.T
	mux      *http.ServeMux
	url      string
	settings map[string]string
	accounts []string // name=provider
}

func newFleet(t *testing.T) *fleet {
	t.Helper()
	f := &fleet{t: t, mux: http.NewServeMux(), settings: quiet()}
	server := httptest.NewServer(f.mux)
	t.Cleanup(server.Close)
	f.url = server.URL
	return f
}

// add configures an account; more are its other settings, as "NAME=value"
// without the prefix.
func (f *fleet) add(name, provider string, vendor http.Handler, more ...string) {
	f.mux.Handle("/"+name+"/", http.StripPrefix("/"+name, vendor))
	base := f.url + "/" + name
	if provider == "regru" {
		base += "/api/regru2"
	}
	f.accounts = append(f.accounts, name+"="+provider)
	f.settings[strings.ToUpper(provider)+"_IP_RATE"] = "0" // all vendors here are at one address
	prefix := strings.ToUpper(strings.ReplaceAll(name, "-", "_")) + "_"
	f.settings[prefix+"BASE_URL"] = base
	for _, line := range more {
		setting, value, _ := strings.Cut(line, "=")
		f.settings[prefix+setting] = value
	}
	f.settings["GATEWAY_ACCOUNTS"] = strings.Join(f.accounts, ",")
}

// simulated adds an account at a new simulator and gives the simulator's
// control. who is a REG.RU login and password, as "test:test", or an API key.
func (f *fleet) simulated(name, provider, who string) *simulator.Control {
	switch provider {
	case "regru":
		s := regru.New(regru.Options{Now: today})
		login, password, _ := strings.Cut(who, ":")
		f.add(name, provider, s, "USERNAME="+login, "PASSWORD="+password)
		return s.Control
	default:
		s := selzy.New(selzy.Options{Brand: selzy.Brand(provider), Now: today})
		f.add(name, provider, s, "API_KEY="+who)
		return s.Control
	}
}

// misbehaving is simulated with faults set.
func (f *fleet) misbehaving(name, provider, who string, faults ...simulator.Fault) *simulator.Control {
	f.t.Helper()
	control := f.simulated(name, provider, who)
	for _, fault := range faults {
		if err := control.Inject(fault); err != nil {
			f.t.Fatalf("%s: %v", name, err)
		}
	}
	return control
}

func (f *fleet) serve(more ...string) *served {
	f.t.Helper()
	return serving(f.t, with(f.settings, more...))
}

// today is the simulated vendors' clock.
func today() time.Time { return time.Date(2026, 3, 20, 10, 15, 30, 0, time.UTC) }

// whoOf is an account that each provider's simulator has.
func whoOf(provider string) string {
	if provider == "regru" {
		return "partner:partner-secret"
	}
	return "ordinarykey"
}

// numbered names the i-th account of a table.
func numbered(i int) string { return fmt.Sprintf("a%d", i) }

// faultBody is a fault that answers every call with a text.
func faultBody(text string) simulator.Fault {
	return simulator.Fault{Kind: simulator.KindBody, Body: text}
}
