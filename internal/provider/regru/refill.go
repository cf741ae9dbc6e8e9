package regru

import (
	"context"
	"errors"
	"strings"

	"accountgateway/internal/provider"
)

// payTypes are the ways to pay a refill (regru.md 5.5); other codes belong to orders.
var payTypes = map[provider.RefillMethod]string{
	provider.WebMoney:    "WM",
	provider.YandexMoney: "ymbill",
}

// Refill asks for an invoice by user/refill_balance (regru.md 5.5), which today's manual does not have any more. The
// balance does not change until the invoice is paid.
func (c *Client) Refill(ctx context.Context, r provider.RefillRequest) (provider.Invoice, error) {
	if err := provider.RefuseFaults(c.CheckRefill(r)); err != nil {
		return provider.Invoice{}, err
	}
	input := refillInput(r)
	var invoice provider.Invoice
	call := request{operation: provider.OpRefill, function: "user/refill_balance", input: input, write: true}
	err := c.call(ctx, call, func(a *answer) (err error) {
		invoice, err = a.invoice(r, input)
		return err
	})
	var e *provider.Error
	if errors.As(err, &e) && e.Kind == provider.KindUnsupportedOperation {
		e.Message = "today's REG.RU has dropped refills from its API: top the account up on its site"
	}
	if err != nil {
		return provider.Invoice{}, err
	}
	return invoice, nil
}

// CheckRefill finds what the manual does not allow (regru.md 5.5).
func (c *Client) CheckRefill(r provider.RefillRequest) []provider.Fault {
	var faults []provider.Fault
	bad := func(field, message string) { faults = append(faults, provider.Fault{Field: field, Message: message}) }
	unsupported := func(field, message string) {
		faults = append(faults, provider.Fault{Field: field, Message: message, Unsupported: true})
	}
	if _, known := payTypes[r.Method]; !known {
		unsupported("method", "REG.RU creates invoices only for webmoney and yandex_money")
	}
	switch {
	case r.Method == provider.WebMoney && !isWMID(r.WalletID):
		bad("wallet_id", "webmoney needs the payer's WebMoney ID of 12 digits")
	case r.Method != provider.WebMoney && r.WalletID != "":
		unsupported("wallet_id", "REG.RU accepts a wallet only for webmoney")
	}
	switch {
	case r.Method == provider.YandexMoney && r.Amount.Currency != rouble:
		unsupported("currency", "REG.RU creates yandex_money invoices only in RUB")
	case toWire(r.Amount.Currency) == "":
		unsupported("currency", "REG.RU creates webmoney invoices only in RUB, USD, EUR and UAH")
	}
	switch amount := r.Amount.Amount.Trim(2); {
	case !amount.IsPos():
		bad("amount", "the amount must be greater than 0")
	case amount.Scale() > 2:
		bad("amount", "the amount must have at most 2 digits after the point")
	}
	return faults
}

// refillInput is the input of user/refill_balance for a refill that CheckRefill
// finds nothing wrong with.
func refillInput(r provider.RefillRequest) map[string]any {
	input := map[string]any{"pay_type": payTypes[r.Method], "currency": toWire(r.Amount.Currency), "amount": r.Amount.Amount.Trim(2).String()}
	if r.Method == provider.WebMoney {
		input["wmid"] = r.WalletID
	}
	return input
}

func isWMID(text string) bool { return len(text) == 12 && strings.Trim(text, "0123456789") == "" }

// invoice reads the answer of user/refill_balance. An invoice for anything else than what was asked is not understood;
// one without a number is (the Perl client's tests have none).
func (a *answer) invoice(r provider.RefillRequest, input map[string]any) (provider.Invoice, error) {
	in := a.values()
	payment := in.Amount("payment")
	total := in.OptionalAmount("total_payment") // in the same currency, with fees
	if in.Currency("currency") != r.Amount.Currency {
		in.Fail("currency", "is not the currency that was asked for")
	}
	if payment.Cmp(r.Amount.Amount) != 0 {
		in.Fail("payment", "is not the amount that was asked for")
	}
	for _, echo := range []string{"pay_type", "wmid"} {
		if text := in.Code(echo); text != "" && input[echo] != nil && text != input[echo] {
			in.Fail(echo, "is not the one that was asked for")
		}
	}
	invoice := provider.Invoice{
		ID:           in.Scalar("bill_id"),
		Payment:      money(&payment, r.Amount.Currency),
		TotalPayment: money(total, r.Amount.Currency),
		Reference:    in.Scalar("wm_invid"),
		Note:         in.Words("pay_notes"),
	}
	switch {
	case invoice.Reference == "":
		invoice.Unsure = r.Method == provider.WebMoney
	case strings.Trim(invoice.Reference, "0.") == "": // documented: WebMoney may not have got it
		invoice.Reference, invoice.Unsure = "", true
	}
	if err := in.Err(); err != nil {
		return provider.Invoice{}, err
	}
	return invoice, nil
}
