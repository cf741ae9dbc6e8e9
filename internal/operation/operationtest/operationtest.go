// Package operationtest has what tests of writes share: an order, a refill to
// ask for, and what came of it. It is for tests only.
package operationtest

import (
	"context"
	"errors"

	"github.com/govalues/decimal"

	"accountgateway/internal/operation"
	"accountgateway/internal/provider"
)

// Order is a caller's first write.
var Order = operation.Order{Account: "a", Caller: "billing", Key: "k-1"}

// RefillOf asks for an amount of US dollars.
func RefillOf(amount string) provider.RefillRequest {
	return provider.RefillRequest{Method: provider.WebMoney, WalletID: "123456789012", Amount: provider.Money{Amount: decimal.MustParse(amount), Currency: "USD"}}
}

// Invoice is a vendor that makes one at once.
func Invoice(context.Context, provider.RefillRequest) (provider.Invoice, error) {
	return provider.Invoice{ID: "70045"}, nil
}

// Failure is the error of a write that surely changed nothing; nil for any
// other.
func Failure(err error) *operation.WriteError {
	var w *operation.WriteError
	var why *provider.Error
	if errors.As(err, &w) && errors.As(w.Why, &why) {
		return w
	}
	return nil
}
