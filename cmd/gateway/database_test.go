package main

import (
	"database/sql"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"accountgateway/internal/testneed"
)

// onDatabase are the commands that work on the database of a gateway.
var onDatabase = []string{
	"token create --name a --scopes read --accounts *", "token list", "token list --json", "token revoke aaaaaaaaaa", "token rotate aaaaaaaaaa",
	"operations list", "operations list --json", "operations settle abc --state failed --reason none --by me",
	"backup -",
}

// TestNoCommandMakesADatabase: in the wrong folder a command says where it
// looked, how to name another database, and leaves nothing behind.
func TestNoCommandMakesADatabase(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		file func(t *testing.T) string
	}{
		{"no file", func(t *testing.T) string { return filepath.Join(t.TempDir(), "gateway.db") }},
		{"no folder", func(t *testing.T) string { return filepath.Join(t.TempDir(), "missing", "gateway.db") }},
		{"an empty file", func(t *testing.T) string {
			file := filepath.Join(t.TempDir(), "gateway.db")
			if err := os.WriteFile(file, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			return file
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, command := range onDatabase {
				file := tt.file(t)
				before := bytesOf(file)
				status, stdout, stderr := complete(t, map[string]string{"GATEWAY_DATABASE_URL": "sqlite:" + file}, strings.Fields(command)...)
				if status != 1 || stdout != "" || !strings.Contains(stderr, file) || !strings.Contains(stderr, "GATEWAY_DATABASE_URL") || !strings.Contains(stderr, "gateway serve") {
					t.Errorf("%s: exit status %d, wrote %q, %q", command, status, stdout, stderr)
				}
				if after := bytesOf(file); after != before {
					t.Errorf("%s: made %s", command, file)
				}
			}
		})
	}
}

// bytesOf tells the content of a file, and none from an empty one.
func bytesOf(file string) string {
	data, err := os.ReadFile(file)
	if err != nil {
		return "no file"
	}
	return "file:" + string(data)
}

// TestNoCommandMakesTables: the same for a PostgreSQL database that is not a
// gateway's.
func TestNoCommandMakesTables(t *testing.T) {
	t.Parallel()
	url := testneed.Postgres(t)
	status, stdout, stderr := complete(t, map[string]string{"GATEWAY_DATABASE_URL": url}, "token", "list")
	if status != 1 || stdout != "" || !strings.Contains(stderr, "no database at postgres://") {
		t.Errorf("exit status %d, wrote %q, %q", status, stdout, stderr)
	}
}

// TestCommandsNameTheirDatabase, by its full path.
func TestCommandsNameTheirDatabase(t *testing.T) {
	t.Parallel()
	settings := tokens(t)
	file := strings.TrimPrefix(settings["GATEWAY_DATABASE_URL"], "sqlite:")
	for _, command := range onDatabase {
		_, stdout, stderr := complete(t, settings, strings.Fields(command)...)
		if !strings.HasPrefix(stderr, "database: "+file+"\n") || strings.Contains(stdout, "database: ") {
			t.Errorf("%s wrote %q, %q", command, stdout, stderr)
		}
	}
}

// TestCheckTellsWhatItCouldNotTell: a check that can't reach the serving gateways
// through the database does not look as if it had.
func TestCheckTellsWhatItCouldNotTell(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	f.refilling("regru")
	settings := with(f.settings, "GATEWAY_DATABASE_URL="+tokens(t)["GATEWAY_DATABASE_URL"])
	const warning = "gateway check: running gateways could not be notified of these results: read lockouts: "
	if status, _, stderr := complete(t, settings, "check"); status != 0 || strings.Contains(stderr, warning) {
		t.Errorf("exit status %d, wrote %q", status, stderr)
	}
	db, err := sql.Open("sqlite", strings.TrimPrefix(settings["GATEWAY_DATABASE_URL"], "sqlite:"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), `DROP TABLE lockouts`); err != nil {
		t.Fatal(err)
	}
	if status, _, stderr := complete(t, settings, "check"); status != 0 || !strings.Contains(stderr, warning) {
		t.Errorf("without their table: exit status %d, wrote %q", status, stderr)
	}
}

// TestCheckLooksAtTheDatabase: what serve could not use fails the check.
func TestCheckLooksAtTheDatabase(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	rubbish := filepath.Join(dir, "rubbish.db")
	if err := os.WriteFile(rubbish, []byte(strings.Repeat("no database ", 500)), 0o600); err != nil {
		t.Fatal(err)
	}
	there := strings.TrimPrefix(tokens(t)["GATEWAY_DATABASE_URL"], "sqlite:")
	tests := []struct {
		name, url    string
		status       int
		kind, state  string
		detail       string // a pattern
		leavesNoFile string
	}{
		{"there", "sqlite:" + there, 0, "sqlite", "ok", "^" + regexp.QuoteMeta(there) + "$", ""},
		{"to be made", "sqlite:" + dir + "/new.db", 0, "sqlite", "ok", "^" + regexp.QuoteMeta(dir) + "/new.db does not exist or is empty; gateway serve creates it$", dir + "/new.db"},
		{"in memory", "sqlite::memory:", 0, "sqlite", "ok", "^in memory", ""},
		{"no folder", "sqlite:" + dir + "/missing/new.db", 1, "sqlite", "unavailable", "^GATEWAY_DATABASE_URL: sqlite: no file can be created in the directory .*/missing: no such file or directory$", ""},
		{"a folder", "sqlite:" + dir, 1, "sqlite", "unavailable", "^GATEWAY_DATABASE_URL: sqlite: .* is a directory$", ""},
		{"something else", "sqlite:" + rubbish, 1, "sqlite", "unavailable", "^GATEWAY_DATABASE_URL: .*not a database", ""},
		{"nobody there", "postgres://gateway:hush@127.0.0.1:1/gateway", 1, "postgres", "unavailable", "^GATEWAY_DATABASE_URL: .*refused", ""},
	}
	f := newFleet(t)
	f.simulated("selzy", "selzy", "ordinarykey")
	for _, tt := range tests {
		status, stdout, stderr := complete(t, with(f.settings, "GATEWAY_DATABASE_URL="+tt.url), "check")
		row := databaseRow(t, stdout)
		if status != tt.status || stderr != "" || !regexp.MustCompile(tt.detail).MatchString(row[3]) || strings.Contains(stdout, "hush") {
			t.Errorf("%s: exit status %d, wrote\n%s%s", tt.name, status, stdout, stderr)
		}
		if diff := cmp.Diff([]string{"(database)", tt.kind, tt.state}, row[:3]); diff != "" {
			t.Errorf("%s: row (-want +got):\n%s", tt.name, diff)
		}
		if _, err := os.Stat(tt.leavesNoFile); err == nil {
			t.Errorf("%s: check made %s", tt.name, tt.leavesNoFile)
		}
	}
	if files, _ := filepath.Glob(filepath.Join(dir, ".*")); len(files) > 0 {
		t.Errorf("check left %v", files)
	}
}

// databaseRow is the last row that check prints.
func databaseRow(t *testing.T, stdout string) []string {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(stdout), "\n")
	row := regexp.MustCompile(` {2,}`).Split(lines[len(lines)-1], 4)
	if len(row) != 4 {
		t.Fatalf("no table:\n%s", stdout)
	}
	return row
}
