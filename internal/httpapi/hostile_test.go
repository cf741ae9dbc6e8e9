package httpapi

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"accountgateway/internal/httpapi/middleware"
)

func TestHostileQueries(t *testing.T) {
	g := start(t, map[string]fake{"acme": everything()})
	long := strings.Repeat("x", 256)
	tests := []struct {
		target string
		fields []string
	}{
		{"/accounts?x=1", []string{"x"}},
		{"/accounts?x", []string{"x"}},
		{"/accounts?=1", []string{""}},
		{"/accounts/acme?currency=USD", []string{"currency"}},
		{"/accounts/nobody/balance?curency=USD", []string{"curency"}},
		{"/accounts/acme/balance?b=1&a=2&currency=USD", []string{"a", "b"}},
		{"/accounts/acme/balance?currency=", []string{"currency"}},
		{"/accounts/acme/balance?currency", []string{"currency"}},
		{"/accounts/acme/balance?currency=USD&currency=USD", []string{"currency"}},
		{"/accounts/acme/balance?currency[]=USD", []string{"currency[]"}},
		{"/accounts/acme/balance?Currency=USD", []string{"Currency"}},
		{"/accounts/acme/balance?currency=usd", []string{"currency"}},
		{"/accounts/acme/balance?currency=US", []string{"currency"}},
		{"/accounts/acme/balance?currency=RUR", []string{"currency"}},
		{"/accounts/acme/balance?currency=%20USD", []string{"currency"}},
		{"/accounts/acme/balance?currency=USD%00", []string{"currency"}},
		{"/accounts/acme/balance?currency=" + long, []string{"currency"}},
		{"/accounts/acme/balance?%zz", []string{"query"}},
		{"/accounts/acme/balance?a=1;b=2", []string{"query"}},
		{"/accounts/acme/balance?%ff%00=1", []string{"??"}},
		{"/accounts/acme/balance?" + long + "=1", []string{long[:64] + "…"}},
		{"/accounts/acme/statistics?date_from=2026-02-30", []string{"date_from"}},
		{"/accounts/acme/statistics?date_from=2026-1-1&date_till=yesterday", []string{"date_from", "date_till"}},
		{"/accounts/acme/statistics?date_from=2026-01-01T00:00:00Z", []string{"date_from"}},
		{"/accounts/acme/statistics?date_from=2026-02-01&date_till=2026-01-31", []string{"date_till"}},
		{"/accounts/acme/statistics?date_till=2025-02-29", []string{"date_till"}},
		{"/accounts/acme/users?limit=0", []string{"limit"}},
		{"/accounts/acme/users?limit=-1", []string{"limit"}},
		{"/accounts/acme/users?limit=%2B2", []string{"limit"}},
		{"/accounts/acme/users?limit=1001", []string{"limit"}},
		{"/accounts/acme/users?limit=ten", []string{"limit"}},
		{"/accounts/acme/users?limit=ten&cursor=!", []string{"limit", "cursor"}},
		{"/accounts/acme/operations?limit=ten&cursor=!", []string{"limit", "cursor"}},
		{"/accounts/acme/users?limit=1.5", []string{"limit"}},
		{"/accounts/acme/users?limit=99999999999999999999", []string{"limit"}},
		{"/accounts/acme/users?login=" + long, []string{"login"}},
		{"/accounts/acme/users?login=%ff", []string{"login"}},
		{"/accounts/acme/users?login=a%00b", []string{"login"}},
		{"/accounts/acme/users?login=a%0ab&limit=0&cursor=!", []string{"login", "limit", "cursor"}},
		{"/accounts/acme/users?cursor=YWJj", []string{"cursor"}},
		{"/accounts/acme/users?cursor=" + long, []string{"cursor"}},
		{"/balances?require=most", []string{"require"}},
		{"/balances?require=ALL", []string{"require"}},
		{"/healthz?verbose", []string{"verbose"}},
		{"/metrics?name=x", []string{"name"}},
	}
	for _, tt := range tests {
		t.Run(tt.target, func(t *testing.T) {
			g.t = t
			g.get(tt.target).wantFields(tt.fields...)
		})
	}
	var many []string
	for i := range 100 {
		many = append(many, fmt.Sprintf("p%02d=1", i))
	}
	g.t = t
	if p := g.get("/accounts?" + strings.Join(many, "&")).wantCode(ProblemCodeInvalidParameter); len(*p.Errors) != maxFieldErrors {
		t.Errorf("a problem of %d errors", len(*p.Errors))
	}
	g.get("/accounts/acme/users?login=" + url.QueryEscape(strings.Repeat("я", 255))).wantStatus(http.StatusOK)
}

