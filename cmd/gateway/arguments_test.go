package main

import (
	"strings"
	"testing"
	"time"
)

// TestFlagsAnywhere: flags may stand before, between and behind a command's
// other arguments, and what follows "--" is none.
func TestFlagsAnywhere(t *testing.T) {
	t.Parallel()
	settings := tokens(t)
	_, id := created(t, settings, "--name", "a", "--scopes", "read", "--accounts", "*")
	tests := []struct {
		args   string
		status int
		stderr string // a part of it
	}{
		{"token rotate --grace 1h " + id, 0, "token " + id},
		{"token rotate " + id + " --grace=1d", 0, "token " + id},
		{"token revoke -- " + id, 0, " revoked"},
		{"token revoke -- --grace", 2, "invalid token ID"},
		{"operations settle --state failed abc --by me --reason none", 1, `operation "abc" not found`},
		{"operations settle --state failed --by me --reason none abc", 1, `operation "abc" not found`},
		{"operations settle abc --state failed --by me --reason none", 1, `operation "abc" not found`},
		{"operations settle --state failed --by me --reason none", 2, "gateway operations settle: missing argument ID"},
		{"operations settle --state failed abc --by me def", 2, `gateway operations settle: unexpected argument "def"`},
		{"operations settle --state failed abc --reason none", 2, "--by: required"},
		{"operations settle -h", 0, ""},
		{"token revoke " + id + " -h", 0, ""},
	}
	for _, tt := range tests {
		status, _, stderr := complete(t, settings, strings.Fields(tt.args)...)
		if status != tt.status || !strings.Contains(stderr, tt.stderr) {
			t.Errorf("%s: exit status %d, wrote %q", tt.args, status, stderr)
		}
	}
}

// TestDaysInFlags: where a flag is a duration, it may be in days.
func TestDaysInFlags(t *testing.T) {
	t.Parallel()
	settings := tokens(t)
	_, id := created(t, settings, "--name", "a", "--scopes", "read", "--accounts", "*", "--expires", "30d")
	row := listed(t, settings)[0]
	if got := row.ExpiresAt.Sub(row.CreatedAt.Time); got != 30*24*time.Hour {
		t.Errorf("expires after %s", got)
	}
	if status, _, stderr := complete(t, settings, "token", "rotate", id, "--grace", "2d"); status != 0 {
		t.Fatalf("exit status %d, wrote %q", status, stderr)
	}
	row = listed(t, settings)[0]
	if got := row.OldSecretUntil.Sub(row.IssuedAt.Time); got != 48*time.Hour {
		t.Errorf("the grace is %s", got)
	}
}
