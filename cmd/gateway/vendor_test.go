package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"accountgateway/internal/provider/declared"
)

// TestVendorList: all vendors are there, also one's own.
func TestVendorList(t *testing.T) {
	t.Parallel()
	settings := map[string]string{"GATEWAY_VENDORS_DIR": vendorsDir(t, map[string]string{"paperboy.yaml": paperboy})}
	status, out, stderr := complete(t, settings, "vendor", "list")
	if status != 0 {
		t.Fatalf("exit status %d: %s", status, stderr)
	}
	for _, want := range []string{
		`NAME +TITLE +GROUP +OPERATIONS +SURE`,
		`regru +REG.RU +registrar +balance,statistics,users,create_user,refill +documented`,
		`digitalocean +DigitalOcean +cloud +balance,statistics +seen`,
		`paperboy +Paperboy +other +balance +assumed`,
	} {
		if !regexp.MustCompile(`(?m)^` + want + `$`).MatchString(out) {
			t.Errorf("no line %s in\n%s", want, out)
		}
	}
	_, out, _ = complete(t, settings, "vendor", "list", "--json")
	var list struct{ Vendors []declared.About }
	if err := json.Unmarshal([]byte(out), &list); err != nil || len(list.Vendors) < 40 {
		t.Errorf("%v, %d vendors", err, len(list.Vendors))
	}
	for _, about := range list.Vendors {
		if about.Name == "" || about.Title == "" || about.Group == "" {
			t.Errorf("got %+v", about)
		}
	}
}

func TestVendorShow(t *testing.T) {
	t.Parallel()
	_, out, _ := complete(t, nil, "vendor", "show", "moonshot-cn")
	for _, want := range []string{"moonshot-cn: Moonshot AI (Kimi), China (ai)", "MOONSHOT_CN_API_KEY", "(required)", "balance, bonus, billing", "platform.moonshot.cn/docs"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	_, out, _ = complete(t, nil, "vendor", "show", "regru", "--json")
	var about declared.About
	if err := json.Unmarshal([]byte(out), &about); err != nil || about.Settings[1].Name != "REGRU_PASSWORD" || !about.Settings[1].Secret || !about.Settings[1].Required {
		t.Errorf("%v: %s", err, out)
	}
	status, _, stderr := complete(t, nil, "vendor", "show", "digitalocaen")
	if status != 2 || !strings.Contains(stderr, `unknown vendor "digitalocaen": did you mean digitalocean?`) {
		t.Errorf("exit status %d: %s", status, stderr)
	}
}

// TestVendorNew: what is printed is a file that passes its own test, and names the schema.
func TestVendorNew(t *testing.T) {
	t.Parallel()
	status, out, stderr := complete(t, nil, "vendor", "new", "my-vendor")
	if status != 0 || !strings.HasPrefix(out, "# yaml-language-server: $schema=vendor.schema.json\n") {
		t.Fatalf("exit status %d: %s%s", status, out, stderr)
	}
	file := filepath.Join(t.TempDir(), "my-vendor.yaml")
	if err := os.WriteFile(file, []byte(out), 0o600); err != nil {
		t.Fatal(err)
	}
	if status, out, stderr = complete(t, nil, "vendor", "test", file); status != 0 || !strings.Contains(out, `{"amount":"12.50","currency":"USD"}`) {
		t.Errorf("exit status %d: %s%s", status, out, stderr)
	}
	if lines := strings.Count(skeleton, "\n"); lines > 80 {
		t.Errorf("it has %d lines", lines)
	}
	for _, taken := range []string{"selzy", "stripe", "My-Vendor", "../x"} {
		if status, out, _ := complete(t, nil, "vendor", "new", taken); status != 2 || out != "" {
			t.Errorf("%s: exit status %d: %s", taken, status, out)
		}
	}
	if _, _, stderr := complete(t, nil, "vendor", "new", "Bad Name"); !strings.Contains(stderr, `invalid name "Bad Name": must be at most 40 lower-case letters, digits and inner hyphens`) || strings.Contains(stderr, ".yaml") {
		t.Errorf("got %s", stderr)
	}
	if _, out, _ := complete(t, nil, "vendor", "schema"); out != string(declared.Schema()) {
		t.Errorf("got %s", out)
	}
}

// TestVendorTest: the answers of the contract, one for each sample and operation.
func TestVendorTest(t *testing.T) {
	t.Parallel()
	status, out, stderr := complete(t, nil, "vendor", "test", "smsc")
	if status != 0 || !strings.Contains(out, `"amount":"123.45","currency":"RUB"`) || !strings.Contains(out, `"code":"provider_credentials"`) {
		t.Errorf("exit status %d: %s%s", status, out, stderr)
	}
	_, out, _ = complete(t, nil, "vendor", "test", "--json", "smsc")
	var list struct {
		Results []struct {
			Sample, Operation string
			Status            int
			Answer            struct {
				Account, Provider string
				Balance           struct{ Amount, Currency string }
			}
		}
	}
	if err := json.Unmarshal([]byte(out), &list); err != nil || len(list.Results) == 0 {
		t.Fatalf("%v: %s", err, out)
	}
	if first := list.Results[0]; first.Sample != "balance" || first.Operation != "balance" || first.Status != 200 ||
		first.Answer.Account != "smsc" || first.Answer.Balance.Amount != "123.45" {
		t.Errorf("got %+v", first)
	}
	for target, want := range map[string]string{
		"regru": "has an adapter in Go", "no-such": "unknown vendor", "no/such.yaml": "no such file",
	} {
		if status, _, stderr := complete(t, nil, "vendor", "test", target); status != 2 || !strings.Contains(stderr, want) {
			t.Errorf("%s: exit status %d: %s", target, status, stderr)
		}
	}
}

// TestVendorTestFaults: ten mistakes are ten lines, each with its place.
func TestVendorTestFaults(t *testing.T) {
	t.Parallel()
	text := strings.NewReplacer(
		"title: Paperboy", "titel: Paperboy", "group: other", "group: others", "secret: true", "secret: 1", "https:", "ftp:", "10/1m", "ten",
		"${API_KEY}", "${KEY}", "path: /money", "path: money", "error_code: body.code", "error_code: body.", "decimal(body.left)", "body.left",
		"currency: USD", "currency: USDT", "status: 401", "status: none",
	).Replace(paperboy)
	file := filepath.Join(t.TempDir(), "paperboy.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	status, out, stderr := complete(t, nil, "vendor", "test", file)
	lines := strings.Split(strings.TrimSpace(stderr), "\n")
	if status != 2 || out != "" || len(lines) != 12 {
		t.Errorf("exit status %d, %d lines: %s", status, len(lines), stderr)
	}
	for _, line := range lines {
		if !regexp.MustCompile(`^` + regexp.QuoteMeta(file) + `:\d+:\d+: .+`).MatchString(line) {
			t.Errorf("no place: %s", line)
		}
	}
}

// TestVendorTestLive: one real call with an account's settings, its answer beside the redacted one of the vendor.
func TestVendorTestLive(t *testing.T) {
	t.Parallel()
	calls := 0
	vendor := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls++
		if r.Header.Get("Authorization") != "Bearer "+mark {
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = w.Write([]byte("\x07who are you?"))
			return
		}
		_, _ = w.Write([]byte(`{"left":"77.10","you_sent":"` + mark + `"}`))
	}))
	t.Cleanup(vendor.Close)
	dir := vendorsDir(t, map[string]string{"paperboy.yaml": paperboy})
	settings := map[string]string{"PAPER_API_KEY": mark, "PAPER_BASE_URL": vendor.URL}
	status, out, stderr := complete(t, settings, "vendor", "test", dir+"/paperboy.yaml", "--live", "--account", "paper")
	hold(t, "what is printed", out+stderr)
	if status != 0 || calls != 1 || !strings.Contains(out, `"amount":"77.10"`) || !strings.Contains(out, "status 200") || !strings.Contains(out, `"left":"77.10"`) {
		t.Errorf("exit status %d, %d calls: %s%s", status, calls, out, stderr)
	}
	settings["PAPER_API_KEY"] = mark + "x"
	if status, out, _ = complete(t, settings, "vendor", "test", dir+"/paperboy.yaml", "--live", "--account", "paper"); status != 1 || strings.Contains(out, "\x07") || !strings.Contains(out, "who are you?") {
		t.Errorf("exit status %d: %s", status, out)
	}
	status, out, stderr = complete(t, settings, "vendor", "test", dir+"/paperboy.yaml", "--live", "--account", "paper", "--json")
	hold(t, "what is printed", out+stderr)
	if status != 1 || !strings.Contains(out, `"code":"provider_credentials"`) || !strings.Contains(out, `"raw":{"status":401,`) {
		t.Errorf("exit status %d: %s%s", status, out, stderr)
	}
	if status, _, stderr = complete(t, nil, "vendor", "test", dir+"/paperboy.yaml", "--live"); status != 2 || !strings.Contains(stderr, "PAPERBOY_API_KEY: is not set") {
		t.Errorf("exit status %d: %s", status, stderr)
	}
}

