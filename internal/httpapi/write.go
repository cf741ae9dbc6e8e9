package httpapi

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"accountgateway/internal/account"
	"accountgateway/internal/httpapi/middleware"
	"accountgateway/internal/provider"
	"accountgateway/internal/store"
)

// order checks what comes before a write's body, in the order in which a caller
// can mend it: nothing helps an account that is not there, or a vendor that
// can't. It tells who asks, and under which key.
func (s *server) order(ctx context.Context, r *http.Request, op provider.Operation) (account.Order, error) {
	name := pathParam(r, "account")
	if err := s.Accounts.Writable(name, op); err != nil {
		return account.Order{}, err
	}
	if err := checkMediaType(r.Header); err != nil {
		return account.Order{}, err
	}
	key, err := idempotencyKey(r.Header)
	return account.Order{Account: name, Caller: middleware.CallerName(middleware.Of(ctx).Caller), Key: key}, err
}

// operationReply answers a write that was done: 201 if its record is safe, 202 if
// that still has to come, or if nobody knows the outcome.
func operationReply(ctx context.Context, op account.Operation, body any) (reply, error) {
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
func locationOf(op account.Operation) string {
	return "/accounts/" + url.PathEscape(op.Account) + "/operations/" + url.PathEscape(op.ID)
}

// runningRetry is when a request whose twin is running may be tried again.
const runningRetry = time.Second

// describeWrite turns what is an error of writes alone into a problem.
func describeWrite(err error) (p Problem, retryAfter time.Duration, ok bool) {
	var (
		failed   *account.FailedError
		running  *account.InProgressError
		unknown  *account.OutcomeUnknownError
		reused   *account.KeyReusedError
		spending *account.SpendingError
		missing  *account.OperationNotFoundError
	)
	switch {
	case errors.As(err, &failed):
		p, retryAfter = describeVendor(failed.Operation.Problem.Err())
		if failed.Operation.Replayed {
			retryAfter = 0 // this key is answered so for ever
		}
		p.Detail += "; " + nextTry(failed.Operation, retryAfter)
		p.Recorded = unrecorded(failed.Operation)
	case errors.As(err, &running):
		p = newProblem(ProblemCodeOperationInProgress, "the first request with this key is still running; see "+locationOf(running.Operation))
		retryAfter = runningRetry
	case errors.As(err, &unknown):
		return describeUnknown(unknown.Operation), 0, true
	case errors.As(err, &reused):
		p = newProblem(ProblemCodeIdempotencyKeyReused, "this key belongs to another request; see "+locationOf(reused.Operation))
	case errors.As(err, &spending):
		p = newProblem(ProblemCodeForbidden, spending.Message)
	case errors.As(err, &missing):
		p = newProblem(ProblemCodeNotFound, "the account has no operation of that id")
	default:
		return Problem{}, 0, false
	}
	return p, retryAfter, true
}

// nextTry tells whether another try needs a new key.
func nextTry(op account.Operation, retryAfter time.Duration) string {
	switch {
	case !op.KeyFree:
		return "nothing was changed, and another try needs a new Idempotency-Key"
	case retryAfter > 0:
		return "nothing was sent to the vendor: try again with the same Idempotency-Key"
	}
	return "nothing was sent to the vendor, and the Idempotency-Key is not used up"
}

func describeUnknown(op account.Operation) Problem {
	if op.Problem == nil { // a record of none of ours
		return newProblem(ProblemCodeOutcomeUnknown, "nobody knows whether the vendor did it; see "+locationOf(op))
	}
	p := newProblem(ProblemCodeOutcomeUnknown,
		"nobody knows whether the vendor did it ("+op.Problem.Message+"), and it is not sent again; see "+locationOf(op))
	p.Account, p.Provider, p.Upstream = &op.Account, &op.Provider, upstreamBody(op.Problem.Upstream)
	p.Recorded = unrecorded(op)
	return p
}

// unrecorded is a problem's member recorded: false, or nothing.
func unrecorded(op account.Operation) *bool {
	if op.Recorded {
		return nil
	}
	return new(false)
}

// operationOf gives the operation that an error is about, and whether the error
// is the answer to a key that was used before.
func operationOf(err error) (op account.Operation, replayed, ok bool) {
	var (
		failed  *account.FailedError
		running *account.InProgressError
		unknown *account.OutcomeUnknownError
		reused  *account.KeyReusedError
	)
	switch {
	case errors.As(err, &failed):
		return failed.Operation, failed.Operation.Replayed, true
	case errors.As(err, &unknown):
		return unknown.Operation, true, true
	case errors.As(err, &running):
		return running.Operation, false, true
	case errors.As(err, &reused):
		return reused.Operation, false, true
	}
	return account.Operation{}, false, false
}

// tellOperation says in the headers of a problem which operation it is about.
func tellOperation(n *middleware.Request, err error) {
	op, replayed, ok := operationOf(err)
	if !ok {
		return
	}
	n.Operation = op.ID
	n.Header().Set("Location", locationOf(op))
	if replayed {
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
		return "", badKey("given more than once")
	}
	if len(lines) == 0 || strings.Trim(lines[0], " \t") == "" {
		return "", &problemError{
			code:   ProblemCodeIdempotencyKeyMissing,
			detail: "a write needs an Idempotency-Key header: a text of your own, new for each write, the same for each repetition of it",
		}
	}
	key, ok := strings.Trim(lines[0], " \t"), true
	if key[0] == '"' {
		key, ok = unquote(key)
	}
	if !ok || key == "" || len(key) > maxKey || strings.ContainsFunc(key, func(r rune) bool { return r < ' ' || r > '~' }) {
		return "", badKey("want 1 to " + strconv.Itoa(maxKey) + " printable ASCII characters, bare or as one quoted string")
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
