// Package declared simulates a vendor that is described in one file. It answers by the file's samples, and wants the
// request and the credentials that the file declares, to the letter.
package declared

import (
	"crypto/rand"
	"io"
	"net/http"
	"net/url"
	"sync"

	"accountgateway/internal/provider"
	"accountgateway/internal/provider/declared"
	"accountgateway/internal/simulator"
)

// Server is the simulated vendor, with one account. Safe for concurrent use. Its operations are those of the file's
// sections, and "token" where tokens of OAuth are given.
type Server struct {
	Control *simulator.Control

	handler  http.Handler
	vendor   *declared.Vendor
	settings map[string]string // the account's
	samples  map[*declared.Request]*declared.Sample
	basePath string // of the base URL

	mu     sync.Mutex // guards tokens
	tokens map[string]bool
}

// New makes a vendor. An answer that is read is that of the first sample for its request, best one without settings of
// its own; what other settings that sample tells are the account's.
func New(v *declared.Vendor) *Server {
	s := &Server{
		Control: simulator.NewControl(), vendor: v, settings: v.SampleAccount(nil).Values(),
		samples: map[*declared.Request]*declared.Sample{}, tokens: map[string]bool{},
	}
	if base, err := url.Parse(v.BaseURL()); err == nil {
		s.basePath = base.EscapedPath()
	}
	for _, op := range v.Operations() {
		request := v.Request(op)
		sample := find(v, func(one *declared.Sample) bool { return v.Request(v.For(one)) == request && one.Settings == nil })
		if sample == nil {
			sample = find(v, func(one *declared.Sample) bool { return v.Request(v.For(one)) == request })
		}
		if sample == nil {
			continue
		}
		s.samples[request] = sample
		for _, e := range sample.Settings {
			s.settings[e.Key.Text] = e.Value.Text
		}
	}
	s.handler = s.Control.Wrap(http.HandlerFunc(s.serve), s.operation)
	return s
}

// find gives the first sample that is read and that fits.
func find(v *declared.Vendor, fits func(*declared.Sample) bool) *declared.Sample {
	samples := v.File().Samples
	for i := range samples {
		if one := &samples[i]; one.Want.Problem == nil && one.Currency == nil && fits(one) {
			return one
		}
	}
	return nil
}

// Settings are those of an account of a gateway that points at this vendor, which is reached at address (host:port), by
// their names without the account's.
func (s *Server) Settings(address string) map[string]string {
	all := map[string]string{"BASE_URL": "http://" + address + s.basePath}
	for name, value := range s.settings {
		if value != "" {
			all[name] = value
		}
	}
	return all
}

// ServeHTTP answers API calls and, under /_simulator/, the control routes.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

const (
	opToken   = "token"
	opUnknown = "unknown"
)

// operation names a call by its path, and by its method where several sections have one path.
func (s *Server) operation(r *http.Request) string {
	if oauth := s.vendor.File().Auth.OAuth; oauth != nil && r.URL.EscapedPath() == s.basePath+oauth.Path.FilledPath(s.settings) {
		return opToken
	}
	found := opUnknown
	for _, op := range s.vendor.Operations() {
		request := s.vendor.Request(op)
		if r.URL.EscapedPath() != s.basePath+request.Path.FilledPath(s.settings) {
			continue
		}
		if r.Method == s.vendor.Method(request) && s.asked(r, request) {
			return string(op)
		}
		if found == opUnknown {
			found = string(op)
		}
	}
	return found
}

// asked tells whether the query is the one of a request, credentials aside: some vendors have one path for all.
func (s *Server) asked(r *http.Request, request *declared.Request) bool {
	for _, e := range request.Query {
		if r.URL.Query().Get(e.Key.Text) != e.Value.Filled(s.settings) {
			return false
		}
	}
	return true
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	op := s.operation(r)
	if op == opToken {
		s.giveToken(w, r)
		return
	}
	request := s.vendor.Request(provider.Operation(op))
	switch {
	case request == nil:
		fault(w, http.StatusNotFound, "the file declares no request with this path")
		return
	case r.Method != s.vendor.Method(request):
		fault(w, http.StatusMethodNotAllowed, "the file declares the method "+s.vendor.Method(request))
		return
	}
	got, err := receive(r)
	if err != nil {
		fault(w, http.StatusBadRequest, err.Error())
		return
	}
	known, wrong := s.compare(got, request)
	switch {
	case wrong != "":
		fault(w, http.StatusBadRequest, wrong)
	case !known:
		s.refuse(w)
	case s.samples[request] == nil:
		fault(w, http.StatusNotImplemented, "the file has no sample of such an answer")
	default:
		s.send(w, &s.samples[request].Answer)
	}
}

// refuse answers as the vendor does to wrong credentials.
func (s *Server) refuse(w http.ResponseWriter) {
	for i := range s.vendor.File().Samples {
		one := &s.vendor.File().Samples[i]
		if one.Want.Problem != nil && one.Want.Problem.Text == string(provider.KindCredentials) {
			s.send(w, &one.Answer)
			return
		}
	}
	w.WriteHeader(http.StatusUnauthorized)
}

func (s *Server) send(w http.ResponseWriter, answer *declared.Reply) {
	types := map[string]string{"xml": "application/xml", "text": "text/plain; charset=utf-8"}
	w.Header().Set("Content-Type", "application/json")
	if format := s.vendor.File().Format; format != nil && types[format.Text] != "" {
		w.Header().Set("Content-Type", types[format.Text])
	}
	for _, e := range answer.Header {
		w.Header().Set(e.Key.Text, e.Value.Text)
	}
	w.WriteHeader(answer.Code())
	_, _ = io.WriteString(w, answer.Text()) // the client may be gone; nothing is left to do then
}

// giveToken gives a token for client credentials, in the form or in the header as the file says (RFC 6749, 4.4).
func (s *Server) giveToken(w http.ResponseWriter, r *http.Request) {
	oauth := s.vendor.File().Auth.OAuth
	if r.Method != http.MethodPost || r.PostFormValue("grant_type") != "client_credentials" {
		fault(w, http.StatusBadRequest, "must be a POST with grant_type=client_credentials")
		return
	}
	id, secret := r.PostFormValue("client_id"), r.PostFormValue("client_secret")
	if oauth.Style != nil && oauth.Style.Text == "header" {
		id, secret, _ = r.BasicAuth()
	}
	w.Header().Set("Content-Type", "application/json")
	if id != oauth.ClientID.Filled(s.settings) || secret != oauth.ClientSecret.Filled(s.settings) {
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = io.WriteString(w, `{"error":"invalid_client"}`)
		return
	}
	token := rand.Text()
	s.mu.Lock()
	s.tokens[token] = true
	s.mu.Unlock()
	_, _ = io.WriteString(w, `{"access_token":"`+token+`","token_type":"Bearer","expires_in":3600}`)
}

// fault answers a call that does not fit the file. No vendor answers so: it is a mistake of the caller's.
func fault(w http.ResponseWriter, status int, message string) {
	http.Error(w, "simulator: "+message, status)
}
