package main

import (
	"encoding/json"
	"io"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"accountgateway/internal/store"
)

// everyCommand shows each command with the words that call it.
func everyCommand(show func(c *cobra.Command, words []string)) {
	env := environment{lookup: func(string) (string, bool) { return "", false }, stdout: io.Discard, stderr: io.Discard}
	root := commands(env)
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		show(c, strings.Fields(c.CommandPath())[1:])
		for _, inner := range c.Commands() {
			walk(inner)
		}
	}
	walk(root)
}

// TestHelp: every command tells of itself, in GNU's style, on standard output.
func TestHelp(t *testing.T) {
	t.Parallel()
	singleDash := regexp.MustCompile(`(?m)(^|\s)-[a-z]{2,}`)
	everyCommand(func(c *cobra.Command, words []string) {
		status, stdout, stderr := complete(t, nil, append(words, "--help")...)
		if status != 0 || stderr != "" || !strings.Contains(stdout, "\nUsage: "+c.CommandPath()) || singleDash.MatchString(stdout) {
			t.Errorf("%s: exit status %d, wrote\n%s%s", c.CommandPath(), status, stdout, stderr)
		}
		if c.HasParent() && (c.Short == "" || c.Short[0] < 'A' || c.Short[0] > 'Z' || strings.HasSuffix(c.Short, ".")) {
			t.Errorf("%s: %q is no line for a list", c.CommandPath(), c.Short)
		}
	})
}

// TestFlagErrors: a flag that there is not is told in one line, with exit status 2.
func TestFlagErrors(t *testing.T) {
	t.Parallel()
	everyCommand(func(c *cobra.Command, words []string) {
		status, stdout, stderr := complete(t, nil, append(words, "--no-such-flag")...)
		if want := c.CommandPath() + ": unknown flag: --no-such-flag\n"; status != 2 || stdout != "" || stderr != want {
			if c.Name() != "help" { // it takes its flags for a topic
				t.Errorf("exit status %d, wrote %q, %q, want %q", status, stdout, stderr, want)
			}
		}
	})
}

// TestCompletions: flags' values and vendors' names are completed; nothing is asked for it but the environment.
func TestCompletions(t *testing.T) {
	t.Parallel()
	for line, want := range map[string][]string{
		"oper":                           {"operations\tList write operations, settle one by hand"},
		"operations list --state ":       {"started", "succeeded", "failed", "unknown"},
		"token create --scopes ":         {"read", "operations:write"},
		"simulate --regru-profile ":      {"current", "2017"},
		"simulate --vendor ":             {"twilio="},
		"vendor show ":                   {"regru", "twilio"},
		"vendor test ":                   {"twilio"},
		"backup ":                        {":0"}, // files
		"check ":                         {":4"}, // no files
		"operations list --no-such-flag": {":4"},
	} {
		words := strings.Split(line, " ")
		_, stdout, _ := complete(t, nil, append([]string{"__complete"}, words...)...)
		got := strings.Split(strings.TrimSpace(stdout), "\n")
		for _, one := range want {
			if !slices.Contains(got, one) {
				t.Errorf("%q: %q is not among %q", line, one, got)
			}
		}
	}
}

// asSchema holds what a command printed against a schema of the specification.
func asSchema(t *testing.T, name, printed string) {
	t.Helper()
	spec, err := specification()
	if err != nil {
		t.Fatal(err)
	}
	var value any
	if err := json.Unmarshal([]byte(printed), &value); err != nil {
		t.Fatalf("%v: %s", err, printed)
	}
	if err := spec.doc.Components.Schemas[name].Value.VisitJSON(value); err != nil {
		t.Errorf("no %s: %v\n%s", name, err, printed)
	}
}

// TestJSON: every command that prints a table prints one JSON document too; what the API has is in its shape, and absent is
// null.
func TestJSON(t *testing.T) {
	t.Parallel()
	url := "sqlite:" + filepath.Join(t.TempDir(), "gateway.db")
	st, err := store.Open(t.Context(), url, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	for _, id := range []string{"one", "two"} {
		op := store.Operation{ID: id, Key: id, Account: "selzy", Kind: "create_user", Caller: "token:a", Request: []byte(`{"login":"ada"}`), CreatedAt: time.Now()}
		if _, _, err := st.BeginOperation(t.Context(), op, time.Time{}, nil); err != nil {
			t.Fatal(err)
		}
	}
	failed := store.Settlement{State: store.Failed, SettledAt: time.Now(), Problem: []byte(`{"kind":"provider_rejected","message":"no"}`)}
	if _, err := st.SettleOperation(t.Context(), "two", failed, store.Started); err != nil {
		t.Fatal(err)
	}
	f := newFleet(t)
	f.simulated("selzy", "selzy", "ordinarykey")
	f.simulated("wrong", "selzy", "no-such-key")
	settings := with(f.settings, "GATEWAY_DATABASE_URL="+url)
	created(t, settings, "--name", "a", "--scopes", "read", "--accounts", "*")
	for _, tt := range []struct {
		command, schema, has string
		status               int
	}{
		{"check", "Accounts", `"database":{"engine":"sqlite","state":"ok",`, 1},
		{"check --settings", "", `{"name":"GATEWAY_METRICS_ADDR","value":null,"from":"default",`, 0},
		{"operations list", "Operations", `"settled_at":null,"settled_by":null,"state":"started"`, 0},
		{"operations list --state unknown", "Operations", `"operations":[]`, 0},
		{"alerts", "Alerts", `"alerts":[]`, 0},
		{"token list", "", `"last_used_at":null,"revoked_at":null,"old_secret_until":null,"state":"active"`, 0},
		{"vendor list", "", `{"vendors":[{"name":"africastalking",`, 0},
		{"vendor show twilio", "", `"name":"TWILIO_AUTH_TOKEN"`, 0},
		{"vendor test twilio", "", `{"results":[{"sample":"balance","operation":"balance","status":200,"answer":{"account":"twilio"`, 0},
	} {
		status, stdout, stderr := complete(t, settings, append(strings.Fields(tt.command), "--json")...)
		if status != tt.status || !strings.Contains(stdout, tt.has) || !json.Valid([]byte(stdout)) || strings.Count(stdout, "\n") != 1 {
			t.Errorf("%s: exit status %d, wrote\n%s%s\nwithout %s", tt.command, status, stdout, stderr, tt.has)
			continue
		}
		if tt.schema != "" {
			asSchema(t, tt.schema, stdout)
		}
	}
}