func (a answer) wantStatus(want int) {
	a.t.Helper()
	if a.status != want {
		a.t.Errorf("got %d %s, want %d", a.status, a.body, want)
	}
}

func TestHostilePaths(t *testing.T) {
	g := start(t, map[string]fake{"acme": everything(), "a/b": everything(), "%61": everything(), "a": balanceOf("1", "USD")})
	tests := []struct {
		target string
		code   ProblemCode // "" for an answer
	}{
		{"//", ProblemCodeNotFound},
		{"/accounts/", ProblemCodeNotFound},
		{"/accounts/acme/", ProblemCodeNotFound},
		{"/accounts//balance", ProblemCodeAccountNotFound},
		{"/accounts/acme/balance/", ProblemCodeNotFound},
		{"/accounts/acme/Balance", ProblemCodeNotFound},
		{"/accounts/ACME/balance", ProblemCodeAccountNotFound},
		{"/accounts/acme%20/balance", ProblemCodeAccountNotFound},
		{"/accounts/../balances", ProblemCodeNotFound},
		{"/accounts/../balance", ProblemCodeAccountNotFound},
		{"/accounts/%2e%2e/balance", ProblemCodeAccountNotFound},
		{"/accounts/acme%2f..%2facme/balance", ProblemCodeAccountNotFound},
		{"/accounts/acme%2fbalance", ProblemCodeAccountNotFound},
		{"/accounts/%2f", ProblemCodeAccountNotFound},
		{"/accounts/%00/balance", ProblemCodeAccountNotFound},
		{"/accounts/acme%00/balance", ProblemCodeAccountNotFound},
		{"/accounts/%ff%fe/users", ProblemCodeAccountNotFound},
		{"/accounts/%25/balance", ProblemCodeAccountNotFound},
		{"/accounts/%25zz/balance", ProblemCodeAccountNotFound},
		{"/accounts/%E2%80%AE/statistics", ProblemCodeAccountNotFound},
		{"/accounts/{account}/balance", ProblemCodeAccountNotFound},
		{"/accounts/*/balance", ProblemCodeAccountNotFound},
		{"/accounts/" + strings.Repeat("a", middleware.MaxURL-20) + "/balance", ProblemCodeAccountNotFound},
		{"/accounts/" + strings.Repeat("a", middleware.MaxURL) + "/balance", ProblemCodeInvalidParameter},
		{"/accounts/a;x=1/balance", ProblemCodeAccountNotFound},
		{"/accounts/a%2fb/balance", ""},
		{"/accounts/a/balance", ""},
		{"/accounts/%2561/balance", ""}, // unescaped once: the account "%61"
	}
	for _, tt := range tests {
		t.Run(tt.target[:min(len(tt.target), 60)], func(t *testing.T) {
			g.t = t
			a := g.get(tt.target)
			if tt.code == "" {
				a.wantStatus(http.StatusOK)
				return
			}
			a.wantCode(tt.code)
			if len(a.body) > 1000 {
				t.Errorf("the answer says %d bytes back", len(a.body))
			}
		})
	}
	if log := g.log.String(); strings.Contains(log, "%2") || strings.Contains(log, "aaaa") || strings.Contains(log, "ACME") {
		t.Errorf("the log has raw paths:\n%.2000s", log)
	}
}

