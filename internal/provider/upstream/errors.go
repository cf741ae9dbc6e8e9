package upstream

import (
	"context"
	"errors"
	"io"
	"net"
	"syscall"
	"time"

	"accountgateway/internal/plain"
	"accountgateway/internal/provider"
	"accountgateway/internal/redact"
)

// transportError says why no answer came, or no whole one. Once the vendor has
// said something, net/http's errors may quote it, even a part of it, which
// can't be redacted surely: those are left out.
func transportError(ctx context.Context, sent, answered bool, err error) *provider.Error {
	e := &provider.Error{}
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		e.Kind, e.Message, e.Err = provider.KindUnavailable, "the call was canceled", context.Canceled
	case ctx.Err() != nil:
		e.Kind, e.Message, e.Err = provider.KindTimeout, "the vendor did not answer in time", context.DeadlineExceeded
	case timedOut(err):
		e.Kind, e.Message, e.Err = provider.KindTimeout, "the vendor did not answer in time", err
	case !sent:
		e.Kind, e.Message, e.Err = provider.KindUnavailable, "the vendor can't be reached", err
	case !answered || broken(err):
		e.Kind, e.Message, e.Err = provider.KindUnavailable, "the connection to the vendor broke", err
	default:
		e.Kind, e.Message = provider.KindBadResponse, "the vendor's answer is not valid HTTP"
	}
	return e
}

func timedOut(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}

// broken tells a connection that ended from an answer that makes no sense.
func broken(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.As(err, new(*net.OpError)) || errors.As(err, new(syscall.Errno))
}

// bodyError says why the body of an answer could not be read. A 5xx stays a
// temporary failure whatever its body.
func bodyError(ctx context.Context, status int, err error) *provider.Error {
	e := &provider.Error{Kind: provider.KindBadResponse, Message: err.Error()}
	if !errors.Is(err, errTooLarge) && !errors.Is(err, errGzip) && !errors.Is(err, errEncoding) {
		e = transportError(ctx, true, true, err)
	}
	if status >= 500 && e.Kind == provider.KindBadResponse {
		e.Kind = provider.KindUnavailable
	}
	return e
}

func notBuilt(err error) *provider.Error {
	return &provider.Error{Kind: provider.KindOther, Message: "the request to the vendor can't be made", Err: err}
}

func canceled() *provider.Error {
	return &provider.Error{Kind: provider.KindUnavailable, Message: "the call was canceled", Err: context.Canceled}
}

// mayPass tells whether a failure said with a 5xx may be over at the next try.
// A refusal will not be, and vendors lock out callers that repeat one.
func mayPass(kind provider.Kind) bool {
	switch kind {
	case provider.KindUnavailable, provider.KindTimeout, provider.KindBadResponse, provider.KindOther, "":
		return true
	default:
		return false
	}
}

// wholeBody stands for the field where no single one was at fault.
const wholeBody = "body"

// driftOf names the vendor's field that read did not understand; "" if it
// understood.
func driftOf(err error) string {
	var e *provider.Error
	switch {
	case !errors.As(err, &e) || e.Kind != provider.KindBadResponse:
		return ""
	case e.Drift == "":
		return wholeBody
	}
	return e.Drift
}

// finish makes a complete copy of an error. What the adapter says in it is its
// own, or went through wire, but may name what the vendor named; a cause may be
// a vendor's. sent is true if the
// vendor may have seen any of the tries.
func finish(err error, secrets *redact.Redactor, retryAfter time.Duration, sent bool) error {
	var found *provider.Error
	if !errors.As(err, &found) {
		return cleanCause(err, secrets)
	}
	e := *found
	e.Err = cleanCause(e.Err, secrets)
	if line := plain.Line(e.Message); line != e.Message { // else it is the adapter's own, and stays
		e.Message = secrets.Words(line)
	}
	if e.RetryAfter == 0 {
		e.RetryAfter = retryAfter
	}
	e.NotSent = !sent
	return &e
}

// cleanCause keeps a cause that holds no secret and is fit to be shown, and of
// another one only the text, made so. What the network says is not a vendor's, and stays.
func cleanCause(err error, secrets *redact.Redactor) error {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	if _, ours := err.(*net.OpError); ours { //nolint:errorlint // around it may be anything
		return err
	}
	text := err.Error()
	if clean := secrets.Line(text); clean != text {
		return errors.New(clean)
	}
	return err
}
