package httpapi

import (
	"net/http"
	"time"

	"accountgateway/internal/account"
	"accountgateway/internal/provider"
)

// Answer is what the API answers with a fresh reading of an operation, or with its failure: the status and the body. It
// is for commands that show how a vendor is read.
func Answer(name, vendor string, op provider.Operation, at time.Time, r provider.Readings, failure error) (status int, body any) {
	if failure != nil {
		p, _ := describe(failure)
		p.Account, p.Provider = &name, &vendor
		return p.Status, p
	}
	switch op { //nolint:exhaustive // the others are no readings
	case provider.OpBalance:
		return http.StatusOK, balanceBody(account.Reading[provider.Balance]{Account: name, Provider: vendor, AsOf: at, Value: r.Balance})
	case provider.OpStatistics:
		return http.StatusOK, statisticsBody(account.Reading[provider.Statistics]{Account: name, Provider: vendor, AsOf: at, Value: r.Statistics})
	default:
		return http.StatusOK, usersBody(account.Reading[provider.Users]{Account: name, Provider: vendor, AsOf: at, Value: r.Users}, page{limit: maxLimit})
	}
}
