package account_test

import (
	"context"
	"errors"

	"github.com/govalues/decimal"

	"accountgateway/internal/operation"
	"accountgateway/internal/provider"
)

func invoice(context.Context, provider.RefillRequest) (provider.Invoice, error) {
	return provider.Invoice{ID: "70045"}, nil
}

func refillOf(amount string) provider.RefillRequest {
	return provider.RefillRequest{Method: provider.WebMoney, WalletID: "123456789012", Amount: provider.Money{Amount: decimal.MustParse(amount), Currency: "USD"}}
}

var order = operation.Order{Account: "a", Caller: "billing", Key: "k-1"}

// failure is the error of a write that surely changed nothing; nil for any other.
func failure(err error) *operation.WriteError {
	var w *operation.WriteError
	var why *provider.Error
	if errors.As(err, &w) && errors.As(w.Why, &why) {
		return w
	}
	return nil
}
