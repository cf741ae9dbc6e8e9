package httpapi

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"

	"accountgateway/internal/account"
	"accountgateway/internal/httpapi/middleware"
)

// handler answers a request with a reply or fails.
type handler func(ctx context.Context, r *http.Request) (reply, error)

// serve sends what a handler answers.
func (s *server) serve(h handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		a, err := h(withCaller(r.Context()), r)
		if err != nil {
			s.fail(w, r, err)
			return
		}
		a.send(w)
	}
}

// withCaller tells the account service who asks, so that one caller can't use up
// an account's vendor budget.
func withCaller(ctx context.Context) context.Context {
	if c := &middleware.Of(ctx).Caller; c.ID != "" && !c.IsAnonymous() {
		return account.WithCaller(ctx, c.ID)
	}
	return ctx
}

// pathParam gives a part of the request's path by its name in the route.
func pathParam(r *http.Request, name string) string {
	value, _ := middleware.PathParam(r, name)
	return value
}

// reply is an encoded answer: a failure to encode is still a problem, and a body
// can be kept and sent again.
type reply struct {
	status      int
	contentType []string
	body        []byte

	// Of a write; empty otherwise.
	location string // of the operation
	replayed bool   // the answer to a key that was used before

	// Values of headers of a reading, which nothing changes; nil otherwise.
	tag, age, cacheStatus, cacheControl []string
}

// Content types, as header values that nothing changes.
var (
	jsonType    = []string{"application/json"}
	problemType = []string{"application/problem+json"}
	yamlType    = []string{"application/yaml"}
)

// marshal writes a body as it is sent: a line of JSON, with its end, so that a
// terminal's prompt does not stick to it.
func marshal(body any) ([]byte, error) {
	data, err := json.Marshal(body)
	return append(data, '\n'), err
}

// encode makes the reply of a body.
func encode(status int, body any) (reply, error) {
	data, err := marshal(body)
	return reply{status: status, contentType: jsonType, body: data}, err
}

// countedBytes is the longest body that net/http counts itself; a longer one it
// would send in chunks. That is cheaper than a header of ours, which would be the
// ninth of a reading's answer: a map of more than eight values costs twice as much.
const countedBytes = 2048

// send writes a whole answer. A failed write means that the caller is gone, and
// there is nobody to tell.
func (a *reply) send(w http.ResponseWriter) {
	h := w.Header()
	// First, because a map that has eight values makes room for a ninth even where
	// one of the eight is set again.
	if a.cacheControl != nil {
		h["Cache-Control"] = a.cacheControl
	}
	if a.contentType != nil {
		h["Content-Type"] = a.contentType
	}
	if len(a.body) > countedBytes {
		h["Content-Length"] = []string{strconv.Itoa(len(a.body))}
	}
	if a.tag != nil {
		h["Etag"] = a.tag
	}
	if a.age != nil {
		h["Age"], h["Cache-Status"] = a.age, a.cacheStatus
	}
	if a.location != "" {
		h.Set("Location", a.location)
	}
	if a.replayed {
		h.Set(replayedHeader, "true")
	}
	w.WriteHeader(a.status)
	if a.body != nil {
		_, _ = w.Write(a.body)
	}
}
