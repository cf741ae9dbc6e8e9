package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const paperboy = `name: paperboy
title: Paperboy
group: other
settings:
  API_KEY: {secret: true, description: a key}
base_url: https://paperboy.example
rate: 10/1m
auth: {bearer: "${API_KEY}"}
request: {path: /money}
error_code: body.code
balance: {balance: "decimal(body.left)", currency: USD}
samples:
  - {name: money, answer: {body: '{"left":"12.50"}'}, want: {balance: 12.50 USD}}
  - {name: wrong key, answer: {status: 401, body: '{"code":"who"}'}, want: {problem: provider_credentials}}
`

func vendorsDir(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestDeclaredVendors: a vendor of one's own, and a shipped one, are asked as their files say.
func TestDeclaredVendors(t *testing.T) {
	t.Parallel()
	vendor := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body := `{"code":"` + strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ") + `"}`
		switch {
		case r.URL.Path == "/money" && r.Header.Get("Authorization") == "Bearer paper-key":
			body = `{"left":"1234567890123456.78"}`
		case r.URL.Path == "/user/balance" && r.Header.Get("Authorization") == "Bearer deep-key":
			body = `{"is_available":true,"balance_infos":[{"currency":"USD","total_balance":"3.20","granted_balance":"0.20"}]}`
		default:
			w.WriteHeader(http.StatusUnauthorized)
		}
		_, _ = w.Write([]byte(body))
	}))
	t.Cleanup(vendor.Close)
	g := serving(t, with(quiet(),
		"GATEWAY_VENDORS_DIR="+vendorsDir(t, map[string]string{"paperboy.yaml": paperboy}),
		"GATEWAY_ACCOUNTS=paper=paperboy,deepseek,wrong=paperboy",
		"PAPER_API_KEY=paper-key", "PAPER_BASE_URL="+vendor.URL, "WRONG_API_KEY="+mark, "WRONG_BASE_URL="+vendor.URL,
		"DEEPSEEK_API_KEY=deep-key", "DEEPSEEK_BASE_URL="+vendor.URL, "DEEPSEEK_CURRENCY=USD"))
	for path, want := range map[string]string{
		"/accounts/paper/balance":    `"amount":"1234567890123456.78","currency":"USD"`,
		"/accounts/deepseek/balance": `"amount":"3.20","currency":"USD"`,
		"/accounts/wrong/balance":    `"code":"provider_credentials"`,
	} {
		a := g.get(t, path)
		hold(t, path, string(a.body))
		if !strings.Contains(strings.ReplaceAll(string(a.body), " ", ""), want) {
			t.Errorf("%s: got %s, want %s", path, string(a.body), want)
		}
	}
	hold(t, "the log", g.stderr.String())
}

// TestVendorsDirFaults: every fault of every file is told, each at its place.
func TestVendorsDirFaults(t *testing.T) {
	t.Parallel()
	dir := vendorsDir(t, map[string]string{
		"a.yaml": strings.Replace(paperboy, "name: paperboy", "name: selzy", 1),
		"b.yaml": strings.NewReplacer("name: paperboy", "name: b", "left)", "right)", "title:", "titel:").Replace(paperboy),
		"c.yaml": paperboy, "d.yaml": paperboy,
	})
	status, _, stderr := complete(t, map[string]string{"GATEWAY_VENDORS_DIR": dir, "SELZY_API_KEY": "some-key"}, "check", "--settings")
	if status != 2 {
		t.Errorf("exit status %d, want 2", status)
	}
	for _, want := range []string{
		dir + "/a.yaml:1:7: the name selzy is that of a vendor that the gateway brings along: choose another",
		dir + "/b.yaml:2:1: titel is an unknown key: did you mean title?",
		dir + "/d.yaml:1:7: the name paperboy is that of the vendor in " + dir + "/c.yaml too: choose another",
	} {
		if !strings.Contains(stderr, want) {
			t.Errorf("not told: %s\nin %s", want, stderr)
		}
	}
	if status, _, stderr = complete(t, map[string]string{"GATEWAY_VENDORS_DIR": dir + "/none", "SELZY_API_KEY": "some-key"}, "check", "--settings"); status != 2 || !strings.Contains(stderr, "GATEWAY_VENDORS_DIR") {
		t.Errorf("exit status %d: %s", status, stderr)
	}
}

// TestUnusedFiles: what looks like a vendor file and is none is told.
func TestUnusedFiles(t *testing.T) {
	t.Parallel()
	dir := vendorsDir(t, map[string]string{
		"a.YAML": paperboy, "b.json": "{}", "c.yaml.bak": paperboy, "vendor.schema.json": "{}", "README.md": "", ".d.swp": "",
	})
	status, _, stderr := complete(t, map[string]string{"GATEWAY_VENDORS_DIR": dir, "GATEWAY_ACCOUNTS": "paperboy", "PAPERBOY_API_KEY": "some-key"}, "check", "--settings")
	want := "gateway check: " + dir + "/b.json is ignored: not a vendor file: its name must end in .yaml or .yml\n" +
		"gateway check: " + dir + "/c.yaml.bak is ignored: not a vendor file: its name must end in .yaml or .yml\n"
	if status != 0 || stderr != want {
		t.Errorf("exit status %d: %s", status, stderr)
	}
}

// TestOwnFileOpensNoAccount: the name and the settings of a file of one's own may spell any variable, which is sent to
// nobody unless an account is asked for.
func TestOwnFileOpensNoAccount(t *testing.T) {
	t.Parallel()
	settings := map[string]string{
		"GATEWAY_VENDORS_DIR": vendorsDir(t, map[string]string{
			"a.yaml": strings.NewReplacer("name: paperboy", "name: aws-secret-access", "API_KEY", "KEY").Replace(paperboy),
		}),
		"AWS_SECRET_ACCESS_KEY": mark, "SELZY_API_KEY": "some-key",
	}
	status, out, stderr := complete(t, settings, "check", "--settings")
	hold(t, "the settings", out+stderr)
	if status != 0 || strings.Contains(out, "AWS_SECRET") {
		t.Errorf("exit status %d: %s%s", status, out, stderr)
	}
}

// TestNoAccount: whoever has vendor files and no account is told what their files
// have to do with it.
func TestNoAccount(t *testing.T) {
	t.Parallel()
	good := vendorsDir(t, map[string]string{"paperboy.yaml": paperboy})
	broken := vendorsDir(t, map[string]string{"paperboy.yaml": strings.Replace(paperboy, "title:", "titel:", 1)})
	tests := []struct {
		name       string
		settings   map[string]string
		told, none string
	}{
		{"credentials of a vendor with a file", map[string]string{"GATEWAY_VENDORS_DIR": good, "PAPERBOY_API_KEY": "some-key"},
			"no account is configured: your vendor files (paperboy) open no account by themselves; set GATEWAY_ACCOUNTS=paperboy", "REGRU"},
		{"no credentials", map[string]string{"GATEWAY_VENDORS_DIR": good}, "gateway vendor show NAME", "paperboy"},
		{"a broken file", map[string]string{"GATEWAY_VENDORS_DIR": broken, "PAPERBOY_API_KEY": "some-key"}, "titel is an unknown key", "GATEWAY_ACCOUNTS"},
		{"an account of a broken file", map[string]string{"GATEWAY_VENDORS_DIR": broken, "GATEWAY_ACCOUNTS": "paperboy"},
			`unknown provider "paperboy"; it may be in a file that can't be used`, "vendor list"},
		{"a vendor without a file", map[string]string{"GATEWAY_VENDORS_DIR": good, "GATEWAY_ACCOUNTS": "dynadot"},
			`unknown provider "dynadot"; gateway vendor list prints all, those in GATEWAY_VENDORS_DIR too`, "not set"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			status, _, stderr := complete(t, tt.settings, "serve")
			if status != 2 || !strings.Contains(stderr, tt.told) || strings.Contains(stderr, tt.none) {
				t.Errorf("exit status %d, want 2; want %q and no %q in %s", status, tt.told, tt.none, stderr)
			}
		})
	}
}

