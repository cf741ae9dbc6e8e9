package declared_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"accountgateway/internal/provider"
	"accountgateway/internal/provider/declared"
)

const withOAuth = `name: shop
title: Shop
group: other
settings:
  ID: {description: the client's number}
  SECRET: {secret: true, description: the client's secret}
base_url: https://shop.example
rate: 10/1m
auth: {oauth: {path: /token, client_id: "${ID}", client_secret: "${SECRET}"}}
request: {path: /money}
error_code: body.error
balance: {balance: "decimal(body.money)", currency: USD}
samples:
  - {name: money, answer: {body: '{"money":"1.50"}'}, want: {balance: 1.50 USD}}
  - {name: refused, answer: {status: 401, body: '{"error":"expired"}'}, want: {problem: provider_credentials}}
`

// issuer gives tokens and takes the last one that it gave.
type issuer struct {
	mu            sync.Mutex
	tokens, calls int
	token         string
	refuse        string // answered, with 401, instead of a token
}

func (i *issuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	defer i.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	switch {
	case r.URL.Path == "/token" && (i.refuse != "" || r.PostFormValue("client_secret") != "sample-secret" || r.PostFormValue("grant_type") != "client_credentials"):
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = io.WriteString(w, i.refuse)
	case r.URL.Path == "/token":
		i.tokens++
		i.token = fmt.Sprintf("secret-token-%d", i.tokens)
		fmt.Fprintf(w, `{"access_token":%q,"token_type":"bearer","expires_in":3600}`, i.token)
	case r.Header.Get("Authorization") != "Bearer "+i.token:
		i.calls++
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprintf(w, `{"error":%q}`, r.Header.Get("Authorization"))
	default:
		i.calls++
		_, _ = io.WriteString(w, `{"money":"1.50"}`)
	}
}

func (i *issuer) counts() (tokens, calls int) {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.tokens, i.calls
}

func shopWithOAuth(t *testing.T) (*issuer, provider.BalanceReader) {
	t.Helper()
	v, err := declared.Load("f.yaml", []byte(withOAuth))
	if err != nil {
		t.Fatal(err)
	}
	vendor := &issuer{}
	server := httptest.NewServer(vendor)
	t.Cleanup(server.Close)
	r, _ := at(t, v, server.URL, nil, 5*time.Second).(provider.BalanceReader)
	return vendor, r
}

// TestTokenIsKept: one token serves all calls, a revoked one is replaced once, and no error tells it.
func TestTokenIsKept(t *testing.T) {
	vendor, r := shopWithOAuth(t)
	var all sync.WaitGroup
	for range 5 {
		all.Go(func() {
			if _, err := r.ReadBalance(t.Context(), provider.BalanceQuery{}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if tokens, calls := vendor.counts(); tokens != 1 || calls != 5 {
		t.Errorf("%d tokens for %d calls, want 1 for 5", tokens, calls)
	}
	vendor.mu.Lock()
	vendor.token = "revoked"
	vendor.mu.Unlock()
	if _, err := r.ReadBalance(t.Context(), provider.BalanceQuery{}); err != nil {
		t.Error(err)
	}
	if tokens, calls := vendor.counts(); tokens != 2 || calls != 7 {
		t.Errorf("%d tokens for %d calls, want 2 for 7", tokens, calls)
	}
}

// TestTokenRefused: what is wrong with the client's credentials is told as such, and not the secret that comes back.
func TestTokenRefused(t *testing.T) {
	vendor, r := shopWithOAuth(t)
	vendor.refuse = `{"error":"invalid_client: sample-secret"}`
	_, err := r.ReadBalance(t.Context(), provider.BalanceQuery{})
	if provider.KindOf(err) != provider.KindCredentials || strings.Contains(err.Error(), "sample-secret") {
		t.Errorf("got %v", err)
	}
	vendor.mu.Lock()
	vendor.refuse = ""
	vendor.mu.Unlock()
	if _, err := r.ReadBalance(t.Context(), provider.BalanceQuery{}); err != nil {
		t.Error(err)
	}
}

// TestTokenIsNoError: the file's rules speak of the vendor's other answers. One that holds for an answer with a token
// would quote the token.
func TestTokenIsNoError(t *testing.T) {
	server := httptest.NewServer(new(issuer))
	t.Cleanup(server.Close)
	text := strings.Replace(withOAuth, "balance:", "errors: [{when: status == 200 && !has(body.money), kind: provider_error, message: text}]\nbalance:", 1)
	v, err := declared.Load("f.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	p, _ := at(t, v, server.URL, nil, 5*time.Second).(provider.BalanceReader)
	if _, err := p.ReadBalance(t.Context(), provider.BalanceQuery{}); err != nil {
		t.Error(err)
	}
}
