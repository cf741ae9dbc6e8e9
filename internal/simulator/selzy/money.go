package selzy

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/govalues/decimal"
)

// currency is one that the vendor knows. perUSD, what one US dollar costs, is the simulator's "internal rate".
type currency struct {
	id         int64
	code       string
	perUSD     decimal.Decimal
	minPayment decimal.Decimal
}

var currencies = []currency{
	{1, "USD", decimal.MustParse("1.0000"), decimal.MustParse("5.00")},
	{2, "EUR", decimal.MustParse("0.9231"), decimal.MustParse("5.00")},
	{3, "UAH", decimal.MustParse("41.2500"), decimal.MustParse("200.00")},
	{4, "RUB", decimal.MustParse("92.7500"), decimal.MustParse("500.00")},
	{5, "KZT", decimal.MustParse("521.3000"), decimal.MustParse("2500.00")},
	{6, "BRL", decimal.MustParse("5.6400"), decimal.MustParse("25.00")},
}

// accountCurrencies are those that an account may have (selzy.md 6.1, documented).
var accountCurrencies = map[Brand][]string{
	Selzy:     {"USD", "EUR", "UAH", "KZT", "BRL"},
	UniSender: {"RUB", "USD", "EUR", "UAH"},
}

// transferCurrencies are those that transferMoney takes (selzy.md 8, documented).
var transferCurrencies = []string{"EUR", "UAH", "USD", "RUB"}

func (s *Server) hasCurrency(code string) bool {
	return slices.Contains(accountCurrencies[s.brand], code)
}

// getCurrencyRates answers every currency, decimals quoted (seen: alexeyco).
func getCurrencyRates(c *call) (any, *apiError) {
	list := []any{}
	for _, one := range currencies {
		list = append(list, object{
			{"id", number(one.id)},
			{"code", one.code},
			{"rate_to_usd", one.perUSD.String()},
			{"min_payment_sum", one.minPayment.String()},
			{"is_visible", c.server.hasCurrency(one.code)},
		})
	}
	return list, nil
}

// convert changes an amount at the internal rate, rounded to cents.
func convert(amount decimal.Decimal, from, to string) (decimal.Decimal, error) {
	if from == to {
		return amount, nil
	}
	dollars, err := amount.Quo(rate(from))
	if err != nil {
		return decimal.Decimal{}, err
	}
	changed, err := dollars.Mul(rate(to))
	return changed.Rescale(2), err
}

// rate is 1 for a currency that is not in the table: an account may be seeded with any.
func rate(code string) decimal.Decimal {
	for _, one := range currencies {
		if one.code == code {
			return one.perUSD
		}
	}
	return decimal.MustNew(1, 0)
}

// transferMoney moves money between the reseller and its users (selzy.md 8). Bonus money cannot be moved (assumed).
func transferMoney(c *call) (any, *apiError) {
	source, failure := c.party("source")
	if failure != nil {
		return nil, failure
	}
	target, failure := c.party("target")
	if failure != nil {
		return nil, failure
	}
	if source == target {
		return nil, badArg("source and target are the same user")
	}
	sum, failure := c.sum()
	if failure != nil {
		return nil, failure
	}
	code, failure := c.args.required("currency")
	if failure != nil {
		return nil, failure
	}
	if !slices.Contains(transferCurrencies, code) {
		return nil, badArg("currency must be one of " + strings.Join(transferCurrencies, ", "))
	}
	moved, err := c.move(source, target, sum, code)
	if err != nil {
		return nil, badArg("sum is too large")
	}
	if moved.main.Less(moved.debit) {
		return nil, &apiError{
			code: codeUnspecified,
			detail: fmt.Sprintf("Your account balance is only %s %s, and you want to transfer %s %[2]s",
				moved.main, strings.ToLower(source.Currency), moved.debit),
			result: resultEmpty,
		}
	}
	answer := object{
		{"source_old_balance", money(source.Balance)},
		{"source_new_balance", money(moved.source)},
		{"source_currency", source.Currency},
		{"target_old_balance", money(target.Balance)},
		{"target_new_balance", money(moved.target)},
		{"target_currency", target.Currency},
	}
	if !c.test {
		source.Balance, target.Balance = moved.source, moved.target
	}
	return answer, nil
}

// transfer is what a transfer would do.
type transfer struct {
	main           decimal.Decimal // the source's balance without bonus
	debit          decimal.Decimal // in the source's currency
	source, target decimal.Decimal // new balances
}

// move computes a transfer. A reseller's discount is credited on top when its own money is moved (documented).
func (c *call) move(source, target *account, sum decimal.Decimal, code string) (t transfer, err error) {
	if t.main, err = source.Balance.Sub(source.Bonus); err != nil {
		return t, err
	}
	if t.debit, err = convert(sum, code, source.Currency); err != nil {
		return t, err
	}
	credit, err := convert(sum, code, target.Currency)
	if err != nil {
		return t, err
	}
	if source == c.caller {
		extra, err := credit.Mul(source.Discount)
		if err != nil {
			return t, err
		}
		if extra, err = extra.Quo(decimal.MustNew(100, 0)); err != nil {
			return t, err
		}
		if credit, err = credit.Add(extra.Rescale(2)); err != nil {
			return t, err
		}
	}
	if t.source, err = source.Balance.Sub(t.debit); err != nil {
		return t, err
	}
	t.target, err = target.Balance.Add(credit)
	return t, err
}

// party finds one side of a transfer, by email (documented) or by login (seen: mkedo).
func (c *call) party(side string) (*account, *apiError) {
	login, failure := c.args.text(side + "_login")
	if failure != nil {
		return nil, failure
	}
	email, failure := c.args.text(side + "_email")
	switch {
	case failure != nil:
		return nil, failure
	case email == "" && login == "":
		return nil, badArg(side + "_email is required")
	case email == "":
		return c.user(side + "_login")
	}
	a := c.server.byEmail(email)
	if !c.sees(a) {
		return nil, badArg(side + "_email names no user of this account")
	}
	return a, nil
}

var plainSum = regexp.MustCompile(`^[0-9]{1,12}(\.[0-9]{1,2})?$`)

func (c *call) sum() (decimal.Decimal, *apiError) {
	text, failure := c.args.required("sum")
	if failure != nil {
		return decimal.Decimal{}, failure
	}
	sum, err := decimal.Parse(text)
	if err != nil || !plainSum.MatchString(text) || !sum.IsPos() {
		return decimal.Decimal{}, badArg("sum must be more than 0, with up to two decimals")
	}
	return sum, nil
}
