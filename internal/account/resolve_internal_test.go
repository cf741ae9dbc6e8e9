package account

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/govalues/decimal"

	"accountgateway/internal/provider"
	"accountgateway/internal/store"
)

// TestFit has a row for each constellation of refills and unpaid invoices:
// which operation gets invoice 5, if any.
func TestFit(t *testing.T) {
	now := time.Date(2026, 3, 5, 12, 0, 0, 0, time.UTC)
	sum := provider.Money{Amount: decimal.MustParse("150"), Currency: "RUB"}
	request, err := json.Marshal(provider.RefillRequest{Method: provider.WebMoney, WalletID: "123456789012", Amount: sum})
	if err != nil {
		t.Fatal(err)
	}
	refill := func(id string, state store.OperationState, reference string) store.Operation {
		op := store.Operation{ID: id, Kind: string(KindRefill), Request: request, CreatedAt: now, GiveUpAt: now.Add(20 * time.Second)}
		op.State, op.Reference = state, reference
		return op
	}
	invoice := func(id string, amount string, day time.Time) provider.UnpaidInvoice {
		return provider.UnpaidInvoice{
			Invoice: provider.Invoice{ID: id}, Method: provider.WebMoney, Date: day,
			Amounts: []provider.Money{{Amount: decimal.MustParse(amount), Currency: "RUB"}},
		}
	}
	today := now.Truncate(24 * time.Hour)
	one := []provider.UnpaidInvoice{invoice("5", "150.00", today)}
	a := refill("a", store.Unknown, "")
	tests := []struct {
		name     string
		all      []store.Operation
		invoices []provider.UnpaidInvoice
		fits     bool
	}{
		{"one fits", []store.Operation{a}, one, true},
		{"another sum", []store.Operation{a}, []provider.UnpaidInvoice{invoice("5", "150.01", today)}, false},
		{"another week", []store.Operation{a}, []provider.UnpaidInvoice{invoice("5", "150", today.AddDate(0, 0, -7))}, false},
		{"two fit", []store.Operation{a}, append(one, invoice("6", "150", today)), false},
		{"another refill has it", []store.Operation{a, refill("b", store.Succeeded, "5")}, one, false},
		{"another unknown refill fits", []store.Operation{a, refill("b", store.Unknown, "")}, one, false},
		{"a refill under way may have made it", []store.Operation{a, refill("b", store.Started, "")}, one, false},
		{"one settled by hand without a number may have made it", []store.Operation{a, refill("b", store.Succeeded, "")}, one, false},
		{"a failed one made nothing", []store.Operation{a, refill("b", store.Failed, "")}, one, true},
		{"one with another invoice is no rival", []store.Operation{a, refill("b", store.Succeeded, "4")}, one, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			pairs := fit([]store.Operation{a}, tt.all, tt.invoices)
			if _, fits := pairs["a"]; fits != tt.fits {
				t.Errorf("pairs %v, want fits %v", pairs, tt.fits)
			}
		})
	}
}
