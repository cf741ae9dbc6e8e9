package middleware

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/go-chi/chi/v5"
)

// TestPanicAfterTheAnswerBegan cuts the answer off.
func TestPanicAfterTheAnswerBegan(t *testing.T) {
	router := chi.NewRouter()
	router.Use(Recover(nil))
	router.Get("/", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = io.WriteString(w, "half")
		panic("in the middle")
	})
	server := httptest.NewServer(Begin(router))
	defer server.Close()
	resp, err := http.Get(server.URL)
	if err == nil {
		_, err = io.ReadAll(resp.Body)
		_ = resp.Body.Close()
	}
	if err == nil {
		t.Error("half an answer passes for a whole one")
	}
}
