package operation_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"accountgateway/internal/operation"
	"accountgateway/internal/operation/operationtest"
	"accountgateway/internal/provider"
	"accountgateway/internal/provider/providertest"
	"accountgateway/internal/store"
	"accountgateway/internal/testneed"
)

// TestReferenceOfAnyCharacters: whatever characters a vendor's number of what it
// made has, the success is recorded, in every database. PostgreSQL has no text
// with a NUL, nor one that is not UTF-8.
func TestReferenceOfAnyCharacters(t *testing.T) {
	engines := map[string]func(*testing.T) string{
		"sqlite":   sqliteURL,
		"postgres": func(t *testing.T) string { return testneed.Postgres(t) },
	}
	for engine, database := range engines {
		for given, want := range map[string]string{"4\x001": "4 1", "\x00": "", "4\r\n1\u202e": "4 1", "4\xff1": "4\uFFFD1", "№ 41": "№ 41"} {
			t.Run(fmt.Sprintf("%s/%q", engine, given), func(t *testing.T) {
				vendor := &providertest.Fake{
					Creates: func(context.Context, provider.NewUser) (provider.CreatedUser, error) {
						return provider.CreatedUser{ID: given}, nil
					},
					Refills: func(context.Context, provider.RefillRequest) (provider.Invoice, error) {
						return provider.Invoice{ID: given}, nil
					},
				}
				url := database(t)
				r := newReplica(t, vendor, url)
				order := operationtest.Order
				order.Key = "user"
				made, err := r.CreateUser(t.Context(), order, provider.NewUser{Login: "ada", Password: "pw-secret"})
				if err != nil || made.State != store.Succeeded || !made.Recorded || made.Reference != want {
					t.Errorf("user: %+v, %v", made, err)
				}
				invoice, err := r.Refill(t.Context(), operationtest.Order, operationtest.RefillOf("19.95"))
				if err != nil || invoice.State != store.Succeeded || !invoice.Recorded || invoice.Reference != want || invoice.Invoice.ID != want {
					t.Errorf("refill: %+v, %v", invoice, err)
				}
				other := newReplica(t, vendor, url)
				for _, first := range []operation.Operation{made, invoice} {
					if op, err := other.Operation(t.Context(), "a", first.ID); err != nil || op.State != store.Succeeded || op.Reference != want {
						t.Errorf("afterwards: %+v, %v", op, err)
					}
				}
			})
		}
	}
}

// TestUnrecordedSaysWhy: the log tells why the end of a write is not recorded.
func TestUnrecordedSaysWhy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		url := sqliteURL(t)
		harm := newBreakage(t, url)
		vendor := &providertest.Fake{Refills: func(ctx context.Context, r provider.RefillRequest) (provider.Invoice, error) {
			harm.deaf(t)
			return operationtest.Invoice(ctx, r)
		}}
		var log strings.Builder
		r := newLoggingReplica(t, vendor, url, &log)
		ctx, cancel := context.WithCancel(t.Context())
		if first, _ := r.Refill(ctx, operationtest.Order, operationtest.RefillOf("19.95")); first.Recorded {
			t.Fatalf("got %+v", first)
		}
		cancel()
		r.Run(ctx) // ends the trying
		for _, message := range []string{"retrying", "settle it by hand"} {
			if !lineHas(log.String(), message, `"error":"`, "database or disk is full") {
				t.Errorf("no %q with its cause in the log:\n%s", message, log.String())
			}
		}
	})
}

// lineHas tells whether one line has all the parts.
func lineHas(log string, parts ...string) bool {
lines:
	for line := range strings.Lines(log) {
		for _, part := range parts {
			if !strings.Contains(line, part) {
				continue lines
			}
		}
		return true
	}
	return false
}
