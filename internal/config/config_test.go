package config_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/kelseyhightower/envconfig"

	"accountgateway/internal/config"
)

type sample struct {
	User    string         `envconfig:"USER" required:"true"`
	Key     config.Secret  `envconfig:"KEY" required:"true"`
	Base    config.BaseURL `envconfig:"BASE_URL" default:"https://vendor.example/api"`
	Rate    config.Rate    `envconfig:"RATE" default:"1200/1h"`
	Timeout time.Duration  `envconfig:"TIMEOUT" default:"10s"`
	Count   int            `envconfig:"COUNT"`
	Flag    bool           `envconfig:"FLAG"`
	Lang    string         `envconfig:"LANG" default:"en" oneof:"en|ru"`
}

func lookup(env map[string]string) config.Lookup {
	return func(name string) (string, bool) {
		v, ok := env[name]
		return v, ok
	}
}

func TestInto(t *testing.T) {
	key := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(key, []byte("\uFEFFfrom-file\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := config.NewReader(lookup(map[string]string{
		"SHOP_USER": "ada", "SHOP_KEY_FILE": key, "SHOP_RATE": "20/1m", "SHOP_BASE_URL": "http://127.0.0.1:9/x/", "SHOP_COUNT": "",
	}))
	var got sample
	r.Into("SHOP", &got)
	if err := r.Err(); err != nil {
		t.Fatal(err)
	}
	if got.User != "ada" || string(got.Key) != "from-file" || got.Base.String() != "http://127.0.0.1:9/x" ||
		got.Rate != (config.Rate{Calls: 20, Per: time.Minute}) || got.Timeout != 10*time.Second {
		t.Errorf("got %+v", got)
	}
}

// TestSameAsEnvconfig: envconfig itself reads the same settings from the same
// struct, wherever a value is one that it knows.
func TestSameAsEnvconfig(t *testing.T) {
	for _, env := range []map[string]string{
		{"S_USER": "ada", "S_KEY": "hush", "S_LANG": "en"}, // envconfig takes the system's LANG else
		{"S_USER": "ä b", "S_KEY": "k", "S_BASE_URL": "https://a.example/", "S_RATE": "5/1m", "S_TIMEOUT": "1h30m", "S_COUNT": "-12", "S_LANG": "ru", "S_FLAG": "1"},
	} {
		var got, want sample
		r := config.NewReader(lookup(env))
		r.Into("S", &got)
		for name, value := range env {
			t.Setenv(name, value)
		}
		if err := errors.Join(r.Err(), envconfig.Process("S", &want)); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%v: got %#v, envconfig reads %#v", env, got, want)
		}
	}
}

func TestFaultsAreReportedAtOnce(t *testing.T) {
	dir := t.TempDir()
	empty, big, mark := filepath.Join(dir, "empty"), filepath.Join(dir, "big"), filepath.Join(dir, "mark")
	os.WriteFile(mark, []byte("\uFEFF\r\n"), 0o600)
	os.WriteFile(empty, nil, 0o600)
	os.WriteFile(big, []byte(strings.Repeat("x", 1<<20+1)), 0o600)
	tests := []struct {
		name string
		env  map[string]string
		want []string
	}{
		{"nothing set", nil, []string{"S_USER: is not set", "S_KEY: is not set"}},
		{"both", map[string]string{"S_USER": "a", "S_KEY": "hush", "S_KEY_FILE": empty}, []string{"S_KEY: S_KEY_FILE is also set; set only one of them"}},
		{"no file", map[string]string{"S_USER": "a", "S_KEY_FILE": dir + "/none"}, []string{"S_KEY: S_KEY_FILE: open " + dir + "/none: no such file or directory"}},
		{"empty file", map[string]string{"S_USER": "a", "S_KEY_FILE": empty}, []string{"S_KEY: S_KEY_FILE: the file is empty"}},
		{"nothing but a byte order mark", map[string]string{"S_USER": "a", "S_KEY_FILE": mark}, []string{"S_KEY: S_KEY_FILE: the file is empty"}},
		{"large file", map[string]string{"S_USER": "a", "S_KEY_FILE": big}, []string{"S_KEY: S_KEY_FILE: the file is larger than 1048576 bytes"}},
		{
			"bad values",
			map[string]string{"S_USER": "a", "S_KEY": "hush", "S_BASE_URL": "http://vendor.example", "S_RATE": "5/hour", "S_TIMEOUT": "60", "S_COUNT": "1.5", "S_FLAG": "on", "S_LANG": "de"},
			[]string{
				"S_BASE_URL: must be an https URL (http is allowed only for loopback addresses)", `S_RATE: must be calls/duration, e.g. 1200/1h, or 0, not "5/hour"`,
				`S_TIMEOUT: must be a duration, e.g. 30s, 5m or 30d, not "60"`, `S_COUNT: must be an integer, not "1.5"`, `S_FLAG: must be true or false, not "on"`,
				`S_LANG: must be one of en, ru, not "de"`,
			},
		},
		{
			"secrets in the wrong place",
			map[string]string{"S_USER": "a", "S_KEY": "hush", "S_BASE_URL": "hush", "S_RATE": "hush-instead-of-it/1h", "S_TIMEOUT": "hush-instead-of-it", "S_COUNT": "hush-instead-of-it", "S_FLAG": "hush-instead-of-it", "S_LANG": "hush-instead-of-it"},
			[]string{
				"S_BASE_URL: must be an absolute URL, e.g. https://host/path", "S_RATE: must be calls/duration, e.g. 1200/1h, or 0",
				"S_TIMEOUT: must be a duration, e.g. 30s, 5m or 30d", "S_COUNT: must be an integer", "S_FLAG: must be true or false",
				"S_LANG: must be one of en, ru",
			},
		},
		{"NUL", map[string]string{"S_USER": "a\x00b", "S_KEY": "k"}, []string{"S_USER: must not contain a NUL byte"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := config.NewReader(lookup(tt.env))
			r.Into("S", new(sample))
			got := strings.Split(r.Err().Error(), "\n")
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("faults (-want +got):\n%s", diff)
			}
			if strings.Contains(r.Err().Error(), "hush") {
				t.Error("a value is in the fault")
			}
		})
	}
}

