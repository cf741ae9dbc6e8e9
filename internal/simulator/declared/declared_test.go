package declared_test

import (
	"context"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"accountgateway/internal/config"
	"accountgateway/internal/provider"
	"accountgateway/internal/provider/declared"
	"accountgateway/internal/provider/upstream"
	simulated "accountgateway/internal/simulator/declared"
	"accountgateway/vendors"
)

// TestCatalogue: the adapter of every shipped file is served by that file's simulated vendor, with the right credentials
// and with no others.
func TestCatalogue(t *testing.T) {
	t.Parallel()
	all, err := declared.LoadAll(vendors.Files, "vendors", nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range all {
		t.Run(v.Name(), func(t *testing.T) {
			t.Parallel()
			vendor := simulated.New(v)
			server := httptest.NewServer(vendor)
			t.Cleanup(server.Close)
			settings := vendor.Settings(strings.TrimPrefix(server.URL, "http://"))
			for name, read := range reads(adapter(t, v, settings)) {
				if err := read(t.Context()); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
			if calls := vendor.Control.Calls(); calls["unknown"] > 0 {
				t.Errorf("calls: %v", calls)
			}
			for _, setting := range v.About("A").Settings {
				if !setting.Secret || !setting.Required {
					continue
				}
				name := strings.TrimPrefix(setting.Name, "A_")
				wrong := maps.Clone(settings)
				wrong[name] = "some-other-secret"
				err := adapter(t, v, wrong).CheckCredentials(t.Context())
				if kind := provider.KindOf(err); kind != provider.KindCredentials {
					t.Errorf("with another %s: %v", name, err)
				}
			}
		})
	}
}

// adapter is an account with settings.
func adapter(t *testing.T, v *declared.Vendor, settings map[string]string) provider.Provider {
	t.Helper()
	r := config.NewReader(func(name string) (string, bool) {
		value, found := settings[strings.TrimPrefix(name, "A_")]
		return value, found
	})
	a := v.Read(r, "A")
	if err := r.Err(); err != nil {
		t.Fatal(err)
	}
	return declared.New(upstream.New(upstream.Options{Account: "a", Provider: v.Name(), Secrets: a.Secrets()}), v, a)
}

func reads(p provider.Provider) map[string]func(context.Context) error {
	all := map[string]func(context.Context) error{"check": p.CheckCredentials}
	if r, ok := p.(provider.BalanceReader); ok {
		all["balance"] = func(ctx context.Context) error { _, err := r.ReadBalance(ctx, provider.BalanceQuery{}); return err }
	}
	if r, ok := p.(provider.StatisticsReader); ok {
		all["statistics"] = func(ctx context.Context) error {
			_, err := r.ReadStatistics(ctx, provider.StatisticsQuery{})
			return err
		}
	}
	if r, ok := p.(provider.UserReader); ok {
		all["users"] = func(ctx context.Context) error { _, err := r.ReadUsers(ctx, provider.UserQuery{}); return err }
	}
	return all
}

const paper = `name: paper
title: Paper
group: other
settings: {KEY: {secret: true, description: a key}, TEAM: {description: a team}}
base_url: https://paper.example/api
rate: 10/1m
auth: {json: {key: "${KEY}"}, query: {team: "${TEAM}"}}
request: {path: /money, query: {format: json}, json: {what: [money, 1.50], deep: {a: true}}}
balance: {balance: decimal(body.left), currency: USD}
samples:
  - {name: money, answer: {header: {X-Paper: 1}, body: '{"left":1.50}'}, want: {balance: 1.50 USD}}
  - {name: wrong key, answer: {status: 403, body: '{"error":"who"}'}, want: {problem: provider_credentials}}
errors: [{when: status == 403, kind: provider_credentials}]
`

// TestStrict: what the file does not declare is a mistake of the caller's, other credentials are refused as the sample
// says.
func TestStrict(t *testing.T) {
	t.Parallel()
	v, err := declared.Load("paper.yaml", []byte(paper))
	if err != nil {
		t.Fatal(err)
	}
	vendor := simulated.New(v)
	const path, body = "/api/money?format=json&team=sample-team", `{"what":["money",1.50],"deep":{"a":true},"key":"sample-key"}`
	for _, row := range []struct {
		method, path, body string
		status             int
		answer             string
	}{
		{"POST", path, body, 200, `{"left":1.50}`},
		{"GET", path, "", 405, "simulator: the file declares the method POST\n"},
		{"POST", "/money?format=json&team=sample-team", body, 404, "simulator: the file declares no request with this path\n"},
		{"POST", strings.Replace(path, "=json", "=xml", 1), body, 400, "simulator: query format: the file declares json\n"},
		{"POST", path + "&more=1", body, 400, "simulator: query more: the file declares no such thing\n"},
		{"POST", path + "&team=sample-team", body, 400, "simulator: query team is listed twice\n"},
		{"POST", path, strings.Replace(body, "1.50", "1.5", 1), 400, "simulator: JSON what: the file declares [\"money\",1.50]\n\n"},
		{"POST", path, "[]", 400, "simulator: the body is no JSON object\n"},
		{"POST", path, strings.Replace(body, "sample-key", "other", 1), 403, `{"error":"who"}`},
		{"POST", strings.Replace(path, "sample-team", "other", 1), body, 403, `{"error":"who"}`},
	} {
		r := httptest.NewRequest(row.method, row.path, strings.NewReader(row.body))
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		vendor.ServeHTTP(w, r)
		if w.Code != row.status || w.Body.String() != row.answer {
			t.Errorf("%s %s %s: %d %q, want %d %q", row.method, row.path, row.body, w.Code, w.Body, row.status, row.answer)
		}
		if w.Code == http.StatusOK && (w.Header().Get("X-Paper") != "1" || w.Header().Get("Content-Type") != "application/json") {
			t.Errorf("header %v", w.Header())
		}
	}
	if got := vendor.Settings("127.0.0.1:1")["BASE_URL"]; got != "http://127.0.0.1:1/api" {
		t.Errorf("BASE_URL is %s", got)
	}
}
