package page

import (
	"net/url"
	"strings"
	"testing"
)

func TestLocalPath(t *testing.T) {
	for from, want := range map[string]string{
		"/": "/", "": "/", "/ui/a": "/ui/a", "/ui/a?days=7": "/ui/a?days=7", "/docs": "/docs",
		"//evil.example": "/", "https://evil.example/ui/a": "/", `/\evil.example`: "/", "/ui/../logout": "/",
		"javascript:alert(1)": "/", "/login": "/", "%zz": "/", "ui/a": "/", `/ui/\evil`: "/",
	} {
		if got := localPath(from); got != want {
			t.Errorf("%q leads to %q, want %q", from, got, want)
		}
	}
}

// FuzzLocalPath looks for a form that leads away from the gateway.
func FuzzLocalPath(f *testing.F) {
	for _, seed := range []string{"/", "/ui/a?days=7", "//evil.example", `/\\evil.example`, "/ui//evil.example", "/ui/%2e%2e/logout", "/docs?x", "http:/ui/a", "/ui/\t/"} {
		f.Add(seed)
	}
	here := &url.URL{Scheme: "https", Host: "gateway.example"}
	f.Fuzz(func(t *testing.T, text string) {
		path := localPath(text)
		to, err := here.Parse(path)
		if err != nil || to.Host != here.Host || to.Scheme != here.Scheme {
			t.Errorf("%q leads to %q", text, path)
		}
		if !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") || strings.ContainsAny(path, "\\\r\n") {
			t.Errorf("%q is sent as %q", text, path)
		}
	})
}
