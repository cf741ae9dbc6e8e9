package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"accountgateway/internal/simulator"
	"accountgateway/internal/simulator/regru"
)

// post asks the gateway for a write and holds the answer against the
// specification. header is in pairs.
func (s *served) post(t *testing.T, target, key, body string, header ...string) answer {
	t.Helper()
	return post(t, s.url, target, key, body, header...)
}

func post(t *testing.T, base, target, key, body string, header ...string) answer {
	t.Helper()
	a, req, err := tryPost(t, base, target, key, body, header...)
	if err != nil {
		t.Errorf("POST %s: %v", target, err)
		return a
	}
	a.check(req)
	return a
}

// tryPost is post for gateways that may not live to answer.
func tryPost(t *testing.T, base, target, key, body string, header ...string) (answer, *http.Request, error) {
	t.Helper()
	a := answer{t: t, target: target}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Idempotency-Key", key)
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := caller.Do(req)
	if err != nil {
		return a, req, err
	}
	defer resp.Body.Close()
	a.status, a.header = resp.StatusCode, resp.Header
	a.body, err = io.ReadAll(resp.Body)
	return a, req, err
}

const (
	aRefill = `{"method":"webmoney","wallet_id":"123456789012","amount":"19.95","currency":"USD"}`
	aUser   = `{"login":"ada","password":"correct-horse","email":"ada@customer.example","country":"DE"}`
)

// refillVendor is a REG.RU that still has refills, and the account of a partner
// there. What the gateway asked it for, and what it made of that, are told by it
// alone.
type refillVendor struct {
	*regru.Server
	t *testing.T
}

func newRefillVendor(t *testing.T) *refillVendor {
	return &refillVendor{Server: regru.New(regru.Options{Refill: true}), t: t}
}

func (f *fleet) refilling(name string) *refillVendor {
	f.t.Helper()
	v := newRefillVendor(f.t)
	f.add(name, "regru", v, partner...)
	return v
}

var partner = []string{"USERNAME=partner", "PASSWORD=partner-secret"}

func (v *refillVendor) inject(fault simulator.Fault) {
	v.t.Helper()
	if err := v.Control.Inject(fault); err != nil {
		v.t.Fatal(err)
	}
}

// ask calls a function as the partner does, beside the gateway.
func (v *refillVendor) ask(function string, input url.Values) string {
	v.t.Helper()
	form := url.Values{"username": {"partner"}, "password": {"partner-secret"}}
	for name, values := range input {
		form[name] = values
	}
	req := httptest.NewRequestWithContext(v.t.Context(), http.MethodPost, "/api/regru2/"+function, strings.NewReader(form.Encode()))
	req.RemoteAddr = "127.0.0.1:1"
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	v.ServeHTTP(w, req)
	return w.Body.String()
}

// invoices counts the invoices that the vendor has made.
func (v *refillVendor) invoices() int {
	v.t.Helper()
	var list struct {
		Answer struct{ Bills []any }
	}
	text := v.ask("bill/get_not_payed", url.Values{"limit": {"1024"}}) //nolint:misspell // the vendor's spelling
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		v.t.Fatalf("%v: %s", err, text)
	}
	return len(list.Answer.Bills)
}

// refills counts the calls that asked for one.
func (v *refillVendor) refills() int { return v.Control.Calls()["user/refill_balance"] }

// creations counts the calls that asked for a user.
func (v *refillVendor) creations() int { return v.Control.Calls()["user/create"] }

// hasUser tells whether there is a user of that login. It is a call of its own.
func (v *refillVendor) hasUser(login string) bool {
	v.t.Helper()
	text := v.ask("user/create", url.Values{"user_login": {login}, "user_password": {"x"}, "user_email": {"x@x.example"}, "user_country_code": {"DE"}, "check_only": {"1"}})
	taken, free := strings.Contains(text, "USER_LOGIN_NOT_UNIQUE"), strings.Contains(text, `"success"`)
	if taken == free {
		v.t.Fatalf("is there %s? %s", login, text)
	}
	return taken
}

// shownOperation is what callers may rely on in an operation.
type shownOperation struct {
	ID, Kind, State, Caller string
	Reference               *string
	Invoice                 *struct{ ID *string }
	Problem                 *problem
	SettledBy               *string `json:"settled_by"`
	Reason                  *string
	Candidates              []struct {
		ID, Date string
		Payment  *struct{ Amount, Currency string }
	}
}

// operation reads the operation that an answer is about.
func (s *served) operation(t *testing.T, a answer) (op shownOperation) {
	t.Helper()
	location := a.header.Get("Location")
	if location == "" {
		t.Fatalf("%s: no Location: %d %s", a.target, a.status, a.body)
	}
	s.get(t, location).decode(&op)
	return op
}

// wantStatus checks the status, and whether the answer is a replay.
func (a answer) wantStatus(status int, replayed bool) {
	a.t.Helper()
	if a.status != status || (a.header.Get("Idempotent-Replayed") == "true") != replayed {
		a.t.Errorf("%s: got %d, replayed %q, %s; want %d, %v", a.target, a.status, a.header.Get("Idempotent-Replayed"), a.body, status, replayed)
	}
}
