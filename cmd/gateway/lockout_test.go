package main

import (
	"fmt"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"accountgateway/internal/simulator"
	"accountgateway/internal/simulator/regru"
)

// TestRefusedCredentialsAreTriedOnce: in whatever way the account is asked, the
// vendor sees the first call and one forced try, and all others are told when to
// come again. A write leaves its key free. A check that succeeds, made by
// a person, lets the serving gateway go on.
func TestRefusedCredentialsAreTriedOnce(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	control := f.misbehaving("regru", "regru", "partner:partner-secret", simulator.Fault{Kind: simulator.KindQuirk, Quirk: "USER_AUTHENTICATION_FAILED"})
	settings := with(f.settings, "GATEWAY_DATABASE_URL=sqlite:"+filepath.Join(t.TempDir(), "gateway.db"))
	g := serving(t, settings)
	post := func(key string) answer {
		return g.post(t, "/accounts/regru/users", key, strings.ReplaceAll(aUser, "ada", key))
	}
	g.get(t, "/accounts/regru/balance")
	ways := []func(i int) answer{
		func(int) answer { return g.get(t, "/accounts/regru/balance", "Cache-Control", "max-age=0") },
		func(int) answer { return g.get(t, "/accounts/regru/balance", "Pragma", "no-cache") },
		func(int) answer { return g.get(t, "/accounts/regru/statistics", "Cache-Control", "no-cache") },
		func(int) answer { return g.get(t, "/accounts/regru/users") },
		func(int) answer { return g.get(t, "/balances?require=all", "Cache-Control", "max-age=0") },
		func(i int) answer { return post(fmt.Sprint("user", i)) },
	}
	for i := range 12 {
		for n, ask := range ways {
			a := ask(i)
			if a.status != http.StatusBadGateway || !strings.Contains(string(a.body), "provider_credentials") {
				t.Fatalf("way %d: got %d %s", n, a.status, a.body)
			}
			if first := i == 0 && n == 0; !first && a.header.Get("Retry-After") == "" {
				t.Errorf("way %d: no Retry-After", n)
			}
		}
	}
	calls := 0
	for _, n := range control.Calls() {
		calls += n
	}
	if calls != 2 {
		t.Errorf("the vendor was called %d times, want 2: %v", calls, control.Calls())
	}

	control.Clear()
	if status, stdout, stderr := complete(t, settings, "check"); status != 0 {
		t.Fatalf("check: %d, %s%s", status, stdout, stderr)
	}
	eventually(t, "a balance", func() bool { return g.get(t, "/accounts/regru/balance").status == http.StatusOK })
	if a := post("user3"); a.status != http.StatusCreated || a.header.Get("Idempotent-Replayed") != "" {
		t.Errorf("the key of a refused write: %d %s", a.status, a.body)
	}
}

// TestAddressLimit: two accounts at one REG.RU share the calls of
// REGRU_IP_RATE, whatever their own rates; and what REG.RU says of the address
// holds back both.
func TestAddressLimit(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	vendor := regru.New(regru.Options{Now: today, Rate: regru.Rate{Calls: 7, Per: time.Hour}})
	f.add("shop", "regru", vendor, "USERNAME=test", "PASSWORD=test")
	f.add("partner", "regru", vendor, "USERNAME=partner", "PASSWORD=partner-secret")
	both := func(g *served) (codes [2]string) {
		for i, account := range []string{"shop", "partner"} {
			a := g.get(t, "/accounts/"+account+"/balance", "Cache-Control", "no-cache")
			codes[i] = regexp.MustCompile(`"code":"([a-z_]*)"|$`).FindStringSubmatch(string(a.body))[1]
			if codes[i] != "" && a.header.Get("Retry-After") == "" {
				t.Errorf("no Retry-After: %s", a.body)
			}
		}
		return codes
	}
	calls := func() (n int) {
		for _, of := range vendor.Control.Calls() {
			n += of
		}
		return n
	}
	g := f.serve("REGRU_IP_RATE=5/1h")
	for range 6 {
		both(g)
	}
	if n := calls(); n != 5 {
		t.Errorf("%d calls under REGRU_IP_RATE=5/1h", n)
	}
	// Without a limit of ours REG.RU says its own: two calls more, then a refusal.
	g = f.serve("REGRU_IP_RATE=0")
	for range 4 {
		both(g)
	}
	if n := calls(); n != 8 {
		t.Errorf("%d calls, want 8: 7 that REG.RU allows and the one that it refused", n)
	}
	if got := both(g); got != [2]string{"provider_rate_limited", "provider_rate_limited"} {
		t.Errorf("got %v", got)
	}
}
