package regru

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"accountgateway/internal/provider"
	"accountgateway/internal/provider/wire"
)

const (
	getUnpaid   = "bill/get_not_payed" //nolint:misspell // the vendor's spelling
	pageOfBills = 1024                 // the most that it gives at once (regru.md 5.7)
	// fewBills is the size of a page if nobody asks for another. A page with fewer is surely the last one, also if
	// REG.RU caps pages lower than it says.
	fewBills = 100
	maxBills = 5000 // of all kinds; an account with more is not looked through
)

// UnpaidInvoices finds the account's unpaid refill invoices (regru.md 5.7), newest day first.
func (c *Client) UnpaidInvoices(ctx context.Context) ([]provider.UnpaidInvoice, error) {
	all := []provider.UnpaidInvoice{}
	seen := map[string]bool{} // every bill
	for {
		page, err := c.unpaid(ctx, len(seen))
		if err != nil {
			return nil, err
		}
		before := len(seen)
		for _, b := range page {
			if !seen[b.id] && b.invoice != nil {
				all = append(all, *b.invoice)
			}
			seen[b.id] = true
		}
		switch {
		case len(page) < fewBills:
			slices.SortStableFunc(all, func(a, b provider.UnpaidInvoice) int { return b.Date.Compare(a.Date) })
			return all, nil
		case len(seen) == before:
			return nil, wire.BadResponse("bills", "are the same on every page")
		case len(seen) > maxBills:
			return nil, provider.Errorf(provider.KindOther, "the account has more than %d unpaid bills at REG.RU, too many to look through", maxBills)
		}
	}
}

// bill is one unpaid bill; invoice is nil if it is for something else than a refill.
type bill struct {
	id      string
	invoice *provider.UnpaidInvoice
}

// unpaid asks for one page of bills.
func (c *Client) unpaid(ctx context.Context, offset int) (page []bill, err error) {
	r := request{operation: provider.OpRefill, function: getUnpaid, input: map[string]any{
		"limit": strconv.Itoa(pageOfBills), "offset": strconv.Itoa(offset),
	}}
	err = c.call(ctx, r, func(a *answer) (err error) {
		page, err = a.bills()
		return err
	})
	return page, err
}

// bills reads a page.
func (a *answer) bills() ([]bill, error) {
	in := a.values()
	if in.Empty("bills") {
		in.Fail("bills", "is missing")
	}
	var page []bill
	for _, fields := range in.Objects("bills") {
		if fields.Code("error_code") != "" {
			fields.Fail("error_code", fmt.Sprintf("stands in place of bill %d", len(page)+1))
		}
		b := bill{id: fields.Text("bill_id")}
		if isRefill(fields) {
			invoice := unpaidInvoice(b.id, fields)
			b.invoice = &invoice
		}
		page = append(page, b)
	}
	if err := in.Err(); err != nil {
		return nil, err
	}
	return page, nil
}

// isRefill: a refill's invoice has an item of type prepayment (assumed), or no items at all, so that none is missed.
func isRefill(fields *wire.Object) bool {
	items := fields.Objects("items")
	return len(items) == 0 || slices.ContainsFunc(items, func(item *wire.Object) bool { return item.Code("itemtype") == "prepayment" })
}

func unpaidInvoice(id string, fields *wire.Object) provider.UnpaidInvoice {
	currency := fields.Currency("currency")
	payment := fields.Amount("payment") // in roubles, without fees (documented)
	total := fields.OptionalAmount("total_payment")
	original := fields.OptionalAmount("orig_payment") // taken to be in the bill's currency
	day, err := time.Parse(time.DateOnly, fields.Code("bill_date"))
	if err != nil {
		fields.Fail("bill_date", "is not a date like 2006-01-02")
	}
	invoice := provider.UnpaidInvoice{
		Invoice:  provider.Invoice{ID: id, Payment: money(&payment, rouble), TotalPayment: money(total, currency)},
		WalletID: fields.Scalar("wmid"), // not documented here, but user/refill_balance echoes it
		Currency: currency,
		Amounts:  []provider.Money{{Amount: payment, Currency: rouble}},
		Date:     day,
	}
	if original != nil {
		invoice.Amounts = append(invoice.Amounts, provider.Money{Amount: *original, Currency: currency})
	}
	payType := fields.Code("pay_type")
	for method, code := range payTypes {
		if code == payType {
			invoice.Method = method
		}
	}
	return invoice
}
