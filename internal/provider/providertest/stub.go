package providertest

import (
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
)

// Stub is a vendor in a http.RoundTripper: it gives one answer to every request and keeps the requests.
type Stub struct {
	Status int               // 0: 200
	Body   string            // answered to every path
	Bodies map[string]string // answered to a path that ends so, instead
	Type   string            // the answer's Content-Type; "": none

	mu       sync.Mutex
	requests []Request
}

// Request is one that reached the stub.
type Request struct {
	Method, Path string
	Query, Form  url.Values
}

// Requests are all so far.
func (s *Stub) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// RoundTrip answers.
func (s *Stub) RoundTrip(r *http.Request) (*http.Response, error) {
	defer r.Body.Close()
	sent, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	form, err := url.ParseQuery(string(sent))
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.requests = append(s.requests, Request{Method: r.Method, Path: r.URL.Path, Query: r.URL.Query(), Form: form})
	s.mu.Unlock()

	status, body := s.Status, s.Body
	if status == 0 {
		status = http.StatusOK
	}
	for suffix, other := range s.Bodies {
		if strings.HasSuffix(r.URL.Path, suffix) {
			body = other
		}
	}
	header := http.Header{}
	if s.Type != "" {
		header.Set("Content-Type", s.Type)
	}
	return &http.Response{
		StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: header, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)), Request: r,
	}, nil
}
