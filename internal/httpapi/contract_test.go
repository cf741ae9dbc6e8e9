package httpapi

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"accountgateway/internal/store"
)

// TestRoutesAreTheSpecifications walks router and specification, so that neither
// has a route that the other lacks. HEAD follows GET everywhere. Pages are for
// people, and not in the specification.
func TestRoutesAreTheSpecifications(t *testing.T) {
	served := routesOf(t, newServer(Options{Accounts: service(nil), Registry: prometheus.NewRegistry()}).routes())
	var specified []string
	for path, item := range contract(t).doc.Paths.Map() {
		for method := range item.Operations() {
			specified = append(specified, method+" "+path)
		}
	}
	slices.Sort(specified)
	if diff := cmp.Diff(specified, served); diff != "" {
		t.Errorf("routes (-specified +served):\n%s", diff)
	}
}

// routesOf lists a router's methods and routes, sorted.
func routesOf(t *testing.T, r chi.Routes) (list []string) {
	t.Helper()
	err := chi.Walk(r, func(method, route string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		list = append(list, method+" "+route)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(list)
	return list
}

// TestQueryIsTheSpecifications finds parameters that only one side knows.
func TestQueryIsTheSpecifications(t *testing.T) {
	g := start(t, map[string]fake{"acme": everything()})
	for path, item := range contract(t).doc.Paths.Map() {
		target := strings.ReplaceAll(path, "{account}", "acme")
		for method, operation := range item.Operations() {
			params := append(slices.Clone(item.Parameters), operation.Parameters...)
			var names []string
			for _, p := range params {
				if p.Value.In == "query" {
					names = append(names, p.Value.Name)
				}
			}
			problem := g.ask(method, target+"?surprise=1", nil, nil).wantCode(ProblemCodeInvalidParameter)
			slices.Sort(names)
			got := knownOf(problem.Detail)
			slices.Sort(got)
			if diff := cmp.Diff(names, got); diff != "" {
				t.Errorf("%s %s: parameters (-specified +served):\n%s", method, path, diff)
			}
		}
	}
}

// knownOf reads the parameters of a route out of what it says to an unknown one.
func knownOf(detail string) []string {
	_, list, _ := strings.Cut(detail, "; must be one of ")
	if strings.HasSuffix(detail, "; this route has none") {
		return nil
	}
	return strings.Split(list, ", ")
}

func TestProblemCodesAreTheSpecifications(t *testing.T) {
	var listed, specified []string
	for code := range problems {
		listed = append(listed, string(code))
	}
	for _, code := range contract(t).doc.Components.Schemas["ProblemCode"].Value.Enum {
		specified = append(specified, code.(string))
	}
	slices.Sort(listed)
	slices.Sort(specified)
	if diff := cmp.Diff(specified, listed); diff != "" {
		t.Errorf("codes (-specified +listed):\n%s", diff)
	}
}

func TestSpecIsServed(t *testing.T) {
	a := start(t, nil).get("/openapi.yaml")
	if a.status != http.StatusOK || !strings.HasPrefix(string(a.body), "openapi: 3.1") {
		t.Errorf("got %d %.40s", a.status, a.body)
	}
}

func TestHeadWorksWhereGetDoes(t *testing.T) {
	st, stored := withStore(t, map[string]fake{"acme": everything()})
	g := start(t, nil, stored)
	if _, _, err := st.BeginOperation(t.Context(), store.Operation{ID: "one", Account: "acme", Kind: "refill", Request: []byte("{}")}, time.Time{}, nil); err != nil {
		t.Fatal(err)
	}
	_, file, _ := strings.Cut(string(g.get("/").body), "/static/")
	file, _, _ = strings.Cut(file, `"`)
	for path, item := range contract(t).doc.Paths.Map() {
		if item.Get == nil {
			continue
		}
		target := strings.NewReplacer("{account}", "acme", "{id}", "one", "{file}", file).Replace(path)
		get, head := g.get(target), g.ask(http.MethodHead, target, nil, nil)
		if head.status != http.StatusOK || len(head.body) != 0 || head.header.Get("Content-Type") != get.header.Get("Content-Type") {
			t.Errorf("HEAD %s: %d, %d bytes, %s", target, head.status, len(head.body), head.header.Get("Content-Type"))
		}
		if target == "/metrics" || strings.HasPrefix(get.header.Get("Content-Type"), "text/html") {
			continue // sent in chunks
		}
		if length := strconv.Itoa(len(get.body)); get.header.Get("Content-Length") != length || head.header.Get("Content-Length") != length {
			t.Errorf("%s has %s bytes; Content-Length of GET is %q, of HEAD %q", target, length, get.header.Get("Content-Length"), head.header.Get("Content-Length"))
		}
	}
	a := g.ask(http.MethodHead, "/nowhere", nil, nil)
	if a.status != http.StatusNotFound || a.header.Get("Content-Length") == "0" {
		t.Errorf("HEAD /nowhere: %d %v", a.status, a.header)
	}
}

// TestLength: no answer is sent in chunks, whoever counts it.
func TestLength(t *testing.T) {
	for _, n := range []int{1, countedBytes, countedBytes + 1, 1 << 20} {
		g := &gateway{t: t}
		g.serve(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			(&reply{status: http.StatusOK, contentType: jsonType, body: make([]byte, n)}).send(w)
		}))
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			req, err := http.NewRequestWithContext(t.Context(), method, g.url, nil)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := g.do(req)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.ContentLength != int64(n) {
				t.Errorf("%s of %d bytes: Content-Length is %d", method, n, resp.ContentLength)
			}
		}
	}
}
