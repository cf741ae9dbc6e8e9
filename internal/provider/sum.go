package provider

import (
	"maps"
	"math/big"
	"slices"

	"github.com/govalues/decimal"
)

// Sum adds amounts exactly. A sum may have more digits than the 19 that an
// amount has, so it is not an amount itself. The zero value is 0.
type Sum struct {
	value big.Rat
	scale int // digits after the point of the amount that has most
}

// Add adds an amount.
func (s *Sum) Add(amount decimal.Decimal) {
	s.value.Add(&s.value, exact(amount))
	s.scale = max(s.scale, amount.Scale())
}

// Sub takes an amount away.
func (s *Sum) Sub(amount decimal.Decimal) {
	s.value.Sub(&s.value, exact(amount))
	s.scale = max(s.scale, amount.Scale())
}

// Cmp compares the sum with an amount: -1, 0 or 1.
func (s *Sum) Cmp(amount decimal.Decimal) int { return s.value.Cmp(exact(amount)) }

// String is the sum in full, with as many digits after the point as the amount
// that had most.
func (s *Sum) String() string { return s.value.FloatString(s.scale) }

func exact(amount decimal.Decimal) *big.Rat {
	r, _ := new(big.Rat).SetString(amount.String()) // an amount always has this form
	return r
}

// Total is the sum of the amounts of one currency.
type Total struct {
	Amount   string // an exact decimal
	Currency Currency
}

// Totals adds amounts per currency, never across, in the currencies' order.
func Totals(amounts []Money) []Total {
	sums := map[Currency]*Sum{}
	for _, m := range amounts {
		if sums[m.Currency] == nil {
			sums[m.Currency] = new(Sum)
		}
		sums[m.Currency].Add(m.Amount)
	}
	totals := make([]Total, 0, len(sums))
	for _, currency := range slices.Sorted(maps.Keys(sums)) {
		totals = append(totals, Total{Amount: sums[currency].String(), Currency: currency})
	}
	return totals
}
