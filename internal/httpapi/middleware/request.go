// Package middleware holds what every request passes on its way to a handler, one
// concern a file. It knows the contract's codes that it answers itself, tokens and
// the names of accounts, and no handler.
package middleware

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/go-chi/chi/v5"
	"go.opentelemetry.io/otel/trace"

	"accountgateway/internal/token"
)

// Fail answers a request with a failure.
type Fail func(w http.ResponseWriter, r *http.Request, err error)

// The codes of failures that are found here, as api/openapi.yaml has them.
const (
	CodeInvalidParameter = "invalid_parameter"
	CodeUnauthenticated  = "unauthenticated"
	CodeForbidden        = "forbidden"
	CodeTooManyRequests  = "too_many_requests"
)

// Refusal is why a request does not reach its handler.
type Refusal struct {
	Code       string
	Field      string // with CodeInvalidParameter
	Detail     string
	RetryAfter time.Duration // 0: waiting does not help
}

func (e *Refusal) Error() string { return e.Code + ": " + e.Detail }

// Request is what the parts of one request leave for each other and for its log
// line. It is also the writer that they answer to, and remembers what was sent. A
// request's handlers run one after the other, so it needs no lock.
type Request struct {
	http.ResponseWriter
	status int // 0: nothing was sent yet
	bytes  int // of body

	ID    string
	Start time.Time
	took  time.Duration     // from Start to the end of the answer
	Trace trace.SpanContext // zero while tracing is off
	Code  string            // of the problem answered, if any
	Err   error             // the cause, only for the log
	stack []byte            // of a panic

	Caller    token.Caller // the zero value until the token is checked
	scope     token.Scope  // that the route needs; "" for none
	reason    string       // why the caller was refused, only for the audit log
	Operation string       // the id of the write that was asked for, if any

	idValue, quotaValue [1]string // room for the headers' values, which then need none of their own
	ctx                 requestContext
}

type requestKey struct{}

// requestContext is the context of a request's handlers. It holds the two values
// that all of them look for, ours and the router's: each in a context of its own
// would cost two allocations more.
type requestContext struct {
	context.Context
	request *Request
	route   *chi.Context
}

func (c *requestContext) Value(key any) any {
	switch key {
	case requestKey{}:
		return c.request
	case chi.RouteCtxKey:
		return c.route
	}
	return c.Context.Value(key)
}

// Of gives the request that a context belongs to. Outside of one it is a new one.
func Of(ctx context.Context) *Request {
	if n, ok := ctx.Value(requestKey{}).(*Request); ok {
		return n
	}
	return &Request{}
}

// CallerOf tells who asks; false if nobody is known.
func CallerOf(ctx context.Context) (token.Caller, bool) {
	c := Of(ctx).Caller
	return c, c.ID != ""
}

// Check looks at a request on its way to a handler. An error is its answer.
type Check func(w http.ResponseWriter, r *http.Request) error

// Checks makes all of them, one after the other, at one step of the stack.
func Checks(fail Fail, checks ...Check) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			for _, check := range checks {
				if err := check(w, r); err != nil {
					fail(w, r, err)
					return
				}
			}
			next.ServeHTTP(w, r)
		})
	}
}

// Begin makes a request's Request and its id, and hands it to the router, whose
// middleware and handlers find both by the context. Once the request has ended,
// all of ended are told, one after the other.
func Begin(router chi.Router, ended ...func(*http.Request)) http.Handler {
	routes := sync.Pool{New: func() any { return chi.NewRouteContext() }}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := &Request{ResponseWriter: w, ID: requestID(r), Start: time.Now()}
		n.idValue[0] = n.ID
		w.Header()[RequestIDHeader] = n.idValue[:]
		route := routes.Get().(*chi.Context)
		route.Reset()
		route.Routes = router
		n.ctx = requestContext{Context: r.Context(), request: n, route: route}
		r = r.WithContext(&n.ctx) //nolint:contextcheck // its parent is r.Context()
		defer func() {            // also after a panic
			n.took = time.Since(n.Start)
			for _, tell := range ended {
				tell(r)
			}
			routes.Put(route)
		}()
		router.ServeHTTP(n, r)
	})
}

// WriteHeader takes note of the status.
func (n *Request) WriteHeader(status int) {
	if n.status == 0 && status >= 200 { // 1xx are no answers
		n.status = status
	}
	n.ResponseWriter.WriteHeader(status)
}

func (n *Request) Write(p []byte) (int, error) {
	if n.status == 0 {
		n.status = http.StatusOK
	}
	written, err := n.ResponseWriter.Write(p)
	n.bytes += written
	return written, err
}

// Unwrap is for http.ResponseController.
func (n *Request) Unwrap() http.ResponseWriter { return n.ResponseWriter }

// Status is what was sent; a handler that wrote nothing answered 200.
func (n *Request) Status() int {
	if n.status == 0 {
		return http.StatusOK
	}
	return n.status
}
