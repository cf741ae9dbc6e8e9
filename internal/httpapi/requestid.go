package httpapi

import (
	"crypto/rand"
	"net/http"
	"strings"
)

const requestIDHeader = "X-Request-Id"

// requestID gives the request's id: the caller's if it is well formed, else a new one.
func requestID(r *http.Request) string {
	if id := r.Header.Get(requestIDHeader); wellFormedID(id) {
		return id
	}
	return rand.Text()
}

func wellFormedID(id string) bool {
	const allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"
	return id != "" && len(id) <= 128 && strings.Trim(id, allowed) == ""
}
