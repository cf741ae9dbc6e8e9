package regru

import (
	"net/http"

	"accountgateway/internal/provider"
	"accountgateway/internal/provider/upstream"
	"accountgateway/internal/provider/wire"
)

// codes are the documented and seen error codes. Codes that are not here, such as those of domains and orders, are
// provider_error, and the outcome of a write is unknown. error_text may change at any time and is never looked at.
var codes = upstream.Table{
	"NO_USERNAME":                {Kind: provider.KindCredentials, Message: "REG.RU received no username", Refused: "2.3"},
	"NO_AUTH":                    {Kind: provider.KindCredentials, Message: "REG.RU received no username and password", Refused: "2.3"},
	"PASSWORD_AUTH_FAILED":       {Kind: provider.KindCredentials, Message: "REG.RU refused the username or password", Refused: "2.3"},
	"USER_AUTHENTICATION_FAILED": {Kind: provider.KindCredentials, Message: "REG.RU refused the username or password", Refused: "2.3"},
	"MORE_THAN_ONE_ACCOUNT_WITH_THE_SAME_EMAIL": {Kind: provider.KindCredentials, Message: "several REG.RU accounts have this e-mail address: set the account's USERNAME to the login, not the e-mail", Refused: "2.3"},

	"RESELLER_AUTH_FAILED": {Kind: provider.KindForbidden, Message: "REG.RU allows this only for partners, and the account is not one", Refused: "4"},
	"PURCHASES_DISABLED":   {Kind: provider.KindForbidden, Message: "REG.RU has disabled orders for this account: contact its support", Refused: "4"},

	"ACCESS_DENIED":         {Kind: provider.KindAccess, Message: "REG.RU has disabled the API for this account: check the API settings of the account at REG.RU or contact its support", Refused: "4"},
	"ACCESS_DENIED_FROM_IP": {Kind: provider.KindAccess, Message: "REG.RU refuses calls from this gateway's address: add the address to the list in the account's API settings at REG.RU", Refused: "4"},
	"ACCOUNT_BLOCKED":       {Kind: provider.KindAccess, Message: "REG.RU has blocked the account: contact its support", Refused: "4"},
	"HTTPS_ONLY":            {Kind: provider.KindAccess, Message: "REG.RU accepts only https: check the account's BASE_URL setting", Refused: "4"},

	"IP_EXCEEDED_ALLOWED_CONNECTION_RATE":      {Kind: provider.KindRateLimited, Message: "REG.RU's hourly limit of calls from this address is used up", Refused: "2.4", OfAddress: true},
	"ACCOUNT_EXCEEDED_ALLOWED_CONNECTION_RATE": {Kind: provider.KindRateLimited, Message: "REG.RU's hourly limit of calls for this account is used up", Refused: "2.4"},

	"SERVICE_UNAVAILABLE": {Kind: provider.KindUnavailable, Message: "REG.RU's API is temporarily unavailable"},
	"BILLING_LOCK":        {Kind: provider.KindUnavailable, Message: "REG.RU is processing another billing call of this account", Refused: "1"},
	"CONNECTION_FAILED":   {Kind: provider.KindUnavailable, Message: "REG.RU temporarily can't reach the registry"},
	"INTERNAL_ERROR":      {Kind: provider.KindUnavailable, Message: "REG.RU reported an internal error"},
	"INTERNAL_API_ERROR":  {Kind: provider.KindUnavailable, Message: "REG.RU reported an internal error"},

	"NO_SUCH_COMMAND":       {Kind: provider.KindUnsupportedOperation, Message: "REG.RU does not have this function, or no longer", Refused: "4"},
	"PARAMETER_MISSING":     {Kind: provider.KindRejected, Message: "REG.RU reports a missing parameter", Refused: "4"},
	"PARAMETER_INCORRECT":   {Kind: provider.KindRejected, Message: "REG.RU refused a parameter's format or value", Refused: "4"},
	"INVALID_CONTACTS":      {Kind: provider.KindRejected, Message: "REG.RU refused the contact data"}, // seen, but not in the manual
	"UNSUPPORTED_CURRENCY":  {Kind: provider.KindUnsupportedCurrency, Message: "REG.RU does not know this currency", Field: "currency", Refused: "4"},
	"NOT_ENOUGH_MONEY":      {Kind: provider.KindInsufficientFunds, Message: "the REG.RU account has too little money", Refused: "4"},
	"USER_LOGIN_NOT_UNIQUE": {Kind: provider.KindConflict, Message: "the login is taken at REG.RU", Field: "login", Refused: "4"},

	// The gateway's own faults: it posts, and puts nothing into the query.
	"ONLY_POST_ALLOWED":       {Kind: provider.KindOther, Message: "REG.RU accepts only POST", Refused: "4"},
	"QUERY_PARAMS_DISALLOWED": {Kind: provider.KindOther, Message: "REG.RU accepts no parameters in the URL", Refused: "4"},
}

// fieldOf turns REG.RU's name of a parameter into ours; "" if it has none.
func fieldOf(param string) string {
	switch param {
	case "currency", "date_from", "date_till", "amount":
		return param
	case "pay_type":
		return "method"
	case "wmid":
		return "wallet_id"
	}
	for _, f := range userFields {
		if f.param == param {
			return f.field
		}
	}
	if _, known := userAttributes[param]; known {
		return attribute(param)
	}
	return ""
}

// failure reads an error envelope. error_params may be missing, null or an object; nothing that is odd about it or about
// the text changes what the code means.
func failure(a upstream.Answer, envelope *wire.Object, code string) *provider.Error {
	e := codes.Error(a, upstream.Failure{
		Code: code, Text: envelope.Code("error_text"),
		AtOdds: envelope.Code("result") != "error" || !envelope.Empty("answer"),
	})
	if _, known := codes[code]; (known || a.Status == http.StatusOK) && !envelope.Empty("error_params") {
		// error_params.param is what PARAMETER_MISSING and PARAMETER_INCORRECT speak of.
		if field := fieldOf(envelope.Object("error_params").Code("param")); field != "" {
			e.Field = field
		}
	}
	return e
}
