package middleware

import (
	"net/http"
	"strconv"
)

// MaxURL is how many bytes of URL a request may have.
const MaxURL = 8 << 10

// LimitURL refuses longer ones before anything looks at them.
func LimitURL(fail Fail) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if len(r.RequestURI) > MaxURL {
				fail(w, r, &Refusal{Code: CodeInvalidParameter, Field: "URL", Detail: "longer than " + strconv.Itoa(MaxURL) + " bytes"})
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}

// MaxBody is how many bytes of body a request may have.
const MaxBody = 64 << 10

// LimitBody refuses larger bodies: at once where the request says its size, else
// where it is read.
func LimitBody(fail Fail) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.ContentLength > MaxBody {
				fail(w, r, &http.MaxBytesError{Limit: MaxBody})
				return
			}
			if r.ContentLength != 0 {
				r.Body = http.MaxBytesReader(w, r.Body, MaxBody)
			}
			next.ServeHTTP(w, r)
		})
	}
}
