package selzy

import (
	"net/http"
	"time"

	"accountgateway/internal/provider"
	"accountgateway/internal/provider/wire"
)

// class is what an error code means to the gateway.
type class struct {
	kind    provider.Kind
	message string // what happened and what to mend; no vendor text
	// refused is the section of docs/providers/selzy.md whose documentation of the code says that the vendor refuses the
	// call before it does anything. Empty: a write that gets the code may have been done.
	refused string
}

// classes are the published error codes. Codes that are not here, such as those of sending methods, are provider_error,
// and nobody knows what became of a write. The text beside a code depends on the language and is never looked at.
var classes = map[string]class{
	"unspecified":                         {provider.KindOther, "the vendor failed without a reason that the gateway knows", ""},
	"invalid_api_key":                     {provider.KindCredentials, "the vendor refused the API key: check the account's API_KEY setting", "3"},
	"access_denied":                       {provider.KindAccess, "the vendor has switched API access off: switch it on in the account's settings at the vendor", "3"},
	"unknown_method":                      {provider.KindUnsupportedOperation, "the vendor does not have this method (any more)", "3"},
	"invalid_arg":                         {provider.KindRejected, "the vendor refused an argument", "3"},
	"not_enough_money":                    {provider.KindInsufficientFunds, "the account has not enough money", "3"},
	"retry_later":                         {provider.KindUnavailable, "the vendor asks to try again later", ""},
	"api_call_limit_exceeded_for_api_key": {provider.KindRateLimited, "the vendor's limit of calls with this API key is used up", "3"},
	"api_call_limit_exceeded_for_ip":      {provider.KindRateLimited, "the vendor's limit of calls from this gateway's address is used up", "3"},
}

// Two codes say more when the method is known: the key has just passed getUserInfo when getUsers is called, so that
// what is denied is the method; and an argument that getUserInfo refuses can only be its login (the code for a login
// that is not the reseller's is not documented; assumed).
var (
	deniedMethod = class{provider.KindForbidden, "the vendor opens this to resellers only, or denies it to this account", "3"}
	noSuchLogin  = class{provider.KindNotFound, "the account has no user with this login at the vendor", "3"}
)

// limitWindow is the time in which the vendor counts calls (selzy.md 4).
const limitWindow = time.Minute

// failure is an error envelope; code may be empty (documented for changeTariff).
type failure struct {
	request request
	code    string
	said    provider.Upstream
}

// error classifies by the code, or by the HTTP status where the code is not known.
func (f failure) error(status int) *provider.Error {
	c, known := classes[f.code]
	if !known && status != http.StatusOK {
		e := wire.StatusError(status)
		e.Upstream = &f.said
		return e
	}
	field := ""
	switch {
	case !known:
		c = class{provider.KindOther, "the vendor answered with an error that the gateway does not know", ""}
	case f.code == "access_denied" && (f.request.method != "getUserInfo" || f.request.login != ""):
		c = deniedMethod
	case f.code == "invalid_arg" && f.request.login != "":
		c, field = noSuchLogin, "login"
	}
	e := provider.Errorf(c.kind, "%s", c.message)
	e.Upstream, e.Field = &f.said, field
	e.Refused = c.refused != "" && status == http.StatusOK
	if c.kind == provider.KindRateLimited {
		e.RetryAfter = limitWindow
		// register has a limit of its own for an address (selzy.md 4).
		e.OfAddress = f.code == "api_call_limit_exceeded_for_ip" && f.request.method != "register"
	}
	return e
}
