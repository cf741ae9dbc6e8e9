package store_test

import (
	"bufio"
	"context"
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"accountgateway/internal/store"
)

func TestOpenErrors(t *testing.T) {
	dir := t.TempDir()
	notADatabase := filepath.Join(dir, "text")
	must(t, os.WriteFile(notADatabase, []byte(strings.Repeat("no database ", 100)), 0o600))
	for _, test := range []struct{ url, want string }{
		{"", "must be sqlite:FILE"},
		{"gateway.db", "must be sqlite:FILE"},
		{"mysql://user:geheim@localhost/x", "must be sqlite:FILE"},
		{"sqlite:", "must be sqlite: and a file name"},
		{"sqlite:" + filepath.Join(dir, "a.db?mode=ro"), "must be sqlite: and a file name"},
		{"sqlite:" + filepath.Join(dir, "missing", "a.db"), "no such file or directory"},
		{"sqlite:" + dir, "is a directory"},
		{"sqlite:" + notADatabase, "not a database"},
		{"postgres://user:ge/heim@127.0.0.1/x", "invalid URL"},
		{"postgres://user:ge%heim@127.0.0.1/x", "invalid URL"},
		{"postgres://user:geheim@127.0.0.1:1/x?connect_timeout=soon", "connect_timeout"},
		{"postgres://user:geheim@127.0.0.1/x?sslmode=geheim", "sslmode"},
		{"postgres://127.0.0.1:1/x?user=user&password=geheim&sslmode=nonsense", "sslmode"},
		{"postgres://user:geheim@127.0.0.1:1/x", "connect"},
	} {
		t.Run(test.url, func(t *testing.T) {
			s, err := store.Open(t.Context(), test.url, store.Options{})
			if err == nil {
				s.Close()
				t.Fatal("opened")
			}
			text := fmt.Sprintf("%v %+v", err, err)
			if !strings.Contains(text, "GATEWAY_DATABASE_URL") || !strings.Contains(text, test.want) {
				t.Errorf("error %q lacks the setting or %q", text, test.want)
			}
			if strings.Contains(text, "heim") {
				t.Errorf("error %q holds the password", text)
			}
		})
	}
}

func TestOpenSQLiteNames(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for _, test := range []struct{ url, file string }{
		{"sqlite:relative.db", "relative.db"},
		{"sqlite://slashes.db", "slashes.db"},
		{"sqlite:" + filepath.Join(dir, "absolute.db"), "absolute.db"},
		{"sqlite://" + filepath.Join(dir, "url.db"), "url.db"},
		{"sqlite:an odd%41 näme&x=y:.db", "an odd%41 näme&x=y:.db"},
	} {
		t.Run(test.url, func(t *testing.T) {
			must(t, open(t, test.url, newClock()).Ping(t.Context()))
			info, err := os.Stat(filepath.Join(dir, test.file))
			must(t, err)
			if mode := info.Mode().Perm(); mode != 0o600 {
				t.Errorf("mode %v, want 0600", mode)
			}
		})
	}
}

func TestSQLitePools(t *testing.T) {
	s := open(t, sqliteURL(t), newClock())
	for _, test := range []struct{ pool, pragma, want string }{
		{"write", "journal_mode", "wal"},
		{"write", "synchronous", "1"},   // at checkpoints
		{"durable", "synchronous", "2"}, // at each commit
		{"read", "query_only", "1"},
		{"read", "busy_timeout", "500"},
	} {
		var got string
		must(t, s.Pools()[test.pool].QueryRowContext(t.Context(), "PRAGMA "+test.pragma).Scan(&got))
		if got != test.want {
			t.Errorf("%s: %s is %s, want %s", test.pool, test.pragma, got, test.want)
		}
	}
}

func TestMemoryIsPrivate(t *testing.T) {
	first, second := open(t, "sqlite::memory:", newClock()), open(t, "sqlite::memory:", newClock())
	must(t, first.SaveReadings(t.Context(), []store.Reading{reading(balanceKey, 0, "x")}))
	together(10, func(int) {
		if _, ok, err := first.Reading(t.Context(), balanceKey); !ok || err != nil {
			t.Errorf("own reading: %v %v", ok, err)
		}
	})
	if _, ok, err := second.Reading(t.Context(), balanceKey); ok || err != nil {
		t.Errorf("another's reading: %v %v", ok, err)
	}
}

