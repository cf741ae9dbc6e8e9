package middleware

import "net/http"

// EndConnection closes the connection after an answer to a request whose length
// somebody before us may have read otherwise, so that nothing which that leaves
// over is taken for another request. RFC 9112, 6.1 wants it for a request with both
// Content-Length and Transfer-Encoding, and for HTTP/1.0 with Transfer-Encoding. In
// both cases net/http drops one of the fields before a handler sees it. So the
// connection ends after every chunked request, and after every one of HTTP/1.0:
// a client that sends such pays with a new connection, no more.
func EndConnection(w http.ResponseWriter, r *http.Request) error {
	if len(r.TransferEncoding) > 0 || !r.ProtoAtLeast(1, 1) {
		w.Header()["Connection"] = closeValue
	}
	return nil
}

var closeValue = []string{"close"}