func TestMethods(t *testing.T) {
	g := start(t, map[string]fake{"acme": everything()})
	tests := []struct {
		method, target string
		code           ProblemCode
		allow          string
	}{
		{http.MethodPost, "/accounts", ProblemCodeMethodNotAllowed, "GET, HEAD"},
		{http.MethodDelete, "/accounts/acme", ProblemCodeMethodNotAllowed, "GET, HEAD"},
		{http.MethodPut, "/accounts/acme/balance", ProblemCodeMethodNotAllowed, "GET, HEAD"},
		{http.MethodPut, "/accounts/acme/users", ProblemCodeMethodNotAllowed, "GET, HEAD, POST"},
		{http.MethodGet, "/accounts/acme/refills", ProblemCodeMethodNotAllowed, "POST"},
		{http.MethodPost, "/accounts/acme/operations", ProblemCodeMethodNotAllowed, "GET, HEAD"},
		{http.MethodDelete, "/accounts/acme/operations/x", ProblemCodeMethodNotAllowed, "GET, HEAD"},
		{http.MethodOptions, "/balances", ProblemCodeMethodNotAllowed, "GET, HEAD"},
		{http.MethodTrace, "/metrics", ProblemCodeMethodNotAllowed, "GET, HEAD"},
		{"BREW", "/healthz", ProblemCodeMethodNotAllowed, "GET, HEAD"},
		{"BREW", "/coffee", ProblemCodeNotFound, ""},
		{http.MethodPost, "/nowhere", ProblemCodeNotFound, ""},
	}
	for _, tt := range tests {
		t.Run(tt.method+" "+tt.target, func(t *testing.T) {
			g.t = t
			a := g.ask(tt.method, tt.target, nil, nil)
			a.wantCode(tt.code)
			if got := a.header.Get("Allow"); got != tt.allow {
				t.Errorf("Allow is %q", got)
			}
		})
	}
}

func TestBodies413(t *testing.T) {
	g := start(t, nil)
	g.ask(http.MethodGet, "/accounts", nil, strings.NewReader(strings.Repeat("x", middleware.MaxBody+1))).wantCode(ProblemCodePayloadTooLarge)
	g.ask(http.MethodGet, "/accounts", nil, strings.NewReader("{}")).wantStatus(http.StatusOK)
}

// TestRawRequests sends what a client library would not.
func TestRawRequests(t *testing.T) {
	g := start(t, map[string]fake{"acme": everything()})
	tests := []struct{ line, want string }{
		{"GET http://localhost/accounts/acme HTTP/1.1\r\nHost: x\r\n", "200"},
		{"GET http://elsewhere.example/accounts/acme HTTP/1.1\r\nHost: localhost\r\n", "403"},
		{"GET /accounts/acme HTTP/1.1\r\nHost: \r\n", "403"},
		{"GET /accounts/acme HTTP/1.0\r\n", "403"},
		{"GET / HTTP/1.1\r\nHost: \r\n", "403"},
		{"GET /metrics HTTP/1.1\r\nHost: \r\n", "403"},
		{"GET /accounts/acme HTTP/1.1\r\nHost: :8080\r\n", "403"},
		{"GET /accounts/acme HTTP/1.1\r\nHost: []\r\n", "403"},
		{"GET /accounts/acme HTTP/1.1\r\nHost: [::1]:8080\r\n", "200"},
		{"GET /healthz HTTP/1.1\r\nHost: \r\n", "200"},
		{"GET /accounts/acme\x7f HTTP/1.1\r\nHost: x\r\n", "400"},
		{"GET /accounts/%zz HTTP/1.1\r\nHost: x\r\n", "400"},
		{"OPTIONS * HTTP/1.1\r\nHost: x\r\n", "200"}, // net/http answers by itself
		{"CONNECT x:1 HTTP/1.1\r\nHost: x\r\n", "404"},
		{"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Request-Id: a\r\nX-Request-Id: b\r\n", "200"},
		{"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Request-Id: \r\n", "200"},
	}
	for _, tt := range tests {
		conn, err := net.Dial("tcp", strings.TrimPrefix(g.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprint(conn, tt.line+"Connection: close\r\n\r\n")
		status, err := bufio.NewReader(conn).ReadString('\n')
		if err != nil || !strings.HasPrefix(status, "HTTP/1.") || !strings.HasPrefix(status[len("HTTP/1.x "):], tt.want) {
			t.Errorf("%q: got %q, %v, want %s", tt.line, status, err, tt.want)
		}
		_ = conn.Close()
	}
	if strings.Contains(g.log.String(), "panic") {
		t.Errorf("a panic:\n%s", g.log)
	}
}
