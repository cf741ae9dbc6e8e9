package declared_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"accountgateway/internal/provider"
	"accountgateway/internal/provider/declared"
	"accountgateway/internal/provider/providertest"
	"accountgateway/internal/provider/upstream"
	"accountgateway/vendors"
)

// catalogue are all vendors of the catalogue.
func catalogue(t testing.TB) []*declared.Vendor {
	t.Helper()
	all, err := declared.LoadAll(vendors.Files, "vendors", nil)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestConformance: each vendor of the catalogue, played by its samples, is an adapter like any other.
func TestConformance(t *testing.T) {
	for _, v := range catalogue(t) {
		t.Run(v.Name(), func(t *testing.T) {
			t.Parallel()
			secrets := v.SampleAccount(find(v, "", "")).Secrets()
			providertest.Run(t, providertest.Harness{
				New: func(t *testing.T, s providertest.Scenario) (provider.Provider, func() int) {
					var calls atomic.Int64
					vendor := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						calls.Add(1)
						play(v, s, w, r)
					}))
					t.Cleanup(vendor.Close)
					url := vendor.URL
					if s == providertest.Down {
						url = "http://127.0.0.1:1" // a port of this vendor's own might be taken by the next one
					}
					timeout := 5 * time.Second
					if s == providertest.Silent {
						timeout = 200 * time.Millisecond
					}
					p := at(t, v, url, find(v, "", ""), timeout)
					return p, func() int { return int(calls.Load()) }
				},
				Secrets:    secrets,
				NoCurrency: "ALL",
				NoLogin:    "nobody-at-all",
				NoCodes:    coded(v) == nil,
			})
		})
	}
}

// at is an account with the settings of a sample at an address.
func at(t testing.TB, v *declared.Vendor, url string, s *declared.Sample, timeout time.Duration) provider.Provider {
	t.Helper()
	a := v.SampleAccount(s)
	if err := a.Base.UnmarshalText([]byte(url)); err != nil {
		t.Fatal(err)
	}
	return declared.New(upstream.New(upstream.Options{Account: "a", Provider: v.Name(), Secrets: a.Secrets(), Timeout: timeout}), v, a)
}

// play answers as the vendor does in a scenario: by the samples of its file.
func play(v *declared.Vendor, s providertest.Scenario, w http.ResponseWriter, r *http.Request) {
	body, bad := s.Body()
	status := http.StatusOK
	oauth := v.File().Auth.OAuth
	switch {
	case s == providertest.Silent:
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
		return
	case bad:
	case oauth != nil && r.URL.Path == oauth.Path.Text && s != providertest.Refused:
		w.Header().Set("Content-Type", "application/json")
		body = `{"access_token":"a-token","token_type":"Bearer","expires_in":3600}`
	case s == providertest.Healthy:
		status, body = answer(v, asks(v, r), "")
	case s == providertest.Refused:
		status, body = answer(v, "", provider.KindCredentials)
	case s == providertest.UnknownCode:
		status, body = unknown(v)
	}
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

// asks tells for which section a request is, where there are several.
func asks(v *declared.Vendor, r *http.Request) provider.Operation {
	for _, op := range provider.Operations() {
		request := v.Request(op)
		if request == nil {
			continue
		}
		// A path with settings in it, cut at the first of them, is enough to tell.
		before, _, _ := strings.Cut(request.Path.Text, "${")
		if after := request.Path.Text[strings.LastIndex(request.Path.Text, "}")+1:]; strings.HasPrefix(r.URL.Path, before) && strings.HasSuffix(r.URL.Path, after) {
			return op
		}
	}
	return ""
}

// answer is that of the first sample for a section ("": any) that comes to a problem ("": none).
func answer(v *declared.Vendor, op provider.Operation, problem provider.Kind) (status int, body string) {
	s := find(v, op, problem)
	if s == nil {
		return http.StatusTeapot, "no sample"
	}
	return s.Answer.Code(), s.Answer.Text()
}

func find(v *declared.Vendor, op provider.Operation, problem provider.Kind) *declared.Sample {
	for i := range v.File().Samples {
		s := &v.File().Samples[i]
		kind := provider.Kind("")
		if s.Want.Problem != nil {
			kind = provider.Kind(s.Want.Problem.Text)
		}
		if kind == problem && s.Currency == nil && (op == "" || v.Request(v.For(s)) == v.Request(op)) {
			return s
		}
	}
	return nil
}

// coded is a sample of an error with a code; nil if there is none.
func coded(v *declared.Vendor) *declared.Sample {
	if v.File().ErrorCode == nil {
		return nil
	}
	for _, kind := range []provider.Kind{provider.KindOther, provider.KindCredentials} {
		if s := find(v, "", kind); s != nil && s.Want.Code != nil {
			return s
		}
	}
	return nil
}

// unknown is an error as the vendor writes them, with a code that no file knows.
func unknown(v *declared.Vendor) (status int, body string) {
	s := coded(v)
	status, body = s.Answer.Code(), s.Answer.Text()
	if status != http.StatusOK {
		status = http.StatusTeapot
	}
	code := s.Want.Code.Text
	if quoted := strconv.Quote(code); strings.Contains(body, quoted) || !strings.HasPrefix(body, "{") {
		return status, strings.Replace(body, strings.Trim(quoted, `"`), providertest.Code, 1)
	}
	return status, strings.Replace(body, code, strconv.Quote(providertest.Code), 1)
}
