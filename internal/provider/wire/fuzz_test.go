package wire_test

import (
	"bytes"
	"encoding/json"
	"testing"
	"unicode/utf8"

	"github.com/govalues/decimal"

	"accountgateway/internal/provider/providertest"
	"accountgateway/internal/provider/wire"
)

// No reader panics, whatever the body; what Parse takes is JSON.
func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"x": [{"id": 9, "x": "2024-06-01 00:00:00"}], "y": null}`))
	f.Add([]byte(`{"x": "18.5200"}`))
	f.Add([]byte(`{"x": -4.75}`))
	f.Add([]byte(`{"x": {"x": true}}`))
	f.Add([]byte(`{"x": {"0": {"x": false}, "2": {}}}`))
	f.Add([]byte(`{"x": 2.0e-5}`))
	f.Add([]byte(`{"x": "90E00000000"}`))
	f.Add([]byte(`{"x": "0000-00-00"}`))
	f.Add([]byte("\uFEFF{\"x\": \"\\ud800\"}"))
	f.Fuzz(func(t *testing.T, body []byte) {
		o, err := wire.Parse(body, nil)
		if err != nil {
			return
		}
		if plain := bytes.TrimPrefix(body, []byte("\uFEFF")); !json.Valid(plain) || !utf8.Valid(plain) {
			t.Fatal("took what is no JSON in UTF-8")
		}
		for _, how := range []string{
			"text", "optional text", "amount", "optional amount", "count", "optional count", "flag", "time", "scalar", "json", "objects", "ids", "currency",
		} {
			one := o.Afresh()
			got := show(one, how)
			if how == "count" && one.Err() == nil && got.(int64) < 0 {
				t.Fatalf("counted %v", got)
			}
			if how == "amount" && one.Err() == nil && !providertest.HoldsFigure(string(body), decimal.MustParse(got.(string))) {
				t.Fatalf("%v is not in the body", got)
			}
		}
		inside := o.Afresh().Object("x")
		inside.Amount("x")
	})
}

// Valid JSON stays what it is, and what was escaped needs it no more.
func FuzzEscapeControls(f *testing.F) {
	f.Add([]byte("{\"a\": \"x\ty\\\"\\\\\"}"))
	f.Add([]byte("\"\\\t\""))
	f.Fuzz(func(t *testing.T, body []byte) {
		got := wire.EscapeControls(body)
		if json.Valid(body) && !bytes.Equal(body, got) {
			t.Fatalf("%q became %q", body, got)
		}
		if again := wire.EscapeControls(got); !bytes.Equal(got, again) {
			t.Fatalf("%q became %q, then %q", body, got, again)
		}
	})
}

// What is decoded is UTF-8, and a body in UTF-8 stays what it is, its byte order mark apart.
func FuzzUTF8(f *testing.F) {
	f.Add([]byte("{\"a\":\"\xcf\xf0\xe8\"}"), "windows-1251")
	f.Add([]byte("\uFEFF{}"), "")
	f.Add([]byte("\x98"), "cp1251")
	f.Fuzz(func(t *testing.T, body []byte, charset string) {
		got, err := wire.UTF8(body, charset)
		if err == nil && (!utf8.Valid(got) || charset == "" && !bytes.Equal(got, bytes.TrimPrefix(body, []byte("\uFEFF")))) {
			t.Fatalf("%q in %q became %q", body, charset, got)
		}
	})
}
