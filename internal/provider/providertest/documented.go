package providertest

import (
	"os"
	"strings"
	"testing"

	"accountgateway/internal/provider/upstream"
)

// CheckDocumented wants each code in the section of a vendor's document that is said to have it: "2.3" is what stands
// under the heading of that number. Codes with an empty section are of no document.
func CheckDocumented(t *testing.T, path string, codes upstream.Table) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string]string{}
	number := ""
	for line := range strings.Lines(string(text)) {
		if heading, ok := strings.CutPrefix(strings.TrimLeft(line, "#"), " "); ok && strings.HasPrefix(line, "##") {
			first, _, _ := strings.Cut(heading, " ")
			number = strings.TrimSuffix(first, ".")
		}
		documented[number] += line
	}
	checked := 0
	for code, meaning := range codes {
		section := meaning.Refused
		if section == "" {
			continue
		}
		checked++
		if !strings.Contains(documented[section], "`"+code+"`") {
			t.Errorf("section %s of %s does not have %s", section, path, code)
		}
	}
	if checked == 0 {
		t.Error("no code is documented as refused")
	}
}
