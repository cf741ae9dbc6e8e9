package upstream

import (
	"fmt"
	"net/http"
	"time"

	"accountgateway/internal/provider"
)

// Table is what a vendor's error codes mean to the gateway.
type Table map[string]Meaning

// Meaning is what one code means.
type Meaning struct {
	Kind    provider.Kind
	Message string // what happened and what to mend; none of the vendor's text
	Field   string // the input field, in our terms, if the code itself names one
	// Refused is the section of the vendor's document (docs/providers) that says of the code that the vendor refuses the
	// call before it does anything. Empty: a write that gets the code may have been done.
	Refused    string
	OfAddress  bool          // a limit of the gateway's address, not of the account
	RetryAfter time.Duration // when another try makes sense; 0 if the vendor does not say
}

// Failure is an error that stands in an answer.
type Failure struct {
	Code, Text string // as the vendor sent them
	// AtOdds is true when the answer also holds something that only a success has: then the outcome is unknown.
	AtOdds bool
}

// Error classifies a failure by its code, or by the HTTP status where the code is not known: an unknown code under
// status 200 is provider_error. The vendor's own words are kept, without secrets.
func (t Table) Error(a Answer, f Failure) *provider.Error {
	m, known := t[f.Code]
	e := &provider.Error{
		Kind: m.Kind, Message: m.Message, Field: m.Field, OfAddress: m.OfAddress, RetryAfter: m.RetryAfter,
		Refused: m.Refused != "" && a.Status == http.StatusOK && !f.AtOdds,
	}
	switch {
	case known:
	case a.Status != http.StatusOK:
		e = StatusError(a.Status)
	default:
		e = provider.Errorf(provider.KindOther, "the vendor answered with an error that the gateway does not know")
	}
	e.Upstream = &provider.Upstream{Code: a.Secrets.Quote(f.Code), Message: a.Secrets.Quote(f.Text)}
	return e
}

// StatusError is the failure of an answer whose HTTP status says so and whose body does not say more.
func StatusError(status int) *provider.Error {
	switch {
	case status >= 500:
		return provider.Errorf(provider.KindUnavailable, "the vendor answered HTTP %d %s", status, http.StatusText(status))
	case status == http.StatusTooManyRequests:
		return provider.Errorf(provider.KindRateLimited, "the vendor's limit of calls is used up (HTTP 429)")
	case status/100 == 3:
		return badResponse(fmt.Sprintf("the vendor answered with a redirect (HTTP %d), which is never followed", status))
	}
	return badResponse(fmt.Sprintf("the vendor answered HTTP %d %s", status, http.StatusText(status)))
}

func badResponse(message string) *provider.Error {
	return &provider.Error{Kind: provider.KindBadResponse, Message: message, Drift: wholeBody}
}
