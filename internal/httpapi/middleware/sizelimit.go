package middleware

import (
	"net/http"
	"strconv"
)

// MaxURL is how many bytes of URL a request may have.
const MaxURL = 8 << 10

// LimitURL refuses longer ones before anything looks at them.
func LimitURL(_ http.ResponseWriter, r *http.Request) error {
	if len(r.RequestURI) > MaxURL {
		return &Refusal{Code: CodeInvalidParameter, Field: "URL", Detail: "longer than " + strconv.Itoa(MaxURL) + " bytes"}
	}
	return nil
}

// MaxBody is how many bytes of body a request may have.
const MaxBody = 64 << 10

// LimitBody refuses larger bodies: at once where the request says its size, else
// where it is read.
func LimitBody(w http.ResponseWriter, r *http.Request) error {
	if r.ContentLength > MaxBody {
		return &http.MaxBytesError{Limit: MaxBody}
	}
	if r.ContentLength != 0 {
		r.Body = http.MaxBytesReader(w, r.Body, MaxBody)
	}
	return nil
}