// TestStrangeVariables: what looks like a shipped vendor's settings may be somebody else's, and stops nothing.
func TestStrangeVariables(t *testing.T) {
	t.Parallel()
	status, _, stderr := complete(t, map[string]string{
		"GATEWAY_ACCOUNTS": "selzy", "SELZY_API_KEY": "some-key", "SMSC_LOGIN": "me", "DIGITALOCEAN_TOKENS": "x",
	}, "check", "--settings")
	if status != 0 || !strings.Contains(stderr, "SMSC_LOGIN is ignored") {
		t.Errorf("exit status %d: %s", status, stderr)
	}
}

// TestHostileWords: what a vendor says steers no terminal, ends no line and adds no cell to a table.
func TestHostileWords(t *testing.T) {
	t.Parallel()
	vendor := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusTeapot)
		_, _ = w.Write([]byte(`{"code":"a\u001b]0;pwned\u0007\u001b[2Jb\tc\r\nd\u0000e\u202ef"}`))
	}))
	t.Cleanup(vendor.Close)
	_, out, stderr := complete(t, map[string]string{
		"GATEWAY_VENDORS_DIR": vendorsDir(t, map[string]string{"paperboy.yaml": paperboy}), "GATEWAY_ACCOUNTS": "paper=paperboy",
		"PAPER_API_KEY": "some-key", "PAPER_BASE_URL": vendor.URL, "GATEWAY_DATABASE_URL": "sqlite::memory:",
	}, "check")
	if !strings.Contains(out, "(vendor code a ]0;pwned [2Jb c d e f)") || strings.Count(out, "\n") != 3 || strings.ContainsAny(out, "\x1b\x07\r\x00\u202e") {
		t.Errorf("got %q, %q", out, stderr)
	}
}

