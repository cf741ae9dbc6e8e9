package main

import (
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"accountgateway/internal/simulator"
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
	deadline := time.Now().Add(30 * time.Second)
	for g.get(t, "/accounts/regru/balance").status != http.StatusOK && time.Now().Before(deadline) {
		time.Sleep(100 * time.Millisecond)
	}
	if a := post("user3"); a.status != http.StatusCreated || a.header.Get("Idempotent-Replayed") != "" {
		t.Errorf("the key of a refused write: %d %s", a.status, a.body)
	}
}
