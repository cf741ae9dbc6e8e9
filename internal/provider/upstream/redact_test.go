package upstream_test

import (
	"bytes"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"accountgateway/internal/provider"
	"accountgateway/internal/provider/upstream"
	"accountgateway/internal/redact"
)

// spellings are the ways in which vendors echo a text.
func spellings(secret string) map[string]string {
	plain := func(escapeHTML bool) string {
		var b bytes.Buffer
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(escapeHTML)
		_ = enc.Encode(secret)
		return strings.Trim(strings.TrimSpace(b.String()), `"`)
	}
	php := fmt.Sprintf("%+q", secret) // like PHP's: all that is not ASCII as \u
	php = strings.ReplaceAll(php[1:len(php)-1], "/", `\/`)
	return map[string]string{
		"raw":             secret,
		"query":           url.QueryEscape(secret),
		"query, lower":    strings.ReplaceAll(url.QueryEscape(secret), "%2B", "%2b"),
		"path":            url.PathEscape(secret),
		"JSON":            plain(true),
		"JSON, not HTML":  plain(false),
		"JSON, slashes":   strings.ReplaceAll(plain(true), "/", `\/`),
		"JSON, PHP":       php,
		"JSON in a quote": strings.ReplaceAll(strings.ReplaceAll(plain(true), `\`, `\\`), `"`, `\"`),
		"HTML":            html.EscapeString(secret),
	}
}

// The vendor echoes the secret wherever it can, and the reader passes on all
// that it may: neither error, log nor metric may hold it.
func TestNoSecretGetsOut(t *testing.T) {
	const secret = `hush/+"ключ`
	for name, text := range spellings(secret) {
		header := url.PathEscape(text)
		handlers := map[string]http.HandlerFunc{
			"body":        status(200, text),
			"body of 500": status(500, text),
			"redirect":    status(302, text, "Location", header),
			"bad url":     status(302, text, "Location", "http://%zz"+header),
			"status line": says("HTTP/1.1 " + text + " " + text + "\r\n\r\n"),
			"protocol":    says(text + "\r\n\r\n"),
			"header":      says("HTTP/1.1 200 OK\r\n" + text + "\r\n\r\n"),
			"length":      says("HTTP/1.1 200 OK\r\nContent-Length: " + text + "\r\n\r\n"),
			"chunk":       says("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + text + "\r\n"),
			"transfer":    says("HTTP/1.1 200 OK\r\nTransfer-Encoding: " + text + "\r\n\r\n"),
			"encoding":    status(200, text, "Content-Encoding", header),
		}
		for place, handler := range handlers {
			t.Run(name+" in "+place, func(t *testing.T) {
				t.Parallel()
				v := serve(t, handler)
				var out bytes.Buffer
				reg := prometheus.NewRegistry()
				c := upstream.New(upstream.Options{
					Account: "shop", Provider: "regru", Secrets: []string{secret},
					Metrics: upstream.NewMetrics(reg), Log: zerolog.New(&out).Level(zerolog.TraceLevel),
				})
				request := write(v.URL)
				request.Body = upstream.Form(url.Values{"password": {secret}})
				request.Query = url.Values{"key": {secret}}
				request.Header = http.Header{"Authorization": {upstream.Basic("ada", secret)}, "X-Key": {secret}}
				err := c.Do(t.Context(), request, func(a upstream.Answer) error {
					words := a.Secrets.Words(string(a.Body))
					e := provider.Errorf(provider.KindBadResponse, "not understood")
					e.Drift = "body"
					e.Upstream = &provider.Upstream{Code: words, Message: words}
					e.Err = fmt.Errorf("decode: %w", errors.New(string(a.Body)))
					return e
				})
				if err == nil {
					t.Fatal("no error")
				}
				var e *provider.Error
				if !errors.As(err, &e) {
					t.Fatalf("got %T", err)
				}
				for cause := e.Err; cause != nil; cause = errors.Unwrap(cause) {
					_, _ = fmt.Fprintln(&out, cause)
				}
				_, _ = fmt.Fprintf(&out, "%v %+v %+v %v", err, *e, e.Upstream, samples(t, reg))
				for _, part := range []string{"hush", "ключ", `043a`, "%D0"} {
					if strings.Contains(out.String(), part) {
						t.Errorf("%q in %s", part, out.String())
					}
				}
			})
		}
	}
}

func TestLog(t *testing.T) {
	v := serve(t, status(200, `{"ok":true}`))
	for _, tt := range []struct {
		level zerolog.Level
		lines int
	}{{zerolog.InfoLevel, 0}, {zerolog.DebugLevel, 1}} {
		var out bytes.Buffer
		c := upstream.New(upstream.Options{Account: "shop", Log: zerolog.New(&out).Level(tt.level)})
		if err := c.Do(t.Context(), call(v.URL), readJSON); err != nil {
			t.Fatal(err)
		}
		if got := strings.Count(out.String(), "\n"); got != tt.lines {
			t.Errorf("%s: %d lines, want %d", tt.level, got, tt.lines)
		}
		if strings.Contains(out.String(), "format") || strings.Contains(out.String(), "s3cret") {
			t.Errorf("the log tells query or form: %s", out.String())
		}
	}
}

// The secrets of one call go with the account's, and stay with that call.
func TestSecretsOfOneCall(t *testing.T) {
	const said = "key-1 n3w-pass Ada-1815"
	v := serve(t, status(200, said))
	c := upstream.New(upstream.Options{Secrets: []string{"key-1"}})
	own := call(v.URL)
	own.Secrets, own.Personal = []string{"n3w-pass", ""}, []string{"Ada-1815"}
	own.Public = []string{"n3w-pass-key-1"}
	for _, tt := range []struct {
		call         upstream.Call
		words, value string
	}{
		{own, "[redacted] [redacted] [redacted]", "[redacted] [redacted] Ada-1815"},
		{call(v.URL), "[redacted] n3w-pass Ada-1815", "[redacted] n3w-pass Ada-1815"},
	} {
		err := c.Do(t.Context(), tt.call, func(a upstream.Answer) error {
			if got := a.Secrets.Words(string(a.Body)); got != tt.words {
				t.Errorf("words: got %q, want %q", got, tt.words)
			}
			if got, _ := a.Secrets.Value(string(a.Body)); got != tt.value {
				t.Errorf("value: got %q, want %q", got, tt.value)
			}
			if got, ok := a.Secrets.Value("n3w-pass-key-1"); (got == "n3w-pass-key-1") != (tt.call.Public != nil) || !ok {
				t.Errorf("public value: got %q", got)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// What the gateway and the network say themselves stays readable, whatever the
// secrets are. What a vendor says through the network does not: its certificate
// is its own text.
func TestOwnWordsStay(t *testing.T) {
	closed := serve(t, status(200, ""))
	closed.Close()
	secrets := []string{"p", "b", "dial", "refused", "vendor", "connect: "}
	err := upstream.New(upstream.Options{Secrets: secrets}).Do(t.Context(), call(closed.URL), readJSON)
	e := failure(t, err, provider.KindUnavailable)
	if text := err.Error(); strings.Contains(text, redact.Mark) || !strings.Contains(e.Err.Error(), "dial tcp") {
		t.Errorf("got %q", text)
	}
	err = upstream.New(upstream.Options{Secrets: secrets}).Do(t.Context(), call(serve(t, status(503, "")).URL), func(a upstream.Answer) error {
		return provider.Errorf(provider.KindUnavailable, "the vendor can't be reached")
	})
	if failure(t, err, provider.KindUnavailable).Message != "the vendor can't be reached" {
		t.Errorf("got %v", err)
	}

	const secret = "hush-Hu5h"
	for name, shown := range map[string]string{"raw": secret, "hex": hex.EncodeToString([]byte(secret))} {
		foreign := errors.New("x509: certificate is valid for " + shown + ".example, not vendor.example")
		c := upstream.New(upstream.Options{Secrets: []string{secret}, Transport: roundTripper(func(*http.Request) (*http.Response, error) {
			return nil, &tls.CertificateVerificationError{Err: foreign}
		})})
		err := c.Do(t.Context(), call("https://vendor.example"), readJSON)
		if text := fmt.Sprintf("%+v", err); strings.Contains(text, shown) || !strings.Contains(text, "certificate is valid for [redacted].example") {
			t.Errorf("%s: got %s", name, text)
		}
	}
	// A URL that was set with a secret in it is quoted by whoever can't use it.
	err = upstream.New(upstream.Options{Secrets: []string{secret}}).Do(t.Context(), upstream.Call{URL: "https://vendor.example/%zz/" + secret}, readJSON)
	if text := fmt.Sprintf("%+v", err); strings.Contains(text, secret) || !strings.Contains(text, redact.Mark) {
		t.Errorf("got %s", text)
	}
}

// What a reader passes on of the vendor's is in one line and steers nothing, and no secret comes about by that.
func TestErrorsArePlain(t *testing.T) {
	v := serve(t, status(200, "{}"))
	c := upstream.New(upstream.Options{Secrets: []string{"hush hush"}})
	const hostile = "a\x1b]0;pwned\x07\r\n\x00\tb\u202ec hush\n\u202ehush"
	err := c.Do(t.Context(), call(v.URL), func(a upstream.Answer) error {
		e := upstream.Table{}.Error(a, upstream.Failure{Code: hostile, Text: hostile})
		e.Message, e.Err = hostile, errors.New(hostile)
		return e
	})
	const want = "a ]0;pwned b c [redacted]"
	e := failure(t, err, provider.KindOther)
	for _, got := range []string{e.Message, e.Upstream.Code, e.Upstream.Message, e.Err.Error()} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
