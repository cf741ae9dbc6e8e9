package declared

import (
	"errors"
	"reflect"
	"strconv"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
	"github.com/govalues/decimal"

	"accountgateway/internal/provider"
	"accountgateway/internal/provider/wire"
)

// number is an exact decimal in expressions. Every number of an answer is one. Its arithmetic is exact or fails: a float
// and a rounded sum are not to be had.
type number struct{ decimal.Decimal }

// numberType is known to expressions as decimal.
var numberType = cel.ObjectType("decimal",
	traits.AdderType|traits.SubtractorType|traits.MultiplierType|traits.NegatorType|traits.ComparerType)

var (
	_ traits.Adder      = number{}
	_ traits.Subtractor = number{}
	_ traits.Multiplier = number{}
	_ traits.Comparer   = number{}
)

// reason is why an expression has no value, in words of our own: nothing of the vendor's answer is in it.
type reason string

func (r reason) Error() string { return string(r) }

func fail(why reason) ref.Val { return types.WrapErr(why) }

const notExact reason = "is not exact in 19 digits"

func exact(d decimal.Decimal, err error) ref.Val {
	if err != nil {
		return fail(notExact)
	}
	return number{d}
}

// Add adds exactly: AddExact with the larger scale fails where Add would round.
func (n number) Add(other ref.Val) ref.Val {
	o, ok := operand(other)
	if !ok {
		return types.MaybeNoSuchOverloadErr(other)
	}
	return exact(n.AddExact(o, max(n.Scale(), o.Scale())))
}

// Subtract takes away exactly.
func (n number) Subtract(other ref.Val) ref.Val {
	o, ok := operand(other)
	if !ok {
		return types.MaybeNoSuchOverloadErr(other)
	}
	return exact(n.SubExact(o, max(n.Scale(), o.Scale())))
}

// Multiply multiplies exactly.
func (n number) Multiply(other ref.Val) ref.Val {
	o, ok := operand(other)
	if !ok {
		return types.MaybeNoSuchOverloadErr(other)
	}
	scale := n.Scale() + o.Scale()
	if scale > decimal.MaxScale {
		return fail(notExact)
	}
	return exact(n.MulExact(o, scale))
}

// Negate changes the sign.
func (n number) Negate() ref.Val { return number{n.Neg()} }

// Compare orders numbers.
func (n number) Compare(other ref.Val) ref.Val {
	o, ok := operand(other)
	if !ok {
		return types.MaybeNoSuchOverloadErr(other)
	}
	return types.Int(n.Cmp(o))
}

// Equal tells whether two numbers are worth the same, whatever their digits after the point.
func (n number) Equal(other ref.Val) ref.Val {
	o, ok := operand(other)
	return types.Bool(ok && n.Cmp(o) == 0)
}

// ConvertToType gives the number as text, as it was sent, or as a whole number if it is one.
func (n number) ConvertToType(to ref.Type) ref.Val {
	switch to {
	case types.StringType:
		return types.String(n.String())
	case types.IntType:
		return whole(n.Decimal)
	case numberType:
		return n
	case types.TypeType:
		return numberType
	}
	return fail("is a number where something else is wanted")
}

// ConvertToNative gives the decimal.
func (n number) ConvertToNative(to reflect.Type) (any, error) {
	if to == reflect.TypeFor[decimal.Decimal]() {
		return n.Decimal, nil
	}
	return nil, errors.New("a decimal is not " + to.String())
}

// Type is decimal.
func (number) Type() ref.Type { return numberType }

// Value is the decimal.
func (n number) Value() any { return n.Decimal }

// operand is a number that arithmetic takes: never a float.
func operand(v ref.Val) (decimal.Decimal, bool) {
	switch v := v.(type) {
	case number:
		return v.Decimal, true
	case types.Int:
		d, err := decimal.New(int64(v), 0)
		return d, err == nil
	}
	return decimal.Decimal{}, false
}

func whole(d decimal.Decimal) ref.Val {
	integer, fraction, ok := d.Int64(0)
	if !ok || fraction != 0 || !d.IsInt() {
		return fail("is not an integer")
	}
	return types.Int(integer)
}

// toDecimal reads a number, or a text that is one and nothing else.
func toDecimal(v ref.Val) ref.Val {
	switch v := present(v).(type) {
	case number:
		return v
	case types.Int:
		d, err := decimal.New(int64(v), 0)
		return exact(d, err)
	case types.String:
		d, err := wire.Decimal(string(v))
		if err != nil {
			return fail("is not an exact decimal")
		}
		return number{d}
	case types.Null:
		return fail("is null")
	case *types.Err, *types.Unknown:
		return v
	}
	return fail("is neither a number nor a text")
}

// absent is why there is no number where the vendor says nothing: body.?x without x, or with null. Where the format
// allows it, the figure is then left out; elsewhere it fails like any other reason.
const absent reason = "is missing"

// present takes the value out of an optional one.
func present(v ref.Val) ref.Val {
	o, ok := v.(*types.Optional)
	switch {
	case !ok:
		return v
	case !o.HasValue(), o.GetValue() == types.NullValue:
		return fail(absent)
	}
	return o.GetValue()
}

// toCount reads a whole number from 0.
func toCount(v ref.Val) ref.Val {
	read := toDecimal(v)
	d, ok := read.(number)
	if !ok {
		return read
	}
	if d.Sign() < 0 {
		return fail("is negative")
	}
	return whole(d.Decimal)
}

// shift moves the decimal point: shift(x, -2) makes dollars of cents.
func shift(v, places ref.Val) ref.Val {
	read := toDecimal(v)
	d, ok := read.(number)
	if !ok {
		return read
	}
	n, ok := places.(types.Int)
	if !ok || n < -decimal.MaxScale || n > decimal.MaxScale {
		return fail("is shifted by more than 19 places")
	}
	moved, err := provider.ParseAmount(shiftText(d.String(), int(n)))
	if err != nil {
		return fail(notExact)
	}
	return number{moved}
}

// shiftText moves the point of a decimal that is written without an exponent.
func shiftText(text string, places int) string {
	sign := ""
	if rest, negative := strings.CutPrefix(text, "-"); negative {
		sign, text = "-", rest
	}
	before, after, _ := strings.Cut(text, ".")
	digits, point := before+after, len(before)+places
	if point < 1 {
		digits, point = strings.Repeat("0", 1-point)+digits, 1
	}
	if point > len(digits) {
		digits += strings.Repeat("0", point-len(digits))
	}
	before, after = digits[:point], digits[point:]
	if before = strings.TrimLeft(before, "0"); before == "" {
		before = "0"
	}
	if after != "" {
		after = "." + after
	}
	return sign + before + after
}

// scalarText writes a text, number or truth value as it was sent.
func scalarText(v ref.Val) (string, bool) {
	switch v := v.(type) {
	case types.String:
		return string(v), true
	case number:
		return v.String(), true
	case types.Int:
		return strconv.FormatInt(int64(v), 10), true
	case types.Bool:
		return strconv.FormatBool(bool(v)), true
	case *types.Optional:
		if v.HasValue() {
			return scalarText(v.GetValue())
		}
	}
	return "", false
}
