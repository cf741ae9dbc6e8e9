package operation

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/govalues/decimal"

	"accountgateway/internal/provider"
	"accountgateway/internal/store"
)

// TestLookup has a row for each constellation of refills and unpaid invoices: what becomes of refill a, of 150 RUB, asked
// for at noon of March 5.
func TestLookup(t *testing.T) {
	now := time.Date(2026, 3, 5, 12, 0, 0, 0, time.UTC)
	money := func(amount string, currency provider.Currency) provider.Money {
		return provider.Money{Amount: decimal.MustParse(amount), Currency: currency}
	}
	request, err := json.Marshal(provider.RefillRequest{Method: provider.WebMoney, WalletID: "123456789012", Amount: money("150", "RUB")})
	if err != nil {
		t.Fatal(err)
	}
	refill := func(id string, state store.OperationState, reference string) store.Operation {
		op := store.Operation{ID: id, Kind: string(KindRefill), Request: request, CreatedAt: now, GiveUpAt: now.Add(20 * time.Second)}
		op.State, op.Reference = state, reference
		return op
	}
	type invoice = provider.UnpaidInvoice
	today := now.Truncate(24 * time.Hour)
	made := func(id string, changes ...func(*invoice)) invoice {
		v := invoice{
			Invoice: provider.Invoice{ID: id}, Method: provider.WebMoney, Date: today, Currency: "RUB", Amounts: []provider.Money{money("150.00", "RUB")},
		}
		for _, change := range changes {
			change(&v)
		}
		return v
	}
	sum := func(amount string, currency provider.Currency) func(*invoice) {
		return func(v *invoice) { v.Amounts = []provider.Money{money(amount, currency)} }
	}
	total := func(amount string) func(*invoice) {
		return func(v *invoice) { v.TotalPayment = new(money(amount, "RUB")) }
	}
	day := func(days int) func(*invoice) {
		return func(v *invoice) { v.Date = today.AddDate(0, 0, days) }
	}
	currency := func(c provider.Currency) func(*invoice) { return func(v *invoice) { v.Currency = c } }
	wallet := func(id string) func(*invoice) { return func(v *invoice) { v.WalletID = id } }

	a := refill("a", store.Unknown, "")
	others := func(of ...store.Operation) []store.Operation { return append([]store.Operation{a}, of...) }
	numbered := refill("a", store.Unknown, "5")
	seen := a
	if seen.Candidates, err = encodeCandidates([]Candidate{{ID: "4", Date: "2026-03-05"}}); err != nil {
		t.Fatal(err)
	}
	none := []string{}
	tests := []struct {
		name       string
		of         store.Operation
		all        []store.Operation
		before     []string // nil: not known
		after      time.Duration
		invoices   []invoice
		own        string // "" for none
		candidates string // their numbers
	}{
		{"one fits", a, others(), none, time.Minute, []invoice{made("5")}, "5", "5"},
		{"one fits, with its wallet and fees", a, others(), none, time.Minute, []invoice{made("5", wallet("123456789012"), total("153"))}, "5", "5"},
		{"the day after the call, east of Greenwich", a, others(), none, time.Minute, []invoice{made("5", day(1))}, "5", "5"},
		{"others were there before", a, others(), []string{"3", "4"}, time.Minute, []invoice{made("3"), made("4"), made("5")}, "5", "5"},

		{"it was there before", a, others(), []string{"5"}, time.Minute, []invoice{made("5")}, "", ""},
		{"the list before was not read", a, others(), nil, time.Minute, []invoice{made("5")}, "", "5"},
		{"a day before the call", a, others(), none, time.Minute, []invoice{made("5", day(-1))}, "", "5"},
		{"two days before", a, others(), none, time.Minute, []invoice{made("5", day(-2))}, "", ""},
		{"two days after", a, others(), none, time.Minute, []invoice{made("5", day(2))}, "", ""},
		{"another sum", a, others(), none, time.Minute, []invoice{made("5", sum("150.01", "RUB"))}, "", ""},
		{"less in all than the sum", a, others(), none, time.Minute, []invoice{made("5", total("149"))}, "", ""},
		{"another currency", a, others(), none, time.Minute, []invoice{made("5", currency("USD"))}, "", ""},
		{"sum only in another currency", a, others(), none, time.Minute, []invoice{made("5", sum("2", "USD"), total("153"))}, "", "5"},
		{"currency not told", a, others(), none, time.Minute, []invoice{made("5", currency(""))}, "", "5"},
		{"another method", a, others(), none, time.Minute, []invoice{made("5", func(v *invoice) { v.Method = provider.YandexMoney })}, "", ""},
		{"another wallet", a, others(), none, time.Minute, []invoice{made("5", wallet("210987654321"))}, "", ""},
		{"two fit", a, others(), none, time.Minute, []invoice{made("5"), made("6")}, "", "5 6"},
		{"another was seen, and is gone", seen, others(), none, time.Minute, []invoice{made("5")}, "", "4 5"},
		{"the other that was seen is a known refill's", seen, others(refill("b", store.Succeeded, "4")), none, time.Minute, []invoice{made("5")}, "5", "5"},
		{"seen late", a, others(), none, 10 * time.Minute, []invoice{made("5")}, "", "5"},
		{"seen before it was asked for, as the clock went back", a, others(), none, -time.Hour, []invoice{made("5")}, "", "5"},

		{"another refill has it", a, others(refill("b", store.Succeeded, "5")), none, time.Minute, []invoice{made("5")}, "", ""},
		{"another unknown refill has its number", a, others(refill("b", store.Unknown, "5")), none, time.Minute, []invoice{made("5")}, "", ""},
		{"another unknown refill fits", a, others(refill("b", store.Unknown, "")), none, time.Minute, []invoice{made("5")}, "", "5"},
		{"a refill under way may have made it", a, others(refill("b", store.Started, "")), none, time.Minute, []invoice{made("5")}, "", "5"},
		{"one settled by hand without a number may have made it", a, others(refill("b", store.Succeeded, "")), none, time.Minute, []invoice{made("5")}, "", "5"},
		{"a failed one made nothing", a, others(refill("b", store.Failed, "")), none, time.Minute, []invoice{made("5")}, "5", "5"},
		{"one with another invoice is no rival", a, others(refill("b", store.Succeeded, "4")), none, time.Minute, []invoice{made("5")}, "5", "5"},

		{"the vendor told the number", numbered, others(), nil, time.Hour, []invoice{made("4"), made("5", sum("1", "USD"))}, "5", ""},
		{"the vendor told the number, which was there before", numbered, others(), []string{"5"}, time.Minute, []invoice{made("5")}, "", ""},
		{"the vendor told two refills one number", numbered, others(refill("b", store.Unknown, "5")), none, time.Minute, []invoice{made("5")}, "", ""},
		{"the vendor told a number that is not there", numbered, others(), none, time.Minute, []invoice{made("4")}, "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := lookup{began: now.Add(tt.after), invoices: tt.invoices, all: tt.all, before: map[string]map[string]bool{}}
			if tt.before != nil {
				l.before["a"] = map[string]bool{}
				for _, id := range tt.before {
					l.before["a"][id] = true
				}
			}
			candidates, own := l.refill(tt.of)
			var ids []string
			for _, c := range candidates {
				ids = append(ids, c.ID)
			}
			if got := strings.Join(ids, " "); got != tt.candidates || own == nil && tt.own != "" || own != nil && own.ID != tt.own {
				t.Errorf("got candidates %q and %+v as its own; want %q and %q", got, own, tt.candidates, tt.own)
			}
		})
	}
}
