package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"accountgateway/internal/simulator"
	"accountgateway/internal/simulator/regru"
	"accountgateway/internal/simulator/selzy"
)

// TestWrittenSecrets makes users and invoices, in every way in which that can
// end, with vendors that say back what they were sent. Neither the new users'
// passwords, nor our credentials, nor the API key that a vendor gives out is in
// the database's files, the log, a metric, a problem or an operation.
func TestWrittenSecrets(t *testing.T) {
	t.Parallel()
	const newPassword = "new+" + mark + `/p&a<s>s"\` // a good one for both vendors, with what JSON escapes inside URL escapes
	quotedPassword := fmt.Sprintf("%q", newPassword)
	dir := t.TempDir()
	database := filepath.Join(dir, "gateway.db")
	f := newFleet(t)
	v := regru.New(regru.Options{Refill: true, Accounts: []regru.Account{{Login: "partner", Password: "our" + mark, Partner: true}}})
	f.add("regru", "regru", v, "USERNAME=partner", "PASSWORD=our"+mark)
	agency := selzy.New(selzy.Options{})
	f.add("agency", "selzy", agency, "API_KEY=resellerkey")
	// echoing vendors refuse, or answer what nobody understands, with all that they were sent.
	echoing := map[string]string{
		"refusing": `{"result":"error","error_code":"PARAMETER_INCORRECT","error_text":$,"error_params":{"param":$},"code":"invalid_arg","error":$}`,
		"odd":      `{"result":"error","error_code":$,"error_text":$,"code":$,"error":$}`,
		"babbling": `{"result":{"api_key":{},"x":$},"answer":{"user_id":{},"x":$},"messages":[$]}`,
	}
	for name, text := range echoing {
		for provider, secret := range map[string]string{"regru": "PASSWORD=our" + mark, "selzy": "API_KEY=our" + mark} {
			more := []string{secret}
			if provider == "regru" {
				more = append(more, "USERNAME=partner")
			}
			f.add(name+"-"+provider, provider, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				form, _ := url.ParseQuery(string(body))
				sent := string(body) + " " + form.Get("input_data") + " " + form.Get("password") + " " + form.Get("api_key")
				quoted, _ := json.Marshal(sent)
				_, _ = io.WriteString(w, strings.ReplaceAll(text, "$", string(quoted)))
			}), more...)
		}
	}
	g := f.serve("GATEWAY_DATABASE_URL=sqlite:" + database)

	secrets := map[string]map[string]string{"the mark": forms}
	holdAll := func(where, text string) {
		t.Helper()
		for what, shapes := range secrets {
			for form, pattern := range shapes {
				if at := strings.Index(text, pattern); at >= 0 {
					t.Errorf("%s has %s (%s): …%q…", where, what, form, text[max(0, at-80):min(len(text), at+80)])
					return
				}
			}
		}
	}
	user := func(login string, more string) string {
		return fmt.Sprintf(`{"login":%q,"password":%q,"email":"%s@customer.example"%s}`, login, newPassword, login, more)
	}
	ask := func(want int, target, key, body string) answer {
		t.Helper()
		a := g.post(t, target, key, body)
		if a.status != want {
			t.Errorf("%s: got %d %s, want %d", target, a.status, a.body, want)
		}
		holdAll(target+", "+key, headers(a)+string(a.body))
		return a
	}
	const inGermany = `,"country":"DE"`
	ask(201, "/accounts/regru/users", "ok", user("ada", inGermany))
	ask(201, "/accounts/regru/users", "ok", user("ada", inGermany))
	ask(422, "/accounts/regru/users", "ok", user("eve", inGermany))
	ask(409, "/accounts/regru/users", "taken", user("ada", inGermany))
	ask(201, "/accounts/regru/users", "dry", user("bob", inGermany+`,"check_only":true`))
	ask(422, "/accounts/regru/users", "refused", user("cyd", `,"country":"DE","attributes":{"nonsense":`+quotedPassword+`}`))
	ask(400, "/accounts/regru/users", "odd login", user("Cyd", inGermany))
	ask(201, "/accounts/regru/refills", "refill", aRefill)
	for i, fault := range []simulator.Fault{{Kind: "reset_after"}, {Kind: "body", Body: newPassword}, {Kind: "status", Status: 500, Body: newPassword}} {
		fault.Times = 1
		if err := v.Control.Inject(fault); err != nil {
			t.Fatal(err)
		}
		body, key := user(fmt.Sprint("lost", i), inGermany), fmt.Sprint("lost", i)
		ask(202, "/accounts/regru/users", key, body)
		ask(409, "/accounts/regru/users", key, body)
	}
	ask(400, "/accounts/regru/users", "bad", user("dan", `,"passwrd":`+quotedPassword+`,"country":`+quotedPassword))
	ask(400, "/accounts/regru/users", "broken", user("dan", ""+`,`))

	made := g.post(t, "/accounts/agency/users", "made", user("fay", ""))
	var first struct {
		APIKey string `json:"api_key"`
	}
	if err := json.Unmarshal(made.body, &first); err != nil || len(first.APIKey) < 10 {
		t.Fatalf("no key: %s", made.body)
	}
	secrets["the new user's key"] = formsOf(first.APIKey)
	ask(201, "/accounts/agency/users", "made", user("fay", ""))
	ask(201, "/accounts/agency/users", "dry agency", user("gus", `,"check_only":true`))
	for account := range echoing {
		for _, provider := range []string{"regru", "selzy"} {
			for repeated := range 2 {
				a := g.post(t, "/accounts/"+account+"-"+provider+"/users", "k-"+account+provider, user("hal", ""))
				if a.status < 202 {
					t.Errorf("%s-%s: got %d %s", account, provider, a.status, a.body)
				}
				holdAll(fmt.Sprint(account, "-", provider, " ", repeated), headers(a)+string(a.body))
			}
			holdAll("its operations", string(g.get(t, "/accounts/"+account+"-"+provider+"/operations").body))
			holdAll("its state", string(g.get(t, "/accounts/"+account+"-"+provider).body))
		}
	}
	for _, target := range []string{"/metrics", "/accounts", "/accounts/regru/operations", "/accounts/agency/operations", "/accounts/agency/users"} {
		holdAll(target, string(g.get(t, target).body))
	}
	_, journal, _ := complete(t, with(f.settings, "GATEWAY_DATABASE_URL=sqlite:"+database), "operations", "list", "--json")
	holdAll("the journal", journal)
	files := func(when string) (names []string) {
		t.Helper()
		list, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range list {
			data, err := os.ReadFile(filepath.Join(dir, file.Name()))
			if err != nil {
				t.Fatal(err)
			}
			names = append(names, file.Name())
			holdAll(file.Name()+" "+when, string(data))
			if strings.HasSuffix(file.Name(), ".db-wal") && !strings.Contains(string(data), "create_user") {
				t.Errorf("%s has no operation: nothing was proved", file.Name())
			}
		}
		return names
	}
	if names := files("at work"); len(names) < 2 {
		t.Errorf("the database has the files %v", names)
	}
	if status := g.stop(); status != 0 {
		t.Errorf("exit status %d", status)
	}
	files("at the end")
	log := g.stderr.String()
	holdAll("the log", log)
	if !strings.Contains(log, `"route":"/accounts/{account}/users"`) {
		t.Error("the log has no writes: nothing was proved")
	}
}
