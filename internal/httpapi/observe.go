package httpapi

import (
	"context"
	"net/http"
	"time"

	"go.opentelemetry.io/otel/trace"
)

// observe begins and ends every request: it makes the note, sets the headers that
// every answer carries, and when the request has ended counts it and writes its line.
func (s *server) observe(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := &note{ResponseWriter: w, request: r.Header, requestID: requestID(r)}
		r = r.WithContext(context.WithValue(r.Context(), noteKey{}, n))
		h := w.Header()
		n.idValue[0] = n.requestID
		h[requestIDHeader] = n.idValue[:]
		h["X-Content-Type-Options"] = noSniff
		h["Cross-Origin-Resource-Policy"] = sameOrigin
		h["Cache-Control"] = noStore
		if s.Secure {
			h["Strict-Transport-Security"] = httpsAlone
		}
		var span trace.Span // nil while tracing is off
		if s.Tracer != nil {
			r, span = s.beginSpan(r, n)
		}
		start := time.Now()
		defer func() {
			took, route, method := time.Since(start), routeOf(r), methodOf(r)
			if span != nil {
				endSpan(span, n, route, method, s.configured(r))
			}
			s.requests.observe(requestSeries{route, method, n.sent()}, took, n.trace)
			s.logRequest(n, r, route, method, took)
			s.audit(n, r, route, method)
		}()
		next.ServeHTTP(n, r)
	})
}

// Header values that many answers share. Nothing changes them.
var (
	noSniff    = []string{"nosniff"}
	noStore    = []string{"no-store"}
	sameOrigin = []string{"same-origin"}
	httpsAlone = []string{"max-age=31536000"}
)
