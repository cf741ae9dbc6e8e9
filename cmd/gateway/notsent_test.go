package main

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"
)

// TestUnsentWriteKeepsItsKey: a refill that the budget does not let out, or that
// finds nobody at the vendor's address, uses up no key. The gateway is started
// again instead of waiting: the key is free in the database.
func TestUnsentWriteKeepsItsKey(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, setting, code string }{
		{"budget used up", "REGRU_RATE=1/1h", "provider_rate_limited"},
		{"connection refused", "REGRU_BASE_URL=http://127.0.0.1:1/api/regru2", "provider_unavailable"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newFleet(t)
			vendor := f.refilling("regru")
			settings := with(f.settings, "GATEWAY_DATABASE_URL=sqlite:"+filepath.Join(t.TempDir(), "gateway.db"), "REGRU_RATE=0")
			g := serving(t, with(settings, tt.setting))
			g.get(t, "/accounts/regru/balance") // takes the one call of the budget
			const retry = "nothing was sent to the vendor; retry with the same Idempotency-Key"
			var ids []string
			for range 2 {
				a := g.post(t, "/accounts/regru/refills", "k", aRefill)
				a.wantStatus(http.StatusServiceUnavailable, false)
				if text := string(a.body); !strings.Contains(text, tt.code) || !strings.Contains(text, retry) || a.header.Get("Retry-After") == "" {
					t.Errorf("got %v %s", a.header, text)
				}
				op := g.operation(t, a)
				if op.State != "failed" || op.Problem == nil || op.Problem.Code != tt.code {
					t.Errorf("the journal has %+v", op)
				}
				ids = append(ids, op.ID)
			}
			if ids[0] == ids[1] || vendor.refills() != 0 {
				t.Errorf("operations %v, %d refills at the vendor", ids, vendor.refills())
			}
			if status := g.stop(); status != 0 {
				t.Fatalf("serve ended with %d", status)
			}

			g = serving(t, settings)
			first := g.post(t, "/accounts/regru/refills", "k", aRefill)
			first.wantStatus(http.StatusCreated, false)
			again := g.post(t, "/accounts/regru/refills", "k", aRefill)
			again.wantStatus(http.StatusCreated, true)
			if string(first.body) != string(again.body) || vendor.refills() != 1 || vendor.invoices() != 1 {
				t.Errorf("%s, then %s; %d refills, %d invoices", first.body, again.body, vendor.refills(), vendor.invoices())
			}
			var old shownOperation
			if g.get(t, "/accounts/regru/operations/"+ids[0]).decode(&old); old.State != "failed" {
				t.Errorf("the journal has %+v", old)
			}
		})
	}
}
