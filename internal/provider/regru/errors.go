package regru

import (
	"net/http"

	"accountgateway/internal/provider"
	"accountgateway/internal/provider/wire"
)

// class is what an error code means to the gateway.
type class struct {
	kind    provider.Kind
	message string // what happened and what to mend; no vendor text
	field   string // the input field, in our terms, if the code itself names one
	// refused is the section of docs/providers/regru.md whose documentation of the code says that REG.RU refuses the call
	// before it does anything. Empty: a write that gets the code may have been done.
	refused string
}

const (
	mendLogin  = "check the account's USERNAME and PASSWORD settings"
	mendAccess = "check the API settings of the account at REG.RU"
)

// classes are the documented and seen error codes. Codes that are not here, such as those of domains and orders, are
// provider_error, and nobody knows what became of a write. error_text may change at any time and is never looked at.
var classes = map[string]class{
	"NO_USERNAME":                {provider.KindCredentials, "REG.RU got no username: " + mendLogin, "", "2.3"},
	"NO_AUTH":                    {provider.KindCredentials, "REG.RU got no username and password: " + mendLogin, "", "2.3"},
	"PASSWORD_AUTH_FAILED":       {provider.KindCredentials, "REG.RU refused the username or password: " + mendLogin, "", "2.3"},
	"USER_AUTHENTICATION_FAILED": {provider.KindCredentials, "REG.RU refused the username or password: " + mendLogin, "", "2.3"},
	"MORE_THAN_ONE_ACCOUNT_WITH_THE_SAME_EMAIL": {provider.KindCredentials, "several REG.RU accounts have this e-mail address: set the account's USERNAME to the login, not the e-mail", "", "2.3"},

	"RESELLER_AUTH_FAILED": {provider.KindForbidden, "REG.RU allows this to partners only, and the account is none", "", "4"},
	"PURCHASES_DISABLED":   {provider.KindForbidden, "REG.RU has forbidden orders to this account: ask its support", "", "4"},

	"ACCESS_DENIED":         {provider.KindAccess, "REG.RU has closed the API for this account: " + mendAccess + " or ask its support", "", "4"},
	"ACCESS_DENIED_FROM_IP": {provider.KindAccess, "REG.RU does not take calls from this gateway's address: add the address to the list in the account's API settings at REG.RU", "", "4"},
	"ACCOUNT_BLOCKED":       {provider.KindAccess, "REG.RU has blocked the account: ask its support", "", "4"},
	"HTTPS_ONLY":            {provider.KindAccess, "REG.RU takes https alone: check the account's BASE_URL setting", "", "4"},

	"IP_EXCEEDED_ALLOWED_CONNECTION_RATE":      {provider.KindRateLimited, "REG.RU's hourly limit of calls from this address is used up", "", "2.4"},
	"ACCOUNT_EXCEEDED_ALLOWED_CONNECTION_RATE": {provider.KindRateLimited, "REG.RU's hourly limit of calls for this account is used up", "", "2.4"},

	"SERVICE_UNAVAILABLE": {provider.KindUnavailable, "REG.RU's API is down for the moment", "", ""},
	"BILLING_LOCK":        {provider.KindUnavailable, "REG.RU is at work on another billing call of this account", "", "1"},
	"CONNECTION_FAILED":   {provider.KindUnavailable, "REG.RU can't reach the registry for the moment", "", ""},
	"INTERNAL_ERROR":      {provider.KindUnavailable, "REG.RU failed inside", "", ""},
	"INTERNAL_API_ERROR":  {provider.KindUnavailable, "REG.RU failed inside", "", ""},

	"NO_SUCH_COMMAND":       {provider.KindUnsupportedOperation, "REG.RU does not have this function (any more)", "", "4"},
	"PARAMETER_MISSING":     {provider.KindRejected, "REG.RU misses a parameter", "", "4"},
	"PARAMETER_INCORRECT":   {provider.KindRejected, "REG.RU refused a parameter's format or value", "", "4"},
	"INVALID_CONTACTS":      {provider.KindRejected, "REG.RU refused the contact data", "", ""}, // seen, but not in the manual
	"UNSUPPORTED_CURRENCY":  {provider.KindUnsupportedCurrency, "REG.RU does not know this currency", "currency", "4"},
	"NOT_ENOUGH_MONEY":      {provider.KindInsufficientFunds, "the REG.RU account has not enough money", "", "4"},
	"USER_LOGIN_NOT_UNIQUE": {provider.KindConflict, "the login is taken at REG.RU", "login", "4"},

	// The gateway's own faults: it posts, and puts nothing into the query.
	"ONLY_POST_ALLOWED":       {provider.KindOther, "REG.RU takes POST alone", "", "4"},
	"QUERY_PARAMS_DISALLOWED": {provider.KindOther, "REG.RU takes no parameters in the URL", "", "4"},
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

// failure is an error envelope.
type failure struct {
	code     string
	param    string // error_params.param: what PARAMETER_MISSING and PARAMETER_INCORRECT speak of
	upstream *provider.Upstream
}

// newFailure reads what stands beside the code. error_params may be missing, null or an object; nothing that is odd
// about it or about the text changes what the code means.
func newFailure(envelope *wire.Object, code string) failure {
	f := failure{code: code, upstream: &provider.Upstream{
		Code:    envelope.Words("error_code"),
		Message: envelope.Words("error_text"),
	}}
	if !envelope.Empty("error_params") {
		f.param = envelope.Object("error_params").Code("param")
	}
	return f
}

// error classifies by the code, or by the HTTP status where the code is not known.
func (f failure) error(status int) *provider.Error {
	c, known := classes[f.code]
	if !known && status != http.StatusOK {
		e := wire.StatusError(status)
		e.Upstream = f.upstream
		return e
	}
	if !known {
		c = class{kind: provider.KindOther, message: "REG.RU answered with an error that the gateway does not know"}
	}
	e := provider.Errorf(c.kind, "%s", c.message)
	e.Upstream = f.upstream
	e.Refused = c.refused != "" && status == http.StatusOK
	e.Field = c.field
	e.OfAddress = f.code == "IP_EXCEEDED_ALLOWED_CONNECTION_RATE"
	if field := fieldOf(f.param); field != "" {
		e.Field = field
	}
	return e
}
