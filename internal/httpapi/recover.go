package httpapi

import (
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
)

// recoverer turns a panic into a problem. An answer that has begun is cut off, so
// that nobody takes it for a whole one.
func (s *server) recoverer(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer s.recovered(w, r)
		next.ServeHTTP(w, r)
	})
}

func (s *server) recovered(w http.ResponseWriter, r *http.Request) {
	cause := recover()
	if cause == nil {
		return
	}
	if err, ok := cause.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(cause) // net/http's own way to cut an answer off
	}
	n := noteOf(r.Context())
	n.stack = debug.Stack()
	err := fmt.Errorf("panic: %v", cause)
	if n.status != 0 {
		n.err = err
		panic(http.ErrAbortHandler)
	}
	s.fail(w, r, err)
}
