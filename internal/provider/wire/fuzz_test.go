package wire_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"accountgateway/internal/provider/wire"
)

// No reader panics, whatever the body; what Parse takes is JSON.
func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"x": [{"id": 9, "x": "2024-06-01 00:00:00"}], "y": null}`))
	f.Add([]byte(`{"x": "18.5200"}`))
	f.Add([]byte(`{"x": -4.75}`))
	f.Add([]byte(`{"x": {"x": true}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		o, err := wire.Parse(body, nil)
		if err != nil {
			return
		}
		if !json.Valid(body) {
			t.Fatal("took what is no JSON")
		}
		for _, how := range []string{
			"text", "optional text", "amount", "optional amount", "count", "optional count", "flag", "time", "scalar", "json", "objects",
		} {
			one := o.Afresh()
			if got := show(one, how); how == "count" && one.Err() == nil && got.(int64) < 0 {
				t.Fatalf("counted %v", got)
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
