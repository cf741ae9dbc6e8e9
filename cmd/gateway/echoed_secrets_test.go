package main

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"html"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"accountgateway/internal/redact/redacttest"
)

// echoedField is a place in a vendor's answer where a secret may stand.
type echoedField struct {
	name, provider string
	operation      string // balance, statistics, users; create or refill
	answer         string // with $ in the field's place, a JSON string
	words          bool   // for people to read; else a value that is kept
}

// echoedFields are all members of vendors' answers that the gateway keeps as
// text.
func echoedFields() []echoedField {
	const (
		refused = `{"result":"error","error_code":"PARAMETER_INCORRECT","error_text":$}`
		denied  = `{"error":$,"code":"invalid_arg"}`
		rest    = `"balance":1,"currency":"USD","emails_paid":1,"emails_used":1,"period_emails_paid":1,"period_emails_used":1,"subscribers_used":1,"subscribers_total":null`
	)
	refill := func(more string) string {
		return `{"result":"success","answer":{"pay_type":"WM","currency":"USD","payment":"19.95",` + more + `}}`
	}
	fields := []echoedField{
		{"error_text", "regru", "balance", refused, true},
		{"error_code", "regru", "users", `{"result":"error","error_code":$,"error_text":"no"}`, true},
		{"user_id", "regru", "users", `{"result":"success","answer":{"user_id":$,"login":"ada"}}`, false},
		{"login", "regru", "users", `{"result":"success","answer":{"user_id":"1","login":$}}`, false},
		{"error_text", "regru", "create", refused, true},
		{"unknown error_code", "regru", "create", `{"result":"error","error_code":$,"error_text":$}`, true},
		{"user_id", "regru", "create", `{"result":"success","answer":{"user_id":$}}`, false},
		{"error_text", "regru", "refill", refused, true},
		{"bill_id", "regru", "refill", refill(`"bill_id":$,"wm_invid":"12"`), false},
		{"wm_invid", "regru", "refill", refill(`"bill_id":"1","wm_invid":$`), false},
		{"pay_notes", "regru", "refill", refill(`"bill_id":"1","wm_invid":"12","pay_notes":$`), true},

		{"error", "selzy", "balance", denied, true},
		{"code", "selzy", "balance", `{"error":"no","code":$}`, true},
		{"error", "selzy", "create", denied, true},
		{"api_key", "selzy", "create", `{"result":{"api_key":$}}`, false},
		{"tariff_id", "selzy", "statistics", `{"result":{` + rest + `,"tariff_id":$}}`, false},
		{"next_tariff_id", "selzy", "statistics", `{"result":{` + rest + `,"tariff_id":1,"next_tariff_id":$}}`, false},
		{"services[].id", "selzy", "statistics", `{"result":{` + rest + `,"services":[{"id":$,"tariff":"x"}]}}`, false},
		{"services[].tariff", "selzy", "statistics", `{"result":{` + rest + `,"services":[{"id":1,"tariff":$}]}}`, false},
	}
	for _, member := range []string{
		"login", "email", "firstname", "middlename", "lastname", "phone", "company", "timezone", "master", "country", "language", "rights", "api_mode",
		"channel", "reg_url", "reg_ref", "user_reg_info_city",
	} {
		login := `"login":"ada",`
		if member == "login" {
			login = ""
		}
		fields = append(fields, echoedField{member, "selzy", "users", `{"result":{` + login + rest + `,"` + member + `":$}}`, false})
	}
	return fields
}

