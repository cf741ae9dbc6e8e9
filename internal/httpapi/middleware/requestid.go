package middleware

import (
	"crypto/rand"
	"net/http"
	"strings"
)

// RequestIDHeader carries the request's id, both ways.
const RequestIDHeader = "X-Request-Id"

// requestID gives the request's id: the caller's if it is well formed, else a new one.
func requestID(r *http.Request) string {
	if id := r.Header.Get(RequestIDHeader); WellFormedID(id) {
		return id
	}
	return rand.Text()
}

// WellFormedID tells whether a text may be an id.
func WellFormedID(id string) bool {
	const allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"
	return id != "" && len(id) <= 128 && strings.Trim(id, allowed) == ""
}
