package selzy

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestBrackets has one row for each rule by which PHP reads names.
func TestBrackets(t *testing.T) {
	for _, test := range []struct {
		name, query string
		want        map[string]string
	}{
		{"plain", "a=1&b=2", map[string]string{"a": "1", "b": "2"}},
		{"no value", "a&b=", map[string]string{"a": "", "b": ""}},
		{"encoded", "extra%5Bfirstname%5D=A%20%2B+B", map[string]string{"extra[firstname]": "A + B"}},
		{"nested", "data[0][1]=x", map[string]string{"data[0][1]": "x"}},
		{"counted", "a[]=x&a[]=y", map[string]string{"a[0]": "x", "a[1]": "y"}},
		{"counted on from the largest", "a[7]=x&a[]=y", map[string]string{"a[7]": "x", "a[8]": "y"}},
		{"counted in each array", "a[][n]=x&a[][n]=y", map[string]string{"a[0][n]": "x", "a[1][n]": "y"}},
		{"last wins", "a=1&a=2", map[string]string{"a": "2"}},
		{"array pushes scalar out", "a=1&a[x]=2", map[string]string{"a[x]": "2"}},
		{"scalar pushes array out", "a[x]=1&a[y]=1&a=2", map[string]string{"a": "2"}},
		{"dots and blanks", "a.b c=1", map[string]string{"a_b_c": "1"}},
		{"bracket never closed", "a[b=1", map[string]string{"a_b": "1"}},
		{"text after the bracket", "a[b]c=1", map[string]string{"a[b]": "1"}},
		{"no name", "=1&[x]=2&&", map[string]string{}},
		{"broken escape", "a=%zz", map[string]string{"a": "%zz"}},
		{"semicolon is text", "a=1;b=2", map[string]string{"a": "1;b=2"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := newForm()
			f.addEncoded(test.query)
			if diff := cmp.Diff(test.want, f.values); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestFormReplacesArrayOfQuery(t *testing.T) {
	r := httptest.NewRequest("POST", "/en/api/register?extra[firstname]=A&extra[channel]=c&x=1", strings.NewReader("extra[firstname]=B"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	args, err := readArguments(r)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"extra[firstname]": "B", "x": "1"}, args.values); diff != "" {
		t.Error(diff)
	}
}

func TestTooManyVariables(t *testing.T) {
	f := newForm()
	f.addEncoded(strings.Repeat("a[]=1&", maxVariables+5))
	if len(f.values) != maxVariables {
		t.Errorf("%d values", len(f.values))
	}
}

// FuzzReadArguments looks for panics, and for names that an argument could not be asked for.
func FuzzReadArguments(f *testing.F) {
	f.Add("format=json&api_key=k", "application/x-www-form-urlencoded", "a[]=1&a[b][]=%zz&a=2")
	f.Add("request_compression=gzip", "application/x-www-form-urlencoded", "\x1f\x8b")
	f.Add("request_compression=bzip2", "application/x-www-form-urlencoded", "BZh9")
	f.Add("a[[]]]=1", "multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=\"a[]\"\r\n\r\n1\r\n--x--\r\n")
	f.Fuzz(func(t *testing.T, query, contentType, body string) {
		r := httptest.NewRequest("POST", "/en/api/getUserInfo", strings.NewReader(body))
		r.URL.RawQuery = query
		r.Header.Set("Content-Type", contentType)
		args, err := readArguments(r)
		if err != nil {
			if status := statusOf(err); status != 400 && status != 413 {
				t.Errorf("status %d", status)
			}
			return
		}
		for key := range args.values {
			if base(key) == "" {
				t.Errorf("empty name in %q", key)
			}
		}
		_, _ = args.text("extra[firstname]")
		_, _ = args.integer("limit", 50, 1, 100)
	})
}
