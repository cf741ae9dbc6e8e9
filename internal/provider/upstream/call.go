package upstream

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"

	"golang.org/x/net/http/httpguts"

	"accountgateway/internal/provider"
	"accountgateway/internal/redact"
)

// Call is one request to a vendor. Secrets may be in the query, in headers and
// in the body: no part of a request is ever logged, traced or put into an error.
type Call struct {
	Operation provider.Operation // what for, in the gateway's terms: the metrics' label
	Method    string             // empty: GET
	URL       string             // absolute, without a query
	Query     url.Values
	Header    http.Header // replaces the defaults of Accept and User-Agent
	Body      Body        // of Form, JSON or of any other type; the zero value is none
	Write     bool        // changes something at the vendor: sent once, never retried
	Secrets   []string    // only of this call, such as a new user's password or an access token
	Personal  []string    // personal data in the request
	Public    []string    // values in the request that are no secret, even if they look like one: the account's login
}

// Body is what a request carries.
type Body struct {
	Content []byte
	Type    string // the Content-Type

	err error // of the encoding
}

// Form is a body of HTML form fields.
func Form(fields url.Values) Body {
	return Body{Content: []byte(fields.Encode()), Type: "application/x-www-form-urlencoded"}
}

// JSON is a body of JSON. A call whose v can't be encoded fails before it is sent.
func JSON(v any) Body {
	content, err := json.Marshal(v)
	return Body{Content: content, Type: "application/json", err: err}
}

// Basic is the value of an Authorization header with a user and a password.
func Basic(user, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
}

// Bearer is the value of an Authorization header with a token.
func Bearer(token string) string { return "Bearer " + token }

// Answer is what came back. The vendor may have put the call's secrets into
// any part of it.
type Answer struct {
	Status  int
	Header  http.Header
	Body    []byte           // decompressed, at most 4 MiB
	Secrets *redact.Redactor // of the call that is answered
	// Drift counts a field of the vendor that was not understood in an answer that is used all the same.
	Drift func(field string)
}

// Charset is the charset that Content-Type names; "" if it names none.
func (a Answer) Charset() string {
	_, params, err := mime.ParseMediaType(a.Header.Get("Content-Type"))
	if err != nil {
		return ""
	}
	return params["charset"]
}

// newRequest makes the request of one try.
func newRequest(ctx context.Context, call Call) (*http.Request, error) {
	if call.Body.err != nil {
		return nil, call.Body.err
	}
	req, err := http.NewRequestWithContext(ctx, call.Method, call.URL, bytes.NewReader(call.Body.Content))
	if err != nil {
		return nil, err
	}
	req.URL.RawQuery = call.Query.Encode()
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "accountgateway")
	if call.Body.Type != "" {
		req.Header.Set("Content-Type", call.Body.Type)
	}
	for name, values := range call.Header {
		if !httpguts.ValidHeaderFieldName(name) {
			return nil, fmt.Errorf("the header name %q is invalid", name)
		}
		for _, value := range values {
			if !httpguts.ValidHeaderFieldValue(value) {
				return nil, fmt.Errorf("the value of the header %s has a character that HTTP forbids", name)
			}
		}
		req.Header[http.CanonicalHeaderKey(name)] = values
	}
	req.Header.Set("Accept-Encoding", "gzip") // all that readBody decompresses
	if call.Write {
		// http.Transport sends a request again by itself when a kept
		// connection turns out to be closed, if it can get the body anew, or
		// if the method only reads and there is no body.
		req.GetBody = nil
		if req.Body == http.NoBody && (req.Method == http.MethodGet || req.Method == http.MethodHead) {
			req.Body = io.NopCloser(bytes.NewReader(nil))
		}
	}
	return req, nil
}
