package main

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
)

// mark is in every secret of these tests, so that also a part of one is found.
const mark = "Hu5hN0w1"

// The secrets have what servers escape in one way or the other.
var secretOf = map[string]string{
	"regru": `pass+` + mark + `/"w<or>d'&=% %41\é`,
	"selzy": `key+` + mark + `/"w<or>d'&=% %41\é`,
}

// echo is a vendor that says what it was sent. It gets the secret and writes
// an answer with it.
type echo struct {
	name   string
	answer func(w http.ResponseWriter, secret string)
}

// echoes are the ways in which a vendor, or a proxy before it, can give a secret
// back.
func echoes() []echo {
	quote := func(s string) string {
		out, _ := json.Marshal(s) // a string always encodes
		return string(out)
	}
	body := func(name string, text func(secret string) string) echo {
		return echo{name, func(w http.ResponseWriter, secret string) { _, _ = io.WriteString(w, text(secret)) }}
	}
	// told has a text in an error envelope that both vendors' adapters understand.
	told := func(name string, text func(secret string) string) echo {
		return body(name, func(secret string) string {
			said := quote("no entry for " + text(secret) + ", sorry")
			return `{"result":"error","error_code":"ACCESS_DENIED","error_text":` + said + `,"code":"access_denied","error":` + said + `}`
		})
	}
	header := func(name, value string, status int) echo {
		return echo{fmt.Sprintf("header %s %d", name, status), func(w http.ResponseWriter, secret string) {
			w.Header().Set(name, strings.ReplaceAll(value, "$", url.QueryEscape(secret)))
			w.WriteHeader(status)
			_, _ = io.WriteString(w, "{}")
		}}
	}
	wire := func(name string, text func(secret string) string) echo {
		return echo{"wire: " + name, func(w http.ResponseWriter, secret string) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				return
			}
			defer conn.Close()
			_, _ = io.WriteString(conn, text(secret))
		}}
	}
	same := func(s string) string { return s }
	return []echo{
		told("raw", same),
		told("query-escaped", url.QueryEscape),
		told("path-escaped", url.PathEscape),
		told("percent, every byte", func(s string) string {
			out := ""
			for _, b := range []byte(s) {
				out += fmt.Sprintf("%%%02x", b)
			}
			return out
		}),
		told("JSON in JSON", quote),
		told("JSON in JSON in JSON", func(s string) string { return quote(quote(s)) }),
		told("HTML", html.EscapeString),
		told("Go", func(s string) string { return fmt.Sprintf("%+q", s) }),
		told("the whole form", func(s string) string { return url.Values{"password": {s}, "api_key": {s}}.Encode() }),
		told("at the end of what is kept", func(s string) string { return strings.Repeat("x", 500-len("no entry for ")-len(s)/2) + s }),
		body("unicode escapes", func(s string) string {
			escaped := ""
			for _, r := range s {
				escaped += fmt.Sprintf(`\u%04X`, r)
			}
			return `{"result":"error","error_code":"NO_AUTH","error_text":"` + escaped + `","code":"invalid_api_key","error":"` + escaped + `"}`
		}),
		body("as the code", func(s string) string {
			return `{"result":"error","error_code":` + quote(s) + `,"error_text":"","code":` + quote(s) + `,"error":""}`
		}),
		body("as the parameter", func(s string) string {
			return `{"result":"error","error_code":"PARAMETER_INCORRECT","error_params":{"param":` + quote(s) + `,"command_name":` + quote(s) + `},"code":"invalid_arg","error":` + quote(s) + `}`
		}),
		body("as every figure", func(s string) string {
			return strings.ReplaceAll(`{"result":"success","answer":{"currency":$,"prepay":$,"active_domains_cnt":$,"user_id":{},"login":{}}}`, "$", quote(s))
		}),
		body("as every figure of the other", func(s string) string {
			return strings.ReplaceAll(`{"result":{"currency":$,"balance":$,"emails_paid":$,"login":{}}}`, "$", quote(s))
		}),
		body("as a member", func(s string) string {
			return `{` + quote(s) + `:1,"result":{` + quote(s) + `:1},"answer":{` + quote(s) + `:1}}`
		}),
		body("as a member twice", func(s string) string { return `{` + quote(s) + `:1,` + quote(s) + `:2}` }),
		body("as the result", func(s string) string { return `{"result":` + quote(s) + `}` }),
		body("as a list", func(s string) string { return `[` + quote(s) + `]` }),
		body("JSON that breaks off", func(s string) string { return `{"result":` + quote(s) }),
		body("plain", func(s string) string { return "fatal error: bad password " + s }),
		body("what the vendor was sent", func(s string) string {
			return `{"result":"success","answer":{"currency":"RUR"},"input_params":{"password":` + quote(s) + `},"warnings":[` + quote(s) + `]}`
		}),
		{"page with 500", func(w http.ResponseWriter, s string) {
			http.Error(w, "<h1>"+html.EscapeString(s)+"</h1>", http.StatusInternalServerError)
		}},
		{"page with 404", func(w http.ResponseWriter, s string) { http.Error(w, "not found: "+s, http.StatusNotFound) }},
		{"envelope with 503", func(w http.ResponseWriter, s string) {
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = io.WriteString(w, `{"result":"error","error_code":`+quote(s)+`,"error_text":`+quote(s)+`,"code":`+quote(s)+`,"error":`+quote(s)+`}`)
		}},
		header("Location", "https://elsewhere.example/?password=$", http.StatusFound),
		header("Location", "://$", http.StatusTemporaryRedirect),
		header("Set-Cookie", "session=$", http.StatusOK),
		header("Content-Type", "text/$", http.StatusOK),
		header("Content-Encoding", "$", http.StatusOK),
		header("Retry-After", "$", http.StatusTooManyRequests),
		header("Retry-After", "$", http.StatusServiceUnavailable),
		header("WWW-Authenticate", `Basic realm="$"`, http.StatusUnauthorized),
		header("X-Debug", "$", http.StatusForbidden),
		wire("no HTTP", func(s string) string { return s + "\r\n\r\n" }),
		wire("status", func(s string) string { return "HTTP/1.1 " + s + "\r\n\r\n" }),
		wire("version", func(s string) string { return s + " 200 OK\r\n\r\n" }),
		wire("header", func(s string) string { return "HTTP/1.1 200 OK\r\n" + s + "\r\n\r\n" }),
		wire("length", func(s string) string { return "HTTP/1.1 200 OK\r\nContent-Length: " + s + "\r\n\r\n" }),
		wire("coding", func(s string) string { return "HTTP/1.1 200 OK\r\nTransfer-Encoding: " + s + "\r\n\r\n" }),
		wire("chunk", func(s string) string {
			return "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + s + "\r\n"
		}),
		wire("gzip", func(s string) string { return "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + s }),
	}
}

// TestSecretsStayInside has vendors give the credentials back in every way, and
// looks for them in all that the gateway says: answers and their headers, log
// lines, metrics, the check's table.
func TestSecretsStayInside(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	names := map[string]string{} // of the echo, by account
	for i, e := range echoes() {
		for provider, secret := range secretOf {
			account := numbered(i) + "-" + provider
			names[account] = e.name
			vendor := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				sent := r.PostFormValue("password") + r.PostFormValue("api_key")
				if sent == "" { // a call without credentials
					sent = secret
				}
				if sent != secret {
					t.Errorf("%s: the vendor was sent %q", account, sent)
				}
				e.answer(w, sent)
			})
			if provider == "regru" {
				f.add(account, provider, vendor, "USERNAME=test", "PASSWORD="+secret)
			} else {
				f.add(account, provider, vendor, "API_KEY="+secret)
			}
		}
	}
	g := f.serve()
	var wg sync.WaitGroup
	for account, name := range names {
		wg.Go(func() {
			for _, op := range reads {
				// no-cache: asked once more after a refusal.
				a := g.get(t, "/accounts/"+account+"/"+op, "Cache-Control", "no-cache")
				if a.status < 400 {
					t.Errorf("%s, %s: got %d %s", name, op, a.status, a.body)
				}
				hold(t, name+", "+op, headers(a)+string(a.body))
			}
			hold(t, name+", state", string(g.get(t, "/accounts/"+account).body))
		})
	}
	wg.Wait()
	for _, target := range []string{"/accounts", "/balances", "/balances?require=all", "/metrics", "/readyz"} {
		a := g.get(t, target)
		hold(t, target, headers(a)+string(a.body))
	}
	openMetrics, _ := fetch(t, g.url, "/metrics", "Accept", "application/openmetrics-text")
	hold(t, "/metrics for OpenMetrics", string(openMetrics.body))
	if status := g.stop(); status != 0 {
		t.Errorf("exit status %d", status)
	}
	for line := range strings.Lines(g.stderr.String()) {
		hold(t, "log", line)
	}
	if log := g.stderr.String(); !strings.Contains(log, `"level":"debug"`) || !strings.Contains(log, "vendor call") {
		t.Error("the log has no debug lines: nothing was proved")
	}

	_, stdout, stderr := complete(t, f.settings, "check")
	for line := range strings.Lines(stdout + stderr) {
		hold(t, "check", line)
	}
}

