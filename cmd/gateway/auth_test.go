package main

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestTokensAtWork: a gateway takes a token that was made, rotated and revoked
// by other processes while it runs, on any address.
func TestTokensAtWork(t *testing.T) {
	t.Parallel()
	settings := with(oneAccount(), "GATEWAY_AUTH=token", "GATEWAY_ADDR=0.0.0.0:0", "GATEWAY_DATABASE_URL="+tokens(t)["GATEWAY_DATABASE_URL"])
	g := serving(t, settings)
	g.url = "http://127.0.0.1:" + g.url[strings.LastIndex(g.url, ":")+1:]
	status := func(text string) int {
		a, _ := fetch(t, g.url, "/accounts", "Authorization", "Bearer "+text)
		return a.status
	}
	// within waits for what must come within two seconds; a slow machine gets more.
	within := func(step, text string, want int) {
		t.Helper()
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for start := time.Now(); status(text) != want; <-tick.C {
			if time.Since(start) > patience {
				t.Fatalf("%s: got %d, want %d", step, status(text), want)
			}
		}
	}
	if a, _ := fetch(t, g.url, "/accounts"); a.status != http.StatusUnauthorized {
		t.Errorf("without a token: %d", a.status)
	}
	if a, _ := fetch(t, g.url, "/readyz"); a.status != http.StatusOK {
		t.Errorf("/readyz: %d %s", a.status, a.body)
	}
	text, id := created(t, settings, "--name", "billing", "--scopes", "read", "--accounts", "selzy")
	if got := status(text); got != http.StatusOK {
		t.Errorf("just made: got %d", got)
	}
	_, stdout, _ := complete(t, settings, "token", "rotate", id)
	newer := strings.TrimSpace(stdout)
	if got := status(newer); got != http.StatusOK {
		t.Errorf("just rotated: got %d", got)
	}
	within("rotated, the old one", text, http.StatusUnauthorized)
	complete(t, settings, "token", "revoke", id)
	within("revoked", newer, http.StatusUnauthorized)
	if status := g.stop(); status != 0 {
		t.Errorf("exit status %d", status)
	}
	if list := listed(t, settings); list[0].LastUsedAt.IsZero() {
		t.Error("its last use was not written")
	}
	for _, secret := range []string{text[14:], newer[14:]} {
		if strings.Contains(g.stdout.String()+g.stderr.String(), secret) {
			t.Error("a secret is in the log")
		}
	}
}
