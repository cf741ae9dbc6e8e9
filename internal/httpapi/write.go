package httpapi

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"accountgateway/internal/httpapi/middleware"
	"accountgateway/internal/operation"
	"accountgateway/internal/provider"
	"accountgateway/internal/store"
)

// order checks what comes before a write's body, in the order in which a caller
// can mend it: nothing helps an account that is not there, or a vendor that
// can't. It tells who asks, and under which key.
func (s *server) order(ctx context.Context, r *http.Request, op provider.Operation) (operation.Order, error) {
	name := pathParam(r, "account")
	if err := s.Accounts.Writable(name, op); err != nil {
		return operation.Order{}, err
	}
	if err := checkMediaType(r.Header); err != nil {
		return operation.Order{}, err
	}
	key, err := idempotencyKey(r.Header)
	return operation.Order{Account: name, Caller: middleware.CallerName(middleware.Of(ctx).Caller), Key: key}, err
}

// operationReply answers a write that was done: 201 if its record is safe, 202 if
// that still has to come, or if the outcome is unknown.
func operationReply(ctx context.Context, op operation.Operation, body any) (reply, error) {
	middleware.Of(ctx).Operation = op.ID
	status := http.StatusCreated
	if op.State == store.Unknown || !op.Recorded {
		status = http.StatusAccepted
	}
	a, err := encode(status, body)
	a.location, a.replayed = locationOf(op), op.Replayed
	return a, err
}

// locationOf is where an operation is kept.
func locationOf(op operation.Operation) string {
	return "/accounts/" + url.PathEscape(op.Account) + "/operations/" + url.PathEscape(op.ID)
}

// runningRetry is when a request whose twin is running may be tried again.
const runningRetry = time.Second

// describeWrite turns an error that only writes have into a problem.
func describeWrite(err error) (p Problem, retryAfter time.Duration, ok bool) {
	var (
		w        *operation.WriteError
		spending *operation.SpendingError
		missing  *operation.NotFoundError
	)
	switch {
	case errors.As(err, &w):
		p, retryAfter = describeWriteError(w)
	case errors.As(err, &spending):
		p = newProblem(ProblemCodeForbidden, spending.Message)
	case errors.As(err, &missing):
		p = newProblem(ProblemCodeNotFound, "the account has no operation with this ID")
	default:
		return Problem{}, 0, false
	}
	return p, retryAfter, true
}

func describeWriteError(w *operation.WriteError) (p Problem, retryAfter time.Duration) {
	op := w.Operation
	var vendor *provider.Error // that it surely failed with
	switch {
	case errors.Is(w.Why, operation.ErrInProgress):
		return newProblem(ProblemCodeOperationInProgress, "the first request with this key is still running; see "+locationOf(op)), runningRetry
	case errors.Is(w.Why, operation.ErrKeyReused):
		return newProblem(ProblemCodeIdempotencyKeyReused, "this key belongs to another request; see "+locationOf(op)), 0
	case errors.Is(w.Why, operation.ErrNotUnknown):
		return describeNotUnknown(op)
	case !errors.As(w.Why, &vendor): // operation.ErrOutcomeUnknown
		return describeUnknown(op), 0
	}
	p, retryAfter = describeVendor(vendor)
	if op.Replayed {
		retryAfter = 0 // this key is answered so for ever
	}
	p.Detail += "; " + nextTry(op, retryAfter)
	p.Recorded = unrecorded(op)
	return p, retryAfter
}

// describeNotUnknown is of an operation that can't be settled.
func describeNotUnknown(op operation.Operation) (p Problem, retryAfter time.Duration) {
	const only = "only an operation whose outcome is unknown can be settled, and this one is "
	if op.State == store.Started || !op.Recorded {
		return newProblem(ProblemCodeOperationInProgress, only+"still running; see "+locationOf(op)), runningRetry
	}
	return newProblem(ProblemCodeConflict, only+string(op.State)+"; see "+locationOf(op)), 0
}

// nextTry tells whether another try needs a new key.
func nextTry(op operation.Operation, retryAfter time.Duration) string {
	switch {
	case !op.KeyFree:
		return "nothing was changed; to try again, use a new Idempotency-Key"
	case retryAfter > 0:
		return "nothing was sent to the vendor; retry with the same Idempotency-Key"
	}
	return "nothing was sent to the vendor; the Idempotency-Key can be used again"
}

func describeUnknown(op operation.Operation) Problem {
	if op.Problem == nil { // a record of none of ours
		return newProblem(ProblemCodeOutcomeUnknown, "the outcome at the vendor is unknown; see "+locationOf(op))
	}
	p := newProblem(ProblemCodeOutcomeUnknown,
		"the outcome at the vendor is unknown ("+op.Problem.Message+"), and the write is not sent again; see "+locationOf(op))
	p.Account, p.Provider, p.Upstream = &op.Account, &op.Provider, upstreamBody(op.Problem.Upstream)
	p.Recorded = unrecorded(op)
	return p
}

// unrecorded is a problem's member recorded: false, or nothing.
func unrecorded(op operation.Operation) *bool {
	if op.Recorded {
		return nil
	}
	return new(false)
}

// tellOperation says in the headers of a problem which operation it is about.
func tellOperation(n *middleware.Request, err error) {
	var w *operation.WriteError
	if !errors.As(err, &w) {
		return
	}
	n.Operation = w.Operation.ID
	n.Header().Set("Location", locationOf(w.Operation))
	if w.Operation.Replayed && !errors.Is(w.Why, operation.ErrInProgress) && !errors.Is(w.Why, operation.ErrKeyReused) {
		n.Header().Set(replayedHeader, "true")
	}
}

const replayedHeader = "Idempotent-Replayed"

const (
	keyHeader = "Idempotency-Key"
	maxKey    = 255 // characters
)

// idempotencyKey reads the key that a write must have: a bare text, or a quoted
// string (RFC 8941 3.3.3). Both forms of one text are one key.
func idempotencyKey(h http.Header) (string, error) {
	lines := h[keyHeader]
	if len(lines) > 1 {
		return "", badKey("must be given only once")
	}
	if len(lines) == 0 || strings.Trim(lines[0], " \t") == "" {
		return "", &problemError{
			code:   ProblemCodeIdempotencyKeyMissing,
			detail: "a write needs an Idempotency-Key header: a unique string per write, repeated when the write is retried",
		}
	}
	key, ok := strings.Trim(lines[0], " \t"), true
	if key[0] == '"' {
		key, ok = unquote(key)
	}
	if !ok || key == "" || len(key) > maxKey || strings.ContainsFunc(key, func(r rune) bool { return r < ' ' || r > '~' }) {
		return "", badKey("must be 1 to " + strconv.Itoa(maxKey) + " printable ASCII characters, bare or as one quoted string")
	}
	return key, nil
}

func badKey(message string) error {
	return invalidParameters{{Field: keyHeader, Message: message}}
}

// unquote reads a quoted string to its end; false if it is none, or more than one.
func unquote(quoted string) (string, bool) {
	var b strings.Builder
	for i := 1; i < len(quoted); i++ {
		switch c := quoted[i]; c {
		case '"':
			return b.String(), i == len(quoted)-1
		case '\\':
			i++
			if i == len(quoted) || quoted[i] != '"' && quoted[i] != '\\' {
				return "", false
			}
			b.WriteByte(quoted[i])
		default:
			b.WriteByte(c)
		}
	}
	return "", false
}
