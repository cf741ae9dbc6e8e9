package declared

import (
	"net/http"
	"strconv"
	"time"

	"cel.dev/cel-go/common/types"

	"accountgateway/internal/provider"
	"accountgateway/internal/provider/wire"
)

// byStatus is what a status means where no rule of the file holds.
var byStatus = map[int]provider.Kind{
	http.StatusUnauthorized: provider.KindCredentials, http.StatusForbidden: provider.KindForbidden,
	http.StatusPaymentRequired: provider.KindInsufficientFunds, http.StatusTooManyRequests: provider.KindRateLimited,
}

// failure is the error that an answer says; nil if it says none. A rule that can't be evaluated does not hold.
func (v *Vendor) failure(a *answer) error {
	for i := range v.file.Errors {
		rule := &v.file.Errors[i]
		if holds, err := rule.When.eval(a); err == nil && holds == types.True {
			return v.error(a, provider.Kind(rule.Kind.Text), rule)
		}
	}
	if a.Status/100 == 2 {
		return nil
	}
	kind, known := byStatus[a.Status]
	switch {
	case known:
	case a.Status >= http.StatusInternalServerError:
		kind = provider.KindUnavailable
	default:
		kind = provider.KindOther
	}
	return v.error(a, kind, &Rule{})
}

// error makes the error of a kind in the words of a rule, or else of the file.
func (v *Vendor) error(a *answer, kind provider.Kind, rule *Rule) error {
	e := provider.Errorf(kind, "%s", v.message(kind, a.Status))
	if rule.Hint != nil {
		e.Message = rule.Hint.Text
	}
	said := provider.Upstream{Code: a.words(rule.Code, v.file.ErrorCode), Message: a.words(rule.Message, v.file.ErrorMessage)}
	if said.Code == "" && a.Status/100 != 2 {
		said.Code = strconv.Itoa(a.Status)
	}
	if said != (provider.Upstream{}) {
		e.Upstream = &said
	}
	if kind == provider.KindBadResponse {
		e.Drift = wire.Body
	}
	if rule.RetryAfter != nil {
		if wait, err := rule.RetryAfter.eval(a); err == nil {
			seconds, _ := wait.(types.Int)
			e.RetryAfter = time.Duration(max(0, min(seconds, maxWait))) * time.Second
		}
	}
	return e
}

// maxWait is the longest that a vendor may ask to wait, in seconds.
const maxWait = 24 * 60 * 60

// message says what happened and what to mend.
func (v *Vendor) message(kind provider.Kind, status int) string {
	switch kind {
	case provider.KindCredentials:
		return "the vendor refused the credentials"
	case provider.KindAccess:
		return "the vendor keeps the gateway out: its address may not be on the account's list, or the API is switched off"
	case provider.KindForbidden:
		return "the account, or its key, has no right to this at the vendor"
	case provider.KindRateLimited:
		return "the vendor's limit of calls is used up"
	case provider.KindUnavailable:
		return "the vendor failed for the moment (HTTP status " + strconv.Itoa(status) + ")"
	case provider.KindInsufficientFunds:
		return "the account has too little money"
	case provider.KindBadResponse:
		return "the vendor's answer was not understood"
	default:
		return "the vendor answered with an error (HTTP status " + strconv.Itoa(status) + ")"
	}
}

// words are what the first of the expressions that says something says, for people.
func (a *answer) words(of ...*Expr) string {
	for _, e := range of {
		if e == nil {
			continue
		}
		v, err := e.eval(a)
		if err != nil {
			continue
		}
		text, ok := scalarText(v)
		if !ok || text == "" {
			continue
		}
		return a.Secrets.Quote(text)
	}
	return ""
}
