package doctest

import (
	"os/exec"
	"path"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"accountgateway/internal/provider"
	"accountgateway/internal/provider/registry"
)

// rowsOf gives the cells of all table rows of a document, code marks removed,
// whose first cell matches.
func rowsOf(text string, first *regexp.Regexp) [][]string {
	var rows [][]string
	for _, line := range strings.Split(text, "\n") {
		if !strings.HasPrefix(line, "|") {
			continue
		}
		cells := strings.Split(strings.Trim(line, "|"), "|")
		for i := range cells {
			cells[i] = strings.ReplaceAll(strings.TrimSpace(cells[i]), "`", "")
		}
		if first.MatchString(cells[0]) {
			rows = append(rows, cells)
		}
	}
	return rows
}

var settingName = regexp.MustCompile(`^(<ACCOUNT>|[A-Z]+)_[A-Z_*]+$`)

// settingsRow is a line of gateway check --settings: name, value, from, meaning.
var settingsRow = regexp.MustCompile(`(?m)^(\S+)  +(\S+|(?:\S+ )*\S+?)  +(default|environment|configured credentials)  +(.+)$`)

// accountSettings are those of every account, whatever its vendor.
var accountSettings = []string{"REFILL_MAX", "REFILL_DAILY_MAX", "BALANCE_LOW", "DAYS_LOW"}

// TestSettingsTable compares the settings of docs/settings.md with those that the program
// reads: every one, in that order, with its default and meaning.
func TestSettingsTable(t *testing.T) {
	t.Parallel()
	c := exec.Command(program(t), "check", "--settings")
	c.Env = []string{}
	for name, vendor := range registry.Vendors {
		for _, setting := range vendor.Credentials {
			c.Env = append(c.Env, strings.ToUpper(name)+"_"+setting+"=secret")
		}
	}
	out, err := c.Output()
	if err != nil {
		t.Fatal(err)
	}
	var want, common [][]string
	for _, match := range settingsRow.FindAllStringSubmatch(string(out), -1) {
		name, value, from, meaning := match[1], match[2], match[3], match[4]
		switch {
		case from == "environment":
			value = "required"
		case from != "default":
			value = "the vendors whose credentials are set"
		case value == "-":
			value = ""
		}
		if _, setting, _ := strings.Cut(name, "_"); slices.Contains(accountSettings, setting) {
			if len(common) < len(accountSettings) { // each account has the same
				common = append(common, []string{"<ACCOUNT>_" + setting, value, meaning})
			}
			continue
		}
		want = append(want, []string{name, value, meaning})
	}
	// The tables: the gateway's own, each account's, each vendor's.
	own := slices.IndexFunc(want, func(row []string) bool { return !strings.HasPrefix(row[0], "GATEWAY_") })
	want = slices.Insert(want, own, common...)
	got := slices.DeleteFunc(rowsOf(read(t, filepath.Join(root, "docs/settings.md")), settingName), func(row []string) bool { return row[0] == "OTEL_*" })
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the settings in docs/settings.md (-program +document):\n%s", diff)
	}
}

// noSettings are what documents name and say that it is none: a family of
// settings, an example of a slip, variables that Kubernetes sets; and settings of
// declared vendors, which are not in its tables.
var noSettings = []string{
	"GATEWAY_TLS", "GATEWAY_BALANCE_TLL", "GATEWAY_SERVICE_HOST", "GATEWAY_PORT",
	"<ACCOUNT>_TEAM", "<ACCOUNT>_CURRENCY",
}

// TestSettingsNamed wants every setting that a document names to be in the tables
// of docs/settings.md.
func TestSettingsNamed(t *testing.T) {
	t.Parallel()
	known := map[string]bool{}
	for _, row := range rowsOf(read(t, filepath.Join(root, "docs/settings.md")), settingName) {
		known[row[0]] = true
		if vendor, setting, ok := strings.Cut(row[0], "_"); ok && vendor != "GATEWAY" {
			known["<ACCOUNT>_"+setting] = true
		}
	}
	named := regexp.MustCompile(`(\bGATEWAY|<ACCOUNT>)_[A-Z_]+[A-Z]`)
	for _, path := range documents(t) {
		for _, name := range named.FindAllString(read(t, path), -1) {
			name = strings.TrimSuffix(name, "_FILE")
			if !known[name] && !strings.HasPrefix(name, "GATEWAY_TEST_") && !slices.Contains(noSettings, name) {
				t.Errorf("%s names %s, which is no setting", path, name)
			}
		}
	}
}

