package provider

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Kind says what went wrong, in the words that callers see as a problem's
// code. The list is closed: an adapter classifies what its vendor says into
// one of these.
type Kind string

// The kinds.
const (
	KindUnsupportedOperation Kind = "unsupported_operation" // the vendor can't, or it is not built: the message says which
	KindUnsupportedParameter Kind = "unsupported_parameter" // the vendor has no such filter or field
	KindUnsupportedCurrency  Kind = "unsupported_currency"  // the vendor has no such currency
	KindRejected             Kind = "provider_rejected"     // the vendor refused the input
	KindNotFound             Kind = "not_found"             // the vendor has no such thing
	KindConflict             Kind = "conflict"              // the login is taken
	KindInsufficientFunds    Kind = "insufficient_funds"    // the account can't pay for the call
	KindForbidden            Kind = "provider_forbidden"    // the account has no right to this operation
	KindCredentials          Kind = "provider_credentials"  // the vendor refused our credentials
	KindAccess               Kind = "provider_access"       // address not listed, API switched off, account blocked
	KindRateLimited          Kind = "provider_rate_limited" // the vendor's limit, or our budget for it, is used up
	KindUnavailable          Kind = "provider_unavailable"  // a temporary failure: 5xx, refused connection
	KindTimeout              Kind = "provider_timeout"      // no answer within the deadline
	KindBadResponse          Kind = "provider_bad_response" // an answer that is not understood
	KindOther                Kind = "provider_error"        // any other vendor code, kept in Upstream

	// KindDatabase is no vendor's failure: the gateway's own database did not
	// answer, and the vendor was not asked.
	KindDatabase Kind = "database_unavailable"
)

// Error is a failed call to a vendor. It never holds a secret: texts that
// come from the vendor are redacted before they get here.
type Error struct {
	Kind    Kind
	Message string // for people: what happened and, if it helps, what to mend

	Upstream   *Upstream     // the vendor's own words; nil if it said none
	Field      string        // the input field, in our terms, that the vendor refused; "" if not known
	Drift      string        // with KindBadResponse: the vendor's field that was not understood, "body" for the whole
	RetryAfter time.Duration // when another try makes sense; 0 if not known

	// OfAddress is true, with KindRateLimited, when the limit is that of the
	// gateway's address, which all accounts at the vendor's host share.
	OfAddress bool
	// NotSent is true when the vendor surely did not see the request.
	NotSent bool
	// Refused is true when the vendor saw the request and answered that it
	// would not do it, in words that leave no doubt.
	Refused bool

	Err error // the cause; may be nil
}

// Upstream is an error in the vendor's own words.
type Upstream struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

func (e *Error) Error() string {
	s := string(e.Kind) + ": " + e.Message
	if e.Upstream != nil && e.Upstream.Code != "" {
		s += " (vendor code " + e.Upstream.Code + ")"
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// NoEffect tells whether a write that failed so surely changed nothing.
func (e *Error) NoEffect() bool { return e.NotSent || e.Refused }

func (e *Error) Unwrap() error { return e.Err }

// Errorf makes an *Error of a kind without a cause; set Err to keep one.
func Errorf(kind Kind, format string, args ...any) *Error {
	return &Error{Kind: kind, Message: fmt.Sprintf(format, args...)}
}

// KindOf gives the kind of an error: "" for nil, KindTimeout for a deadline
// that passed, KindUnavailable for a call given up, and "" for what is no
// vendor's failure.
func KindOf(err error) Kind {
	var e *Error
	switch {
	case err == nil:
		return ""
	case errors.As(err, &e):
		return e.Kind
	case errors.Is(err, context.DeadlineExceeded):
		return KindTimeout
	case errors.Is(err, context.Canceled):
		return KindUnavailable
	}
	return ""
}
