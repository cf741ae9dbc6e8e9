package regru

import (
	"regexp"
	"strconv"
	"time"

	"github.com/govalues/decimal"
)

var (
	amountForm = regexp.MustCompile(`^[0-9]+(\.[0-9]+)?$`)
	billForm   = regexp.MustCompile(`^[1-9][0-9]{0,17}$`)
)

// invoice is an unpaid bill that user/refill_balance made.
type invoice struct {
	owner    *account
	id       int64
	date     time.Time
	payType  string
	currency string
	payment  decimal.Decimal // in roubles, without fees
	total    decimal.Decimal // in currency, with fees
}

// refillBalance is user/refill_balance (5.5): it makes an unpaid invoice, the balance stays as it is.
func (s *Server) refillBalance(c *call) (answer, *apiError) {
	amount, err := s.checkRefill(c)
	if err != nil {
		return nil, err
	}
	payType, currency := c.params.text("pay_type"), c.params.text("currency")
	inv := invoice{owner: c.account, date: s.opts.Now(), payType: payType, currency: currency, payment: amount, total: amount}
	if rate, ok := s.opts.Rates[currency]; ok {
		if inv.payment, inv.total, err = foreign(amount, rate); err != nil {
			return nil, err
		}
	}
	a := answer{
		"pay_type":      payType,
		"currency":      currency,
		"payment":       numeric(amount.String()),
		"total_payment": numeric(inv.total.String()),
	}
	if payType == "WM" {
		a["wmid"] = c.params.text("wmid")
		a["wm_invid"] = numeric("12345678")
	}
	if c.account.test { // exactly what the Perl client's tests expect: no bill_id, no pay_notes
		return a, nil
	}
	s.lastBill++
	inv.id = s.lastBill
	s.invoices = append(s.invoices, inv)
	a["bill_id"], a["pay_notes"] = id(inv.id), "Bill for prepay created"
	if payType == "WM" {
		a["wm_invid"] = id(88_050_000 + inv.id)
		if s.Control.Quirk(c.function, "wm_invid_0") {
			a["wm_invid"] = numeric("0")
		}
	}
	return a, nil
}

// checkRefill validates the input (the codes are assumed) and returns the amount.
func (s *Server) checkRefill(c *call) (decimal.Decimal, *apiError) {
	payType, currency := c.params.text("pay_type"), c.params.text("currency")
	required := []string{"pay_type", "currency", "amount"}
	if payType == "WM" {
		required = append(required, "wmid")
	}
	for _, name := range required {
		if c.params.text(name) == "" {
			return decimal.Decimal{}, missing(name)
		}
	}
	_, known := s.opts.Rates[currency]
	switch {
	case payType != "WM" && payType != "ymbill":
		return decimal.Decimal{}, incorrect("pay_type")
	case payType == "WM" && !wmidForm.MatchString(c.params.text("wmid")):
		return decimal.Decimal{}, incorrect("wmid")
	case currency != rouble && (payType == "ymbill" || !known):
		return decimal.Decimal{}, fail("UNSUPPORTED_CURRENCY")
	case !amountForm.MatchString(c.params.text("amount")):
		return decimal.Decimal{}, incorrect("amount")
	}
	amount, err := decimal.Parse(c.params.text("amount"))
	if err != nil || !amount.IsPos() {
		return decimal.Decimal{}, incorrect("amount")
	}
	return amount, nil
}

// foreign returns the price in roubles and the total with the fee for conversion, 2 % here.
func foreign(amount, rate decimal.Decimal) (roubles, total decimal.Decimal, _ *apiError) {
	roubles, err := amount.Mul(rate)
	if err == nil {
		total, err = amount.Mul(decimal.MustParse("1.02"))
	}
	if err != nil {
		return roubles, total, incorrect("amount")
	}
	return roubles.Rescale(2), total.Rescale(2), nil
}

// getNotPayed is bill/get_not_payed (5.7), oldest first.
func (s *Server) getNotPayed(c *call) (answer, *apiError) {
	limit, err := c.number("limit", 100, 1, 1024)
	if err != nil {
		return nil, err
	}
	offset, err := c.number("offset", 0, 0, 1<<31)
	if err != nil {
		return nil, err
	}
	bills := []any{}
	if c.account.test {
		bills = append(bills, sampleBill())
	}
	for _, inv := range s.invoices {
		if inv.owner == c.account {
			bills = append(bills, inv.wire())
		}
	}
	bills = bills[min(offset, len(bills)):]
	return answer{"bills": bills[:min(limit, len(bills))]}, nil
}

func (inv invoice) wire() map[string]any {
	return map[string]any{
		"bill_id":       id(inv.id),
		"bill_date":     inv.date.UTC().Format(time.DateOnly),
		"currency":      inv.currency,
		"payment":       numeric(inv.payment.String()),
		"total_payment": numeric(inv.total.String()),
		"pay_type":      inv.payType,
		"pay_status":    "notpayed",
		"pay_date":      nil,
		"items":         []any{map[string]any{"itemtype": "prepayment"}},
	}
}

// sampleBill is the manual's example, which test/test gets.
func sampleBill() map[string]any {
	item := func(service numeric, servtype string) map[string]any {
		return map[string]any{"dname": "october.org", "itemtype": "service", "action": "new", "service_id": service, "servtype": servtype}
	}
	return map[string]any{
		"bill_id": numeric("12345"), "bill_date": "1917-10-26", "currency": rouble,
		"payment": numeric("100"), "orig_payment": numeric("100"),
		"pay_type": "bank", "pay_status": "notpayed", "pay_date": nil,
		"items": []any{item("12345", "domain"), item("12346", "srv_certificate")},
	}
}

// billNop is bill/nop: without bills it answers nothing; each bill has its own outcome (section 3, "Second level").
func (s *Server) billNop(c *call) (answer, *apiError) {
	asked := append(c.params.list("bill_id"), c.params.list("bills")...)
	if len(asked) == 0 {
		return nil, nil
	}
	bills := make([]any, 0, len(asked))
	for _, item := range asked {
		if object, ok := item.(map[string]any); ok {
			item = object["bill_id"]
		}
		number, ok := item.(string)
		if !ok || !billForm.MatchString(number) {
			return nil, incorrect("bill_id")
		}
		bill := map[string]any{"bill_id": numeric(number), "error_code": "BILL_ID_NOT_FOUND"}
		if c.account.test || s.ownsBill(c.account, number) {
			bill = map[string]any{"bill_id": numeric(number), "pay_status": "notpayed", "result": "success"}
		}
		bills = append(bills, bill)
	}
	return answer{"bills": bills}, nil
}

func (s *Server) ownsBill(owner *account, number string) bool {
	for _, inv := range s.invoices {
		if inv.owner == owner && strconv.FormatInt(inv.id, 10) == number {
			return true
		}
	}
	return false
}

// number reads a whole number between least and most; fallback if absent.
func (c *call) number(name string, fallback, least, most int) (int, *apiError) {
	text := c.params.text(name)
	if text == "" {
		return fallback, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < least || n > most {
		return 0, incorrect(name)
	}
	return n, nil
}
