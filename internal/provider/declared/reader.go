package declared

import (
	"errors"
	"strconv"
	"time"
	"unicode/utf8"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
	"github.com/govalues/decimal"

	"accountgateway/internal/provider"
	"accountgateway/internal/provider/wire"
)

// reader evaluates expressions of an answer and keeps the first error, so that a section reads like a table.
type reader struct {
	a   *answer
	err error
}

func (r *reader) fail(e *Expr, why string) {
	if r.err == nil {
		r.err = wire.BadResponse(e.Name, why)
	}
}

// value evaluates; nil if there is an error, an expression that may be absent is, or there is none.
func (r *reader) value(e *Expr, optional bool) ref.Val {
	if e == nil || r.err != nil {
		return nil
	}
	v, err := e.eval(r.a)
	if err != nil {
		if !optional || !errors.Is(err, absent) {
			r.err = err
		}
		return nil
	}
	if o, ok := v.(*types.Optional); ok {
		if v = types.NullValue; o.HasValue() {
			v = o.GetValue()
		}
	}
	if v == types.NullValue && optional {
		return nil
	}
	return v
}

func (r *reader) optionalAmount(e *Expr) *decimal.Decimal {
	v := r.value(e, true)
	if v == nil {
		return nil
	}
	n, ok := v.(number)
	if !ok {
		r.fail(e, "is not an exact decimal")
	}
	return &n.Decimal
}

func (r *reader) amount(e *Expr) decimal.Decimal {
	n, ok := r.value(e, false).(number)
	if !ok {
		r.fail(e, "is not an exact decimal")
	}
	return n.Decimal
}

// money is nil where there is no amount.
func (r *reader) money(e *Expr, currency provider.Currency) *provider.Money {
	if amount := r.optionalAmount(e); amount != nil {
		return &provider.Money{Amount: *amount, Currency: currency}
	}
	return nil
}

func (r *reader) count(e *Expr) *int64 {
	v := r.value(e, true)
	if v == nil {
		return nil
	}
	n, ok := v.(types.Int)
	if !ok || n < 0 {
		r.fail(e, "is not a count")
	}
	count := int64(n)
	return &count
}

func (r *reader) flag(e *Expr) bool {
	v := r.value(e, false)
	flag, ok := v.(types.Bool)
	if e != nil && !ok {
		r.fail(e, "is neither true nor false")
	}
	return bool(flag)
}

func (r *reader) optionalText(e *Expr) *string {
	v := r.value(e, true)
	if v == nil {
		return nil
	}
	text, ok := scalarText(v)
	clean, fit := r.a.Secrets.Value(text)
	switch {
	case !ok:
		r.fail(e, "is not a string")
	case !fit:
		r.fail(e, "is a secret that the vendor was sent")
	case utf8.RuneCountInString(text) > maxText:
		r.fail(e, "is longer than "+strconv.Itoa(maxText)+" characters")
	case clean != "":
		return &clean
	}
	return nil
}

func (r *reader) text(e *Expr) string {
	if text := r.optionalText(e); text != nil {
		return *text
	}
	r.fail(e, "is missing")
	return ""
}

// currency reads an ISO 4217 code. RUR, the rouble's code until 1998, is RUB.
func (r *reader) currency(e *Expr) provider.Currency {
	code, ok := r.value(e, false).(types.String)
	if code == "RUR" {
		code = "RUB"
	}
	currency, err := provider.ParseCurrency(string(code))
	if !ok || err != nil {
		r.fail(e, "is not a currency code")
	}
	return currency
}

// instant reads a time as text in RFC 3339.
func (r *reader) instant(e *Expr) *string {
	v := r.value(e, true)
	if v == nil {
		return nil
	}
	t, ok := v.(types.Timestamp)
	if !ok {
		r.fail(e, "is not a time")
		return nil
	}
	text := t.UTC().Format(time.RFC3339)
	return &text
}

// What an answer may have at most: names of pots are labels of metrics, pots and users members of every answer of ours. One
// that has more is not read: to leave out the rest would be to leave out money.
const (
	maxText  = 256 // characters of a name
	maxPots  = 100
	maxUsers = 10_000
)

// each shows the items of a list, at most so many, one after the other, as the item of the expressions inside.
func (r *reader) each(e *Expr, most int, show func()) {
	list, ok := r.value(e, false).(traits.Lister)
	if !ok {
		r.fail(e, "is not a list")
		return
	}
	if size, _ := list.Size().(types.Int); int(size) > most {
		r.fail(e, "has more than "+strconv.Itoa(most)+" items")
		return
	}
	it := list.Iterator()
	for number := 1; it.HasNext() == types.True && r.err == nil; number++ {
		if r.a.item = it.Next(); types.IsUnknownOrError(r.a.item) {
			r.fail(e, "has an item that can't be used")
			return
		}
		show()
		r.inItem(e, number)
	}
	r.a.item = nil
}

// inItem tells in which item an error is by its place: a name of it would be the vendor's text.
func (r *reader) inItem(list *Expr, number int) {
	var e *provider.Error
	if errors.As(r.err, &e) {
		e.Message += " (item " + strconv.Itoa(number) + " of " + list.Name + ")"
	}
}

// refused tells of a reading that must not be believed. What can't be evaluated refuses too.
func (r *reader) refused(rules []Refusal) {
	for i := range rules {
		rule := &rules[i]
		if holds := r.flag(&rule.When); r.err != nil || !holds {
			continue
		}
		kind := provider.KindForbidden
		if rule.Kind != nil {
			kind = provider.Kind(rule.Kind.Text)
		}
		e := provider.Errorf(kind, "the vendor's answer is not to be believed: %s", rule.Hint.Text)
		if kind == provider.KindBadResponse {
			e.Drift = rule.When.Name
		}
		r.err = e
	}
}
