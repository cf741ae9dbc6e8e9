package main

import (
	"encoding/json"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"accountgateway/internal/httpapi"
	"accountgateway/internal/store"
)

const tokenText = `^(gw_([a-z2-7]{10})_[a-z2-7]{52})\n$`

// tokens is a new database for "gateway token". Nothing else is set.
func tokens(t *testing.T) map[string]string {
	t.Helper()
	url := "sqlite:" + filepath.Join(t.TempDir(), "gateway.db")
	makeDatabase(t, url)
	return map[string]string{"GATEWAY_DATABASE_URL": url}
}

// makeDatabase does what "gateway serve" does when it first starts.
func makeDatabase(t *testing.T, url string) {
	t.Helper()
	st, err := store.Open(t.Context(), url, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
}

// said is what every command says first: the database that it works on.
func said(settings map[string]string) string {
	return "database: " + strings.TrimPrefix(settings["GATEWAY_DATABASE_URL"], "sqlite:") + "\n"
}

// created makes a token and gives its text and ID.
func created(t *testing.T, settings map[string]string, flags ...string) (text, id string) {
	t.Helper()
	status, stdout, stderr := complete(t, settings, append([]string{"token", "create"}, flags...)...)
	match := regexp.MustCompile(tokenText).FindStringSubmatch(stdout)
	if status != 0 || match == nil {
		t.Fatalf("exit status %d, wrote %q, %q", status, stdout, stderr)
	}
	if strings.Contains(stderr, match[1][14:]) || !strings.Contains(stderr, match[2]) {
		t.Errorf("stderr is %q", stderr)
	}
	return match[1], match[2]
}

// listed are the tokens as the JSON list has them, without their times.
func listed(t *testing.T, settings map[string]string) []tokenEntry {
	t.Helper()
	status, stdout, stderr := complete(t, settings, "token", "list", "--json")
	if status != 0 || stderr != said(settings) {
		t.Fatalf("exit status %d: %s", status, stderr)
	}
	var list struct{ Tokens []tokenEntry }
	if err := json.Unmarshal([]byte(stdout), &list); err != nil {
		t.Fatal(err)
	}
	return list.Tokens
}

func TestTokenLife(t *testing.T) {
	t.Parallel()
	settings := tokens(t)
	before := time.Now().Truncate(time.Millisecond)
	text, id := created(t, settings, "--name", "billing", "--scopes", "read,users:read", "--accounts", "regru,selzy")
	_, other := created(t, settings, "--name", "ops.2", "--scopes", "operations:read", "--accounts", "*", "--expires", "never")
	list := listed(t, settings)
	if len(list) != 2 {
		t.Fatalf("list: %+v", list)
	}
	at := list[0].CreatedAt
	if at.Before(before) || at.After(time.Now()) {
		t.Errorf("created at %s", at)
	}
	want := []tokenEntry{
		{ID: id, Name: "billing", Scopes: []string{"read", "users:read"}, Accounts: []string{"regru", "selzy"}, CreatedAt: at, IssuedAt: at,
			ExpiresAt: &httpapi.Time{Time: at.Add(90 * 24 * time.Hour)}, State: "active"},
		{ID: other, Name: "ops.2", Scopes: []string{"operations:read"}, Accounts: []string{"*"}, CreatedAt: list[1].CreatedAt, IssuedAt: list[1].CreatedAt, State: "active"},
	}
	if diff := cmp.Diff(want, list); diff != "" {
		t.Errorf("list (-want +got):\n%s", diff)
	}

	status, stdout, stderr := complete(t, settings, "token", "rotate", id, "--grace", "1h")
	match := regexp.MustCompile(tokenText).FindStringSubmatch(stdout)
	if status != 0 || match == nil || match[1] == text || match[2] != id {
		t.Fatalf("rotate: exit status %d, wrote %q, %q", status, stdout, stderr)
	}
	list = listed(t, settings)
	rotated := want[0]
	rotated.IssuedAt = list[0].IssuedAt
	rotated.ExpiresAt = &httpapi.Time{Time: rotated.IssuedAt.Add(90 * 24 * time.Hour)}
	rotated.OldSecretUntil = &httpapi.Time{Time: rotated.IssuedAt.Add(time.Hour)}
	if diff := cmp.Diff(rotated, list[0]); diff != "" || rotated.IssuedAt.Before(at.Time) {
		t.Errorf("rotated (-want +got):\n%s", diff)
	}

	// Twice: the second time changes nothing. And by the whole token, as it is
	// found where it leaked.
	for _, arg := range []string{id, id, match[1]} {
		status, stdout, stderr = complete(t, settings, "token", "revoke", arg)
		if status != 0 || stdout != "" || stderr != said(settings)+"token "+id+" (billing) revoked\n" {
			t.Errorf("revoke: exit status %d, wrote %q, %q", status, stdout, stderr)
		}
	}
	list = listed(t, settings)
	if list[0].State != "revoked" || list[0].RevokedAt.IsZero() || list[1].State != "active" {
		t.Errorf("list: %+v", list)
	}
	status, stdout, stderr = complete(t, settings, "token", "rotate", id)
	if status != 1 || stdout != "" || stderr != said(settings)+"gateway token rotate: token "+id+" is revoked; create a new one\n" {
		t.Errorf("rotate: exit status %d, wrote %q, %q", status, stdout, stderr)
	}

	status, stdout, _ = complete(t, settings, "token", "list")
	pattern := `^ID +NAME +SCOPES +ACCOUNTS +CREATED +EXPIRES +LAST USED +STATE\n` +
		id + ` +billing +read,users:read +regru,selzy +\S+Z +\S+Z +never +revoked\n` +
		other + ` +ops\.2 +operations:read +\* +\S+Z +never +never +active\n$`
	if status != 0 || !regexp.MustCompile(pattern).MatchString(stdout) {
		t.Errorf("table: exit status %d, wrote\n%s", status, stdout)
	}
	if strings.Contains(stdout, text[14:]) || strings.Contains(stdout, match[1][14:]) {
		t.Error("a secret is in the list")
	}
}

// TestTokenForNoAccount: a name that no account has is a slip where accounts are
// configured; where none is, the gateway that has them is elsewhere.
func TestTokenForNoAccount(t *testing.T) {
	t.Parallel()
	create := func(settings map[string]string, accounts string) (int, string, string) {
		return complete(t, settings, "token", "create", "--name", "a", "--scopes", "read", "--accounts", accounts)
	}
	elsewhere := tokens(t)
	here := with(elsewhere, "REGRU_USERNAME=u", "SELZY_API_KEY=hush")
	named := with(elsewhere, "GATEWAY_ACCOUNTS=shop=selzy")
	for _, tt := range []struct {
		settings map[string]string
		accounts string
		status   int
		says     string
	}{
		{here, "regruu", 2, `--accounts: unknown account "regruu"; must be one of regru, selzy, or * for all`},
		{here, "regru,shop", 2, `--accounts: unknown account "shop"; must be one of regru, selzy, or * for all`},
		{here, "regru,selzy", 0, ""},
		{here, "*", 0, ""},
		{named, "selzy", 2, `--accounts: unknown account "selzy"; must be one of shop, or * for all`},
		{named, "shop", 0, ""},
		{with(elsewhere, "GATEWAY_ACCOUNTS=shop=selzi"), "shop", 2, `GATEWAY_ACCOUNTS: account shop: unknown provider "selzi"`},
		{elsewhere, "regruu", 0, "warning: no accounts are configured here; the names in --accounts were not checked"},
		{elsewhere, "*", 0, ""},
	} {
		status, stdout, stderr := create(tt.settings, tt.accounts)
		if status != tt.status || !strings.Contains(stderr, tt.says) || (stdout != "") != (tt.status == 0) || strings.Contains(stderr, "not checked") != strings.Contains(tt.says, "not checked") {
			t.Errorf("%s: exit status %d, wrote %q, %q, want %d %q", tt.accounts, status, stdout, stderr, tt.status, tt.says)
		}
	}
	if n := len(listed(t, elsewhere)); n != 5 {
		t.Errorf("%d tokens were made, want 5", n)
	}
}

func TestTokenFaults(t *testing.T) {
	t.Parallel()
	const (
		account = ": must be at most 63 lower-case letters, digits and inner hyphens, or * for all"
		scope   = "; must be one of read, users:read, users:write, refills:write, operations:read, operations:write"
		name    = "--name: must be at most 64 letters, digits, dots, hyphens and underscores"
		id      = "invalid token ID; gateway token list shows the IDs"
	)
	create := func(more ...string) []string {
		return append([]string{"create", "--name", "n", "--scopes", "read", "--accounts", "regru"}, more...)
	}
	tests := []struct {
		name   string
		args   []string
		url    string // instead of an empty database's
		status int
		want   []string // lines of the faults
	}{
		{"nothing", nil, "", 2, []string{"gateway token: a command is missing; must be one of create, list, revoke, rotate"}},
		{"another verb", []string{"delete", "x"}, "", 2, []string{`gateway token: unknown command "delete"; must be one of create, list, revoke, rotate`}},
		{"no ID", []string{"revoke"}, "", 2, []string{"gateway token revoke: missing argument ID"}},
		{"no ID, but a flag", []string{"rotate", "--grace", "1h"}, "", 2, []string{"gateway token rotate: missing argument ID"}},
		{"two IDs", []string{"revoke", "aaaaaaaaaa", "bbbbbbbbbb"}, "", 2, []string{`gateway token revoke: unexpected argument "bbbbbbbbbb"`}},
		{"expires in days and weeks", create("--expires", "1w2d"), "", 2, []string{"--expires: must be a duration, e.g. 90d or 12h, or never"}},
		{"create without flags", []string{"create"}, "", 2, []string{name, "--scopes: is not set", "--accounts: required: account names, or * for all"}},
		{"name", create("--name", "a b"), "", 2, []string{name}},
		{"scopes", create("--scopes", "read,all"), "", 2, []string{`--scopes: unknown scope "all"` + scope}},
		{"accounts", create("--accounts", "regru,Shop,*"), "", 2, []string{`--accounts: invalid account name "Shop"` + account, `--accounts: invalid account name "*"` + account}},
		{"expires", create("--expires", "90 days"), "", 2, []string{"--expires: must be a duration, e.g. 90d or 12h, or never"}},
		{"expires at once", create("--expires", "0s"), "", 2, []string{"--expires: must be a duration, e.g. 90d or 12h, or never"}},
		{"one more argument", create("x"), "", 2, []string{`gateway token create: unexpected argument "x"`}},
		{"grace", []string{"rotate", "aaaaaaaaaa", "--grace", "-1h"}, "", 2, []string{"--grace: must not be negative"}},
		{"grace is no duration", []string{"rotate", "aaaaaaaaaa", "--grace", "long"}, "", 2, []string{`--grace: must be a duration, e.g. 30s, 5m or 30d, not "long"`}},
		{"no such ID", []string{"revoke", "hush"}, "", 2, []string{id}},
		{"unknown", []string{"revoke", "aaaaaaaaaa"}, "", 1, []string{"gateway token revoke: token aaaaaaaaaa not found"}},
		{"unknown, by its text", []string{"rotate", "gw_aaaaaaaaaa_hush"}, "", 1, []string{"gateway token rotate: token aaaaaaaaaa not found"}},
		{"in memory", create(), "sqlite::memory:", 2,
			[]string{"GATEWAY_DATABASE_URL: an in-memory database can't be shared with other processes; use a file or PostgreSQL"}},
		{"no database", create(), "mysql://u:hush@db/x", 2, []string{"GATEWAY_DATABASE_URL: must be sqlite:FILE, sqlite::memory: or postgres://USER:PASSWORD@HOST/DATABASE"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			settings := with(tokens(t), "GATEWAY_LOG_LEVEL=nonsense") // no business of this command
			if tt.url != "" {
				settings["GATEWAY_DATABASE_URL"] = tt.url
			}
			status, stdout, stderr := complete(t, settings, append([]string{"token"}, tt.args...)...)
			if status != tt.status || stdout != "" {
				t.Errorf("exit status %d, wrote %q", status, stdout)
			}
			for _, line := range tt.want {
				if !regexp.MustCompile(`(?m)^(?: *|gateway token \w+: )` + regexp.QuoteMeta(line) + `$`).MatchString(stderr) {
					t.Errorf("wrote\n%s\nwithout %s", stderr, line)
				}
			}
			if strings.Contains(stderr, "hush") {
				t.Errorf("a secret is in %s", stderr)
			}
		})
	}
	if status, stdout, _ := complete(t, nil, "token", "-h"); status != 0 || !strings.Contains(stdout, "\nUsage: gateway token COMMAND\n") {
		t.Errorf("-h: exit status %d, wrote %q", status, stdout)
	}
}
