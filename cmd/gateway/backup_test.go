package main

import (
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// TestBackupAndRestore backs a database up while a gateway writes to it, loses
// it, and puts the copy in its place as docs/operations.md says. Tokens, and the
// writes that were answered before the backup, are there again.
func TestBackupAndRestore(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	database, backup := filepath.Join(dir, "gateway.db"), filepath.Join(dir, "backup.db")
	f := newFleet(t)
	vendor := f.refilling("regru")
	settings := with(f.settings, "GATEWAY_AUTH=token", "GATEWAY_DATABASE_URL=sqlite:"+database, "REGRU_RATE=0")
	makeDatabase(t, settings["GATEWAY_DATABASE_URL"])
	token, _ := created(t, settings, "--name", "billing", "--scopes", "read,refills:write", "--accounts", "*")
	bearer := "Bearer " + token
	g := serving(t, settings)
	refill := func(key string) answer {
		return g.post(t, "/accounts/regru/refills", key, aRefill, "Authorization", bearer)
	}
	before := refill("before")
	before.wantStatus(http.StatusCreated, false)

	stop := make(chan struct{})
	var writers sync.WaitGroup
	writers.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
				refill("meanwhile-"+numbered(i)).wantStatus(http.StatusCreated, false)
			}
		}
	})
	status, stdout, stderr := complete(t, settings, "backup", backup)
	close(stop)
	writers.Wait()
	if want := said(settings) + "backup: " + backup + "\n"; status != 0 || stdout != "" || stderr != want {
		t.Fatalf("exit status %d, wrote %q, %q", status, stdout, stderr)
	}
	if info, err := os.Stat(backup); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the backup: %v, %v", info.Mode(), err)
	}
	if status := g.stop(); status != 0 {
		t.Fatalf("serve ended with %d", status)
	}

	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(database + suffix); err != nil && suffix == "" {
			t.Fatal(err)
		}
	}
	data, err := os.ReadFile(backup)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(database, data, 0o600); err != nil {
		t.Fatal(err)
	}
	sent := vendor.refills()
	g = serving(t, settings)
	again := refill("before")
	again.wantStatus(http.StatusCreated, true)
	if string(again.body) != string(before.body) || vendor.refills() != sent {
		t.Errorf("the write of before the backup: %s, then %s", before.body, again.body)
	}
	refill("after").wantStatus(http.StatusCreated, false)
}

// TestBackupToStandardOutput is for containers: the copy leaves nothing behind.
func TestBackupToStandardOutput(t *testing.T) {
	t.Parallel()
	settings := tokens(t)
	_, id := created(t, settings, "--name", "a", "--scopes", "read", "--accounts", "*")
	database := strings.TrimPrefix(settings["GATEWAY_DATABASE_URL"], "sqlite:")
	status, stdout, stderr := complete(t, settings, "backup", "-")
	if status != 0 || stderr != said(settings) {
		t.Fatalf("exit status %d, wrote %q", status, stderr)
	}
	copied := filepath.Join(t.TempDir(), "copy.db")
	if err := os.WriteFile(copied, []byte(stdout), 0o600); err != nil {
		t.Fatal(err)
	}
	if list := listed(t, map[string]string{"GATEWAY_DATABASE_URL": "sqlite:" + copied}); len(list) != 1 || list[0].ID != id {
		t.Errorf("the copy has %+v", list)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(database), ".*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// TestBackupReaderGone: whoever reads the copy may stop early, as head does.
func TestBackupReaderGone(t *testing.T) {
	t.Parallel()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	settings := tokens(t)
	created(t, settings, "--name", "a", "--scopes", "read", "--accounts", "*")
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	reader.Close()
	defer writer.Close()
	var stderr strings.Builder
	cmd := exec.CommandContext(t.Context(), path, "backup", "-")
	cmd.Stdout, cmd.Stderr = writer, &stderr
	cmd.Env = []string{"GATEWAY_DATABASE_URL=" + settings["GATEWAY_DATABASE_URL"]}
	var ended *exec.ExitError
	if err := cmd.Run(); !errors.As(err, &ended) || ended.ExitCode() != exitFailure || !strings.Contains(stderr.String(), "broken pipe") {
		t.Errorf("%v: %s", err, stderr.String())
	}
	database := strings.TrimPrefix(settings["GATEWAY_DATABASE_URL"], "sqlite:")
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(database), ".*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestBackupFaults(t *testing.T) {
	t.Parallel()
	settings := tokens(t)
	database := strings.TrimPrefix(settings["GATEWAY_DATABASE_URL"], "sqlite:")
	dir := t.TempDir()
	there := filepath.Join(dir, "there.db")
	if err := os.WriteFile(there, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, file, url string
		status          int
		want            string // a part of what is said
	}{
		{"no file", "", "", 2, "gateway backup: missing argument FILE"},
		{"a file that is there", there, "", 1, there + " already exists"},
		{"the database itself", database, "", 1, database + " already exists"},
		{"no folder", dir + "/missing/b.db", "", 1, "no such file or directory"},
		{"PostgreSQL", dir + "/b.db", "postgres://u:hush@127.0.0.1:1/x", 2, "pg_dump"},
		{"in memory", dir + "/b.db", "sqlite::memory:", 2, "can't be shared with other processes"},
		{"no database", dir + "/b.db", "sqlite:" + dir + "/none.db", 1, "no database at " + dir + "/none.db"},
		{"something else", dir + "/b.db", "sqlite:" + there, 1, "not a database"},
	}
	for _, tt := range tests {
		args := []string{"backup"}
		if tt.file != "" {
			args = append(args, tt.file)
		}
		with := with(settings)
		if tt.url != "" {
			with["GATEWAY_DATABASE_URL"] = tt.url
		}
		status, stdout, stderr := complete(t, with, args...)
		if status != tt.status || stdout != "" || !strings.Contains(stderr, tt.want) || strings.Contains(stderr, "hush") {
			t.Errorf("%s: exit status %d, wrote %q, %q", tt.name, status, stdout, stderr)
		}
	}
	if data, err := os.ReadFile(there); err != nil || string(data) != "precious" {
		t.Errorf("the file that was there: %q, %v", data, err)
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) != 1 {
		t.Errorf("left behind: %v, %v", files, err)
	}
}
