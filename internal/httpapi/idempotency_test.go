package httpapi

import (
	"net/http"
	"strings"
	"testing"
)

func TestIdempotencyKeys(t *testing.T) {
	long := strings.Repeat("k", maxKey)
	tests := []struct {
		name  string
		lines []string
		want  string
		code  ProblemCode // of what is wrong
	}{
		{"bare", []string{"top-up 1"}, "top-up 1", ""},
		{"quoted", []string{`"top-up 1"`}, "top-up 1", ""},
		{"one character", []string{"k"}, "k", ""},
		{"as long as may be", []string{long}, long, ""},
		{"as long as may be, quoted", []string{`"` + strings.Repeat(`\"`, maxKey) + `"`}, strings.Repeat(`"`, maxKey), ""},
		{"escapes", []string{`"a\"b\\c"`}, `a"b\c`, ""},
		{"bare with what quotes would escape", []string{`a"b\c`}, `a"b\c`, ""},
		{"in blanks", []string{" \tk "}, "k", ""},
		{"a comma", []string{"a,b"}, "a,b", ""},
		{"missing", nil, "", ProblemCodeIdempotencyKeyMissing},
		{"empty", []string{""}, "", ProblemCodeIdempotencyKeyMissing},
		{"blank", []string{" \t"}, "", ProblemCodeIdempotencyKeyMissing},
		{"twice", []string{"a", "b"}, "", ProblemCodeInvalidParameter},
		{"twice the same", []string{"a", "a"}, "", ProblemCodeInvalidParameter},
		{"too long", []string{long + "k"}, "", ProblemCodeInvalidParameter},
		{"too long, quoted", []string{`"` + long + `k"`}, "", ProblemCodeInvalidParameter},
		{"empty quotes", []string{`""`}, "", ProblemCodeInvalidParameter},
		{"one quote", []string{`"`}, "", ProblemCodeInvalidParameter},
		{"quotes without an end", []string{`"abc`}, "", ProblemCodeInvalidParameter},
		{"an escaped end", []string{`"abc\"`}, "", ProblemCodeInvalidParameter},
		{"an escape of nothing", []string{`"abc\`}, "", ProblemCodeInvalidParameter},
		{"an escape that is none", []string{`"a\nb"`}, "", ProblemCodeInvalidParameter},
		{"a parameter", []string{`"abc";x=1`}, "", ProblemCodeInvalidParameter},
		{"a list", []string{`"abc", "def"`}, "", ProblemCodeInvalidParameter},
		{"no ASCII", []string{"ключ"}, "", ProblemCodeInvalidParameter},
		{"no ASCII, quoted", []string{`"ключ"`}, "", ProblemCodeInvalidParameter},
		{"a control character", []string{"a\x01b"}, "", ProblemCodeInvalidParameter},
		{"a tab inside", []string{"a\tb"}, "", ProblemCodeInvalidParameter},
		{"delete", []string{"a\x7f"}, "", ProblemCodeInvalidParameter},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := http.Header{}
			if tt.lines != nil {
				h[keyHeader] = tt.lines
			}
			got, err := idempotencyKey(h)
			if tt.code == "" {
				if err != nil || got != tt.want {
					t.Errorf("got %q, %v", got, err)
				}
				return
			}
			if err == nil {
				t.Fatalf("taken as %q", got)
			}
			p, _ := describe(err)
			if p.Code != tt.code || p.Code == ProblemCodeInvalidParameter && (*p.Errors)[0].Field != keyHeader {
				t.Errorf("got %+v", p)
			}
		})
	}
}

// FuzzIdempotencyKey: a key that is taken has a quoted form, which is taken as
// the same key.
func FuzzIdempotencyKey(f *testing.F) {
	for _, seed := range []string{"k", `"k"`, `"a\"b\\c"`, `a"b\`, `"`, "é", "a,b"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, line string) {
		key, err := idempotencyKey(http.Header{keyHeader: {line}})
		if err != nil {
			return
		}
		quoted := `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(key) + `"`
		again, err := idempotencyKey(http.Header{keyHeader: {quoted}})
		if err != nil || again != key || key == "" || len(key) > maxKey {
			t.Errorf("%q is the key %q; %s is %q, %v", line, key, quoted, again, err)
		}
	})
}
