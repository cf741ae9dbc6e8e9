package httpapi

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"accountgateway/internal/account"
)

func seconds(n int64) *time.Duration { return new(time.Duration(n) * time.Second) }

func TestBounds(t *testing.T) {
	tests := []struct {
		lines []string // of Cache-Control
		want  account.Bound
	}{
		{nil, account.Bound{}},
		{[]string{""}, account.Bound{}},
		{[]string{"max-age=30"}, account.Bound{MaxAge: seconds(30)}},
		{[]string{"MAX-Age=30"}, account.Bound{MaxAge: seconds(30)}},
		{[]string{`max-age="30"`}, account.Bound{MaxAge: seconds(30)}},
		{[]string{"max-age=2147483648"}, account.Bound{MaxAge: seconds(2147483648)}},
		{[]string{"max-age=0"}, account.Bound{MaxAge: seconds(0), NoCache: true}},
		{[]string{"no-cache"}, account.Bound{NoCache: true}},
		{[]string{"max-stale=300"}, account.Bound{MaxStale: seconds(300)}},
		{[]string{"max-stale=0"}, account.Bound{MaxStale: seconds(0)}},
		{[]string{"max-stale"}, account.Bound{MaxStale: new(account.AnyStaleness)}},
		{[]string{"max-stale, max-stale=5"}, account.Bound{MaxStale: seconds(5)}},
		{[]string{"max-stale=5, max-stale"}, account.Bound{MaxStale: seconds(5)}},
		{[]string{"only-if-cached"}, account.Bound{OnlyIfCached: true}},
		{[]string{"Only-If-Cached,max-age=5"}, account.Bound{OnlyIfCached: true, MaxAge: seconds(5)}},
		{[]string{" , max-age=5 ,\t max-stale=7 , "}, account.Bound{MaxAge: seconds(5), MaxStale: seconds(7)}},
		{[]string{"max-age=5", "max-stale=7"}, account.Bound{MaxAge: seconds(5), MaxStale: seconds(7)}},
		{[]string{"max-age=60", "max-age=5, max-age=30"}, account.Bound{MaxAge: seconds(5)}},
		{[]string{"no-store, no-transform, min-fresh=10"}, account.Bound{}},
		{[]string{`surprise="a, no-cache \" , max-age=1", max-age=5`}, account.Bound{MaxAge: seconds(5)}},
		{[]string{"surprise=; max-age=x"}, account.Bound{}},
	}
	for _, tt := range tests {
		got, err := boundOf(http.Header{"Cache-Control": tt.lines})
		if diff := cmp.Diff(tt.want, got, cmpopts.IgnoreUnexported(account.Bound{})); err != nil || diff != "" {
			t.Errorf("%q: %v (-want +got):\n%s", tt.lines, err, diff)
		}
	}
	for _, bad := range []string{
		"max-age", "max-age=", "max-age=abc", "max-age=-1", "max-age=+1", "max-age=1.5", "max-age= 5", `max-age="5`, `max-age=""`, `max-age=5"5"`,
		"max-age=2147483649", "max-age=99999999999999999999", "max-age=5 6", "max-stale=", "max-stale=x", "no-cache=1", "no-cache=", "only-if-cached=0", `x="`,
	} {
		_, err := boundOf(http.Header{"Cache-Control": {"max-age=5", bad}})
		var fields invalidParameters
		if !errors.As(err, &fields) || fields[0].Field != "Cache-Control" {
			t.Errorf("%q: got %v", bad, err)
		}
	}
}

func TestPragma(t *testing.T) {
	tests := []struct {
		header http.Header
		want   account.Bound
	}{
		{http.Header{"Pragma": {"no-cache"}}, account.Bound{NoCache: true}},
		{http.Header{"Pragma": {"x=1", "y, No-Cache"}}, account.Bound{NoCache: true}},
		{http.Header{"Pragma": {"no-cached"}}, account.Bound{}},
		{http.Header{"Pragma": {"no-cache"}, "Cache-Control": {"max-age=5"}}, account.Bound{MaxAge: seconds(5)}},
	}
	for _, tt := range tests {
		got, err := boundOf(tt.header)
		if diff := cmp.Diff(tt.want, got, cmpopts.IgnoreUnexported(account.Bound{})); err != nil || diff != "" {
			t.Errorf("%v: %v (-want +got):\n%s", tt.header, err, diff)
		}
	}
}

// FuzzCacheControl shows that no text breaks the parser, that what it takes is
// within its bounds, and that directives mean the same however they are cut into lines.
func FuzzCacheControl(f *testing.F) {
	for _, seed := range []string{"", "max-age=30", `max-age="30"`, "no-cache, max-stale", `x="a,b\",c", only-if-cached`, "max-age=99999999999999999999", ",,=,\t", `"`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := boundOf(http.Header{"Cache-Control": {text}})
		if err != nil {
			if !strings.Contains(text, "=") && !strings.Contains(text, `"`) && !strings.Contains(strings.ToLower(text), "max-age") {
				t.Errorf("%q is refused: %v", text, err)
			}
			return
		}
		if d := got.MaxAge; d != nil && (*d < 0 || *d > maxDelta*time.Second) {
			t.Errorf("%q: max-age is %s", text, *d)
		}
		if d := got.MaxStale; d != nil && *d < 0 {
			t.Errorf("%q: max-stale is %s", text, *d)
		}
		if strings.Contains(text, `"`) {
			return
		}
		apart, err := boundOf(http.Header{"Cache-Control": strings.Split(text, ",")})
		if diff := cmp.Diff(got, apart, cmpopts.IgnoreUnexported(account.Bound{})); err != nil || diff != "" {
			t.Errorf("%q in lines: %v (-one +lines):\n%s", text, err, diff)
		}
	})
}
