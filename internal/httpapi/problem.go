package httpapi

import (
	"context"
	"errors"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"accountgateway/internal/account"
	"accountgateway/internal/durable"
	"accountgateway/internal/httpapi/middleware"
	ui "accountgateway/internal/page"
	"accountgateway/internal/provider"
	"accountgateway/internal/store"
	"accountgateway/internal/token"
)

// problems is the closed list of codes: the status and the title of each.
var problems = map[ProblemCode]struct {
	status int
	title  string
}{
	ProblemCodeInvalidParameter:       {http.StatusBadRequest, "Invalid parameter"},
	ProblemCodeIdempotencyKeyMissing:  {http.StatusBadRequest, "Missing Idempotency-Key header"},
	ProblemCodeUnauthenticated:        {http.StatusUnauthorized, "Missing or invalid token"},
	ProblemCodeForbidden:              {http.StatusForbidden, "Not allowed by the token or a spending limit"},
	ProblemCodeAccountNotFound:        {http.StatusNotFound, "Account not found"},
	ProblemCodeNotFound:               {http.StatusNotFound, "Not found"},
	ProblemCodeMethodNotAllowed:       {http.StatusMethodNotAllowed, "Method not allowed"},
	ProblemCodeNotAcceptableFreshness: {http.StatusGatewayTimeout, "No sufficiently fresh reading"},
	ProblemCodeConflict:               {http.StatusConflict, "Conflict with the current state"},
	ProblemCodeOperationInProgress:    {http.StatusConflict, "The same operation is still running"},
	ProblemCodeOutcomeUnknown:         {http.StatusConflict, "The outcome of the operation is unknown"},
	ProblemCodeIdempotencyKeyReused:   {http.StatusUnprocessableEntity, "The Idempotency-Key was used for a different request"},
	ProblemCodePayloadTooLarge:        {http.StatusRequestEntityTooLarge, "The body is too large"},
	ProblemCodeUnsupportedMediaType:   {http.StatusUnsupportedMediaType, "The body's media type is not supported"},
	ProblemCodeUnsupportedOperation:   {http.StatusNotImplemented, "The operation is not supported"},
	ProblemCodeUnsupportedParameter:   {http.StatusUnprocessableEntity, "The vendor does not support this parameter"},
	ProblemCodeUnsupportedCurrency:    {http.StatusUnprocessableEntity, "The vendor does not support this currency"},
	ProblemCodeProviderRejected:       {http.StatusUnprocessableEntity, "The vendor refused the input"},
	ProblemCodeInsufficientFunds:      {http.StatusPaymentRequired, "Insufficient funds"},
	ProblemCodeProviderForbidden:      {http.StatusForbidden, "The vendor does not allow this operation for the account"},
	ProblemCodeProviderCredentials:    {http.StatusBadGateway, "The vendor refused the gateway's credentials"},
	ProblemCodeProviderAccess:         {http.StatusBadGateway, "The vendor denies the gateway access"},
	ProblemCodeProviderRateLimited:    {http.StatusServiceUnavailable, "Vendor rate limit reached"},
	ProblemCodeProviderUnavailable:    {http.StatusServiceUnavailable, "The vendor is unavailable"},
	ProblemCodeProviderTimeout:        {http.StatusGatewayTimeout, "The vendor did not answer in time"},
	ProblemCodeProviderBadResponse:    {http.StatusBadGateway, "Invalid vendor response"},
	ProblemCodeProviderError:          {http.StatusBadGateway, "The vendor returned an error"},
	ProblemCodeTooManyRequests:        {http.StatusTooManyRequests, "Too many requests"},
	ProblemCodeDatabaseUnavailable:    {http.StatusServiceUnavailable, "The gateway's database is unavailable"},
	ProblemCodeInternal:               {http.StatusInternalServerError, "Internal error"},
}

// statusClientGone is what a request is logged as whose caller did not wait.
const statusClientGone = 499

// problemError is a failure that this package itself finds.
type problemError struct {
	code       ProblemCode
	detail     string
	retryAfter time.Duration
}

func (e *problemError) Error() string { return string(e.code) + ": " + e.detail }

// invalidParameters names each bad parameter.
type invalidParameters []FieldError

