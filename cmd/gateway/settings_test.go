package main

import (
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"accountgateway/internal/provider/registry"
)

// oneAccount are settings that are in order. Its vendor is never called: nothing
// listens there.
func oneAccount() map[string]string {
	return with(quiet(), "GATEWAY_ACCOUNTS=selzy", "SELZY_API_KEY=hush", "SELZY_BASE_URL=http://127.0.0.1:1")
}

// TestSettingsFaults has each fault with its message. Every value that could be
// a secret has "hush" in it, which no message may hold.
func TestSettingsFaults(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	empty := filepath.Join(dir, "empty")
	if err := os.WriteFile(empty, []byte("\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	const (
		name     = ": must be at most 63 lower-case letters, digits and inner hyphens"
		base     = "must be an https URL (http is allowed only for loopback addresses)"
		rate     = "must be calls/duration, e.g. 1200/1h, or 0"
		hostPort = "must be host:port, e.g. 127.0.0.1:8080"
		file     = "must be sqlite: and a file name without ? and #, e.g. sqlite:gateway.db"

		threshold = "must be an amount, e.g. 500, or an amount with a currency, e.g. 500 RUB"
	)
	const short = "must have at least 4 characters: a shorter secret can't be redacted from vendor texts"
	long := strings.Repeat("a", 64)
	const vendors = "gateway vendor list prints all; a file of your own needs GATEWAY_VENDORS_DIR, which is not set"
	tests := []struct {
		name     string
		settings []string // laid over oneAccount's
		want     []string // the faults, in any order
	}{
		{"no account", []string{"GATEWAY_ACCOUNTS=", "SELZY_API_KEY="},
			[]string{"GATEWAY_ACCOUNTS: no account is configured: set REGRU_USERNAME and REGRU_PASSWORD, or SELZY_API_KEY, or what another vendor needs: gateway vendor list, gateway vendor show NAME (or try: gateway demo)"}},
		{"a listed account without credentials", []string{"GATEWAY_ACCOUNTS=selzy,regru"},
			[]string{"REGRU_USERNAME: is not set", "REGRU_PASSWORD: is not set"}},
		{"half of the credentials", []string{"GATEWAY_ACCOUNTS=", "SELZY_API_KEY=", "REGRU_PASSWORD=hush"}, []string{"REGRU_USERNAME: is not set"}},
		{"secrets too short to be hidden, and just long enough", []string{
			"GATEWAY_ACCOUNTS=selzy,shop=regru,list=unisender,a=selzy,b=selzy,sim=regru", "SELZY_BASE_URL=", "SELZY_API_KEY=äöü",
			"SHOP_USERNAME=ada", "SHOP_PASSWORD=p", "LIST_API_KEY=abc", "A_API_KEY=äöüß", "B_BASE_URL=https://vendor.example", "B_API_KEY=b",
			"SIM_USERNAME=ada", "SIM_PASSWORD=p", "SIM_BASE_URL=http://127.0.0.1:9101",
		}, []string{"SELZY_API_KEY: " + short, "SHOP_PASSWORD: " + short, "LIST_API_KEY: " + short, "B_API_KEY: " + short}},
		{"the prefix is the account's name", []string{"GATEWAY_ACCOUNTS=my-shop=regru,my-2nd-list=unisender"},
			[]string{"MY_SHOP_USERNAME: is not set", "MY_SHOP_PASSWORD: is not set", "MY_2ND_LIST_API_KEY: is not set"}},
		{"account names", []string{"GATEWAY_ACCOUNTS=selzy,Shop=selzy,-a=selzy,a-=selzy,a_b=selzy,=selzy,,a/b=selzy," + long + "=selzy"}, []string{
			`GATEWAY_ACCOUNTS: invalid account name "Shop"` + name, `GATEWAY_ACCOUNTS: invalid account name "-a"` + name, `GATEWAY_ACCOUNTS: invalid account name "a-"` + name, `GATEWAY_ACCOUNTS: invalid account name "a_b"` + name,
			`GATEWAY_ACCOUNTS: invalid account name ""` + name, `GATEWAY_ACCOUNTS: invalid account name ""` + name, `GATEWAY_ACCOUNTS: invalid account name "a/b"` + name, `GATEWAY_ACCOUNTS: invalid account name "` + long + `"` + name,
		}},
		{"providers", []string{"GATEWAY_ACCOUNTS=selzy,shop=regrue,godaddy,a=,b=selzy=regru"}, []string{
			`GATEWAY_ACCOUNTS: account shop: unknown provider "regrue"; did you mean regru?`,
			`GATEWAY_ACCOUNTS: account godaddy: unknown provider "godaddy"; ` + vendors,
			`GATEWAY_ACCOUNTS: account a: unknown provider ""; ` + vendors,
			`GATEWAY_ACCOUNTS: account b: unknown provider "selzy=regru"; ` + vendors,
		}},
		{"an account twice", []string{"GATEWAY_ACCOUNTS=selzy, selzy,selzy=unisender"},
			[]string{"GATEWAY_ACCOUNTS: account selzy is listed twice", "GATEWAY_ACCOUNTS: account selzy is listed twice"}},
		{"an account called gateway", []string{"GATEWAY_ACCOUNTS=gateway=selzy,gateway-caller=selzy"}, []string{
			"GATEWAY_ACCOUNTS: account name \"gateway\" is reserved: its settings would clash with the gateway's own",
			"GATEWAY_ACCOUNTS: account name \"gateway-caller\" is reserved: its settings would clash with the gateway's own", // GATEWAY_CALLER_RATE
		}},
		{"an account whose setting would be its vendor's", []string{"GATEWAY_ACCOUNTS=selzy,regru-ip=selzy", "SELZY_IP_RATE=hush-instead-of-it"}, []string{
			"GATEWAY_ACCOUNTS: account name \"regru-ip\" is reserved: REGRU_IP_RATE is a vendor-wide setting", "SELZY_IP_RATE: " + rate,
		}},
		{"no authentication for others", []string{"GATEWAY_ADDR=0.0.0.0:0"},
			[]string{"GATEWAY_AUTH: none is allowed only on a loopback address; GATEWAY_ADDR is 0.0.0.0:0"}},
		{"no authentication on every address", []string{"GATEWAY_ADDR=:0"}, []string{"GATEWAY_AUTH: none is allowed only on a loopback address; GATEWAY_ADDR is :0"}},
		{"no authentication on IPv6", []string{"GATEWAY_ADDR=[::]:0"}, []string{"GATEWAY_AUTH: none is allowed only on a loopback address; GATEWAY_ADDR is [::]:0"}},
		{"no authentication on a network", []string{"GATEWAY_ADDR=192.0.2.1:0"}, []string{"GATEWAY_AUTH: none is allowed only on a loopback address; GATEWAY_ADDR is 192.0.2.1:0"}},
		{"authentication", []string{"GATEWAY_AUTH=off"}, []string{`GATEWAY_AUTH: must be one of token, none, not "off"`}},
		{"addresses", []string{"GATEWAY_ADDR=127.0.0.1", "GATEWAY_METRICS_ADDR=metrics"}, []string{
			"GATEWAY_ADDR: " + hostPort + `, not "127.0.0.1"`, "GATEWAY_METRICS_ADDR: " + hostPort + `, not "metrics"`,
		}},
		{"durations", []string{"GATEWAY_PROVIDER_TIMEOUT=0s", "GATEWAY_BALANCE_TTL=-1s", "GATEWAY_STATISTICS_TTL=soon", "GATEWAY_USERS_TTL=60"}, []string{
			"GATEWAY_PROVIDER_TIMEOUT: must be at least 1ms, not 0s", "GATEWAY_BALANCE_TTL: must be at least 0s, not -1s",
			`GATEWAY_STATISTICS_TTL: must be a duration, e.g. 30s, 5m or 30d, not "soon"`, `GATEWAY_USERS_TTL: must be a duration, e.g. 30s, 5m or 30d, not "60"`,
		}},
		{"notifications", []string{"GATEWAY_NOTIFY_URL=telegram://hush@telegram?chats=1 https://hush.example/hush", "GATEWAY_NOTIFY_REPEAT=1s", "GATEWAY_PUBLIC_URL=gateway.example"}, []string{
			"GATEWAY_NOTIFY_REPEAT: must be at least 1m0s, not 1s", "GATEWAY_NOTIFY_URL: URL 1: telegram: invalid telegram token: [redacted]:",
			"GATEWAY_NOTIFY_URL: URL 2: a webhook begins with generic+https://; other services with their own name, such as slack://",
			"GATEWAY_PUBLIC_URL: must be an absolute http or https URL, e.g. https://gateway.example.com",
		}},
		{"log", []string{"GATEWAY_LOG_LEVEL=loud", "GATEWAY_LOG_FORMAT=xml"},
			[]string{`GATEWAY_LOG_LEVEL: must be one of debug, info, warn, error, not "loud"`, `GATEWAY_LOG_FORMAT: must be one of json, console, not "xml"`}},
		{"database", []string{"GATEWAY_DATABASE_URL=mysql://gateway:hush@db/gateway"},
			[]string{"GATEWAY_DATABASE_URL: must be sqlite:FILE, sqlite::memory: or postgres://USER:PASSWORD@HOST/DATABASE"}},
		{"a file for the database, without a name", []string{"GATEWAY_DATABASE_URL=sqlite:"}, []string{"GATEWAY_DATABASE_URL: " + file}},
		{"a file for the database, with parameters", []string{"GATEWAY_DATABASE_URL=sqlite:hush.db?mode=memory"}, []string{"GATEWAY_DATABASE_URL: " + file}},
		{"vendor's address", []string{"SELZY_BASE_URL=http://api.selzy.com"}, []string{"SELZY_BASE_URL: " + base}},
		{"vendor's address is none", []string{"SELZY_BASE_URL=api.selzy.com/hush"}, []string{"SELZY_BASE_URL: must be an absolute URL, e.g. https://host/path"}},
		{"vendor's address with a password", []string{"SELZY_BASE_URL=https://user:hush@api.selzy.com"}, []string{"SELZY_BASE_URL: must be a URL without user, query and fragment"}},
		{"vendor's address with a query", []string{"SELZY_BASE_URL=https://api.selzy.com/?api_key=hush"}, []string{"SELZY_BASE_URL: must be a URL without user, query and fragment"}},
		{"rate", []string{"SELZY_RATE=hush-instead-of-it/1m"}, []string{"SELZY_RATE: " + rate}},
		{"thresholds of alerts", []string{"SELZY_BALANCE_LOW=hush", "SELZY_DAYS_LOW=-1"}, []string{
			"SELZY_BALANCE_LOW: " + threshold, "SELZY_DAYS_LOW: must be between 0 and 3650, not -1",
		}},
		{"a threshold in a currency that is none, and days that are none", []string{"SELZY_BALANCE_LOW=500 RUR", "SELZY_DAYS_LOW=7d"}, []string{
			"SELZY_BALANCE_LOW: " + threshold, `SELZY_DAYS_LOW: must be an integer, not "7d"`,
		}},
		{"days with a sign, an amount that is too long", []string{"SELZY_BALANCE_LOW=12345678901234567890 RUB", "SELZY_DAYS_LOW=+3", "SELZY_REFILL_MAX=12345678901234567890"}, []string{
			"SELZY_BALANCE_LOW: the amount has more than 19 digits", `SELZY_DAYS_LOW: must be an integer, not "+3"`, "SELZY_REFILL_MAX: the amount has more than 19 digits",
		}},
		{"a value and a file", []string{"SELZY_API_KEY_FILE=" + empty}, []string{"SELZY_API_KEY: SELZY_API_KEY_FILE is also set; set only one of them"}},
		{"an empty file", []string{"SELZY_API_KEY=", "SELZY_API_KEY_FILE=" + empty}, []string{"SELZY_API_KEY: SELZY_API_KEY_FILE: the file is empty"}},
		{"no file", []string{"SELZY_API_KEY=", "SELZY_API_KEY_FILE=" + dir + "/none"},
			[]string{"SELZY_API_KEY: SELZY_API_KEY_FILE: open " + dir + "/none: no such file or directory"}},
		{"everything at once", []string{
			"GATEWAY_ACCOUNTS=selzy,my-shop=regru,Shop=selzy", "GATEWAY_ADDR=0.0.0.0:0", "GATEWAY_PROVIDER_TIMEOUT=hush-instead-of-it", "GATEWAY_LOG_LEVEL=hush-instead-of-it",
			"SELZY_BASE_URL=ftp://hush", "SELZY_RATE=hush-instead-of-it", "MY_SHOP_PASSWORD=hush", "MY_SHOP_BASE_URL=http://hush",
		}, []string{
			`GATEWAY_ACCOUNTS: invalid account name "Shop"` + name, "GATEWAY_AUTH: none is allowed only on a loopback address; GATEWAY_ADDR is 0.0.0.0:0",
			"GATEWAY_PROVIDER_TIMEOUT: must be a duration, e.g. 30s, 5m or 30d", "GATEWAY_LOG_LEVEL: must be one of debug, info, warn, error",
			"SELZY_BASE_URL: " + base, "SELZY_RATE: " + rate, "MY_SHOP_USERNAME: is not set", "MY_SHOP_BASE_URL: " + base,
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			status, stdout, stderr := complete(t, with(oneAccount(), tt.settings...), "serve")
			if status != 2 || stdout != "" {
				t.Errorf("exit status %d, wrote %q", status, stdout)
			}
			want := []string{"gateway: invalid configuration:"}
			for _, fault := range tt.want {
				want = append(want, "  "+fault)
			}
			stderr, _, _ = strings.Cut(stderr, "\n  also ignored:") // TestMisspelt has them
			got := strings.Split(strings.TrimSuffix(stderr, "\n"), "\n")
			// A value that can't be read gives only one fault, not another about the zero that it left.
			if diff := cmp.Diff(sortedFrom1(want), sortedFrom1(got)); diff != "" {
				t.Errorf("faults (-want +got):\n%s", diff)
			}
			if strings.Contains(stderr, "hush") {
				t.Error("a value is in the faults")
			}
		})
	}
}

func sortedFrom1(list []string) []string {
	list = slices.Clone(list)
	slices.Sort(list[1:])
	return list
}

// TestSettingsTaken has settings that are in order: which accounts there are,
// and that nothing secret is written meanwhile.
func TestSettingsTaken(t *testing.T) {
	t.Parallel()
	key := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(key, []byte("hush\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	nowhere := "_BASE_URL=http://127.0.0.1:1"
	tests := []struct {
		name     string
		settings []string // laid over quiet's
		want     []string // name=provider
	}{
		{"the vendors whose credentials are set", []string{"SELZY_API_KEY=hush", "SELZY" + nowhere, "REGRU_USERNAME=hush", "REGRU_PASSWORD=hush", "REGRU" + nowhere},
			[]string{"regru=regru", "selzy=selzy"}},
		{"one by a file", []string{"UNISENDER_API_KEY_FILE=" + key, "UNISENDER" + nowhere}, []string{"unisender=unisender"}},
		{"an empty variable is not set", []string{"SELZY_API_KEY=hush", "SELZY" + nowhere, "REGRU_USERNAME=", "REGRU_PASSWORD="}, []string{"selzy=selzy"}},
		{"only those listed", []string{"GATEWAY_ACCOUNTS=selzy", "SELZY_API_KEY=hush", "SELZY" + nowhere, "REGRU_USERNAME=hush", "REGRU_PASSWORD=hush"},
			[]string{"selzy=selzy"}},
		{"names, blanks and hyphens", []string{"GATEWAY_ACCOUNTS= my-shop=regru , 2nd=selzy,selzy=unisender", "MY_SHOP_USERNAME=hush", "MY_SHOP_PASSWORD=hush",
			"MY_SHOP" + nowhere, "2ND_API_KEY=hush", "2ND" + nowhere, "SELZY_API_KEY=hush", "SELZY" + nowhere},
			[]string{"2nd=selzy", "my-shop=regru", "selzy=unisender"}},
		{"an unlimited budget", []string{"SELZY_API_KEY=hush", "SELZY" + nowhere, "SELZY_RATE=0"}, []string{"selzy=selzy"}},
		{"loopback by name", []string{"SELZY_API_KEY=hush", "SELZY" + nowhere, "GATEWAY_ADDR=localhost:0"}, []string{"selzy=selzy"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g := serving(t, with(quiet(), tt.settings...))
			var list struct {
				Accounts []struct{ Name, Provider string }
			}
			g.get(t, "/accounts").decode(&list)
			var got []string
			for _, a := range list.Accounts {
				got = append(got, a.Name+"="+a.Provider)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("accounts (-want +got):\n%s", diff)
			}
			if status := g.stop(); status != 0 {
				t.Errorf("exit status %d", status)
			}
			if strings.Contains(g.stderr.String()+g.stdout.String(), "hush") {
				t.Errorf("a value was written:\n%s%s", g.stderr, g.stdout)
			}
		})
	}
}

// TestSettingsFile: what a file says is what the vendor gets, its line end apart.
func TestSettingsFile(t *testing.T) {
	t.Parallel()
	for _, ending := range []string{"", "\n", "\r\n"} {
		key := filepath.Join(t.TempDir(), "key")
		if err := os.WriteFile(key, []byte("ordinarykey"+ending), 0o600); err != nil {
			t.Fatal(err)
		}
		f := newFleet(t)
		f.simulated("selzy", "selzy", "")
		g := f.serve("SELZY_API_KEY_FILE=" + key)
		if a := g.get(t, "/accounts/selzy/balance"); a.status != http.StatusOK {
			t.Errorf("ending %q: %d %s", ending, a.status, a.body)
		}
	}
}

// TestDefaults compares the defaults with what the documentation promises.
func TestDefaults(t *testing.T) {
	t.Parallel()
	promised := map[string]string{
		"GATEWAY_ADDR": "127.0.0.1:8080", "GATEWAY_METRICS_ADDR": "", "GATEWAY_ACCOUNTS": "", "GATEWAY_DATABASE_URL": "sqlite:gateway.db",
		"GATEWAY_AUTH": "token", "GATEWAY_BALANCE_TTL": "60s", "GATEWAY_STATISTICS_TTL": "5m", "GATEWAY_USERS_TTL": "5m",
		"GATEWAY_STALE_IF_ERROR": "24h", "GATEWAY_CALLER_RATE": "600/1m", "GATEWAY_REFRESH_INTERVAL": "5m", "GATEWAY_PROVIDER_TIMEOUT": "10s",
		"GATEWAY_NOTIFY_URL": "", "GATEWAY_NOTIFY_REPEAT": "24h", "GATEWAY_PUBLIC_URL": "",
		"GATEWAY_LOG_LEVEL": "info", "GATEWAY_LOG_FORMAT": "json", "GATEWAY_TLS_CERT": "", "GATEWAY_TLS_KEY": "", "GATEWAY_TLS_CLIENT_CA": "",
		"REGRU_BASE_URL": "https://api.reg.ru/api/regru2", "REGRU_LANG": "en", "REGRU_RATE": "1200/1h",
		"SELZY_BASE_URL": "https://api.selzy.com", "SELZY_LANG": "en", "SELZY_RATE": "1200/1m",
		"UNISENDER_BASE_URL": "https://api.unisender.com", "UNISENDER_LANG": "en", "UNISENDER_RATE": "1200/1m",
	}
	structs := map[string]reflect.Type{"GATEWAY": reflect.TypeFor[settings]()}
	for name, vendor := range registry.Vendors {
		structs[strings.ToUpper(name)] = reflect.TypeOf(vendor.Settings)
	}
	for prefix, config := range structs {
		for i := range config.NumField() {
			tag := config.Field(i).Tag
			name := prefix + "_" + tag.Get("envconfig")
			if want, ok := promised[name]; ok && tag.Get("default") != want {
				t.Errorf("%s: default is %q, want %q", name, tag.Get("default"), want)
			}
			if tag.Get("desc") == "" {
				t.Errorf("%s: has no description", name)
			}
			secret := regexp.MustCompile("PASSWORD|SECRET|TOKEN|KEY|DATABASE_URL|NOTIFY_URL").MatchString(name) && name != "GATEWAY_TLS_KEY"
			if secret != (config.Field(i).Type.Name() == "Secret") {
				t.Errorf("%s: has type %s", name, config.Field(i).Type)
			}
		}
	}
}
