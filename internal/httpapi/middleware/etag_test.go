package middleware

import "testing"

func TestIfNoneMatch(t *testing.T) {
	tests := []struct {
		lines []string
		want  bool
	}{
		{nil, false}, {[]string{""}, false}, {[]string{`"t"`}, true}, {[]string{`W/"t"`}, true}, {[]string{" * "}, true}, {[]string{`"*"`}, false},
		{[]string{`"a", "t"`}, true}, {[]string{`"a",W/"t" ,"b"`}, true}, {[]string{`"a"`, `"t"`}, true}, {[]string{`"a,b", "t"`}, true},
		{[]string{`"a, "t"`}, false}, {[]string{"t"}, false}, {[]string{`w/"t"`}, false}, {[]string{`"t`}, false}, {[]string{`,, "t"`}, true}, {[]string{`"T"`}, false}, {[]string{`"`}, false}, {[]string{"W/"}, false},
	}
	for _, tt := range tests {
		if got := Matches(tt.lines, `"t"`); got != tt.want {
			t.Errorf("%q: %v", tt.lines, got)
		}
	}
}

// FuzzIfNoneMatch shows that a single tag always matches, and no text breaks the parser.
func FuzzIfNoneMatch(f *testing.F) {
	for _, seed := range []string{"", `"a"`, `W/"a"`, "*", `"a,b", `, `W/`, `"`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		Matches([]string{text}, `"t"`)
		if !Matches([]string{text, `"t"`}, `"t"`) {
			t.Errorf("%q hides a later line", text)
		}
	})
}