// TestVendorTable compares the support table of docs/vendors.md with what the adapters
// declare: each vendor is named above one of its columns.
func TestVendorTable(t *testing.T) {
	t.Parallel()
	list := read(t, filepath.Join(root, "docs/vendors.md"))
	_, section, _ := strings.Cut(list, "\n## Built in\n")
	section, _, _ = strings.Cut(section, "\n## ")
	head := rowsOf(section, regexp.MustCompile(`^$`))
	if len(head) == 0 {
		t.Fatal("docs/vendors.md has no table of vendors")
	}
	for column, names := range head[0] {
		for name := range strings.SplitSeq(names, ", ") {
			if _, known := registry.Vendors[name]; !known && column > 0 {
				t.Errorf("docs/vendors.md has a column for %s, which is no vendor", name)
			}
		}
	}
	for name, vendor := range registry.Vendors {
		column := slices.IndexFunc(head[0], func(names string) bool { return slices.Contains(strings.Split(names, ", "), name) })
		if column < 0 {
			t.Errorf("docs/vendors.md has no column for %s in the table of vendors", name)
			continue
		}
		var want, got [][]string
		for _, op := range provider.Operations() {
			want = append(want, []string{string(op), string(vendor.Capabilities[op])})
		}
		for _, row := range rowsOf(section, regexp.MustCompile(`^[a-z_]+$`)) {
			got = append(got, []string{row[0], slices.Concat(row, make([]string, column))[column]})
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("the column of %s in docs/vendors.md (-adapter +document):\n%s", name, diff)
		}
	}
}

// TestVendorIsWhole wants what a new vendor is easily left without: a document
// with its facts, a simulator, and tests that run the conformance suite.
func TestVendorIsWhole(t *testing.T) {
	t.Parallel()
	for name, vendor := range registry.Vendors {
		pkg := path.Base(reflect.TypeOf(vendor.Settings).PkgPath())
		for what, pattern := range map[string]string{
			"document":          "docs/providers/" + pkg + ".md",
			"simulator":         "internal/simulator/" + pkg + "/*.go",
			"conformance tests": "internal/provider/" + pkg + "/conformance_test.go",
		} {
			if found, _ := filepath.Glob(filepath.Join(root, pattern)); len(found) == 0 {
				t.Errorf("%s has no %s: there is no %s", name, what, pattern)
			} else if what == "conformance tests" && !strings.Contains(read(t, found[0]), "providertest.Run(") {
				t.Errorf("%s: %s does not call providertest.Run", name, pattern)
			}
		}
	}
}

// TestCommandTable wants docs/commands.md to list every command that the program has.
func TestCommandTable(t *testing.T) {
	t.Parallel()
	out, err := exec.Command(program(t), "help").Output()
	if err != nil {
		t.Fatal(err)
	}
	var want, got []string
	for _, match := range regexp.MustCompile(`(?m)^  (\w+) `).FindAllStringSubmatch(string(out), -1) {
		want = append(want, "gateway "+match[1])
	}
	for _, row := range rowsOf(read(t, filepath.Join(root, "docs/commands.md")), regexp.MustCompile(`^gateway \w+$`)) {
		got = append(got, row[0])
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the commands in docs/commands.md (-program +document):\n%s", diff)
	}
}

// TestTargets wants every make target that a document names to exist.
func TestTargets(t *testing.T) {
	t.Parallel()
	makefile := read(t, filepath.Join(root, "Makefile"))
	for _, path := range documents(t) {
		for _, match := range regexp.MustCompile("(?m)(?:^|`)make ([a-z-]+)").FindAllStringSubmatch(read(t, path), -1) {
			if !strings.Contains(makefile, "\n"+match[1]+":") {
				t.Errorf("%s: make %s: there is no such target", path, match[1])
			}
		}
	}
}
