package wire

import (
	"fmt"
	"net/http"

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
