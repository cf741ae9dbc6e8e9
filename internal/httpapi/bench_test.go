package httpapi

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"accountgateway/internal/config"
	"accountgateway/internal/store"
	"accountgateway/internal/token"
)

// sink is a ResponseWriter that costs nothing.
type sink struct {
	header http.Header
	status int
}

func (s *sink) Header() http.Header         { return s.header }
func (s *sink) WriteHeader(status int)      { s.status = status }
func (s *sink) Write(p []byte) (int, error) { return len(p), nil }

// BenchmarkHit is a reading from memory through the whole chain: routing, request
// id, access log, metrics; "token" with check, scope, account and rate.
func BenchmarkHit(b *testing.B) {
	text, keeper := benchToken(b)
	rows := []struct {
		name, target string
		header       http.Header
		status       int
	}{
		{"token", "/accounts/acme/balance", as(text), http.StatusOK},
		{"balance", "/accounts/acme/balance", nil, http.StatusOK},
		{"statistics", "/accounts/acme/statistics", nil, http.StatusOK},
		{"users", "/accounts/acme/users", nil, http.StatusOK},
		{"currency", "/accounts/acme/balance?currency=USD", nil, http.StatusOK},
		{"bounded", "/accounts/acme/balance", http.Header{"Cache-Control": {"max-age=3600"}}, http.StatusOK},
		{"not modified", "/accounts/acme/balance", http.Header{"If-None-Match": {"*"}}, http.StatusNotModified},
	}
	for _, row := range rows {
		b.Run(row.name, func(b *testing.B) {
			o := Options{
				Accounts: service(map[string]fake{"acme": everything()}), Registry: prometheus.NewRegistry(),
				Log: zerolog.New(io.Discard).With().Timestamp().Logger(),
			}
			if row.header["Authorization"] != nil {
				o.Tokens, o.CallerRate = keeper, config.Rate{Calls: 1 << 30, Per: time.Minute}
			}
			h := New(o)
			w := &sink{header: http.Header{}}
			r := httptest.NewRequest(http.MethodGet, row.target, nil)
			r.Host = "127.0.0.1:8080"
			for name, values := range row.header {
				r.Header[name] = values
			}
			h.ServeHTTP(w, r)
			if w.status != row.status {
				b.Fatalf("got %d", w.status)
			}
			b.ReportAllocs()
			for b.Loop() {
				clear(w.header)
				h.ServeHTTP(w, r)
			}
			if w.status != row.status {
				b.Fatalf("got %d", w.status)
			}
		})
	}
}

// benchToken is a token that reads one account, and a keeper that knows it.
func benchToken(b *testing.B) (string, *token.Keeper) {
	st, err := store.Open(b.Context(), "sqlite::memory:", store.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { st.Close() })
	text, row := token.New(token.Spec{Name: "bench", Scopes: []token.Scope{token.Read}, Accounts: []string{"acme"}}, time.Now())
	if err := st.AddToken(b.Context(), row); err != nil {
		b.Fatal(err)
	}
	k := token.NewKeeper(zerolog.Nop())
	k.Attach(st)
	if err := k.Load(b.Context()); err != nil {
		b.Fatal(err)
	}
	return text, k
}
