package main

import (
	"database/sql"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"accountgateway/internal/testneed"
)

// fullDisk is a place for a database that takes no more, from the moment it is
// told so until it is mended.
type fullDisk struct {
	name string
	make func(t *testing.T) (file string, fill, mend func())
}

var fullDisks = []fullDisk{
	{
		// The database refuses the end of every operation: needs nothing but Go.
		name: "refusal",
		make: func(t *testing.T) (string, func(), func()) {
			file := filepath.Join(t.TempDir(), "gateway.db")
			do := func(statement string) {
				db, err := sql.Open("sqlite", "file:"+file+"?_busy_timeout=5000")
				if err == nil {
					_, err = db.Exec(statement)
				}
				if err = errors.Join(err, db.Close()); err != nil {
					t.Error(err)
				}
			}
			return file, func() {
				do(`CREATE TRIGGER deaf BEFORE UPDATE ON operations BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END`)
			}, func() { do(`DROP TRIGGER IF EXISTS deaf`) }
		},
	},
	{
		name: "tmpfs",
		make: func(t *testing.T) (string, func(), func()) {
			folder := t.TempDir()
			if err := mountTmpfs(folder, "size=2m"); err != nil {
				testneed.Missing(t, "tmpfs", "mounting one: "+err.Error()+"; want Linux and root")
			}
			t.Cleanup(func() {
				if err := unmount(folder); err != nil {
					t.Error(err)
				}
			})
			filler := filepath.Join(folder, "filler")
			return filepath.Join(folder, "gateway.db"), func() {
				f, err := os.Create(filler)
				if err != nil {
					t.Error(err)
					return
				}
				for err == nil {
					_, err = f.Write(make([]byte, 512))
				}
				if f.Close(); !errors.Is(err, syscall.ENOSPC) {
					t.Error(err)
				}
			}, func() { _ = os.Remove(filler) } // a second time there is none
		},
	},
}

// TestDiskFullDuringTheCall fills the disk while the vendor is making an
// invoice. Nobody is told 201 for what a crash could lose.
func TestDiskFullDuringTheCall(t *testing.T) {
	t.Parallel()
	for _, disk := range fullDisks {
		for _, killed := range []bool{false, true} {
			name := disk.name + map[bool]string{false: "/space comes back", true: "/killed"}[killed]
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				file, fill, mend := disk.make(t)
				f := newFleet(t)
				v := newRefillVendor(t)
				f.add("regru", "regru", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					v.ServeHTTP(w, r)
					if path.Base(r.URL.Path) == "refill_balance" {
						fill()
					}
				}), partner...)
				settings := with(f.settings, "GATEWAY_DATABASE_URL=sqlite:"+file)
				first := spawn(t, settings)
				got := post(t, first.url, "/accounts/regru/refills", "k", aRefill)
				var refill struct {
					State    string
					Recorded bool
					Invoice  *struct{ ID string }
				}
				if err := json.Unmarshal(got.body, &refill); err != nil || refill.State != "succeeded" || refill.Invoice == nil {
					t.Fatalf("got %d %s", got.status, got.body)
				}
				if recorded := got.status == http.StatusCreated; recorded != refill.Recorded || recorded && disk.name == "refusal" {
					t.Errorf("got %d %s", got.status, got.body)
				}
				replay := post(t, first.url, "/accounts/regru/refills", "k", aRefill)
				replay.wantStatus(got.status, true)
				if string(replay.body) != string(got.body) {
					t.Errorf("replay: %s, want %s", replay.body, got.body)
				}
				if !killed {
					mend()
					eventually(t, "the record", func() bool {
						a := post(t, first.url, "/accounts/regru/refills", "k", aRefill)
						return a.status == http.StatusCreated && strings.Contains(string(a.body), `"recorded":true`)
					})
				}
				first.kill()
				mend()
				again := spawn(t, settings).served().post(t, "/accounts/regru/refills", "k", aRefill)
				switch {
				case !killed || refill.Recorded:
					again.wantStatus(http.StatusCreated, true)
					if !strings.Contains(string(again.body), `"id":"`+refill.Invoice.ID+`"`) {
						t.Errorf("the invoice %s is lost: %s", refill.Invoice.ID, again.body)
					}
				case again.status != http.StatusConflict:
					t.Errorf("after a crash without a record: %d %s", again.status, again.body)
				}
				if !refill.Recorded && !strings.Contains(first.stderr.String(), `"reference":"`+refill.Invoice.ID+`"`) {
					t.Errorf("the log does not have the invoice:\n%s", first.stderr)
				}
				if v.refills() != 1 || v.invoices() != 1 {
					t.Errorf("%d calls, %d invoices", v.refills(), v.invoices())
				}
			})
		}
	}
}
