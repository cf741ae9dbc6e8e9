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
// their place. Secure tells browsers to use only https.
func Headers(secure bool) Check {
	return func(w http.ResponseWriter, _ *http.Request) error {
		h := w.Header()
		h["X-Content-Type-Options"] = noSniff
		h["Cross-Origin-Resource-Policy"] = sameOrigin
		h["Cache-Control"] = noStore
		if secure {
			h["Strict-Transport-Security"] = httpsOnly
		}
		return nil
	}
}
