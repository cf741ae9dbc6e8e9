package httpapi

import (
	"context"
	"crypto/rand"
	"net/http"
	"strings"
)

const requestIDHeader = "X-Request-Id"

// note is what the parts of one request leave for its log line. A request's
// handlers run one after the other, so it needs no lock.
type note struct {
	requestID string
	code      ProblemCode // of the problem answered, if any
	err       error       // the cause, for the log alone
	stack     []byte      // of a panic
}

type noteKey struct{}

// noteOf gives the request's note. Outside of a request it is a new one.
func noteOf(ctx context.Context) *note {
	if n, ok := ctx.Value(noteKey{}).(*note); ok {
		return n
	}
	return &note{}
}

// requestID gives the request an id: the caller's if it is well formed, else a new one.
func requestID(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.Header.Get(requestIDHeader)
		if !wellFormedID(id) {
			id = rand.Text()
		}
		// One value from here on, also for the generated code that binds the header.
		r.Header.Set(requestIDHeader, id)
		w.Header().Set(requestIDHeader, id)
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), noteKey{}, &note{requestID: id})))
	})
}

func wellFormedID(id string) bool {
	const allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"
	return id != "" && len(id) <= 128 && strings.Trim(id, allowed) == ""
}
