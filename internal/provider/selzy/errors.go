package selzy

import (
	"time"

	"accountgateway/internal/provider"
	"accountgateway/internal/provider/upstream"
)

// codes are the published error codes. Codes that are not here, such as those of sending methods, are provider_error,
// and the outcome of a write is unknown. The text beside a code depends on the language and is never looked at.
var codes = upstream.Table{
	"unspecified":                         {Kind: provider.KindOther, Message: "the vendor failed for an unspecified reason"},
	"invalid_api_key":                     {Kind: provider.KindCredentials, Message: "the vendor refused the API key", Refused: "3"},
	"access_denied":                       {Kind: provider.KindAccess, Message: "the vendor has disabled API access: enable it in the account's settings at the vendor", Refused: "3"},
	"unknown_method":                      {Kind: provider.KindUnsupportedOperation, Message: "the vendor does not have this method, or no longer", Refused: "3"},
	"invalid_arg":                         {Kind: provider.KindRejected, Message: "the vendor refused an argument", Refused: "3"},
	"not_enough_money":                    {Kind: provider.KindInsufficientFunds, Message: "the account has too little money", Refused: "3"},
	"retry_later":                         {Kind: provider.KindUnavailable, Message: "the vendor asks to retry later"},
	"api_call_limit_exceeded_for_api_key": {Kind: provider.KindRateLimited, Message: "the vendor's limit of calls with this API key is used up", Refused: "3", RetryAfter: limitWindow},
	"api_call_limit_exceeded_for_ip":      {Kind: provider.KindRateLimited, Message: "the vendor's limit of calls from this gateway's address is used up", Refused: "3", OfAddress: true, RetryAfter: limitWindow},
}

// limitWindow is the time in which the vendor counts calls (selzy.md 4).
const limitWindow = time.Minute

// failure classifies an error. Some codes say more when the method is known.
func (r request) failure(a upstream.Answer, f upstream.Failure) *provider.Error {
	e := codes.Error(a, f)
	switch {
	case f.Code == "access_denied" && (r.method != "getUserInfo" || r.login != ""):
		// The key has just passed getUserInfo: what is denied is the method.
		e.Kind, e.Message = provider.KindForbidden, "the vendor allows this only for resellers, or denies it to this account"
	case f.Code == "invalid_arg" && r.login != "":
		// It can only be the login (the code for a login that is not the reseller's is not documented; assumed).
		e.Kind, e.Message, e.Field = provider.KindNotFound, "the account has no user with this login at the vendor", "login"
	case r.method == "register":
		e.OfAddress = false // it has a limit of its own for an address (selzy.md 4)
	}
	return e
}
