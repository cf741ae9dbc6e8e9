package doctest

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"accountgateway/internal/provider"
	"accountgateway/internal/provider/regru"
	"accountgateway/internal/provider/selzy"
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
var settingsRow = regexp.MustCompile(`(?m)^(\S+)  +(\S+|(?:\S+ )*\S+?)  +(default|environment|the credentials that are set)  +(.+)$`)

// TestSettingsTable compares README's settings with those that the program
// reads: every one, in that order, with its default and meaning.
func TestSettingsTable(t *testing.T) {
	t.Parallel()
	c := exec.Command(program(t), "check", "--settings")
	c.Env = []string{"REGRU_USERNAME=a", "REGRU_PASSWORD=secret", "SELZY_API_KEY=secret", "UNISENDER_API_KEY=secret"}
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
		if account, setting, ok := strings.Cut(name, "_"); ok && strings.HasPrefix(setting, "REFILL_") {
			if account == "REGRU" { // each account has them
				common = append(common, []string{"<ACCOUNT>_" + setting, value, meaning})
			}
			continue
		}
		want = append(want, []string{name, value, meaning})
	}
	// The tables: the gateway's own, each account's, each vendor's.
	own := slices.IndexFunc(want, func(row []string) bool { return !strings.HasPrefix(row[0], "GATEWAY_") })
	want = slices.Insert(want, own, common...)
	got := slices.DeleteFunc(rowsOf(read(t, filepath.Join(root, "README.md")), settingName), func(row []string) bool { return row[0] == "OTEL_*" })
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the settings in README.md (-program +README):\n%s", diff)
	}
}

// noSettings are what documents name and say that it is none: a family of
// settings, an example of a slip, variables that Kubernetes sets.
var noSettings = []string{"GATEWAY_TLS", "GATEWAY_BALANCE_TLL", "GATEWAY_SERVICE_HOST", "GATEWAY_PORT"}

// TestSettingsNamed wants every setting that a document names to be in README's
// tables.
func TestSettingsNamed(t *testing.T) {
	t.Parallel()
	known := map[string]bool{}
	for _, row := range rowsOf(read(t, filepath.Join(root, "README.md")), settingName) {
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

// TestVendorTable compares README's support table with what the adapters
// declare.
func TestVendorTable(t *testing.T) {
	t.Parallel()
	var want [][]string
	for _, op := range provider.Operations() {
		want = append(want, []string{string(op), string(regru.Capabilities()[op]), string(selzy.Capabilities()[op])})
	}
	readme := read(t, filepath.Join(root, "README.md"))
	section := readme[strings.Index(readme, "\n## Vendors"):]
	if diff := cmp.Diff(want, rowsOf(section, regexp.MustCompile(`^[a-z_]+$`))); diff != "" {
		t.Errorf("the vendors in README.md (-adapters +README):\n%s", diff)
	}
}

// TestCommandTable wants README to list every command that the program has.
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
	for _, row := range rowsOf(read(t, filepath.Join(root, "README.md")), regexp.MustCompile(`^gateway \w+$`)) {
		got = append(got, row[0])
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the commands in README.md (-program +README):\n%s", diff)
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
