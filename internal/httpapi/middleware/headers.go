package middleware

import "net/http"

// Header values that many answers share. Nothing changes them.
var (
	noSniff    = []string{"nosniff"}
	noStore    = []string{"no-store"}
	sameOrigin = []string{"same-origin"}
	httpsOnly  = []string{"max-age=31536000"}
)

// Headers sets the headers that every answer carries; a handler may set others in
// their place. Secure tells browsers to come by https alone.
func Headers(secure bool) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			h := w.Header()
			h["X-Content-Type-Options"] = noSniff
			h["Cross-Origin-Resource-Policy"] = sameOrigin
			h["Cache-Control"] = noStore
			if secure {
				h["Strict-Transport-Security"] = httpsOnly
			}
			next.ServeHTTP(w, r)
		})
	}
}
