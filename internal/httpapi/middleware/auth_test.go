package middleware

import (
	"net/http"
	"testing"
)

func TestBearerIsRead(t *testing.T) {
	for line, want := range map[string]string{
		"Bearer x": "x", "bearer x": "x", "Bearer  x": "x", "Bearer x ": "x ", "Bearer": "", "Bearerx": "", "Basic x": "", "": "", "Bearer\tx": "",
	} {
		if got := bearer(&http.Request{Header: http.Header{"Authorization": {line}}}); got != want {
			t.Errorf("%q: got %q", line, got)
		}
	}
}