// TestCallersSecretsStayInside: what callers send by mistake, or to look whether
// it can be found again, is in no log line and no metric.
func TestCallersSecretsStayInside(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	f.simulated("selzy", "selzy", "resellerkey")
	g := f.serve()
	for _, target := range []string{
		"/" + mark, "/accounts/" + mark, "/accounts/" + mark + "/balance", "/accounts/selzy/balance?token=" + mark, "/accounts/selzy/balance?currency=" + mark,
		"/accounts/selzy/users?login=" + mark, "/accounts/selzy/users?cursor=" + mark, "/balances?require=" + mark, "/accounts/selzy/balance?" + mark + "=1",
		"/accounts/selzy/users?login=lumi_cafe&" + mark,
	} {
		g.get(t, target, "Authorization", "Bearer "+mark, "Cookie", "session="+mark, "X-Api-Key", mark, "User-Agent", mark, "Referer", "http://"+mark+"/",
			"X-Forwarded-For", mark, "Cache-Control", "max-age="+mark, "If-None-Match", `"`+mark+`"`, "X-Request-Id", "bad id "+mark)
	}
	hold(t, "/metrics", string(g.get(t, "/metrics").body))
	g.stop()
	for line := range strings.Lines(g.stderr.String()) {
		hold(t, "log", line)
		if strings.Contains(line, "lumi") {
			t.Errorf("a user's data is in the log: %s", line)
		}
	}
}

