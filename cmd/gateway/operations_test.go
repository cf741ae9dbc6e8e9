package main

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"accountgateway/internal/httpapi"
	"accountgateway/internal/store"
)

// TestOperationsListCandidates: the journal names the invoices that a refill may have made while the outcome is unknown, and no
// longer once that is settled.
func TestOperationsListCandidates(t *testing.T) {
	t.Parallel()
	url := "sqlite:" + filepath.Join(t.TempDir(), "gateway.db")
	st, err := store.Open(t.Context(), url, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	const candidates = `[{"id":"70050","payment":{"amount":"7","currency":"RUB"},"date":"2026-03-05"},{"id":"70051","payment":null,"date":"2026-03-05"}]`
	for _, id := range []string{"open", "settled"} {
		if _, _, err := st.BeginOperation(t.Context(), store.Operation{ID: id, Key: id, Account: "regru", Kind: "refill", Request: []byte(`{}`), CreatedAt: time.Now()}, time.Time{}, nil); err != nil {
			t.Fatal(err)
		}
		if _, err := st.SettleOperation(t.Context(), id, store.Settlement{State: store.Unknown, SettledAt: time.Now()}, store.Started); err != nil {
			t.Fatal(err)
		}
		if err := st.SaveCandidates(t.Context(), id, []byte(candidates)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := st.SettleOperation(t.Context(), "settled", store.Settlement{State: store.Failed, SettledAt: time.Now()}, store.Unknown); err != nil {
		t.Fatal(err)
	}
	settings := map[string]string{"GATEWAY_DATABASE_URL": url}
	_, table, _ := complete(t, settings, "operations", "list")
	for line := range strings.Lines(table) {
		if named := strings.Contains(line, "70050,70051"); named != strings.HasPrefix(line, "open ") {
			t.Errorf("got %s", line)
		}
	}
	_, list, _ := complete(t, settings, "operations", "list", "--json")
	want, settled := map[string][]string{"open": {"70050", "70051"}, "settled": nil}, map[string]bool{"settled": true}
	var journal httpapi.Operations
	if err := json.Unmarshal([]byte(list), &journal); err != nil {
		t.Fatal(err)
	}
	for _, op := range journal.Operations {
		var ids []string
		for _, c := range op.Candidates {
			ids = append(ids, c.ID)
		}
		if !slices.Equal(ids, want[op.ID]) || (op.SettledAt != nil) != settled[op.ID] {
			t.Errorf("got %+v", op)
		}
		delete(want, op.ID)
	}
	if len(want) > 0 {
		t.Errorf("%v are not listed: %s", want, list)
	}
}

// TestOperationsOfNoAccount: a name that no account has is told, not listed as
// one without operations. The journal outlives accounts.
func TestOperationsOfNoAccount(t *testing.T) {
	t.Parallel()
	url := "sqlite:" + filepath.Join(t.TempDir(), "gateway.db")
	st, err := store.Open(t.Context(), url, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	op := store.Operation{ID: "one", Key: "one", Account: "gone", Kind: "refill", Request: []byte(`{}`), CreatedAt: time.Now()}
	if _, _, err := st.BeginOperation(t.Context(), op, time.Time{}, nil); err != nil {
		t.Fatal(err)
	}
	database := map[string]string{"GATEWAY_DATABASE_URL": url}
	accounts := with(database, "GATEWAY_ACCOUNTS=regru", "REGRU_USERNAME=test", "REGRU_PASSWORD=test")
	tests := []struct {
		settings map[string]string
		args     string
		status   int
		stderr   string // a part of it
	}{
		{database, "--account gone", 0, ""},
		{database, "--account gone --state unknown", 0, ""},
		{database, "--account nope", 2, `--account: the journal has no operation of an account "nope"`},
		{accounts, "--account regru", 0, ""},
		{accounts, "--account gone --state unknown", 0, ""},
		{accounts, "--account nope", 2, `--account: unknown account "nope"; must be one of regru`},
		{accounts, "--account nope --json", 2, `--account: unknown account "nope"; must be one of regru`},
	}
	for _, tt := range tests {
		status, stdout, stderr := complete(t, tt.settings, strings.Fields("operations list "+tt.args)...)
		if status != tt.status || !strings.Contains(stderr, tt.stderr) || status != 0 && stdout != "" {
			t.Errorf("%s: exit status %d, wrote %q, %q", tt.args, status, stdout, stderr)
		}
	}
}
