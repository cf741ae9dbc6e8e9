package page

import (
	"strings"

	"accountgateway/internal/provider"
)

// minus is the sign that is as wide as a digit.
const minus = "−"

// figure is an exact amount as it is shown: its digits as the vendor sent
// them, with separators, and what it takes to align it with its neighbours.
type figure struct {
	Sign     string // minus or ""
	Whole    string // "1,234"
	Fraction string // ".50", or "" if the vendor sent none
	Pad      string // what others in the column have after the point beyond this, not shown
	Exact    string // "1234.50", for machines
	Currency string
	Cut      bool // there are more digits than shown
}

func newFigure(m provider.Money) *figure { return figureOf(m.Amount.String(), m.Currency) }

// figureOf is newFigure for an exact decimal of any length.
func figureOf(exact string, c provider.Currency) *figure {
	sign, whole, fraction := splitDecimal(exact)
	return &figure{Sign: sign, Whole: thousands(whole), Fraction: fraction, Exact: exact, Currency: string(c)}
}

// inTable is a figure with two digits after the point, so that those of a column
// stand under each other. What is cut off is not rounded: the digits shown are the
// amount's own.
func inTable(exact string, c provider.Currency) *figure {
	f := figureOf(exact, c)
	if len(f.Fraction) > 3 {
		f.Cut = strings.Trim(f.Fraction[3:], "0") != ""
		f.Fraction = f.Fraction[:3]
	}
	f.Fraction += ".00"[len(f.Fraction):]
	return f
}

// InFull is the figure with all its digits, in running text.
func (f *figure) InFull() string { return grouped(f.Exact) + " " + f.Currency }

// String is the figure in running text.
func (f *figure) String() string {
	return f.Sign + f.Whole + f.Fraction + " " + f.Currency
}

// Negative tells debt from money.
func (f *figure) Negative() bool { return f.Sign != "" }

// optionalFigure is newFigure for what the vendor may not have said.
func optionalFigure(m *provider.Money) *figure {
	if m == nil {
		return nil
	}
	return newFigure(*m)
}

// align pads the figures of one column, nil among them or not, so that their
// points stand under each other.
func align(column ...*figure) {
	longest := ""
	for _, f := range column {
		if f != nil && len(f.Fraction) > len(longest) {
			longest = f.Fraction
		}
	}
	for _, f := range column {
		if f == nil || len(f.Fraction) == len(longest) {
			continue
		}
		f.Pad = strings.Repeat("0", len(longest)-max(len(f.Fraction), 1))
		if f.Fraction == "" {
			f.Pad = "." + f.Pad
		}
	}
}

// splitDecimal takes an exact decimal apart: "-1234.50" is minus, "1234", ".50".
func splitDecimal(text string) (sign, whole, fraction string) {
	whole, negative := strings.CutPrefix(text, "-")
	if negative {
		sign = minus
	}
	if i := strings.IndexByte(whole, '.'); i >= 0 {
		whole, fraction = whole[:i], whole[i:]
	}
	return sign, whole, fraction
}

// thousands puts a comma between groups of three digits.
func thousands(digits string) string {
	if len(digits) <= 3 {
		return digits
	}
	var b strings.Builder
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(d)
	}
	return b.String()
}

// grouped is a decimal in running text.
func grouped(text string) string {
	sign, whole, fraction := splitDecimal(text)
	return sign + thousands(whole) + fraction
}