// TestDatabasePassword: a database that can't be reached is told by its
// setting's name, and its password is not.
func TestDatabasePassword(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	f.simulated("selzy", "selzy", "ordinarykey")
	g := f.serve("GATEWAY_DATABASE_URL=postgres://gateway:" + mark + "@" + closedAddr(t) + "/gateway?connect_timeout=1")
	ready := g.get(t, "/readyz")
	if ready.status != http.StatusServiceUnavailable {
		t.Errorf("/readyz: %d %s", ready.status, ready.body)
	}
	if a := g.get(t, "/accounts/selzy/balance"); a.status != http.StatusOK {
		t.Errorf("the vendor's figures need no database: %d %s", a.status, a.body)
	}
	hold(t, "/readyz", headers(ready)+string(ready.body))
	if status := g.stop(); status != 0 {
		t.Errorf("exit status %d", status)
	}
	hold(t, "log", g.stderr.String())
	if !strings.Contains(g.stderr.String(), "GATEWAY_DATABASE_URL") {
		t.Errorf("the log does not name the setting:\n%s", g.stderr)
	}
}

// hold fails if a text has a secret, or a part of one, in any form.
func hold(t *testing.T, where, text string) {
	t.Helper()
	for form, pattern := range forms {
		if strings.Contains(text, pattern) {
			at := strings.Index(text, pattern)
			t.Errorf("%s: has a secret (%s):\n%s", where, form, text[max(0, at-200):min(len(text), at+200)])
			return
		}
	}
}

// forms are the shapes of mark.
var forms = formsOf(mark)

// formsOf are the shapes of a secret of letters and digits. Query, path, JSON
// and HTML escapes leave them as they are.
func formsOf(secret string) map[string]string {
	percent, unicode := "", ""
	for _, b := range []byte(secret) {
		percent += fmt.Sprintf("%%%02x", b)
		unicode += fmt.Sprintf(`\u%04x`, b)
	}
	all := map[string]string{"letters": secret, "percent": percent, "unicode": unicode, "hex": hex.EncodeToString([]byte(secret))}
	// In base64 it looks different by where it begins, and its ends depend on what is beside it.
	for offset := range 3 {
		text := base64.RawStdEncoding.EncodeToString([]byte(strings.Repeat("x", offset) + secret))
		all[fmt.Sprintf("base64 at %d", offset)] = text[2*offset : len(text)-2]
	}
	return all
}

func headers(a answer) string {
	var text strings.Builder
	for name, values := range a.header {
		fmt.Fprintln(&text, name, values)
	}
	return text.String()
}
