package providertest

import (
	"encoding/json"
	"strings"

	"github.com/govalues/decimal"

	"accountgateway/internal/provider"
)

// HoldsFigure tells whether a JSON body holds a text or a number that says exactly this amount, digit by digit. It
// reads the body in its own way, so that a fuzz test can doubt an adapter's.
func HoldsFigure(body string, amount decimal.Decimal) bool {
	in := json.NewDecoder(strings.NewReader(body))
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
		if figure, err := provider.ParseAmount(text); err == nil && figure == amount {
			return true
		}
	}
}