// Replicas that start at once on an empty database all come up.
func TestOpenAtOnce(t *testing.T) {
	onEngines(t, func(t *testing.T, url string) {
		together(4, func(int) {
			s, err := store.Open(t.Context(), url, store.Options{})
			if err != nil {
				t.Error(err)
				return
			}
			if err := s.Ping(t.Context()); err != nil {
				t.Error(err)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	})
}

const otherProcess = "STORE_TEST_OTHER_PROCESS"

// Two more processes start on one file at once, and share its budget.
func TestTwoProcesses(t *testing.T) {
	l := store.BudgetLimit{Calls: 50, Per: time.Hour}
	if url := os.Getenv(otherProcess); url != "" {
		s := open(t, url, newClock())
		for range 40 {
			slot, _, err := s.TakeOne(t.Context(), "regru", l, store.Asker{}, hold)
			must(t, err)
			if slot.Granted() {
				fmt.Println("granted")
			}
		}
		return
	}
	url := sqliteURL(t)
	granted := make([]int, 2)
	together(len(granted), func(i int) {
		other := exec.Command(os.Args[0], "-test.run=^TestTwoProcesses$")
		other.Env = append(os.Environ(), otherProcess+"="+url)
		output, err := other.CombinedOutput()
		if err != nil {
			t.Errorf("%v:\n%s", err, output)
		}
		for lines := bufio.NewScanner(strings.NewReader(string(output))); lines.Scan(); {
			if lines.Text() == "granted" {
				granted[i]++
			}
		}
	})
	if granted[0]+granted[1] != l.Calls {
		t.Errorf("granted %v, want %d together", granted, l.Calls)
	}
}

func TestClosed(t *testing.T) {
	onEngines(t, func(t *testing.T, url string) {
		s, err := store.Open(t.Context(), url, store.Options{})
		must(t, err)
		must(t, s.Close())
		ctx := t.Context()
		for name, err := range map[string]error{
			"Ping":         s.Ping(ctx),
			"SaveReadings": s.SaveReadings(ctx, []store.Reading{reading(balanceKey, 0, "x")}),
			"DrainBudget":  s.DrainBudget(ctx, "regru", time.Minute),
			"ReleaseLease": s.ReleaseLease(ctx, "l", "a"),
		} {
			if err == nil {
				t.Errorf("%s: no error", name)
			}
		}
	})
}

// A call that was given up leaves nothing behind, and no lock.
func TestCancelled(t *testing.T) {
	onEngines(t, func(t *testing.T, url string) {
		s := open(t, url, newClock())
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, _, err := s.TakeOne(ctx, "regru", limit, store.Asker{}, hold); err == nil {
			t.Error("no error")
		}
		wantBudget(t, remaining(t, s, limit), store.Budget{Remaining: 3})
		take(t, s, limit, false, true)
	})
}

func TestSQLiteDiskFull(t *testing.T) {
	s := open(t, sqliteURL(t), newClock())
	must(t, s.SaveReadings(t.Context(), []store.Reading{reading(balanceKey, 0, "x")}))
	must(t, s.Exec(t.Context(), `PRAGMA max_page_count = 1`)) // no page more than there are
	large := reading(usersKey, 0, strings.Repeat("x", 1<<20))
	err := s.SaveReadings(t.Context(), []store.Reading{large})
	if err == nil || !strings.Contains(err.Error(), "full") {
		t.Errorf("error %v, want that it is full", err)
	}
	if _, ok, err := s.Reading(t.Context(), balanceKey); !ok || err != nil {
		t.Errorf("the kept reading: %v %v", ok, err)
	}
	must(t, s.Exec(t.Context(), `PRAGMA max_page_count = 1000000`))
	must(t, s.SaveReadings(t.Context(), []store.Reading{large}))
}

func TestSQLiteLockedFile(t *testing.T) {
	url := sqliteURL(t)
	s := open(t, url, newClock())
	must(t, s.SaveReadings(t.Context(), []store.Reading{reading(balanceKey, 0, "x")}))
	other, err := sql.Open("sqlite", "file:"+strings.TrimPrefix(url, "sqlite:")+"?_txlock=immediate")
	must(t, err)
	defer other.Close()
	lock, err := other.Begin()
	must(t, err)

	short, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, _, err := s.TakeOne(short, "regru", limit, store.Asker{}, hold); err == nil {
		t.Error("took a slot of a locked file")
	}
	if err := s.AppendBalance(short, store.BalancePoint{}); err == nil {
		t.Error("wrote to a locked file")
	}
	// Readers don't wait.
	if _, ok, err := s.Reading(t.Context(), balanceKey); !ok || err != nil {
		t.Errorf("reading: %v %v", ok, err)
	}
	must(t, lock.Rollback())
	take(t, s, limit, false, true)
}
