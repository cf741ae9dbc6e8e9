package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
	"github.com/google/go-cmp/cmp"

	"accountgateway/api"
)

// answer is a response of the gateway that was found to be as
// api/openapi.yaml says.
type answer struct {
	t      *testing.T
	target string
	status int
	header http.Header
	body   []byte
}

// caller sends the tests' requests. It follows nothing and waits longer than
// any deadline of the gateway's.
var caller = &http.Client{
	Timeout:       patience,
	Transport:     &http.Transport{MaxIdleConnsPerHost: 16},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// get asks the gateway. header is in pairs.
func (s *served) get(t *testing.T, target string, header ...string) answer {
	t.Helper()
	return get(t, s.url, target, header...)
}

// get asks for base + target and holds the answer against the specification.
func get(t *testing.T, base, target string, header ...string) answer {
	t.Helper()
	a, req := fetch(t, base, target, header...)
	a.check(req)
	return a
}

// fetch is get for answers that the specification does not have.
func fetch(t *testing.T, base, target string, header ...string) (answer, *http.Request) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+target, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	a := answer{t: t, target: target}
	resp, err := caller.Do(req)
	if err != nil {
		t.Errorf("GET %s: %v", target, err) // the rest goes on: tests ask in goroutines too
		return a, req
	}
	defer resp.Body.Close()
	a.status, a.header = resp.StatusCode, resp.Header
	if a.body, err = io.ReadAll(resp.Body); err != nil {
		t.Errorf("GET %s: %v", target, err)
	}
	return a, req
}

// check holds the answer against the specification.
func (a answer) check(req *http.Request) {
	a.t.Helper()
	spec, err := specification()
	if err != nil {
		a.t.Fatalf("api/openapi.yaml: %v", err)
	}
	route, params, err := spec.router.FindRoute(req)
	if err != nil {
		if a.status < 400 {
			a.t.Errorf("GET %s: status %d from a route that the specification lacks", a.target, a.status)
		}
		return
	}
	err = openapi3filter.ValidateResponse(a.t.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: req, PathParams: params, Route: route},
		Status:                 a.status,
		Header:                 a.header,
		Body:                   io.NopCloser(bytes.NewReader(a.body)),
		Options:                &openapi3filter.Options{IncludeResponseStatus: true},
	})
	if err != nil {
		a.t.Errorf("GET %s: not as the specification says: %.2000v\n%.2000s", a.target, err, a.body)
	}
}

// moment are the times that no test can foretell.
var moment = regexp.MustCompile(`"(as_of|since|last_success_at)":"[^"]*Z"`)

// wantBody compares the whole body of a 200 with JSON text, those times apart.
func (a answer) wantBody(want string) {
	a.t.Helper()
	if a.status != http.StatusOK || a.header.Get("Content-Type") != "application/json" {
		a.t.Errorf("GET %s: got %d %s", a.target, a.status, a.body)
		return
	}
	got := moment.ReplaceAll(a.body, []byte(`"$1":"T"`))
	if diff := cmp.Diff(lines(a.t, []byte(want)), lines(a.t, got)); diff != "" {
		a.t.Errorf("GET %s: body (-want +got):\n%s", a.target, diff)
	}
}

// lines gives JSON as sorted, indented lines; numbers keep their text.
func lines(t *testing.T, data []byte) []string {
	t.Helper()
	in := json.NewDecoder(bytes.NewReader(data))
	in.UseNumber()
	var v any
	if err := in.Decode(&v); err != nil {
		t.Fatalf("%v: %s", err, data)
	}
	out, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(string(out), "\n")
}

// problem is what callers may rely on in a failure.
type problem struct {
	Type, Title, Detail string
	Code                string
	Status              int
	Account, Provider   string
	Upstream            *struct{ Code, Message string }
	Errors              []struct{ Field, Message string }
	RequestID           string `json:"request_id"`
}

// fields are the names of the input fields that the problem complains of.
func (p problem) fields() (names []string) {
	for _, e := range p.Errors {
		names = append(names, e.Field)
	}
	return names
}

// wantProblem checks that the answer is a problem of that code and status.
func (a answer) wantProblem(status int, code string) problem {
	a.t.Helper()
	var p problem
	if a.header.Get("Content-Type") != "application/problem+json" || json.Unmarshal(a.body, &p) != nil {
		a.t.Errorf("GET %s: no problem but %d %.300s", a.target, a.status, a.body)
		return p
	}
	if a.status != status || p.Status != status || p.Code != code {
		a.t.Errorf("GET %s: got %d %s, want %d %s", a.target, a.status, a.body, status, code)
	}
	if p.Type != "urn:accountgateway:problem:"+code || p.RequestID == "" || p.RequestID != a.header.Get("X-Request-Id") || p.Detail == "" {
		a.t.Errorf("GET %s: problem %s lacks type, detail or the request's id %q", a.target, a.body, a.header.Get("X-Request-Id"))
	}
	return p
}

// spec is api/openapi.yaml with its examples checked.
type spec struct {
	doc    *openapi3.T
	router routers.Router
}

var specification = sync.OnceValues(func() (*spec, error) {
	doc, err := openapi3.NewLoader().LoadFromData(slices.Clone(api.Spec))
	if err != nil {
		return nil, err
	}
	if err := doc.Validate(context.Background(), openapi3.EnableExamplesValidation(), openapi3.EnableSchemaFormatValidation()); err != nil {
		return nil, err
	}
	router, err := gorillamux.NewRouter(doc)
	return &spec{doc: doc, router: router}, err
})

// decode reads the body of a 200.
func (a answer) decode(into any) {
	a.t.Helper()
	if err := json.Unmarshal(a.body, into); err != nil || a.status != http.StatusOK {
		a.t.Fatalf("GET %s: %d %s", a.target, a.status, a.body)
	}
}
