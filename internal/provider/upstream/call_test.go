package upstream_test

import (
	"bytes"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"

	"accountgateway/internal/provider"
	"accountgateway/internal/provider/upstream"
)

// TestCalls: what a call says is what the vendor gets.
func TestCalls(t *testing.T) {
	tests := []struct {
		name string
		call upstream.Call
		want string // method, URI and body
		head http.Header
	}{
		{"nothing but a URL", upstream.Call{}, "GET / ", http.Header{}},
		{
			"query and headers",
			upstream.Call{URL: "/me", Query: url.Values{"key": {"a b&c"}}, Header: http.Header{"x-key": {"k"}, "Accept": {"application/xml"}, "User-Agent": {"x"}, "Accept-Encoding": {"br"}}},
			"GET /me?key=a+b%26c ",
			http.Header{"X-Key": {"k"}, "Accept": {"application/xml"}, "User-Agent": {"x"}},
		},
		{
			"basic", upstream.Call{Header: http.Header{"Authorization": {upstream.Basic("ada", "p:w")}}},
			"GET / ", http.Header{"Authorization": {"Basic YWRhOnA6dw=="}},
		},
		{
			"bearer", upstream.Call{Header: http.Header{"Authorization": {upstream.Bearer("token")}}},
			"GET / ", http.Header{"Authorization": {"Bearer token"}},
		},
		{
			"form", upstream.Call{Method: "POST", Body: upstream.Form(url.Values{"a": {"1 2"}})},
			"POST / a=1+2", http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Content-Length": {"5"}},
		},
		{
			"JSON", upstream.Call{Method: "PUT", Body: upstream.JSON(map[string]any{"a": "1"})},
			`PUT / {"a":"1"}`, http.Header{"Content-Type": {"application/json"}, "Content-Length": {"9"}},
		},
		{
			"another type", upstream.Call{Method: "POST", Body: upstream.Body{Content: []byte("<a/>"), Type: "text/xml"}},
			"POST / <a/>", http.Header{"Content-Type": {"text/xml"}, "Content-Length": {"4"}},
		},
		{"POST of nothing", upstream.Call{Method: "POST"}, "POST / ", http.Header{"Content-Length": {"0"}}},
		{"write by POST of nothing", upstream.Call{Method: "POST", Write: true}, "POST / ", http.Header{"Content-Length": {"0"}}},
		{"write by GET", upstream.Call{Write: true}, "GET / ", http.Header{}},
		{"write by DELETE", upstream.Call{Method: "DELETE", Write: true}, "DELETE / ", http.Header{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got string
			var head http.Header
			v := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				got, head = r.Method+" "+r.RequestURI+" "+string(body), r.Header
				if len(r.TransferEncoding) > 0 {
					t.Errorf("transfer encoding %q", r.TransferEncoding)
				}
			}))
			defer v.Close()
			want := http.Header{"Accept": {"application/json"}, "Accept-Encoding": {"gzip"}, "User-Agent": {"accountgateway"}}
			if tt.call.Write {
				want["Connection"] = []string{"close"}
			}
			for name, values := range tt.head {
				want[name] = values
			}
			tt.call.URL = v.URL + tt.call.URL
			if err := upstream.New(upstream.Options{}).Do(t.Context(), tt.call, func(upstream.Answer) error { return nil }); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got) + cmp.Diff(want, head); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestAnswer: an answer of any type reaches the reader whole.
func TestAnswer(t *testing.T) {
	v := serve(t, status(402, "<balance>1.50</balance>", "Content-Type", "text/xml; charset=Windows-1251", "X-Left", "7"))
	var got upstream.Answer
	err := upstream.New(upstream.Options{}).Do(t.Context(), upstream.Call{URL: v.URL}, func(a upstream.Answer) error {
		got = a
		return provider.Errorf(provider.KindInsufficientFunds, "no money")
	})
	failure(t, err, provider.KindInsufficientFunds)
	if got.Status != 402 || string(got.Body) != "<balance>1.50</balance>" || got.Header.Get("X-Left") != "7" || got.Charset() != "Windows-1251" {
		t.Errorf("got %+v", got)
	}
}

// TestCallsThatCantBeMade are never sent, and their errors hold no secret.
func TestCallsThatCantBeMade(t *testing.T) {
	const secret = "hush-Hu5h"
	for name, call := range map[string]upstream.Call{
		"method":       {Method: "GET " + secret},
		"header name":  {Header: http.Header{"X " + secret: {"1"}}},
		"header value": {Header: http.Header{"X-Key": {secret + "\n"}}},
		"JSON":         {Body: upstream.JSON(map[string]any{secret: math.NaN()})},
	} {
		t.Run(name, func(t *testing.T) {
			v := serve(t, status(200, ""))
			call.URL = v.URL
			var log bytes.Buffer
			c := upstream.New(upstream.Options{Secrets: []string{secret}, Log: zerolog.New(&log)})
			e := failure(t, c.Do(t.Context(), call, readJSON), provider.KindOther)
			if !e.NotSent || v.requests.Load() != 0 {
				t.Errorf("%d requests, NotSent %v", v.requests.Load(), e.NotSent)
			}
			if strings.Contains(e.Error()+log.String(), secret) {
				t.Errorf("the secret is in %v, %s", e, log.String())
			}
		})
	}
}
