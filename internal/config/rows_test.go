package config_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"accountgateway/internal/config"
)

func TestRows(t *testing.T) {
	key := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(key, []byte("hush\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	type shown struct {
		User string        `envconfig:"USER" desc:"who"`
		Key  config.Secret `envconfig:"KEY" desc:"a secret"`
		None config.Secret `envconfig:"NONE"`
		Wait time.Duration `envconfig:"WAIT" default:"10s" desc:"how long"`
		Cert config.Path   `envconfig:"CERT"`
		DB   config.Secret `envconfig:"DB" default:"sqlite:x.db" shown:"url"`
	}
	r := config.NewReader(lookup(map[string]string{"A_USER": "ada\tl", "A_KEY_FILE": key, "A_CERT": "/etc/cert.pem", "B_WAIT": "1m", "B_KEY": "hush"}))
	r.Into("A", new(shown))
	r.Into("B", new(shown), "WAIT", "KEY", "CERT")
	r.Derived("B_CERT", "one", "the rest")
	if err := r.Err(); err != nil {
		t.Fatal(err)
	}
	want := []config.Row{
		{"A_USER", `"ada\tl"`, "environment", "who"},
		{"A_KEY", "[redacted]", "file " + key, "a secret"},
		{"A_NONE", "", "default", ""},
		{"A_WAIT", "10s", "default", "how long"},
		{"A_CERT", "/etc/cert.pem", "environment", ""},
		{"A_DB", "sqlite:x.db", "default", ""},
		{"B_KEY", "[redacted]", "environment", "a secret"},
		{"B_WAIT", "1m", "environment", "how long"},
		{"B_CERT", "one", "the rest", ""},
	}
	if diff := cmp.Diff(want, r.Rows()); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}

// TestRowsOfDatabases: whatever a password looks like, it is not shown.
func TestRowsOfDatabases(t *testing.T) {
	tests := []struct{ url, want string }{
		{"sqlite:gateway.db", "sqlite:gateway.db"},
		{"sqlite::memory:", "sqlite::memory:"},
		{"postgres://db/gateway", "postgres://db/gateway"},
		{"postgres://user@db:5432/gateway?sslmode=require", "postgres://user@db:5432/gateway?sslmode=require"},
		{"postgres://user:hush@db/gateway", "postgres://user:[redacted]@db/gateway"},
		{"postgres://user:hu%2Fsh@db/gateway", "postgres://user:[redacted]@db/gateway"},
		{"postgres://user:hush@a:1,b:2/gateway", "postgres://user:[redacted]@a:1,b:2/gateway"},
		{"postgres://db/gateway?user=u&password=hush&sslmode=disable", "postgres://db/gateway?password=[redacted]&sslmode=disable&user=[redacted]"},
		{"postgres://user:hu/sh@db/gateway", "[redacted]"},
		{"postgres://user:12/hush@db/gateway", "[redacted]"},
		{"postgres://user:12?hush@db/gateway", "[redacted]"},
		{"postgres://user:12#hush@db/gateway", "[redacted]"},
		{"postgres://user:hu@sh@db/gateway", "postgres://user:[redacted]@db/gateway"},
		{"postgres://user:hu%sh@db/gateway", "[redacted]"},
		{"postgres:user:hush@db/gateway", "[redacted]"},
		{"host=db user=user password=hush", "[redacted]"},
		{"hush", "[redacted]"},
	}
	for _, tt := range tests {
		r := config.NewReader(lookup(map[string]string{"DB": tt.url}))
		r.Into("", &struct {
			DB config.Secret `envconfig:"DB" shown:"url"`
		}{})
		rows := r.Rows()
		if len(rows) != 1 || rows[0].Value != tt.want {
			t.Errorf("%s: shown as %v, want %s", tt.url, rows, tt.want)
		}
		if strings.Contains(fmt.Sprint(rows), "hush") {
			t.Errorf("%s: the password is shown", tt.url)
		}
	}
}

func TestPath(t *testing.T) {
	tests := []struct {
		env  map[string]string
		want string
	}{
		{map[string]string{"P": "/etc/key.pem"}, ""},
		{map[string]string{"P": "-----BEGIN PRIVATE KEY-----\nhush"}, "P: must be a file name, not the file's content"},
		{map[string]string{"P_FILE": "/etc/key.pem"}, "P: P_FILE is not supported: set P to the file name"},
		{map[string]string{"P": "/etc/key.pem", "P_FILE": "/etc/key.pem"}, "P: P_FILE is not supported: set P to the file name"},
	}
	for _, tt := range tests {
		r := config.NewReader(lookup(tt.env))
		r.Into("", &struct {
			P config.Path `envconfig:"P"`
		}{})
		if got := message(r.Err()); got != tt.want {
			t.Errorf("%v: %q, want %q", tt.env, got, tt.want)
		}
	}
}