// TestEchoedSecrets has vendors say a secret back in any two encodings around
// each other, in every field that is kept, as the whole of it and as a part. It
// is in no answer, page, log line, metric, trace or file of the database.
func TestEchoedSecrets(t *testing.T) {
	t.Parallel()
	const (
		ours        = `our+` + mark + `/"w<or>d'&=% %41\é`
		newPassword = `new&` + mark + `<">\u0026/x`
		pairs       = 6 // of encodings, for each field
	)
	dir := t.TempDir()
	var traces sink
	collector := httptest.NewServer(&traces)
	t.Cleanup(collector.Close)

	f := newFleet(t)
	fields := echoedFields()
	says := make([]atomic.Pointer[string], len(fields)) // what each field's vendor answers
	for i, field := range fields {
		vendor := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "/bill/get_not_payed") { //nolint:misspell // the vendor's spelling
				_, _ = io.WriteString(w, `{"result":"success","answer":{"bills":[]}}`)
				return
			}
			_, _ = io.WriteString(w, *says[i].Load())
		})
		credentials := []string{"API_KEY=" + ours, "RATE=0"}
		if field.provider == "regru" {
			credentials = []string{"USERNAME=partner", "PASSWORD=" + ours, "RATE=0"}
		}
		f.add(numbered(i), field.provider, vendor, credentials...)
	}
	g := f.serve("GATEWAY_DATABASE_URL=sqlite:"+filepath.Join(dir, "gateway.db"), "GATEWAY_STORE_USERS=true", "OTEL_EXPORTER_OTLP_ENDPOINT="+collector.URL)

	var mu sync.Mutex
	told := map[string]bool{} // every form in which a secret was told, and how it would be written
	shapes := func(hidden string) []string {
		quoted, _ := json.Marshal(hidden)
		return []string{hidden, string(quoted[1 : len(quoted)-1]), html.EscapeString(hidden)}
	}
	var wg sync.WaitGroup
	turns := make(chan struct{}, 4) // so that other tests have something of the machine too
	for i, field := range fields {
		wg.Go(func() {
			turns <- struct{}{}
			defer func() { <-turns }()
			seed := fnv.New64()
			_, _ = io.WriteString(seed, field.provider+field.operation+field.name)
			random := rand.New(rand.NewPCG(seed.Sum64(), 0))
			account, plain, asked := "/accounts/"+numbered(i), redacttest.Encodings[0], 0
			ask := func(key string) answer {
				switch field.operation {
				case "create":
					password, _ := json.Marshal(newPassword)
					return g.post(t, account+"/users", key, `{"login":"ada","email":"ada@customer.example","country":"DE","password":`+string(password)+`}`)
				case "refill":
					return g.post(t, account+"/refills", key, aRefill)
				}
				return g.get(t, account+"/"+field.operation, "Cache-Control", "no-cache")
			}
			tell := func(outer, inner redacttest.Encoding, secret string, whole bool) {
				hidden := outer.Encode(inner.Encode(secret))
				text := hidden
				if !whole {
					text = "x " + hidden + " y"
				}
				quoted, _ := json.Marshal(text)
				body := strings.ReplaceAll(field.answer, "$", string(quoted))
				says[i].Store(&body)
				asked++
				key := fmt.Sprint(account, "-", asked)
				write := field.operation == "create" || field.operation == "refill"
				first := ask(key)
				for range 5 { // a machine under load may have a database that is away for a while: nothing was asked then
					if first.status != http.StatusInternalServerError && !strings.Contains(string(first.body), `"database_unavailable"`) {
						break
					}
					first = ask(key)
				}
				said := headers(first) + string(first.body)
				if write { // its second answer is from the database
					second := ask(key)
					said += headers(second) + string(second.body)
				}
				mu.Lock()
				for _, shape := range shapes(hidden) {
					told[shape] = true
				}
				mu.Unlock()
				for _, shape := range append(shapes(hidden), mark) {
					if strings.Contains(said, shape) {
						t.Errorf("%s %s %s, %s of %s: %s", field.provider, field.operation, field.name, outer.Name, inner.Name, said)
						break
					}
				}
				refused := write && first.status == http.StatusAccepted || !write && strings.Contains(string(first.body), `"provider_bad_response"`)
				hides := strings.Contains(string(first.body), "[redacted]")
				switch {
				case whole && !field.words:
					hides = refused || outer.Around || inner.Around // which are not quite the whole
				case write && field.words:
					hides = hides || refused // what the vendor said is in the operation then
				}
				if !hides {
					t.Errorf("%s %s %s, %s of %s, whole: %v: %d %s", field.provider, field.operation, field.name, outer.Name, inner.Name, whole, first.status, first.body)
				}
			}
			for _, whole := range []bool{true, false} {
				secret := ours
				if field.operation == "create" {
					secret = newPassword
					tell(plain, plain, ours, whole)
				}
				for _, one := range redacttest.Encodings {
					if whole {
						tell(one, plain, secret, whole)
					}
				}
				for range pairs {
					tell(redacttest.Encodings[random.IntN(len(redacttest.Encodings))], redacttest.Encodings[random.IntN(len(redacttest.Encodings))], secret, whole)
				}
			}
		})
	}
	wg.Wait()
	for i := range says { // of a new user's password, later calls know nothing
		says[i].Store(new("{}"))
	}

	sinks := map[string]string{"the metrics": string(g.get(t, "/metrics").body), "the fleet": string(g.get(t, "/accounts").body) + string(g.get(t, "/balances").body)}
	page, _ := fetch(t, g.url, "/")
	sinks["the page"] = string(page.body)
	for i, field := range fields {
		page, _ := fetch(t, g.url, "/ui/"+numbered(i))
		sinks["the page of "+field.name] = string(page.body)
		if field.operation == "create" || field.operation == "refill" {
			sinks["the operations of "+field.name] = string(g.get(t, "/accounts/"+numbered(i)+"/operations").body)
		}
	}
	files := func(when string) {
		list, err := os.ReadDir(dir)
		if err != nil || len(list) == 0 {
			t.Fatalf("no database: %v", err)
		}
		for _, file := range list {
			data, err := os.ReadFile(filepath.Join(dir, file.Name()))
			if err != nil {
				t.Fatal(err)
			}
			sinks[file.Name()+" "+when] = string(data)
		}
	}
	files("at work")
	if status := g.stop(); status != 0 {
		t.Errorf("exit status %d", status)
	}
	files("at the end")
	sinks["the log"], sinks["the traces"] = g.stderr.String(), traces.String()
	for sink, text := range sinks {
		hold(t, sink, text)
		for shape := range told {
			if at := strings.Index(text, shape); at >= 0 {
				t.Errorf("%s has %s: …%q…", sink, shape, text[max(0, at-80):min(len(text), at+80)])
				break
			}
		}
	}
	// The proof is worth nothing where nothing was written.
	for sink, part := range map[string]string{"the log": "vendor call", "the metrics": "provider_bad_response", "the traces": "accountgateway", "gateway.db at the end": "[redacted]", "the page": "<html"} {
		if !strings.Contains(sinks[sink], part) {
			t.Errorf("%s has no %q: nothing was proved", sink, part)
		}
	}
}
