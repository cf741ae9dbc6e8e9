package selzy

import (
	"math"
	"time"

	"github.com/govalues/decimal"
)

// tariff is one that changeTariff switches to. The vendor's own list has no known form, so these are invented.
type tariff struct {
	id       int64
	price    decimal.Decimal // US dollars a month
	emails   int64           // a month
	contacts int64           // 0: unlimited
}

const freeTariff = 1

var tariffs = map[int64]tariff{
	freeTariff: {id: freeTariff, emails: 1_500, contacts: 100},
	71:         {id: 71, price: decimal.MustParse("24.90"), emails: 15_000},
	72:         {id: 72, price: decimal.MustParse("35.50"), emails: 60_000, contacts: 5_000},
	90:         {id: 90, price: decimal.MustParse("249.00"), emails: 600_000, contacts: 50_000},
}

// apply starts a period of one month with the tariff.
func (t tariff) apply(a *account, now time.Time) {
	a.TariffID, a.NextTariffID = t.id, t.id
	a.PeriodEmailsPaid, a.PeriodEmailsUsed = t.emails, 0
	a.PeriodStart = now.Truncate(time.Second)
	a.PeriodEnd = a.PeriodStart.AddDate(0, 1, 0)
	a.SubscribersTotal = nil
	if t.contacts > 0 {
		contacts := t.contacts
		a.SubscribersTotal = &contacts
	}
}

// changeTariff switches at once and charges the user, bonus money first (assumed). A refused change has no code
// (selzy.md 2, documented).
func changeTariff(c *call) (any, *apiError) {
	a, failure := c.user("login")
	if failure != nil {
		return nil, failure
	}
	if _, failure := c.args.required("tariff_id"); failure != nil {
		return nil, failure
	}
	id, failure := c.args.integer("tariff_id", 0, 1, math.MaxInt64)
	if failure != nil {
		return nil, failure
	}
	t, ok := tariffs[id]
	if !ok {
		return nil, tariffRefused("there is no such tariff")
	}
	price, err := convert(t.price, "USD", a.Currency)
	if err != nil {
		return nil, tariffRefused("the price is too large")
	}
	left, err := a.Balance.Sub(price)
	if err != nil || price.IsPos() && left.IsNeg() {
		return nil, tariffRefused("there is not enough money on the account")
	}
	fromBonus := a.Bonus.Min(price)
	fromMain, err := price.Sub(fromBonus)
	if err != nil {
		return nil, tariffRefused("the price is too large")
	}
	changed := &account{Account: a.Account}
	t.apply(changed, c.now)
	changed.Balance = left
	changed.Bonus, err = a.Bonus.Sub(fromBonus)
	if err != nil {
		return nil, tariffRefused("the bonus is too large")
	}
	if !c.test {
		*a = *changed
	}
	return object{
		{"tariff_id", number(t.id)},
		{"charged_sum", money(fromMain)},
		{"charged_bonus", money(fromBonus)},
		{"start_time", date(changed.PeriodStart)},
		{"end_time", date(changed.PeriodEnd)},
	}, nil
}

func tariffRefused(why string) *apiError {
	return &apiError{code: codeUnspecified, detail: "The tariff change failed: " + why, result: resultFalse}
}
