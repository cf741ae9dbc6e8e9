package upstream_test

import (
	"bytes"
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
)

// awkward holds a character of every sort that some encoding escapes.
const awkward = "p/w\"d'\\+ <&>%:ключ\t"

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

func TestRedact(t *testing.T) {
	tests := []struct {
		secrets    []string
		text, want string
	}{
		{nil, "a text", "a text"},
		{[]string{""}, "a text", "a text"},
		{[]string{"s3cret"}, "password s3cret is wrong, s3cret!", "password [redacted] is wrong, [redacted]!"},
		{[]string{"key", "", "keyring"}, "keyring key", "[redacted] [redacted]"},
		{[]string{"a.c"}, "abc a.c", "abc [redacted]"},
		{[]string{"ä"}, `ä \u00e4 \u00E4 %c3%A4 &#228; &#xE4;`, "[redacted] [redacted] [redacted] [redacted] [redacted] [redacted]"},
		{[]string{"\U0001F511"}, "\\ud83d\\uDD11 \U0001F511 %F0%9F%94%91", "[redacted] [redacted] [redacted]"},
	}
	for _, tt := range tests {
		if got := upstream.New(upstream.Options{Secrets: tt.secrets}).Redact(tt.text); got != tt.want {
			t.Errorf("%q in %q: got %q, want %q", tt.secrets, tt.text, got, tt.want)
		}
	}
	c := upstream.New(upstream.Options{Secrets: []string{awkward}})
	for name, text := range spellings(awkward) {
		if got := c.Redact("1" + text + "2"); got != "1[redacted]2" {
			t.Errorf("%s: %q became %q", name, text, got)
		}
	}
}

func FuzzRedact(f *testing.F) {
	f.Add("s3cret")
	f.Add(awkward)
	f.Add(`\\u\"`)
	f.Add("\xff\x00")
	f.Add("12&5%")
	f.Fuzz(func(t *testing.T, secret string) {
		if secret == "" || len(secret) > 100 {
			t.Skip()
		}
		c := upstream.New(upstream.Options{Secrets: []string{secret}})
		jsonText, _ := json.Marshal(secret)
		for _, text := range []string{secret, url.QueryEscape(secret), url.PathEscape(secret), string(jsonText[1 : len(jsonText)-1])} {
			if got := c.Redact(text); strings.ReplaceAll(got, "[redacted]", "") != "" {
				t.Errorf("secret %q in %q: got %q", secret, text, got)
			}
		}
	})
}

// The vendor echoes the secret wherever it can, and the reader passes on all
// that it saw: neither error, log nor metric may hold it.
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
				request.Form.Set("password", secret)
				err := c.Do(t.Context(), request, func(a upstream.Answer) error {
					e := provider.Errorf(provider.KindBadResponse, "the vendor said %s", a.Body)
					e.Drift = string(a.Body)
					e.Upstream = &provider.Upstream{Code: string(a.Body), Message: string(a.Body)}
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
func TestRedactor(t *testing.T) {
	c := upstream.New(upstream.Options{Secrets: []string{"key"}})
	if got := c.Redactor("n3w", "")("key n3w"); got != "[redacted] [redacted]" {
		t.Errorf("got %q", got)
	}
	if got := c.Redactor()("key n3w"); got != "[redacted] n3w" {
		t.Errorf("without secrets of its own: got %q", got)
	}
	if got := c.Redact("key n3w"); got != "[redacted] n3w" {
		t.Errorf("after it: got %q", got)
	}
}
