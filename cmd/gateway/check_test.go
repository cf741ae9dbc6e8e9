package main

import (
	"bufio"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestCheckPrintsSettings: what is in force, from where, and nothing secret.
func TestCheckPrintsSettings(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte(mark+"/from-file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	status, stdout, stderr := complete(t, map[string]string{
		"GATEWAY_DATABASE_URL": "postgres://gateway:" + mark + "@127.0.0.1:1/gateway?sslmode=disable&password=" + mark,
		"GATEWAY_ACCOUNTS":     "my-shop=regru,selzy,uni=unisender",
		"GATEWAY_BALANCE_TTL":  "1m30s",
		"MY_SHOP_USERNAME":     "shop", "MY_SHOP_PASSWORD_FILE": file, "MY_SHOP_REFILL_MAX": "500 USD",
		"SELZY_API_KEY": mark, "UNI_API_KEY": "key" + mark, "UNI_LANG": "ru",
	}, "check", "--settings")
	if status != 0 || stderr != "" {
		t.Fatalf("exit status %d: %s", status, stderr)
	}
	hold(t, "check --settings", stdout)
	got := map[string][]string{} // value and origin, by name
	for lines := bufio.NewScanner(strings.NewReader(stdout)); lines.Scan(); {
		cells := regexp.MustCompile(` {2,}`).Split(lines.Text(), 4)
		if len(cells) != 4 || cells[3] == "" {
			t.Fatalf("no row of four: %q", lines.Text())
		}
		if got[cells[0]] != nil {
			t.Errorf("%s is listed twice", cells[0])
		}
		got[cells[0]] = cells[1:3]
	}
	want := map[string][]string{
		"NAME":                     {"VALUE", "FROM"},
		"GATEWAY_ADDR":             {"127.0.0.1:8080", "default"},
		"GATEWAY_METRICS_ADDR":     {"-", "default"},
		"GATEWAY_ACCOUNTS":         {"my-shop=regru,selzy,uni=unisender", "environment"},
		"GATEWAY_AUTH":             {"token", "default"},
		"GATEWAY_DATABASE_URL":     {"postgres://gateway:[redacted]@127.0.0.1:1/gateway?password=[redacted]&sslmode=disable", "environment"},
		"GATEWAY_BALANCE_TTL":      {"1m30s", "environment"},
		"GATEWAY_CALLER_RATE":      {"600/1m", "default"},
		"GATEWAY_TLS_CERT":         {"-", "default"},
		"MY_SHOP_USERNAME":         {"shop", "environment"},
		"MY_SHOP_PASSWORD":         {"[redacted]", "file " + file},
		"MY_SHOP_REFILL_MAX":       {"500 USD", "environment"},
		"MY_SHOP_RATE":             {"1200/1h", "default"},
		"SELZY_API_KEY":            {"[redacted]", "environment"},
		"SELZY_REFILL_DAILY_MAX":   {"-", "default"},
		"UNI_API_KEY":              {"[redacted]", "environment"},
		"UNI_BASE_URL":             {"https://api.unisender.com", "default"},
		"UNI_LANG":                 {"ru", "environment"},
		"GATEWAY_REFRESH_INTERVAL": {"5m", "default"},
	}
	for name, cells := range want {
		if diff := cmp.Diff(cells, got[name]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// TestCheckFindsAccounts: a list that is not set shows as what it comes to.
func TestCheckFindsAccounts(t *testing.T) {
	t.Parallel()
	status, stdout, stderr := complete(t, map[string]string{"SELZY_API_KEY": "hush", "REGRU_USERNAME": "u", "REGRU_PASSWORD": "hush"}, "check", "--settings")
	if status != 0 || !regexp.MustCompile(`(?m)^GATEWAY_ACCOUNTS +regru,selzy +configured credentials `).MatchString(stdout) {
		t.Errorf("exit status %d, wrote %s%s", status, stdout, stderr)
	}
}

// TestCheckSettingsFaults: with faults nothing is in force.
func TestCheckSettingsFaults(t *testing.T) {
	t.Parallel()
	status, stdout, stderr := complete(t, with(oneAccount(), "GATEWAY_TLS_KEY=hush", "SELZY_RATE=often"), "check", "--settings")
	want := "gateway: invalid configuration:\n  GATEWAY_TLS_CERT: required when GATEWAY_TLS_KEY is set\n  SELZY_RATE: must be calls/duration, e.g. 1200/1h, or 0, not \"often\"\n"
	if status != 2 || stdout != "" || stderr != want {
		t.Errorf("exit status %d, wrote %q, %q", status, stdout, stderr)
	}
}
