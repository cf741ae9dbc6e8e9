package alert

import (
	"strconv"
	"strings"
	"time"

	"github.com/govalues/decimal"

	"accountgateway/internal/plain"
	"accountgateway/internal/provider"
)

// postpaid tells whether what is spent is invoiced later: then no balance is low.
func (f *Facts) postpaid() bool {
	return f.Balance.Value != nil && f.Balance.Value.Billing == provider.Postpaid
}

// noBalance tells of an account that no balance alert is about.
func (f *Facts) noBalance() bool { return f.whyNoBalance() != "" }

// noThreshold is the detail of an alert that closes because its setting is gone.
const noThreshold = "there is no threshold any more"

// whyNoBalance says why noBalance is true; "" if it is not.
func (f *Facts) whyNoBalance() string {
	switch {
	case !f.Balance.Readable:
		return "the vendor does not tell the balance any more"
	case f.postpaid():
		return "what is spent is invoiced later: the account is postpaid"
	}
	return ""
}

// eachPot calls each with every pot, the main one among them.
func eachPot(b *provider.Balance, each func(name string, m provider.Money)) {
	if len(b.Wallets) == 0 {
		each("", b.Balance)
	}
	for _, w := range b.Wallets {
		name := ""
		if w.Name != nil {
			name = *w.Name
		}
		each(name, w.Balance)
	}
}

func judgeNegative(f *Facts, _ Severity) (Severity, bool) {
	switch {
	case f.noBalance():
		return "", true
	case !f.Balance.current():
		return "", false
	}
	b := f.Balance.Value
	if b.Balance.Amount.IsNeg() {
		return Critical, true
	}
	for i := range b.Wallets {
		if b.Wallets[i].Balance.Amount.IsNeg() {
			return Critical, true
		}
	}
	return "", true
}

func tellNegative(f *Facts, a *Alert) {
	if a.Detail = f.whyNoBalance(); a.Detail != "" {
		return
	}
	b := f.Balance.Value
	var negative []string
	worst := b.Balance // the main one, if that is negative
	eachPot(b, func(name string, m provider.Money) {
		if !m.Amount.IsNeg() {
			return
		}
		if !worst.Amount.IsNeg() {
			worst = m
		}
		negative = append(negative, pot(name, m))
	})
	a.Detail = "the balance is " + money(worst)
	if len(negative) > 1 {
		a.Detail = "negative balances: " + strings.Join(negative, ", ")
	} else if len(negative) == 1 {
		a.Detail = "the balance is " + negative[0]
	}
	a.Value, a.Threshold = new(money(worst)), new("0 "+string(worst.Currency))
}

// watched is the pot that a threshold is about: the main one; where that is in
// another currency, the one with the least in the threshold's; false if there is
// none.
func watched(b *provider.Balance, low *Threshold) (name string, m provider.Money, found bool) {
	if low.Currency == "" || low.Currency == b.Balance.Currency {
		return "", b.Balance, true
	}
	for i := range b.Wallets {
		w := &b.Wallets[i]
		if w.Balance.Currency != low.Currency || found && w.Balance.Amount.Cmp(m.Amount) >= 0 {
			continue
		}
		name, m, found = "", w.Balance, true
		if w.Name != nil {
			name = *w.Name
		}
	}
	return name, m, found
}

// Unwatched tells whether the threshold of the balance is in a currency that the
// account has no money in.
func (l *Limits) Unwatched(b *provider.Balance) bool {
	if !l.BalanceLow.Set || b.Billing == provider.Postpaid {
		return false
	}
	_, _, found := watched(b, &l.BalanceLow)
	return !found
}

// lowMargin is how far above its threshold a balance is not low any more, as a
// part of the threshold.
var lowMargin = decimal.MustParse("0.05")

func judgeLow(f *Facts, was Severity) (Severity, bool) {
	low := &f.Limits.BalanceLow
	switch {
	case !low.Set || f.noBalance():
		return "", true
	case !f.Balance.current():
		return "", false
	}
	_, m, found := watched(f.Balance.Value, low)
	if !found {
		return was, true // the pot may be left out because it is empty; Unwatched tells
	}
	bound := low.Amount
	if was != "" {
		if margin, err := bound.Abs().Mul(lowMargin); err == nil {
			if higher, err := bound.Add(margin); err == nil {
				bound = higher
			}
		}
	}
	if m.Amount.Cmp(bound) <= 0 {
		return Warning, true
	}
	return "", true
}

func tellLow(f *Facts, a *Alert) {
	low := &f.Limits.BalanceLow
	if !low.Set {
		a.Detail = noThreshold
		return
	}
	if a.Detail = f.whyNoBalance(); a.Detail != "" {
		return
	}
	name, m, found := watched(f.Balance.Value, low)
	if !found {
		threshold := money(provider.Money{Amount: low.Amount, Currency: low.Currency})
		a.Detail = "the account has no balance in " + string(low.Currency) + ", the currency of its threshold of " + threshold
		a.Threshold = &threshold
		return
	}
	threshold := money(provider.Money{Amount: low.Amount, Currency: m.Currency})
	a.Detail = "the balance is " + pot(name, m) + "; its threshold is " + threshold
	a.Value, a.Threshold = new(money(m)), &threshold
}

const day = 24 * time.Hour

func judgeRunway(f *Facts, was Severity) (Severity, bool) {
	switch {
	case f.Limits.DaysLow == 0 || f.noBalance() || f.Runway.Known && !f.Runway.Ends:
		return "", true
	case !f.Runway.Known, !f.Balance.current() && f.Watched <= f.Balance.OldAfter:
		return "", false // just started: the account may have been topped up meanwhile
	}
	left := f.Runway.End.Sub(f.Now)
	critical, warning := day, f.Limits.DaysLow
	if was != "" {
		warning += warning / 10
	}
	if was == Critical {
		critical += critical / 4
	}
	switch {
	case left < min(critical, warning):
		return Critical, true
	case left < warning:
		return Warning, f.Balance.current() || was != Critical
	}
	return "", f.Balance.current() || was == "" // an old figure opens, but never closes
}

func tellRunway(f *Facts, a *Alert) {
	if f.Limits.DaysLow == 0 {
		a.Detail = noThreshold
		return
	}
	if a.Detail = f.whyNoBalance(); a.Detail != "" {
		return
	}
	a.Threshold = new(days(f.Limits.DaysLow))
	if !f.Runway.Ends {
		a.Detail = "at the rate of the last 14 days, the money does not end"
		return
	}
	left := max(f.Runway.End.Sub(f.Now), 0)
	a.Value = new(days(left))
	a.Detail = "at the rate of the last 14 days, balance and credit last until " + f.Runway.End.UTC().Format("2006-01-02")
	if left == 0 {
		a.Detail = "at the rate of the last 14 days, balance and credit are used up"
		a.Remedy = topUp
	}
}

// days writes a time that money lasts: hours only where there are few.
func days(d time.Duration) string {
	switch n := int64(d / day); {
	case d == 0 || n >= 2:
		return strconv.FormatInt(n, 10) + " days"
	case d%day == 0:
		return "1 day"
	}
	if n := int64(d / time.Hour); n != 1 {
		return strconv.FormatInt(n, 10) + " hours"
	}
	return "1 hour"
}

func money(m provider.Money) string { return m.Amount.String() + " " + string(m.Currency) }

// pot is money in a pot, with the pot's name, which is the vendor's, where it
// has one.
func pot(name string, m provider.Money) string {
	if name = plain.Line(name); name == "" {
		return money(m)
	}
	return money(m) + " (" + name + ")"
}
