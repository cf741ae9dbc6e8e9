package selzy_test

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"accountgateway/internal/simulator"
	"accountgateway/internal/simulator/selzy"
)

const formType = "application/x-www-form-urlencoded"

func multipartForm(t *testing.T, pairs ...string) (contentType, text string) {
	t.Helper()
	var out bytes.Buffer
	w := multipart.NewWriter(&out)
	for i := 0; i < len(pairs); i += 2 {
		if err := w.WriteField(pairs[i], pairs[i+1]); err != nil {
			t.Fatal(err)
		}
	}
	file, err := w.CreateFormFile("login", "login.txt")
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(file, "a file is no parameter")
	_ = w.Close()
	return w.FormDataContentType(), out.String()
}

func packed(t *testing.T, text string) string {
	t.Helper()
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	_, _ = io.WriteString(z, text)
	_ = z.Close()
	return out.String()
}

// TestRequestForms has one row for each way to send a call.
func TestRequestForms(t *testing.T) {
	multipartType, multipartBody := multipartForm(t, "format", "json", "api_key", "resellerkey", "login", "lumi_cafe")
	// "api_key=resellerkey&login=lumi_cafe", compressed with bzip2.
	bzip2Body, err := base64.StdEncoding.DecodeString(bzip2Form)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, verb, target, contentType, body string
		want                                  string // part of the answer
	}{
		{"get", "GET", "/en/api/getUserInfo?format=json&api_key=resellerkey&login=lumi_cafe", "", "", `"login":"lumi_cafe"`},
		{"post, format in the query", "POST", "/en/api/getUserInfo?format=json", formType, "api_key=resellerkey&login=lumi_cafe", `"login":"lumi_cafe"`},
		{"post, format in the form", "POST", "/en/api/getUserInfo", formType + "; charset=UTF-8", "format=json&api_key=ordinarykey", `"login":"acme_shop"`},
		{"format in capitals", "GET", "/en/api/getUserInfo?format=JSON&api_key=ordinarykey", "", "", `"login":"acme_shop"`},
		{"multipart", "POST", "/en/api/getUserInfo", multipartType, multipartBody, `"login":"lumi_cafe"`},
		{"the form wins over the query", "POST", "/en/api/getUserInfo?format=json&login=rio_flores&api_key=offkey", formType, "api_key=resellerkey&login=lumi_cafe", `"login":"lumi_cafe"`},
		{"key in the query, login in the form", "POST", "/en/api/getUserInfo?format=json&api_key=resellerkey", formType, "login=lumi_cafe", `"login":"lumi_cafe"`},
		{"the last of a name wins", "GET", "/en/api/getUserInfo?format=json&api_key=resellerkey&login=rio_flores&login=lumi_cafe", "", "", `"login":"lumi_cafe"`},
		{"gzip request", "POST", "/en/api/getUserInfo?format=json&api_key=resellerkey&request_compression=gzip", formType, packed(t, "login=lumi_cafe"), `"login":"lumi_cafe"`},
		{"bzip2 request", "POST", "/en/api/getUserInfo?format=json&request_compression=bzip2", formType, string(bzip2Body), `"login":"lumi_cafe"`},
		{"ignored extras", "GET", "/en/api/getUserInfo?format=json&api_key=ordinarykey&platform=Shop+v1.0&lang=de", "", "", `"login":"acme_shop"`},
		{"unknown language", "GET", "/xx/api/getUserInfo?format=json&api_key=no", "", "", `"error":"The API key is not valid"`},
		{"Russian", "GET", "/ru/api/getUserInfo?format=json&api_key=no", "", "", `"error":"Неверный ключ API"`},
		{"Italian is not Selzy's", "GET", "/it/api/getUserInfo?format=json&api_key=no", "", "", `"error":"The API key is not valid"`},
		{"JSON body is not read", "POST", "/en/api/getUserInfo?format=json", "application/json", `{"api_key":"ordinarykey"}`, `"code":"invalid_api_key"`},
		{"form without a type is not read", "POST", "/en/api/getUserInfo?format=json", "", "api_key=ordinarykey", `"code":"invalid_api_key"`},
		{"the form of a GET is not read", "GET", "/en/api/getUserInfo?format=json", formType, "api_key=ordinarykey", `"code":"invalid_api_key"`},
		{"method names have a case", "GET", "/en/api/getuserinfo?format=json&api_key=ordinarykey", "", "", `"code":"unknown_method"`},
		{"nested method", "GET", "/en/api/async/exportContacts?format=json&api_key=ordinarykey", "", "", `"code":"unknown_method"`},
		{"no format", "GET", "/en/api/getUserInfo?api_key=ordinarykey", "", "", `"login":"acme_shop"`},
		{"test mode of Python", "GET", "/en/api/getUserInfo?format=json&api_key=ordinarykey&test_mode=True", "", "", `"login":"acme_shop"`},
		{"another test mode", "GET", "/en/api/getUserInfo?format=json&api_key=ordinarykey&test_mode=yes", "", "", `"code":"invalid_arg"`},
		{"another format", "GET", "/en/api/getUserInfo?format=xml&api_key=ordinarykey", "", "", `"code":"invalid_arg"`},
		{"not UTF-8", "GET", "/en/api/getUserInfo?format=json&api_key=ordinarykey&platform=%ff", "", "", `"code":"invalid_arg"`},
		{"array for a string", "GET", "/en/api/getUserInfo?format=json&api_key=resellerkey&login[]=lumi_cafe", "", "", `"error":"login must be a string"`},
		{"array for the key", "GET", "/en/api/getUserInfo?format=json&api_key[]=ordinarykey", "", "", `"code":"invalid_api_key"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := httptest.NewRequest(test.verb, test.target, strings.NewReader(test.body))
			if test.contentType != "" {
				r.Header.Set("Content-Type", test.contentType)
			}
			if got := body(t, newServer(t, selzy.Options{}), r); !strings.Contains(got, test.want) {
				t.Errorf("answer %s\nlacks %s", got, test.want)
			}
		})
	}
}

// TestHTTPStatus has one row for each answer that is no API answer.
func TestHTTPStatus(t *testing.T) {
	for _, test := range []struct {
		name, verb, target, contentType, body string
		want                                  int
	}{
		{"another path", "GET", "/", "", "", 404},
		{"no language", "GET", "//api/getUserInfo", "", "", 404},
		{"no api", "GET", "/en/getUserInfo", "", "", 404},
		{"put", "PUT", "/en/api/getUserInfo?format=json", formType, "api_key=ordinarykey", 405},
		{"body over 1 MiB", "POST", "/en/api/getUserInfo", formType, strings.Repeat("a", 1<<20+1), 413},
		{"inflates over 1 MiB", "POST", "/en/api/getUserInfo?request_compression=gzip", formType, packed(t, strings.Repeat("a", 1<<20+1)), 413},
		{"not gzip", "POST", "/en/api/getUserInfo?request_compression=gzip", formType, "api_key=ordinarykey", 400},
		{"broken multipart", "POST", "/en/api/getUserInfo", "multipart/form-data; boundary=x", "--x\r\nbroken", 400},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := httptest.NewRequest(test.verb, test.target, strings.NewReader(test.body))
			r.Header.Set("Content-Type", test.contentType)
			w := httptest.NewRecorder()
			newServer(t, selzy.Options{}).ServeHTTP(w, r)
			if w.Code != test.want {
				t.Errorf("status %d, want %d", w.Code, test.want)
			}
			if got := w.Header().Get("Content-Type"); !strings.HasPrefix(got, "text/html") {
				t.Errorf("Content-Type %q", got)
			}
		})
	}
}

func TestGzipAnswer(t *testing.T) {
	for _, test := range []struct {
		accept string
		want   bool
	}{
		{"", false}, {"gzip", true}, {"deflate, GZIP;q=0.5", true}, {"gzip;q=0", false}, {"br", false},
	} {
		t.Run(test.accept, func(t *testing.T) {
			r := httptest.NewRequest("GET", "/en/api/getUserInfo?format=json&api_key=ordinarykey", nil)
			r.Header.Set("Accept-Encoding", test.accept)
			got := body(t, newServer(t, selzy.Options{}), r)
			if test.want {
				z, err := gzip.NewReader(strings.NewReader(got))
				if err != nil {
					t.Fatal(err)
				}
				plain, err := io.ReadAll(z)
				if err != nil {
					t.Fatal(err)
				}
				got = string(plain)
			}
			if !strings.Contains(got, `"login":"acme_shop"`) {
				t.Errorf("answer %q", got)
			}
		})
	}
}

// TestOperation checks the names under which calls are counted and faults hit.
func TestOperation(t *testing.T) {
	s := newServer(t, selzy.Options{})
	if err := s.Control.Inject(simulator.Fault{Kind: simulator.KindStatus, Operation: "getUsers", Status: 502, Body: "<html>"}); err != nil {
		t.Fatal(err)
	}
	for _, target := range []string{"/en/api/getUserInfo", "/ru/api/getUsers", "/en/api/getLists", "/favicon.ico"} {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequest(http.MethodGet, target, nil))
		if hit := w.Code == 502; hit != (target == "/ru/api/getUsers") {
			t.Errorf("%s: status %d", target, w.Code)
		}
	}
	calls := s.Control.Calls()
	if calls["getUserInfo"] != 1 || calls["getUsers"] != 1 || calls["unknown_method"] != 2 {
		t.Errorf("calls %v", calls)
	}
}

const bzip2Form = "QlpoOTFBWSZTWXKwxGAAAAMbgAEAAAIAAKuv2iAgACImgZNGjaQpkxMgyMlzYkVNBx0niAMsu4Exjl8lYy+LuSKcKEg5WGIwAA=="
