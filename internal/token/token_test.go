package token_test

import (
	"crypto/sha256"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"accountgateway/internal/store"
	"accountgateway/internal/token"
)

var now = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func TestNew(t *testing.T) {
	spec := token.Spec{Name: "billing", Scopes: []token.Scope{token.Read, token.UsersRead}, Accounts: []string{"regru"}, Lifetime: time.Hour}
	seen := map[string]bool{}
	for range 100 {
		text, row := token.New(spec, now)
		match := regexp.MustCompile(`^gw_([a-z2-7]{10})_([a-z2-7]{52})$`).FindStringSubmatch(text)
		if match == nil {
			t.Fatalf("text has the shape of %s", regexp.MustCompile(`[a-z2-7]`).ReplaceAllString(text, "x"))
		}
		if seen[match[1]] || seen[match[2]] {
			t.Error("an id or a secret came twice")
		}
		seen[match[1]], seen[match[2]] = true, true
		sum := sha256.Sum256([]byte(text))
		want := store.Token{ID: match[1], Name: "billing", Hash: sum[:], Scopes: []string{"read", "users:read"}, Accounts: []string{"regru"},
			CreatedAt: now, IssuedAt: now, ExpiresAt: now.Add(time.Hour)}
		if diff := cmp.Diff(want, row); diff != "" {
			t.Errorf("row (-want +got):\n%s", diff)
		}
	}
	if _, row := token.New(token.Spec{}, now); !row.ExpiresAt.IsZero() {
		t.Errorf("without a lifetime it expires at %s", row.ExpiresAt)
	}
}

func TestRotate(t *testing.T) {
	later := now.Add(20 * time.Minute)
	tests := []struct {
		name            string
		lifetime, grace time.Duration
		oldUntil        time.Time
		expires         time.Time
	}{
		{"the old secret ends at once", time.Hour, 0, time.Time{}, later.Add(time.Hour)},
		{"after a grace", time.Hour, 10 * time.Minute, later.Add(10 * time.Minute), later.Add(time.Hour)},
		{"but no later than it would have", time.Hour, 3 * time.Hour, now.Add(time.Hour), later.Add(time.Hour)},
		{"one that never expires", 0, 3 * time.Hour, later.Add(3 * time.Hour), time.Time{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			oldText, was := token.New(token.Spec{Name: "n", Scopes: []token.Scope{token.Read}, Accounts: []string{"a"}, Lifetime: tt.lifetime}, now)
			text, got := token.Rotate(was, tt.grace, later)
			if text == oldText || !strings.HasPrefix(text, "gw_"+was.ID+"_") {
				t.Error("it is not a new secret under the old id")
			}
			want, sum := was, sha256.Sum256([]byte(text))
			want.Hash, want.IssuedAt, want.OldUntil, want.ExpiresAt = sum[:], later, tt.oldUntil, tt.expires
			if tt.grace > 0 {
				want.OldHash = was.Hash
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("row (-want +got):\n%s", diff)
			}
		})
	}
}

func TestState(t *testing.T) {
	tests := []struct {
		row  store.Token
		want string
	}{
		{store.Token{}, "active"},
		{store.Token{ExpiresAt: now.Add(1)}, "active"},
		{store.Token{ExpiresAt: now}, "expired"},
		{store.Token{ExpiresAt: now, RevokedAt: now}, "revoked"},
	}
	for _, tt := range tests {
		if got := token.State(tt.row, now); got != tt.want {
			t.Errorf("%+v: %s, want %s", tt.row, got, tt.want)
		}
	}
}

func TestParseScopes(t *testing.T) {
	const list = "; must be one of read, users:read, users:write, refills:write, operations:read, operations:write"
	tests := []struct {
		text string
		want []token.Scope
		err  string
	}{
		{"read", []token.Scope{token.Read}, ""},
		{"read, users:read,read", []token.Scope{token.Read, token.UsersRead}, ""},
		{"read,users:read,users:write,refills:write,operations:read,operations:write", token.Scopes(), ""},
		{"", nil, `unknown scope ""` + list},
		{"read,", nil, `unknown scope ""` + list},
		{"*", nil, `unknown scope "*"` + list},
		{"Read", nil, `unknown scope "Read"` + list},
	}
	for _, tt := range tests {
		got, err := token.ParseScopes(tt.text)
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", tt.text, diff)
		}
		if message := errorText(err); message != tt.err {
			t.Errorf("%q: error %q, want %q", tt.text, message, tt.err)
		}
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestCaller(t *testing.T) {
	some := token.Caller{Scopes: []token.Scope{token.Read}, Accounts: []string{"regru", "shop"}}
	for _, tt := range []struct {
		caller  token.Caller
		scope   token.Scope
		account string
		may     bool
		sees    bool
	}{
		{some, token.Read, "regru", true, true},
		{some, token.UsersRead, "shop", false, true},
		{some, "", "", false, false},
		{some, token.Read, "shop2", true, false},
		{some, token.Read, "*", true, false},
		{token.Caller{Accounts: []string{"*"}}, token.Read, "any", false, true},
		{token.Caller{Accounts: []string{}}, token.Read, "any", false, false},
		{token.Caller{}, token.Read, "any", false, false},
		{token.Anonymous(), token.RefillsWrite, "any", true, true},
	} {
		if got := tt.caller.May(tt.scope); got != tt.may {
			t.Errorf("%+v: may %s: %v", tt.caller, tt.scope, got)
		}
		if got := tt.caller.Sees(tt.account); got != tt.sees {
			t.Errorf("%+v: sees %s: %v", tt.caller, tt.account, got)
		}
	}
}

func TestIDOf(t *testing.T) {
	text, row := token.New(token.Spec{Name: "a"}, time.Now())
	if id, ok := token.IDOf(text); !ok || id != row.ID {
		t.Errorf("got %q, %v", id, ok)
	}
	for _, bad := range []string{
		"", "gw_", text[1:], text + "a", text[:len(text)-1], text[:len(text)-1] + "1", text[:len(text)-1] + "A", text[:len(text)-1] + "\n",
		strings.Replace(text, row.ID, "abcde fghi", 1), "GW_" + text[3:], strings.Replace(text, row.ID+"_", row.ID+"-", 1),
	} {
		if id, ok := token.IDOf(bad); ok {
			t.Errorf("%q has the id %q", bad, id)
		}
	}
}