func TestSecretDoesNotPrint(t *testing.T) {
	s := sample{Key: "hush"}
	encoded, _ := json.Marshal(s)
	for _, printed := range []string{fmt.Sprint(s), fmt.Sprintf("%+v", s), fmt.Sprintf("%#v", s), fmt.Sprintf("%q", s.Key), string(encoded)} {
		if strings.Contains(printed, "hush") {
			t.Errorf("printed %s", printed)
		}
	}
}

// TestSecretOneOf: not even a short value of a secret is shown.
func TestSecretOneOf(t *testing.T) {
	r := config.NewReader(lookup(map[string]string{"S_MODE": "hush"}))
	var got struct {
		Mode config.Secret `envconfig:"MODE" oneof:"a|b"`
	}
	r.Into("S", &got)
	if want := "S_MODE: must be one of a, b"; message(r.Err()) != want {
		t.Errorf("got %v, want %s", r.Err(), want)
	}
}

func TestValues(t *testing.T) {
	urls := []struct{ text, want string }{
		{"https://a.example/x", ""},
		{"http://localhost:1", ""},
		{"http://[::1]:1", ""},
		{"http://127.0.0.2", ""},
		{"http://10.0.0.1", "must be an https URL (http is allowed only for loopback addresses)"},
		{"ftp://a.example", "must be an https URL (http is allowed only for loopback addresses)"},
		{"a.example", "must be an absolute URL, e.g. https://host/path"},
		{"https://u:p@a.example", "must be a URL without user, query and fragment"},
		{"https://a.example?k=1", "must be a URL without user, query and fragment"},
		{"https://a.example/?", "must be a URL without user, query and fragment"},
		{"https://a.example/x#", "must be a URL without user, query and fragment"},
	}
	for _, tt := range urls {
		var u config.BaseURL
		if got := message(u.UnmarshalText([]byte(tt.text))); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.text, got, tt.want)
		}
	}
	public := []struct{ text, want, is string }{
		{"https://gateway.example.com", "", "https://gateway.example.com"},
		{"http://10.0.0.1:8080/gateway/", "", "http://10.0.0.1:8080/gateway"},
		{"https://[2001:db8::1]/", "", "https://[2001:db8::1]"},
		{"ftp://a.example", "must be an absolute http or https URL, e.g. https://gateway.example.com", ""},
		{"a.example", "must be an absolute http or https URL, e.g. https://gateway.example.com", ""},
		{"https://:8080", "must be an absolute http or https URL, e.g. https://gateway.example.com", ""},
		{"https://u:p@a.example", "must be a URL without user, query and fragment", ""},
		{"https://a.example?k=1", "must be a URL without user, query and fragment", ""},
		{"https://a.example?", "must be a URL without user, query and fragment", ""},
		{"https://a.example#", "must be a URL without user, query and fragment", ""},
	}
	for _, tt := range public {
		var u config.PublicURL
		if got := message(u.UnmarshalText([]byte(tt.text))); got != tt.want || u.String() != tt.is {
			t.Errorf("%s: got %q and %q, want %q and %q", tt.text, u, got, tt.is, tt.want)
		}
	}
	for text, want := range map[string]string{"1200/1h": "1200/1h", "20/1m": "20/1m", "5/90s": "5/1m30s", "0": "0", "3/10s": "3/10s", "3/10m": "3/10m"} {
		var r config.Rate
		if err := r.UnmarshalText([]byte(text)); err != nil || r.String() != want {
			t.Errorf("%s: got %v, %v", text, r, err)
		}
	}
	for _, text := range []string{"", "x", "0/1h", "-1/1h", "+5/1h", "5", "5/0s", "5/-1s", "5/x"} {
		var r config.Rate
		if r.UnmarshalText([]byte(text)) == nil {
			t.Errorf("%q was taken", text)
		}
	}
}

func TestParseDuration(t *testing.T) {
	const day = 24 * time.Hour
	for text, want := range map[string]time.Duration{
		"30s": 30 * time.Second, "1h30m": 90 * time.Minute, "0": 0, "-1s": -time.Second, "2160h": 90 * day, "30d": 30 * day, "0d": 0, "1d12h": 36 * time.Hour,
		"65535d": 65535 * day, "2d1.5h": 2*day + 90*time.Minute,
	} {
		if got, err := config.ParseDuration(text); err != nil || got != want {
			t.Errorf("%s: got %s, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "d", "30", "30 d", "1.5d", "-1d", "1d-1h", "1h1d", "1dd", "65536d", "65535d1000000h", "65535d2562047h", "hush"} {
		if got, err := config.ParseDuration(text); err == nil || err.Error() != "must be a duration, e.g. 30s, 5m or 30d" {
			t.Errorf("%s: got %s, %v", text, got, err)
		}
	}
}

// TestDays: wherever a setting is a duration, it may be in days.
func TestDays(t *testing.T) {
	r := config.NewReader(lookup(map[string]string{"S_USER": "a", "S_KEY": "k", "S_TIMEOUT": "1d12h", "S_RATE": "5/1d"}))
	var got sample
	r.Into("S", &got)
	if err := r.Err(); err != nil || got.Timeout != 36*time.Hour || got.Rate.Per != 24*time.Hour || got.Rate.String() != "5/24h" {
		t.Errorf("got %+v, %v", got, err)
	}
}

func message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
