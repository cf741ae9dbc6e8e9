package notifytest

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
)

// Webhook is an HTTP server on a loopback address that takes messages.
type Webhook struct {
	Addr string

	mu    sync.Mutex
	down  bool
	texts []string
	tries int
}

// NewWebhook starts a server that the test's end stops.
func NewWebhook(t testing.TB) *Webhook {
	t.Helper()
	w := &Webhook{}
	server := httptest.NewServer(http.HandlerFunc(w.ServeHTTP))
	t.Cleanup(server.Close)
	w.Addr = strings.TrimPrefix(server.URL, "http://")
	return w
}

// ServeHTTP takes a message.
func (w *Webhook) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	text, err := io.ReadAll(r.Body)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tries++
	switch {
	case err != nil || r.Method != http.MethodPost:
		out.WriteHeader(http.StatusBadRequest)
	case w.down:
		out.WriteHeader(http.StatusServiceUnavailable)
	default:
		w.texts = append(w.texts, string(text))
	}
}

// SetDown makes it refuse messages, or take them again.
func (w *Webhook) SetDown(down bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.down = down
}

// Texts are the messages that came.
func (w *Webhook) Texts() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.texts)
}

// Tries is how often it was called.
func (w *Webhook) Tries() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.tries
}