// TestSimulateDeclared points a gateway at simulated declared vendors, one of them one's own, by nothing but what
// "simulate" prints.
func TestSimulateDeclared(t *testing.T) {
	t.Parallel()
	own := map[string]string{"GATEWAY_VENDORS_DIR": vendorsDir(t, map[string]string{"paperboy.yaml": paperboy})}
	p := begin(t, own, "simulate", "--regru-addr", "127.0.0.1:0", "--selzy-addr", "127.0.0.1:0",
		"--vendor", "paperboy=127.0.0.1:0", "--vendor", "namecheap=127.0.0.1:0", "--vendor", "sendpulse=127.0.0.1:0", "--vendor", "dadata=127.0.0.1:0")
	p.see(p.stdout, `(?m)^SELZY_RESELLER_API_KEY=.*\n`)
	printed := strings.Split(strings.TrimSpace(p.stdout.String()), "\n")
	g := serving(t, with(quiet(), printed...))
	for path, want := range map[string]string{
		"/accounts/paperboy/balance":  `"amount":"12.50"`,
		"/accounts/namecheap/balance": `"amount":"4932.96"`,
		"/accounts/sendpulse/balance": `"currency":"`,
		"/accounts/dadata/statistics": `"name":"suggestions"`,
		"/accounts/dadata/balance":    `"amount":"9922.30"`,
		"/accounts/regru/balance":     `"amount":"1000"`,
	} {
		if a := g.get(t, path); a.status != http.StatusOK || !strings.Contains(string(a.body), want) {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
	}
	for flag, want := range map[string]string{
		"no-such=127.0.0.1:0": "unknown vendor", "regru=127.0.0.1:0": "unknown declared vendor", "smsc": "with a loopback address", "smsc=0.0.0.0:0": "with a loopback address",
	} {
		if status, _, stderr := complete(t, nil, "simulate", "--vendor", flag); status != 2 || !strings.Contains(stderr, want) {
			t.Errorf("%s: exit status %d: %s", flag, status, stderr)
		}
	}
}
