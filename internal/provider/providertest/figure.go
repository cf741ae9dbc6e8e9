package providertest

import (
	"encoding/json"
	"math/big"
	"strings"

	"github.com/govalues/decimal"

	"accountgateway/internal/provider"
)

// HoldsFigure tells whether a JSON body holds a text or a number that says exactly this amount, digit by digit, or with an exponent. It
// reads the body in its own way, so that a fuzz test can doubt an adapter's.
func HoldsFigure(body string, amount decimal.Decimal) bool {
	in := json.NewDecoder(strings.NewReader(strings.TrimPrefix(body, "\uFEFF")))
	in.UseNumber()
	for {
		token, err := in.Token()
		if err != nil {
			return false
		}
		var text string
		switch token := token.(type) {
		case string:
			text = token
		case json.Number:
			text = token.String()
		}
		if figure, err := provider.ParseAmount(text); err == nil && figure == amount || isPower(text, amount) {
			return true
		}
	}
}

// isPower tells whether a number with an exponent is worth the amount.
func isPower(text string, amount decimal.Decimal) bool {
	_, exponent, found := strings.Cut(strings.ToLower(text), "e")
	if !found || len(strings.TrimLeft(exponent, "+-0")) > 2 { // Rat would write out any number of digits
		return false
	}
	power, ok := new(big.Rat).SetString(text)
	exact, amountOK := new(big.Rat).SetString(amount.String())
	return ok && amountOK && power.Cmp(exact) == 0
}
