package httpapi

import (
	"context"
	"io"
	"net/http"
	"strings"

	"accountgateway/internal/provider"
)

const (
	maxAmount = 32 // characters
	maxWallet = 32 // digits
)

// createRefill answers POST /accounts/{account}/refills.
func (s *server) createRefill(ctx context.Context, r *http.Request) (reply, error) {
	order, err := s.order(ctx, r, provider.OpRefill)
	if err != nil {
		return reply{}, err
	}
	refill, err := newRefill(r.Body, func(r provider.RefillRequest) []provider.Fault { return s.Accounts.CheckRefill(order.Account, r) })
	if err != nil {
		return reply{}, err
	}
	op, err := s.Accounts.Refill(ctx, order, refill)
	if err != nil {
		return reply{}, err
	}
	return operationReply(ctx, op, Refill{
		ID: op.ID, Account: op.Account, Provider: op.Provider, State: WriteState(op.State), Recorded: op.Recorded, Invoice: invoiceBody(op.Invoice),
	})
}

// newRefill reads a body that asks for an invoice, and has it checked by what the
// vendor's documents say.
func newRefill(body io.Reader, vendor func(provider.RefillRequest) []provider.Fault) (provider.RefillRequest, error) {
	f, err := readForm(body, "method", "wallet_id", "amount", "currency")
	if err != nil {
		return provider.RefillRequest{}, err
	}
	for _, name := range []string{"method", "amount", "currency"} {
		if !f.has(name) {
			f.refuse(name, "is missing")
		}
	}
	r := provider.RefillRequest{Method: provider.RefillMethod(f.text("method", maxText)), WalletID: f.text("wallet_id", maxWallet)}
	switch r.Method {
	case provider.WebMoney:
		if strings.Trim(r.WalletID, "0123456789") != "" || r.WalletID == "" {
			f.refuse("wallet_id", "webmoney needs the payer's WebMoney ID, only digits")
		}
	case provider.YandexMoney:
		if r.WalletID != "" {
			f.refuse("wallet_id", "yandex_money takes none")
		}
	default:
		f.refuse("method", "must be webmoney or yandex_money")
	}
	if r.Amount.Amount, err = provider.ParseAmount(f.text("amount", maxAmount)); err != nil || !r.Amount.Amount.IsPos() {
		f.refuse("amount", `must be a string with a decimal number greater than 0, e.g. "19.95"`)
	}
	if r.Amount.Currency, err = provider.ParseCurrency(f.text("currency", maxText)); err != nil {
		f.refuse("currency", "must be an upper-case ISO 4217 code, e.g. USD")
	}
	return r, f.vendorSays(vendor(r))
}