// TestGoodFilesBesideABadOne: only what is wrong is told, not of the accounts of files that are good.
func TestGoodFilesBesideABadOne(t *testing.T) {
	t.Parallel()
	dir := vendorsDir(t, map[string]string{
		"a.yaml": paperboy, "b.yaml": strings.NewReplacer("name: paperboy", "name: b", "title:", "titel:").Replace(paperboy),
	})
	status, _, stderr := complete(t, map[string]string{
		"GATEWAY_VENDORS_DIR": dir, "GATEWAY_ACCOUNTS": "paper=paperboy,paperb=b", "PAPER_API_KEY": "some-key", "PAPERB_API_KEY": "some-key",
	}, "check", "--settings")
	want := "gateway: invalid configuration:\n" +
		"  GATEWAY_VENDORS_DIR: there are files that can't be used:\n" +
		"  " + dir + "/b.yaml:2:1: titel is an unknown key: did you mean title?\n" +
		"  GATEWAY_ACCOUNTS: account paperb: unknown provider \"b\"; it may be in a file that can't be used\n"
	if status != 2 || stderr != want {
		t.Errorf("exit status %d: %s", status, stderr)
	}
}

// TestFolderLikeAFile: a folder is not read whatever its name, and is told of.
func TestFolderLikeAFile(t *testing.T) {
	t.Parallel()
	dir := vendorsDir(t, map[string]string{"a.yaml": paperboy})
	if err := os.Mkdir(filepath.Join(dir, "old.yaml"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("old.yaml", filepath.Join(dir, "older.yml")); err != nil {
		t.Fatal(err)
	}
	status, _, stderr := complete(t, map[string]string{"GATEWAY_VENDORS_DIR": dir, "GATEWAY_ACCOUNTS": "paperboy", "PAPERBOY_API_KEY": "some-key"}, "check", "--settings")
	want := "gateway check: " + dir + "/old.yaml is ignored: a folder, not a vendor file\n" +
		"gateway check: " + dir + "/older.yml is ignored: a folder, not a vendor file\n"
	if status != 0 || stderr != want {
		t.Errorf("exit status %d: %s", status, stderr)
	}
}
