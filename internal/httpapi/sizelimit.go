package httpapi

import (
	"net/http"
	"strconv"
)

// maxURL is how many bytes of URL a request may have.
const maxURL = 8 << 10

// limitURL refuses longer ones before anything looks at them.
func (s *server) limitURL(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(r.RequestURI) > maxURL {
			s.fail(w, r, invalidParameters{{Field: "URL", Message: "longer than " + strconv.Itoa(maxURL) + " bytes"}})
			return
		}
		next.ServeHTTP(w, r)
	})
}

// maxBody is how many bytes of body a request may have.
const maxBody = 64 << 10

// limitBody refuses larger bodies: at once where the request says its size, else
// where it is read.
func (s *server) limitBody(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength > maxBody {
			s.fail(w, r, &http.MaxBytesError{Limit: maxBody})
			return
		}
		if r.ContentLength != 0 {
			r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		}
		next.ServeHTTP(w, r)
	})
}
