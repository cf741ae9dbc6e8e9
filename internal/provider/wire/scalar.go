package wire

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/govalues/decimal"

	"accountgateway/internal/provider"
)

// text gives a string or a number as text, the number letter by letter as it was sent. Absent, null, false (which PHP
// services send where there is nothing) and what is neither string nor number are "".
func (o *Object) text(member string) string {
	raw := o.members[member]
	switch kind := kindOf(raw); {
	case o.Empty(member) || kind == 'f':
		return ""
	case kind == '"':
		var text string
		if json.Unmarshal(raw, &text) != nil {
			break
		}
		if broken(raw, text) {
			o.Fail(member, "has half a surrogate pair")
			return ""
		}
		return text
	case kind == '-' || kind >= '0' && kind <= '9':
		return strings.TrimSpace(string(raw))
	}
	o.Fail(member, "is neither text nor a number")
	return ""
}

// broken tells whether a string has replacement characters that the vendor did not send: encoding/json puts them in
// place of half a surrogate pair.
func broken(raw json.RawMessage, text string) bool {
	return strings.ContainsRune(text, utf8.RuneError) &&
		strings.Count(text, "\uFFFD") > bytes.Count(raw, []byte("\uFFFD"))+bytes.Count(bytes.ToLower(raw), []byte(`\ufffd`))
}

// Text reads a text that must be there and not empty; a number is taken as it was written.
func (o *Object) Text(member string) string {
	text := o.text(member)
	if text == "" {
		o.Fail(member, "is missing")
	}
	return o.value(member, text)
}

// OptionalText reads a text; absent, null, false and empty are nil.
func (o *Object) OptionalText(member string) *string {
	if text := o.text(member); text != "" {
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

// OptionalAmount reads an exact decimal, be it written with an exponent; absent, null, false and empty are nil.
func (o *Object) OptionalAmount(member string) *decimal.Decimal {
	text := o.text(member)
	if text == "" {
		return nil
	}
	amount, err := provider.ParseAmount(plain(text))
	if err != nil {
		o.Fail(member, "is not an exact amount")
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

// OptionalCount reads a whole number from 0; absent, null, false and empty are nil. "1000.0" and 1.0e+3 are whole.
func (o *Object) OptionalCount(member string) *int64 {
	text := o.text(member)
	if text == "" {
		return nil
	}
	whole, fraction, point := strings.Cut(plain(text), ".")
	n, err := strconv.ParseUint(whole, 10, 63)
	if err != nil || point && (fraction == "" || strings.Trim(fraction, "0") != "") {
		o.Fail(member, "is not a count")
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
		o.Fail(member, "is not a flag")
		return nil
	}
	return &flag
}

// noDate is how MySQL writes that there is no date.
const noDate = "0000-00-00"

// OptionalTime reads "YYYY-MM-DD hh:mm:ss" as UTC. Absent, null, false, empty and the day 0000-00-00 are nil.
func (o *Object) OptionalTime(member string) *time.Time {
	text := o.text(member)
	if day, _, _ := strings.Cut(text, " "); day == "" || day == noDate {
		return nil
	}
	t, err := time.Parse(time.DateTime, text)
	if err != nil {
		o.Fail(member, "is not a time like 2006-01-02 15:04:05")
		return nil
	}
	return &t
}

// Currency reads an ISO 4217 code that must be there. RUR, the rouble's code until 1998, which Russian vendors still
// use, is RUB.
func (o *Object) Currency(member string) provider.Currency {
	code := o.Code(member)
	if code == "RUR" {
		code = "RUB"
	}
	currency, err := provider.ParseCurrency(code)
	switch {
	case code == "":
		o.Fail(member, "is missing")
	case err != nil:
		o.Fail(member, "is not a currency code")
	}
	return currency
}

// Scalar gives a text, number or boolean as text, letter by letter as it was sent; "" if it is absent or null.
func (o *Object) Scalar(member string) string {
	if kind := kindOf(o.members[member]); kind == 't' || kind == 'f' {
		return o.compact(member)
	}
	return o.value(member, o.text(member))
}

// Code gives a text or number as text, or "true", with secrets in it: for comparing it with words that the vendor is
// known to use, or reading it as something that has no room for a secret, such as a currency. It must not be kept.
// Absent, null and false are "".
func (o *Object) Code(member string) string {
	if kindOf(o.members[member]) == 't' {
		return o.compact(member)
	}
	return o.text(member)
}
