package page

import (
	"cmp"
	"slices"

	"accountgateway/internal/provider"
)

// pot is one of the account's several wallets, as it is shown.
type pot struct {
	Name  string
	Value *figure
}

// pots are in the order of their names: vendors' lists have no stable one. A single one is the balance already.
func pots(wallets []provider.Wallet) []pot {
	if len(wallets) < 2 {
		return nil
	}
	rows := make([]pot, 0, len(wallets))
	figures := make([]*figure, 0, len(wallets))
	for _, w := range wallets {
		row := pot{Name: "In " + string(w.Balance.Currency), Value: newFigure(w.Balance)}
		if w.Name != nil && *w.Name != "" {
			row.Name = *w.Name
		}
		rows, figures = append(rows, row), append(figures, row.Value)
	}
	slices.SortStableFunc(rows, func(a, b pot) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Value.Currency, b.Value.Currency))
	})
	align(figures...)
	return rows
}

// billed says what a low or negative balance means; "" if that is not known.
func billed(b provider.Billing) string {
	switch b {
	case provider.Prepaid:
		return "Prepaid: the service stops when the money ends."
	case provider.Postpaid:
		return "Postpaid: what is owed is invoiced later."
	}
	return ""
}
