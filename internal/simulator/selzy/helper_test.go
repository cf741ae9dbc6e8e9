package selzy_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"accountgateway/internal/simulator/selzy"
)

// noon is the time of every test that does not move the clock.
var noon = time.Date(2026, 3, 20, 12, 0, 0, 0, time.UTC)

func newServer(t *testing.T, opts selzy.Options) *selzy.Server {
	t.Helper()
	if opts.Now == nil {
		opts.Now = func() time.Time { return noon }
	}
	return selzy.New(opts)
}

// form makes a url-encoded form of "name=value&…" pairs that are not encoded yet.
func form(pairs string) string {
	values := url.Values{}
	for pair := range strings.SplitSeq(pairs, "&") {
		name, value, _ := strings.Cut(pair, "=")
		if name != "" {
			values.Add(name, value)
		}
	}
	return values.Encode()
}

// post calls a method the way the vendor recommends and returns the raw body.
func post(t *testing.T, s *selzy.Server, method, pairs string) string {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, "/en/api/"+method+"?format=json", strings.NewReader(form(pairs)))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return body(t, s, r)
}

// body sends r and wants an API answer: status 200 and JSON.
func body(t *testing.T, s *selzy.Server, r *http.Request) string {
	t.Helper()
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		t.Fatalf("status %d, want 200: %s", w.Code, w.Body)
	}
	if got := w.Header().Get("Content-Type"); got != "application/json; charset=utf-8" {
		t.Errorf("Content-Type %q", got)
	}
	return w.Body.String()
}

// envelope is the vendor's answer.
type envelope struct {
	Result   json.RawMessage
	Error    *string
	Code     string
	Warnings json.RawMessage
}

func decode(t *testing.T, text string) envelope {
	t.Helper()
	var e envelope
	if err := json.Unmarshal([]byte(text), &e); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return e
}

// result calls a method that must succeed and decodes its result, numbers as text.
func result(t *testing.T, s *selzy.Server, method, pairs string) any {
	t.Helper()
	text := post(t, s, method, pairs)
	e := decode(t, text)
	if e.Error != nil || e.Code != "" {
		t.Fatalf("%s: %s", method, text)
	}
	return tree(t, e.Result)
}

func tree(t *testing.T, text []byte) any {
	t.Helper()
	in := json.NewDecoder(strings.NewReader(string(text)))
	in.UseNumber()
	var v any
	if err := in.Decode(&v); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return v
}

func fields(t *testing.T, s *selzy.Server, method, pairs string) map[string]any {
	t.Helper()
	m, ok := result(t, s, method, pairs).(map[string]any)
	if !ok {
		t.Fatalf("%s: result is no object", method)
	}
	return m
}
