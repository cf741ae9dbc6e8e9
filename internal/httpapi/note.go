package httpapi

import (
	"context"
	"net/http"

	"go.opentelemetry.io/otel/trace"

	"accountgateway/internal/token"
)

// note is what the parts of one request leave for each other and for its log line.
// It is also the writer that they answer to, and remembers what was sent. A
// request's handlers run one after the other, so it needs no lock.
type note struct {
	http.ResponseWriter
	status int // 0: nothing was sent yet
	bytes  int // of body

	request   http.Header // what the caller sent
	requestID string
	trace     trace.SpanContext // zero while tracing is off
	code      ProblemCode       // of the problem answered, if any
	err       error             // the cause, for the log alone
	stack     []byte            // of a panic

	caller    token.Caller // the zero value until the token is checked
	scope     token.Scope  // that the route needs; "" for none
	reason    string       // why nobody was let in, for the audit log alone
	operation string       // the id of the write that was asked for, if any

	idValue, quotaValue [1]string // room for the headers' values, which then need none of their own
}

type noteKey struct{}

// noteOf gives the request's note. Outside of a request it is a new one.
func noteOf(ctx context.Context) *note {
	if n, ok := ctx.Value(noteKey{}).(*note); ok {
		return n
	}
	return &note{}
}

func (n *note) WriteHeader(status int) {
	if n.status == 0 && status >= 200 { // 1xx are no answers
		n.status = status
	}
	n.ResponseWriter.WriteHeader(status)
}

func (n *note) Write(p []byte) (int, error) {
	if n.status == 0 {
		n.status = http.StatusOK
	}
	written, err := n.ResponseWriter.Write(p)
	n.bytes += written
	return written, err
}

// Unwrap is for http.ResponseController.
func (n *note) Unwrap() http.ResponseWriter { return n.ResponseWriter }

// sent gives the status sent; a handler that wrote nothing answered 200.
func (n *note) sent() int {
	if n.status == 0 {
		return http.StatusOK
	}
	return n.status
}
