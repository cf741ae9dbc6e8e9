package middleware

import (
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
)

// Recover turns a panic into a failure. An answer that has begun is cut off, so
// that nobody takes it for a whole one.
func Recover(fail Fail) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			defer recovered(w, r, fail)
			next.ServeHTTP(w, r)
		})
	}
}

func recovered(w http.ResponseWriter, r *http.Request, fail Fail) {
	cause := recover()
	if cause == nil {
		return
	}
	if err, ok := cause.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(cause) // net/http's own way to cut an answer off
	}
	n := Of(r.Context())
	n.stack = debug.Stack()
	err := fmt.Errorf("panic: %v", cause)
	if n.status != 0 {
		n.Err = err
		panic(http.ErrAbortHandler)
	}
	fail(w, r, err)
}
