package provider

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/govalues/decimal"
)

// Money is an exact amount in a currency. It never passes through a float.
type Money struct {
	Amount   decimal.Decimal // as many digits after the point as the vendor sent
	Currency Currency
}

// maxDigits is how many digits decimal.Decimal holds exactly; it would round
// a longer figure.
const maxDigits = 19

// ErrTooManyDigits is ParseAmount's error of an amount that can't be kept exactly.
var ErrTooManyDigits = fmt.Errorf("the amount has more than %d digits", maxDigits)

// ParseAmount reads an exact decimal: an optional minus, digits, and
// optionally a point and digits. Anything else is an error, also what other
// readers of numbers forgive: "12,50", "1e3", "+5", " 5", ".5".
func ParseAmount(text string) (decimal.Decimal, error) {
	whole, fraction, point := strings.Cut(strings.TrimPrefix(text, "-"), ".")
	if !allDigits(whole) || point && !allDigits(fraction) {
		return decimal.Decimal{}, fmt.Errorf("not a decimal number")
	}
	if len(strings.TrimLeft(whole, "0"))+len(fraction) > maxDigits {
		return decimal.Decimal{}, ErrTooManyDigits
	}
	return decimal.Parse(text)
}

func allDigits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

type moneyJSON struct {
	Amount   string   `json:"amount"`
	Currency Currency `json:"currency"`
}

// MarshalJSON writes {"amount":"310.20","currency":"USD"}.
func (m Money) MarshalJSON() ([]byte, error) {
	return json.Marshal(moneyJSON{Amount: m.Amount.String(), Currency: m.Currency})
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (m *Money) UnmarshalJSON(data []byte) error {
	var raw moneyJSON
	if err := json.Unmarshal(data, &raw); err != nil {
		return err
	}
	amount, err := ParseAmount(raw.Amount)
	if err != nil {
		return fmt.Errorf("amount: %w", err)
	}
	currency, err := ParseCurrency(string(raw.Currency))
	if err != nil {
		return err
	}
	*m = Money{Amount: amount, Currency: currency}
	return nil
}

// Currency is an Upper-case ISO 4217 code.
type Currency string

// ParseCurrency checks that text is an ISO 4217 code of money that circulates.
func ParseCurrency(text string) (Currency, error) {
	if len(text) != 3 || !strings.Contains(currencies, " "+text+" ") {
		return "", fmt.Errorf("not an ISO 4217 currency code")
	}
	return Currency(text), nil
}

// currencies is ISO 4217's list of active codes (amendment 180), without
// metals, funds, units of account and test codes. golang.org/x/text lacks some
// of them.
const currencies = " AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLP CNY COP CRC CUP CVE CZK " +
	"DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT " +
	"LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF " +
	"SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VED VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG "

// Date is a day as YYYY-MM-DD; empty is no day.
type Date string
