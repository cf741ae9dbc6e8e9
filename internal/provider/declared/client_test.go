package declared_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"accountgateway/internal/provider"
	"accountgateway/internal/provider/declared"
	"accountgateway/internal/provider/upstream"
	"accountgateway/vendors"
)

type answers string

// RoundTrip answers every request with the same body.
func (a answers) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(string(a))), Header: http.Header{}, Request: r}, nil
}

// An account that has no money but credits has good credentials. One of which nothing can be read is not called good.
func TestCheckCredentialsWithoutABalance(t *testing.T) {
	text, err := vendors.Files.ReadFile("messagebird.yaml")
	if err != nil {
		t.Fatal(err)
	}
	v, err := declared.Load("messagebird.yaml", text)
	if err != nil {
		t.Fatal(err)
	}
	for body, want := range map[string]provider.Kind{
		`{"payment":"prepaid","type":"credits","amount":9.2}`:  "",
		`{"payment":"postpaid","type":"credits","amount":9.2}`: provider.KindUnsupportedOperation,
		`{"payment":"prepaid","type":"kroner","amount":9.2}`:   provider.KindBadResponse,
	} {
		p := declared.New(upstream.New(upstream.Options{Transport: answers(body)}), v, v.SampleAccount(nil))
		if got := provider.KindOf(p.CheckCredentials(t.Context())); got != want {
			t.Errorf("%s: got %q, want %q", body, got, want)
		}
	}
}
