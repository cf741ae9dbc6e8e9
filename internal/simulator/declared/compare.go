package declared

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"accountgateway/internal/provider/declared"
)

// The places of a request where something may stand.
const (
	inQuery  = "query"
	inForm   = "form"
	inJSON   = "JSON"
	inHeader = "header"
)

// place is one of them with a name.
type place struct{ in, name string }

// receive gives what a request has in query, form and JSON, and all of its headers.
func receive(r *http.Request) (map[place]string, error) {
	got := map[place]string{}
	if err := r.ParseForm(); err != nil {
		return nil, errors.New("the query or the form can't be read")
	}
	take := func(in string, values url.Values) error {
		for name, list := range values {
			if len(list) > 1 {
				return fmt.Errorf("%s %s is listed twice", in, name)
			}
			got[place{in, name}] = list[0]
		}
		return nil
	}
	if err := errors.Join(take(inQuery, r.URL.Query()), take(inForm, r.PostForm)); err != nil {
		return nil, err
	}
	for name := range r.Header {
		got[place{inHeader, strings.ToLower(name)}] = r.Header.Get(name)
	}
	if kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";"); kind == "application/json" {
		in := json.NewDecoder(r.Body)
		in.UseNumber()
		var members map[string]any
		if err := in.Decode(&members); err != nil {
			return nil, errors.New("the body is no JSON object")
		}
		for name, value := range members {
			got[place{inJSON, name}] = encoded(value)
		}
	}
	return got, nil
}

// encoded is a value in the one form of JSON that is compared.
func encoded(value any) string {
	var text bytes.Buffer
	if err := json.NewEncoder(&text).Encode(value); err != nil { // it was decoded, or made of a file
		panic(err)
	}
	return text.String()
}

// compare tells whether what came has the account's credentials, and what else is wrong with it.
func (s *Server) compare(got map[place]string, request *declared.Request) (known bool, wrong string) {
	declares := map[place]bool{}
	for where, want := range s.own(request) {
		declares[where] = true
		if is, there := got[where]; !there || is != want {
			return false, fmt.Sprintf("%s %s: the file declares %s", where.in, where.name, want)
		}
	}
	known = true
	for where, want := range s.credentials() {
		declares[where] = true
		known = known && got[where] == want
	}
	if oauth := s.vendor.File().Auth.OAuth; oauth != nil {
		known = known && s.gave(strings.TrimPrefix(got[place{inHeader, "authorization"}], "Bearer "))
	}
	for where := range got {
		if where.in != inHeader && !declares[where] {
			return false, fmt.Sprintf("%s %s: the file declares no such thing", where.in, where.name)
		}
	}
	return known, ""
}

// gave tells whether the vendor has given a token.
func (s *Server) gave(token string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tokens[token]
}

// own is what a request has of its own.
func (s *Server) own(request *declared.Request) map[place]string {
	want := map[place]string{}
	s.put(want, inQuery, request.Query)
	s.put(want, inForm, request.Form)
	s.put(want, inHeader, request.Header)
	if request.JSON != nil {
		members, _ := request.JSON.Filled(s.settings).(map[string]any) // the loader wants a mapping
		for name, value := range members {
			want[place{inJSON, name}] = encoded(value)
		}
	}
	return want
}

// credentials are what every request has.
func (s *Server) credentials() map[place]string {
	auth, want := s.vendor.File().Auth, map[place]string{}
	s.put(want, inQuery, auth.Query)
	s.put(want, inForm, auth.Form)
	s.put(want, inHeader, auth.Header)
	s.put(want, inJSON, auth.JSON)
	authorization := place{inHeader, "authorization"}
	if auth.Bearer != nil {
		want[authorization] = "Bearer " + auth.Bearer.Filled(s.settings)
	}
	if auth.Basic != nil {
		pair := auth.Basic.User.Filled(s.settings) + ":" + auth.Basic.Password.Filled(s.settings)
		want[authorization] = "Basic " + base64.StdEncoding.EncodeToString([]byte(pair))
	}
	return want
}

func (s *Server) put(want map[place]string, in string, templates declared.Map[declared.Template]) {
	for i := range templates {
		name, text := templates[i].Key.Text, templates[i].Value.Filled(s.settings)
		switch in {
		case inHeader:
			name = strings.ToLower(name)
		case inJSON:
			text = encoded(text)
		}
		want[place{in, name}] = text
	}
}
