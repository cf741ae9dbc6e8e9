package middleware

import "net/http"

// The cookie that holds the token while a browser is open. Browsers take the
// second name only over https, for this host only.
const (
	cookieName       = "gateway_token"
	secureCookieName = "__Host-" + cookieName
)

// CookieName is the name of the cookie that opens pages, over https or not.
func CookieName(secure bool) string {
	if secure {
		return secureCookieName
	}
	return cookieName
}

// CookieToken is the token that the pages' cookie holds, "" if there is none.
func CookieToken(r *http.Request) string {
	for _, name := range []string{secureCookieName, cookieName} {
		if c, err := r.Cookie(name); err == nil && c.Value != "" {
			return c.Value
		}
	}
	return ""
}
