package provider_test

import (
	"math/big"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/govalues/decimal"
	"pgregory.net/rapid"

	"accountgateway/internal/provider"
)

func TestTotals(t *testing.T) {
	amount := func(text string, c provider.Currency) provider.Money {
		return provider.Money{Amount: decimal.MustParse(text), Currency: c}
	}
	for _, test := range []struct {
		name    string
		amounts []provider.Money
		want    []provider.Total
	}{
		{"nothing", nil, []provider.Total{}},
		{"one, as it is", []provider.Money{amount("-0.50", "USD")}, []provider.Total{{Amount: "-0.50", Currency: "USD"}}},
		{"never across currencies", []provider.Money{amount("1", "USD"), amount("2.5", "EUR"), amount("3.25", "USD")},
			[]provider.Total{{Amount: "2.5", Currency: "EUR"}, {Amount: "4.25", Currency: "USD"}}},
		{"a fraction that a float left", []provider.Money{amount("310.20000000000005", "USD"), amount("1234567.89", "USD")},
			[]provider.Total{{Amount: "1234878.09000000000005", Currency: "USD"}}},
		{"the largest and the smallest amount", []provider.Money{amount("9999999999999999999", "USD"), amount("0.0000000000000000001", "USD")},
			[]provider.Total{{Amount: "9999999999999999999.0000000000000000001", Currency: "USD"}}},
		{"debts", []provider.Money{amount("0.10", "USD"), amount("-0.1", "USD")}, []provider.Total{{Amount: "0.00", Currency: "USD"}}},
	} {
		if diff := cmp.Diff(test.want, provider.Totals(test.amounts)); diff != "" {
			t.Errorf("%s: %s", test.name, diff)
		}
	}
}

// TestTotalsOfAnyAmounts compares with integers of units of the 19th digit
// after the point, for any amounts that are accepted.
func TestTotalsOfAnyAmounts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		texts := rapid.SliceOfN(rapid.StringMatching(`-?[0-9]{1,10}(\.[0-9]{1,9})?|-?[0-9]{19}|-?0\.[0-9]{19}`), 1, 50).Draw(t, "amounts")
		var amounts []provider.Money
		want := new(big.Int)
		for _, text := range texts {
			a, err := provider.ParseAmount(text)
			if err != nil {
				t.Fatalf("%s: %v", text, err)
			}
			amounts = append(amounts, provider.Money{Amount: a, Currency: "USD"})
			want.Add(want, units(t, text))
		}
		got := provider.Totals(amounts)[0].Amount
		if units(t, got).Cmp(want) != 0 {
			t.Fatalf("%v make %s", texts, got)
		}
	})
}

// units reads a decimal by moving its point 19 digits to the right.
func units(t *rapid.T, text string) *big.Int {
	whole, fraction := text, ""
	for i := range text {
		if text[i] == '.' {
			whole, fraction = text[:i], text[i+1:]
		}
	}
	for len(fraction) < 19 {
		fraction += "0"
	}
	n, ok := new(big.Int).SetString(whole+fraction, 10)
	if !ok {
		t.Fatalf("%q is no decimal", text)
	}
	return n
}
