package httpapi

import (
	"net/http"

	"github.com/go-chi/chi/v5/middleware"
)

// record gives a writer that remembers status and size, w itself if it is one.
func record(w http.ResponseWriter, r *http.Request) middleware.WrapResponseWriter {
	if rec, ok := w.(middleware.WrapResponseWriter); ok {
		return rec
	}
	return middleware.NewWrapResponseWriter(w, r.ProtoMajor)
}

// statusOf gives the status sent; a handler that wrote nothing answered 200.
func statusOf(rec middleware.WrapResponseWriter) int {
	if rec.Status() == 0 {
		return http.StatusOK
	}
	return rec.Status()
}
