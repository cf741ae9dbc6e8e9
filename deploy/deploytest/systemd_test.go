package deploytest

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestUnitsCredentials compares the credentials that the unit loads with those
// that its settings name.
func TestUnitsCredentials(t *testing.T) {
	unit := string(read(t, deploy, "systemd/gateway.service"))
	groups := func(pattern string) []string {
		var all []string
		for _, match := range regexp.MustCompile(pattern).FindAllStringSubmatch(unit, -1) {
			all = append(all, match[1])
		}
		slices.Sort(all)
		return all
	}
	loaded, named := groups(`(?m)^LoadCredential=(\w+):/etc/gateway/credentials/\w+$`), groups(`(?m)^Environment=\w+_FILE=%d/(\w+)$`)
	if len(loaded) == 0 || !slices.Equal(loaded, named) {
		t.Errorf("loaded: %v, named by settings: %v", loaded, named)
	}
}

// TestSystemd has systemd read the unit and rate it, on a scale from 0 (safe)
// to 100.
func TestSystemd(t *testing.T) {
	analyze := need(t, "systemd-analyze", "install Debian's package systemd")
	unit := strings.Replace(string(read(t, deploy, "systemd/gateway.service")), "ExecStart=/usr/local/bin/gateway", "ExecStart="+program(t), 1)
	file := filepath.Join(t.TempDir(), "gateway.service")
	write(t, file, []byte(unit))
	if out := command(t, ".", analyze, "verify", file); strings.TrimSpace(out) != "" {
		t.Error(out)
	}
	command(t, ".", analyze, "security", "--offline=true", "--no-pager", "--threshold=20", file)
}
