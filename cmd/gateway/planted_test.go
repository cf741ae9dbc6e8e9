package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"accountgateway/internal/simulator/regru"
)

// TestPlantedSecrets plants marked secrets everywhere: vendors' credentials, the
// password of a new user, a key for writes, tokens that are good, rotated,
// revoked and wrong. Then it looks for them in all that the gateway leaves
// behind: answers, log and audit log, metrics, traces, commands, the database's
// files.
func TestPlantedSecrets(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var traces sink
	collector := httptest.NewServer(&traces)
	t.Cleanup(collector.Close)

	f := newFleet(t)
	f.add("shop", "regru", regru.New(regru.Options{Now: today, Refill: true}), "USERNAME=partner", "PASSWORD=partner-secret")
	f.add("other", "selzy", http.NotFoundHandler(), "API_KEY=key-"+mark)
	settings := with(f.settings, "GATEWAY_AUTH=token", "GATEWAY_DATABASE_URL=sqlite:"+filepath.Join(dir, "gateway.db"),
		"OTEL_EXPORTER_OTLP_ENDPOINT="+collector.URL, "SHOP_RATE=1000/1m",
		"GATEWAY_NOTIFY_URL=generic+"+collector.URL+"/"+mark+"?@authorization=Bearer+"+mark+" mattermost://127.0.0.1:1/"+mark+"?disabletls=yes"+
			" smtp://"+mark+":"+mark+"@127.0.0.1:1/?from="+mark+"@a.example&to="+mark+"@a.example")
	makeDatabase(t, settings["GATEWAY_DATABASE_URL"])
	good, id := created(t, settings, "--name", "billing", "--scopes", "read,users:read,users:write,refills:write,operations:read,operations:write", "--accounts", "*")
	g := serving(t, settings)

	var said strings.Builder // all that any caller was answered
	ask := func(method, target, text, body string, header ...string) int {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, g.url+target, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		if text != "" {
			req.Header.Set("Authorization", "Bearer "+text)
		}
		for i := 0; i+1 < len(header); i += 2 {
			req.Header.Set(header[i], header[i+1])
		}
		resp, err := caller.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		data, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		said.WriteString(headers(answer{header: resp.Header}) + string(data))
		return resp.StatusCode
	}
	get := func(target, text string) int { return ask(http.MethodGet, target, text, "") }

	for _, target := range []string{"/accounts", "/accounts/shop", "/accounts/shop/balance", "/accounts/shop/statistics", "/accounts/shop/users", "/balances", "/accounts/other/balance"} {
		get(target, good)
	}
	newUser := `{"login":"ada","password":"pass-` + mark + `","email":"ada@customer.example","country":"RU"}`
	if status := ask(http.MethodPost, "/accounts/shop/users", good, newUser, "Idempotency-Key", "write-"+mark); status != http.StatusCreated {
		t.Errorf("the user was not created: %d %s", status, said.String())
	}
	for _, body := range []string{newUser, newUser[:len(newUser)-1], `{"password":"` + mark + `"}`, `{"` + mark + `":1}`, mark, `{"login":"` + mark + `"`, `["` + mark + `"]`} {
		ask(http.MethodPost, "/accounts/shop/users", good, body, "Idempotency-Key", "write-"+mark)
	}
	get("/accounts/shop/operations", good)

	wrong := good[:len(good)-4] + "aaaa"
	strangers := []string{mark, "gw_" + mark, wrong, good + mark, good + "a", strings.ToUpper(good)}
	for _, text := range strangers {
		get("/accounts/shop/balance", text)
		get("/accounts/shop/balance?token="+text, "")
		get("/"+text, "")
		ask(http.MethodGet, "/accounts", "", "", "Cookie", "gateway_token="+text)
		ask(http.MethodGet, "/", "", "", "Cookie", "gateway_token="+text)
		ask(http.MethodPost, "/login", "", "token="+text, "Content-Type", "application/x-www-form-urlencoded")
	}
	_, stdout, _ := complete(t, settings, "token", "rotate", id, "--grace", "1h")
	newer := strings.TrimSpace(stdout)
	revoked, revokedID := created(t, settings, "--name", "leaked", "--scopes", "read", "--accounts", "shop")
	_, _, revokeSaid := complete(t, settings, "token", "revoke", revoked)
	_, list, _ := complete(t, settings, "token", "list")
	_, listJSON, _ := complete(t, settings, "token", "list", "--json")
	_, checked, checkErr := complete(t, settings, "check")
	_, inForce, _ := complete(t, settings, "check", "--settings")
	_, operations, _ := complete(t, settings, "operations", "list")
	_, notified, notifyErr := complete(t, settings, "notify", "test")
	for _, target := range []string{"/metrics", "/readyz", "/healthz", "/openapi.yaml"} {
		get(target, "")
	}
	if status := g.stop(); status != 0 {
		t.Errorf("exit status %d", status)
	}

	places := map[string]string{
		"answers": said.String(), "log": g.stderr.String(), "stdout": g.stdout.String(), "traces": traces.String(), "token revoke": revokeSaid,
		"token list": list, "token list --json": listJSON, "check": checked + checkErr, "check --settings": inForce, "operations": operations,
		"notify test": notified + notifyErr,
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) == 0 {
		t.Fatalf("no database: %v", err)
	}
	for _, file := range files {
		data, err := os.ReadFile(filepath.Join(dir, file.Name()))
		if err != nil {
			t.Fatal(err)
		}
		places[file.Name()] = string(data)
	}
	for place, text := range places {
		// The key of a write is the caller's own name for it: it is kept, and told
		// with the operation.
		switch place {
		case "gateway.db", "gateway.db-wal":
			text = strings.ReplaceAll(text, "write-"+mark, "")
		case "answers":
			text = strings.ReplaceAll(text, `"idempotency_key":"write-`+mark+`"`, "")
		}
		hold(t, place, text)
		for name, secret := range map[string]string{
			"REG.RU's password": "partner-secret", "the token": good[14:], "the rotated token": newer[14:], "the revoked token": revoked[14:], "a wrong token": wrong[14:],
		} {
			if strings.Contains(strings.ToLower(text), secret) {
				t.Errorf("%s has %s", place, name)
			}
		}
	}
	// The proof is worth nothing where nothing was written.
	for place, part := range map[string]string{
		"answers": "ada", "log": `"audit":true`, "traces": "accountgateway", "token list": revokedID, "check --settings": "SHOP_PASSWORD", "operations": "create_user", "notify test": "failed", "gateway.db": "billing",
	} {
		if !strings.Contains(places[place], part) {
			t.Errorf("%s has no %q: nothing was proved", place, part)
		}
	}
}

// sink takes whatever it is sent.
type sink struct {
	mu   sync.Mutex
	text strings.Builder
}

func (s *sink) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	data, _ := io.ReadAll(r.Body)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.text.Write(data)
}

func (s *sink) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}