func (e invalidParameters) Error() string { return string(ProblemCodeInvalidParameter) }

// unsupportedParameters names each parameter that is in order and that the
// vendor has no place for.
type unsupportedParameters []FieldError

func (e unsupportedParameters) Error() string { return string(ProblemCodeUnsupportedParameter) }

// unsupportedCurrency names the parameter with a currency that the vendor does not
// have.
type unsupportedCurrency []FieldError

func (e unsupportedCurrency) Error() string { return string(ProblemCodeUnsupportedCurrency) }

// fail writes every failure.
func (s *server) fail(w http.ResponseWriter, r *http.Request, err error) {
	n := middleware.Of(r.Context())
	if r.Context().Err() != nil && errors.Is(err, context.Canceled) {
		w.WriteHeader(statusClientGone)
		return
	}
	p, retryAfter := describe(err)
	tellOperation(n, err)
	if name, vendor, ok := s.accounts.Of(r); ok && vendorFailed(err) {
		p.Account, p.Provider = &name, &vendor
	}
	p.RequestID = &n.ID
	if n.Trace.HasTraceID() {
		p.TraceID = new(n.Trace.TraceID().String())
	}
	n.Code = string(p.Code)
	if p.Status >= http.StatusInternalServerError && n.Err == nil {
		n.Err = err
	}
	if retryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(retryAfter.Seconds()))))
	}
	if s.forPeople(r) {
		s.failPage(w, r, p, retryAfter)
		return
	}
	body, err := marshal(p)
	if err != nil { // a Problem of texts and numbers always has a JSON form
		n.Err = errors.Join(n.Err, err)
	}
	a := reply{status: p.Status, contentType: problemType, body: body}
	a.send(w)
}

// forPeople tells whether a failure is shown as a page: on the pages' addresses,
// and to a browser that was led to where nothing is.
func (s *server) forPeople(r *http.Request) bool {
	if s.Page == nil {
		return false
	}
	return ui.Owns(r.URL.Path) || middleware.Route(r) == middleware.Unmatched && strings.Contains(r.Header.Get("Accept"), "text/html")
}

// failPage shows a problem to people.
func (s *server) failPage(w http.ResponseWriter, r *http.Request, p Problem, retryAfter time.Duration) {
	heading, lines := p.Title, []string{p.Detail}
	if p.Code == ProblemCodeNotFound {
		heading, lines = "No such page", []string{"There is no page at this address. It may be mistyped"}
	}
	if retryAfter > 0 {
		lines = append(lines, "Try again in "+retryAfter.Round(time.Second).String())
	}
	s.Page.Problem(w, r, p.Status, heading, *p.RequestID, lines...)
}

// describe turns an error into a problem and the time after which another try makes
// sense. An error that is no known failure is `internal`: its text stays here.
func describe(err error) (Problem, time.Duration) {
	var (
		tooOld  *account.FreshnessError
		away    *durable.UnavailableError
		tooMany *store.TooManyPointsError
		vendor  *provider.Error
		missing *account.NotFoundError
		own     *problemError
		refused *middleware.Refusal
		bad     invalidParameters
		none    unsupportedParameters
		foreign unsupportedCurrency
		tooBig  *http.MaxBytesError
	)
	if p, retryAfter, ok := describeWrite(err); ok {
		return p, retryAfter
	}
	switch {
	// The first two may have a vendor's error, or a deadline, as their cause.
	case errors.As(err, &tooOld):
		return describeTooOld(tooOld)
	case errors.As(err, &away):
		if away.Slow {
			return newProblem(ProblemCodeDatabaseUnavailable, "the gateway's database is slow or full"), databaseRetry
		}
		return newProblem(ProblemCodeDatabaseUnavailable, "the gateway's database is unavailable"), databaseRetry
	case errors.Is(err, token.ErrNotLoaded):
		return newProblem(ProblemCodeDatabaseUnavailable, "the gateway's database is unavailable, so tokens can't be checked yet"), databaseRetry
	case errors.As(err, &tooMany):
		return invalid(invalidParameters{{Field: "step", Message: tooMany.Error()}}), 0
	case errors.As(err, &vendor):
		return describeVendor(vendor)
	case errors.As(err, &missing):
		return noAccount(), 0
	case errors.As(err, &own):
		return newProblem(own.code, own.detail), own.retryAfter
	case errors.As(err, &refused) && refused.Field != "":
		return invalid(invalidParameters{{Field: refused.Field, Message: refused.Detail}}), 0
	case errors.As(err, &refused):
		return newProblem(ProblemCode(refused.Code), refused.Detail), refused.RetryAfter
	case errors.As(err, &bad):
		return invalid(bad), 0
	case errors.As(err, &none):
		return fieldProblem(ProblemCodeUnsupportedParameter, none), 0
	case errors.As(err, &foreign):
		return fieldProblem(ProblemCodeUnsupportedCurrency, foreign), 0
	case errors.As(err, &tooBig):
		return newProblem(ProblemCodePayloadTooLarge, "the body must be at most "+strconv.FormatInt(tooBig.Limit, 10)+" bytes"), 0
	case errors.Is(err, context.DeadlineExceeded):
		return newProblem(ProblemCodeProviderTimeout, "the vendor did not answer before the deadline"), 0
	case errors.Is(err, context.Canceled):
		return newProblem(ProblemCodeProviderUnavailable, "the call to the vendor was canceled"), 0
	}
	return newProblem(ProblemCodeInternal, "the gateway's log has the cause under this request_id"), 0
}

