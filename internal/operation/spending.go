package operation

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/govalues/decimal"

	"accountgateway/internal/provider"
	"accountgateway/internal/store"
)

// Spending guards against refills that are too large, one by one or in a day.
// The zero value allows everything.
type Spending struct {
	Max      SpendingLimit // of one refill
	DailyMax SpendingLimit // of all refills in any 24 hours, those with an unknown outcome included
}

const spendingDay = 24 * time.Hour

// SpendingLimit is the most that may be spent, written "500 USD, 20000 RUB";
// then no other currency may be spent. A number without one limits every currency.
type SpendingLimit struct {
	each map[provider.Currency]decimal.Decimal
	any  *decimal.Decimal
}

// UnmarshalText reads the limit.
func (l *SpendingLimit) UnmarshalText(text []byte) error {
	const want = "must be amounts with currencies, e.g. 500 USD, 20000 RUB, or only a number"
	var read SpendingLimit
	for part := range strings.SplitSeq(string(text), ",") {
		fields := strings.Fields(part)
		if len(fields) == 0 || len(fields) > 2 {
			return errors.New(want)
		}
		amount, err := provider.ParseAmount(fields[0])
		switch {
		case errors.Is(err, provider.ErrTooManyDigits):
			return err
		case err != nil || amount.IsNeg():
			return errors.New(want)
		}
		if len(fields) == 1 {
			if read.any != nil {
				return errors.New(want)
			}
			read.any = &amount
			continue
		}
		currency, err := provider.ParseCurrency(fields[1])
		if err != nil {
			return errors.New(want)
		}
		if _, twice := read.each[currency]; twice {
			return fmt.Errorf("%s is listed twice", currency)
		}
		if read.each == nil {
			read.each = map[provider.Currency]decimal.Decimal{}
		}
		read.each[currency] = amount
	}
	if read.any != nil && read.each != nil {
		return errors.New(want)
	}
	*l = read
	return nil
}

// of is the limit of a currency; bounded is false if there is none.
func (l SpendingLimit) of(c provider.Currency) (limit decimal.Decimal, bounded bool) {
	if l.any != nil {
		return *l.any, true
	}
	limit = l.each[c] // zero for a currency that is not listed
	return limit, l.each != nil
}

// SpendingError says that a refill is over a limit.
type SpendingError struct{ Message string }

func (e *SpendingError) Error() string { return e.Message }

// allow tells whether an amount may be spent after what was spent in a day.
func (s Spending) allow(m provider.Money, spent []store.Spent) error {
	if limit, bounded := s.Max.of(m.Currency); bounded && m.Amount.Cmp(limit) > 0 {
		return &SpendingError{fmt.Sprintf("%s %s exceeds REFILL_MAX of %s %s per refill", m.Amount, m.Currency, limit, m.Currency)}
	}
	limit, bounded := s.DailyMax.of(m.Currency)
	if !bounded {
		return nil
	}
	var sum provider.Sum
	for _, one := range spent {
		if one.Currency != string(m.Currency) {
			continue
		}
		amount, err := provider.ParseAmount(one.Amount)
		if err != nil {
			return fmt.Errorf("add up the spending: %w", err)
		}
		sum.Add(amount)
	}
	before := sum.String()
	sum.Add(m.Amount)
	if sum.Cmp(limit) > 0 {
		return &SpendingError{fmt.Sprintf("%s %s after %s %s in the last 24 hours exceeds REFILL_DAILY_MAX of %s %s",
			m.Amount, m.Currency, before, m.Currency, limit, m.Currency)}
	}
	return nil
}
