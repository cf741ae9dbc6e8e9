package wire

import (
	"fmt"
	"net/http"
	"strings"
	"unicode/utf8"

	"accountgateway/internal/provider"
)

// StatusError is the failure of an answer whose HTTP status says so and whose body does not say more.
func StatusError(status int) *provider.Error {
	switch {
	case status >= 500:
		return provider.Errorf(provider.KindUnavailable, "the vendor answered HTTP %d %s", status, http.StatusText(status))
	case status == http.StatusTooManyRequests:
		return provider.Errorf(provider.KindRateLimited, "the vendor's limit of calls is used up (HTTP 429)")
	}
	return BadResponse(Body, fmt.Sprintf("came with HTTP status %d", status))
}

// maxQuote is how much of a vendor's error text is kept, in bytes.
const maxQuote = 500

// Quote makes a vendor's words fit to be kept in an error: redacted, then no longer than a message needs to be.
func Quote(text string, redact func(string) string) string {
	text = strings.ToValidUTF8(redact(text), "\uFFFD")
	if len(text) <= maxQuote {
		return text
	}
	cut := maxQuote
	for cut > 0 && !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut] + "…"
}