// databaseRetry is when an answer that needs the database may be tried again.
const databaseRetry = 5 * time.Second

// describeTooOld tells what there is and, if a vendor was asked, how that failed.
func describeTooOld(e *account.FreshnessError) (Problem, time.Duration) {
	p := newProblem(ProblemCodeNotAcceptableFreshness, (&account.FreshnessError{Have: e.Have, Age: e.Age}).Error())
	if e.Cause == nil {
		return p, 0
	}
	cause, retryAfter := describe(e.Cause)
	p.Detail += "; no newer one could be read from the vendor: " + cause.Detail
	p.Upstream = cause.Upstream
	return p, retryAfter
}

// describeVendor leaves out the error's cause: it is for the log.
func describeVendor(e *provider.Error) (Problem, time.Duration) {
	code := ProblemCode(e.Kind)
	if _, known := problems[code]; !known {
		return newProblem(ProblemCodeInternal, "the gateway's log has the cause under this request_id"), 0
	}
	p := newProblem(code, e.Message)
	p.Upstream = upstreamBody(e.Upstream)
	if e.Field != "" {
		p.Errors = &[]FieldError{{Field: e.Field, Message: e.Message}}
	}
	if e.Kind == provider.KindDatabase {
		return p, databaseRetry
	}
	if e.RetryAfter == 0 && (e.Kind == provider.KindUnavailable || e.Kind == provider.KindTimeout || e.Kind == provider.KindRateLimited) {
		return p, retryUnknown
	}
	return p, e.RetryAfter
}

// retryUnknown is when to come again where waiting helps and nobody said how
// long.
const retryUnknown = 10 * time.Second

func upstreamBody(u *provider.Upstream) *UpstreamError {
	if u == nil || *u == (provider.Upstream{}) {
		return nil
	}
	return &UpstreamError{Code: u.Code, Message: u.Message}
}

// vendorFailed tells whether the failure is about an account's vendor, so that
// the problem names them.
func vendorFailed(err error) bool {
	var away *durable.UnavailableError
	kind := provider.KindOf(err)
	return kind != "" && kind != provider.KindDatabase && !errors.As(err, &away)
}

func newProblem(code ProblemCode, detail string) Problem {
	known := problems[code]
	if detail == "" {
		detail = known.title
	}
	return Problem{Type: "urn:accountgateway:problem:" + string(code), Title: known.title, Status: known.status, Detail: detail, Code: code}
}

func noAccount() Problem {
	return newProblem(ProblemCodeAccountNotFound, "no account with this name is configured; GET /accounts lists the accounts")
}

func invalid(fields invalidParameters) Problem {
	return fieldProblem(ProblemCodeInvalidParameter, fields)
}

func fieldProblem(code ProblemCode, fields []FieldError) Problem {
	detail := ""
	for i, f := range fields {
		if i > 0 {
			detail += "; "
		}
		detail += f.Field + ": " + f.Message
	}
	p := newProblem(code, detail)
	p.Errors = &fields
	return p
}
