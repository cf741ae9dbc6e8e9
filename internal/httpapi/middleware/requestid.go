package middleware

import (
	"crypto/rand"
	"net/http"
	"strings"

	"accountgateway/internal/token"
)

// RequestIDHeader carries the request's id, both ways.
const RequestIDHeader = "X-Request-Id"

// requestID gives the request's id: the caller's if it is well formed and no token
// put into the wrong header, which would be logged. Else it is a new one.
func requestID(r *http.Request) string {
	if id := r.Header.Get(RequestIDHeader); WellFormedID(id) && !strings.HasPrefix(id, token.Prefix) {
		return id
	}
	return rand.Text()
}

// WellFormedID tells whether a text may be an id.
func WellFormedID(id string) bool {
	const allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"
	return id != "" && len(id) <= 128 && strings.Trim(id, allowed) == ""
}
