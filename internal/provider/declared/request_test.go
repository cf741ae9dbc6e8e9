package declared_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"accountgateway/internal/config"
	"accountgateway/internal/provider"
	"accountgateway/internal/provider/declared"
	"accountgateway/internal/provider/upstream"
)

// TestRequests: settings are escaped where they stand, whatever is in them.
func TestRequests(t *testing.T) {
	const evil = `../x?y=1&z#"}\ ü`
	for name, row := range map[string]struct{ auth, request, want string }{
		"path and query": {`{bearer: "${TOKEN}"}`, `{path: "/a/${ID}/b", query: {q: "${ID}", n: 3}}`,
			"GET /api/a/..%2Fx%3Fy=1&z%23%22%7D%5C%20%C3%BC/b?n=3&q=..%2Fx%3Fy%3D1%26z%23%22%7D%5C+%C3%BC Authorization=Bearer tok-en  "},
		"form": {`{form: {key: "${TOKEN}"}}`, `{path: /, form: {id: "${ID}"}}`,
			"POST /api/ application/x-www-form-urlencoded id=..%2Fx%3Fy%3D1%26z%23%22%7D%5C+%C3%BC&key=tok-en"},
		"json": {`{json: {key: "${TOKEN}"}}`, `{path: /, json: {a: {b: ["${ID}", 1.50, true, null]}}}`,
			`POST /api/ application/json {"a":{"b":["../x?y=1\u0026z#\"}\\ ü",1.50,true,null]},"key":"tok-en"}`},
		"basic": {`{basic: {user: me, password: "${TOKEN}"}, header: {X-Id: "${OTHER}"}}`, `{path: "/${ID}"}`,
			"GET /api/..%2Fx%3Fy=1&z%23%22%7D%5C%20%C3%BC Authorization=Basic bWU6dG9rLWVu X-Id=other  "},
		"query": {`{query: {key: "${TOKEN}"}, secret_in_url: nowhere else}`, `{path: "/${ID}"}`,
			"GET /api/..%2Fx%3Fy=1&z%23%22%7D%5C%20%C3%BC?key=tok-en  "},
	} {
		t.Run(name, func(t *testing.T) {
			var got string
			vendor := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				got = r.Method + " " + r.RequestURI + " "
				for _, name := range []string{"Authorization", "X-Id"} {
					if value := r.Header.Get(name); value != "" {
						got += name + "=" + value + " "
					}
				}
				got += r.Header.Get("Content-Type") + " " + string(body)
				_, _ = io.WriteString(w, `{"money":"1.50","mails":3}`)
			}))
			t.Cleanup(vendor.Close)
			text := strings.NewReplacer(
				`auth: {bearer: "${TOKEN}"}`, "auth: "+row.auth, `request: {path: "/shops/${SHOP_ID}/money"}`, "request: "+row.request,
				"  SHOP_ID: {description: the shop's number}\n", "  ID: {description: a number}\n  OTHER: {description: another, default: other}\n",
			).Replace(good)
			if !strings.Contains(row.auth+row.request, "OTHER") {
				text = strings.Replace(text, "  OTHER: {description: another, default: other}\n", "", 1)
			}
			v, err := declared.Load("f.yaml", []byte(text))
			if err != nil {
				t.Fatal(err)
			}
			r := config.NewReader(func(name string) (string, bool) {
				value, ok := map[string]string{"S_TOKEN": "tok-en", "S_ID": evil, "S_BASE_URL": vendor.URL + "/api"}[name]
				return value, ok
			})
			a := v.Read(r, "S")
			if err := r.Err(); err != nil {
				t.Fatal(err)
			}
			p, _ := declared.New(upstream.New(upstream.Options{Account: "a", Provider: "shop", Timeout: 5 * time.Second}), v, a).(provider.BalanceReader)
			if _, err := p.ReadBalance(context.Background(), provider.BalanceQuery{}); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(row.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestSettings: what could change a request's structure is a fault of the setting.
func TestSettings(t *testing.T) {
	v, err := declared.Load("f.yaml", []byte(good))
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct{ token, shop, want string }{
		{"tok-en", "7", ""},
		{"", "7", "S_TOKEN: is not set"},
		{"tok-en", "..", "S_SHOP_ID: can't be part of a path"},
		{"tok-en", ".", "S_SHOP_ID: can't be part of a path"},
		{"tok\r\nX-Evil: 1", "7", "S_TOKEN: has a control character"},
	} {
		r := config.NewReader(func(name string) (string, bool) {
			value, ok := map[string]string{"S_TOKEN": row.token, "S_SHOP_ID": row.shop}[name]
			return value, ok
		})
		v.Read(r, "S")
		got := ""
		if err := r.Err(); err != nil {
			got = err.Error()
		}
		if got != row.want {
			t.Errorf("%+v: got %q", row, got)
		}
	}
}

// TestDotsInPaths: settings together, or in the path that gives tokens, lead nowhere else either.
func TestDotsInPaths(t *testing.T) {
	v, err := declared.Load("f.yaml", []byte(strings.NewReplacer(
		`{bearer: "${TOKEN}"}`, `{oauth: {path: "/${REALM}/token", client_id: a, client_secret: "${TOKEN}"}}`,
		"  SHOP_ID:", "  REALM: {description: a realm}\n  SHOP_ID:", "/shops/${SHOP_ID}/", "/shops/.${SHOP_ID}/",
	).Replace(good)))
	if err != nil {
		t.Fatal(err)
	}
	r := config.NewReader(func(name string) (string, bool) {
		value, ok := map[string]string{"S_TOKEN": "tok-en", "S_SHOP_ID": ".", "S_REALM": ".."}[name]
		return value, ok
	})
	v.Read(r, "S")
	if err := r.Err(); err == nil || err.Error() != "S_SHOP_ID: can't be part of a path\nS_REALM: can't be part of a path" {
		t.Errorf("got %v", err)
	}
}

// TestXMLCharset: the header's charset counts, else what the document says of itself; a text is decoded once.
func TestXMLCharset(t *testing.T) {
	text := strings.NewReplacer(
		"base_url:", "format: xml\nbase_url:", "body.code == 7", "body.code == '7'", "currency: USD", "currency: USD\n  wallets: \"[body]\"\n  name: body.owner",
		`'{"money":"1.50","mails":3}'`, "<a><owner>Ю</owner><money>1.50</money><mails>3</mails></a>", `'{"code":1}'`, "<a><code>1</code></a>",
		"balance: 1.50 USD,", "balance: 1.50 USD, wallets: [{name: Ю, balance: 1.50 USD}],",
	).Replace(good)
	v, err := declared.Load("f.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct{ header, declaration, owner string }{
		{"text/xml; charset=windows-1251", "windows-1251", "\xde"},
		{"text/xml", "windows-1251", "\xde"},
		{"text/xml; charset=utf-8", "windows-1251", "Ю"},
		{"text/xml", "UTF-8", "Ю"},
	} {
		vendor := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", row.header)
			_, _ = io.WriteString(w, `<?xml version="1.0" encoding="`+row.declaration+`"?><a><owner>`+row.owner+`</owner><money>1.50</money><mails>3</mails></a>`)
		}))
		t.Cleanup(vendor.Close)
		a := v.SampleAccount(nil)
		if err := a.Base.UnmarshalText([]byte(vendor.URL)); err != nil {
			t.Fatal(err)
		}
		p, _ := declared.New(upstream.New(upstream.Options{Timeout: 5 * time.Second}), v, a).(provider.BalanceReader)
		r, err := p.ReadBalance(t.Context(), provider.BalanceQuery{})
		if err != nil {
			t.Errorf("%+v: %v", row, err)
			continue
		}
		if got := *r.Balance.Wallets[0].Name; got != "Ю" {
			t.Errorf("%+v: got %q", row, got)
		}
	}
}
