package wire

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/govalues/decimal"

	"accountgateway/internal/provider"
)

// text gives a string or a number as text, the number letter by letter as it was sent. ok is false if the member is
// absent, null, or neither.
func (o *Object) text(member string) (text string, ok bool) {
	raw := o.members[member]
	switch kind := kindOf(raw); {
	case o.Empty(member):
		return "", false
	case kind == '"':
		if json.Unmarshal(raw, &text) == nil {
			return text, true
		}
	case kind == '-' || kind >= '0' && kind <= '9':
		return strings.TrimSpace(string(raw)), true
	}
	o.Fail(member, "is neither text nor a number")
	return "", false
}

// Text reads a text that must be there and not empty; a number is taken as it was written.
func (o *Object) Text(member string) string {
	text, _ := o.text(member)
	if text == "" {
		o.Fail(member, "is missing")
	}
	return o.value(member, text)
}

// OptionalText reads a text; absent, null and empty are nil.
func (o *Object) OptionalText(member string) *string {
	if text, ok := o.text(member); ok && text != "" {
		text = o.value(member, text)
		return &text
	}
	return nil
}

// Amount reads an exact decimal that must be there.
func (o *Object) Amount(member string) decimal.Decimal {
	if amount := o.OptionalAmount(member); amount != nil {
		return *amount
	}
	o.Fail(member, "is missing")
	return decimal.Decimal{}
}

// OptionalAmount reads an exact decimal; absent and null are nil.
func (o *Object) OptionalAmount(member string) *decimal.Decimal {
	text, ok := o.text(member)
	if !ok {
		return nil
	}
	amount, err := provider.ParseAmount(text)
	if err != nil {
		o.Fail(member, "is no exact amount")
		return nil
	}
	return &amount
}

// Count reads a whole number from 0 that must be there.
func (o *Object) Count(member string) int64 {
	if n := o.OptionalCount(member); n != nil {
		return *n
	}
	o.Fail(member, "is missing")
	return 0
}

// OptionalCount reads a whole number from 0; absent and null are nil. "1000.0" is whole.
func (o *Object) OptionalCount(member string) *int64 {
	text, ok := o.text(member)
	if !ok {
		return nil
	}
	whole, fraction, point := strings.Cut(text, ".")
	n, err := strconv.ParseUint(whole, 10, 63)
	if err != nil || point && (fraction == "" || strings.Trim(fraction, "0") != "") {
		o.Fail(member, "is no count")
		return nil
	}
	count := int64(n)
	return &count
}

// OptionalFlag reads 1, 0, "1", "0", true or false; absent, null and empty are nil.
func (o *Object) OptionalFlag(member string) *bool {
	var flag bool
	switch o.compact(member) {
	case "", "null", `""`:
		return nil
	case "1", `"1"`, "true":
		flag = true
	case "0", `"0"`, "false":
	default:
		o.Fail(member, "is no flag")
		return nil
	}
	return &flag
}

// OptionalTime reads "YYYY-MM-DD hh:mm:ss" as UTC. Absent, null, empty and "0000-00-00 00:00:00" are nil.
func (o *Object) OptionalTime(member string) *time.Time {
	text, ok := o.text(member)
	if !ok || text == "" || text == "0000-00-00 00:00:00" {
		return nil
	}
	t, err := time.Parse(time.DateTime, text)
	if err != nil {
		o.Fail(member, "is no time like 2006-01-02 15:04:05")
		return nil
	}
	return &t
}

// Scalar gives a text, number or boolean as text, letter by letter as it was sent; "" if it is absent or null.
func (o *Object) Scalar(member string) string { return o.value(member, o.Code(member)) }

// Code gives what Scalar does, with secrets in it: for comparing it with words that the vendor is known to use, or
// reading it as something that has no room for a secret, such as a currency. It must not be kept.
func (o *Object) Code(member string) string {
	if kind := kindOf(o.members[member]); kind == 't' || kind == 'f' {
		return o.compact(member)
	}
	text, _ := o.text(member)
	return text
}
