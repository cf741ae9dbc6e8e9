package wire_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"accountgateway/internal/provider"
	"accountgateway/internal/provider/wire"
)

func driftOf(err error) string {
	var e *provider.Error
	if errors.As(err, &e) {
		return e.Drift
	}
	return ""
}

func TestParse(t *testing.T) {
	for _, row := range []struct {
		body string
		ok   bool
	}{
		{`{}`, true},
		{" \n{\"a\": 1}\r\n", true},
		{`{"a": {"b": 1, "B": 2}}`, true},
		{``, false},
		{`null`, false},
		{`[]`, false},
		{`"text"`, false},
		{`{"a": 1} {}`, false},
		{`{"a": 1},`, false},
		{`{"a": 1, "a": 1}`, false},
		{`{"a": 1, "\u0061": 2}`, false},
		{`{"a": 01}`, false},
		{`{a: 1}`, false},
		{"{\"a\": \"\t\"}", false},
		{"\ufeff{}", false},
	} {
		_, err := wire.Parse([]byte(row.body))
		if (err == nil) != row.ok || err != nil && driftOf(err) != wire.Body {
			t.Errorf("%q: got %v, want success: %v", row.body, err, row.ok)
		}
	}
}

// show reads a member in one way; null is what nil pointers show.
func show(o *wire.Object, how string) any {
	switch how {
	case "text":
		return o.Text("x")
	case "optional text":
		return o.OptionalText("x")
	case "amount":
		return o.Amount("x").String()
	case "optional amount":
		if amount := o.OptionalAmount("x"); amount != nil {
			return amount.String()
		}
		return nil
	case "count":
		return o.Count("x")
	case "optional count":
		return o.OptionalCount("x")
	case "flag":
		return o.OptionalFlag("x")
	case "time":
		return o.OptionalTime("x")
	case "scalar":
		return o.Scalar("x")
	case "json":
		return o.JSON("x")
	case "objects":
		return len(o.Objects("x"))
	}
	return "no such reader"
}

func TestReaders(t *testing.T) {
	for _, row := range []struct {
		how, value string // value "" is absent
		want       string // as JSON; "" is an error
	}{
		{"text", `"a"`, `"a"`}, {"text", `12.50`, `"12.50"`}, {"text", `""`, ""}, {"text", `null`, ""}, {"text", "", ""}, {"text", `true`, ""},
		{"optional text", `"a"`, `"a"`}, {"optional text", `-1`, `"-1"`}, {"optional text", `""`, "null"}, {"optional text", `null`, "null"},
		{"optional text", "", "null"}, {"optional text", `[]`, ""}, {"optional text", `false`, ""},
		{"amount", `"310.20"`, `"310.20"`}, {"amount", `310.20`, `"310.20"`}, {"amount", `"-3"`, `"-3"`}, {"amount", `0`, `"0"`},
		{"amount", `""`, ""}, {"amount", `null`, ""}, {"amount", "", ""}, {"amount", `"1,5"`, ""}, {"amount", `1e2`, ""}, {"amount", `" 1"`, ""},
		{"amount", `"NaN"`, ""}, {"amount", `{}`, ""}, {"amount", `"12345678901234567890"`, ""},
		{"optional amount", `"0.00"`, `"0.00"`}, {"optional amount", `null`, "null"}, {"optional amount", "", "null"}, {"optional amount", `""`, ""},
		{"count", `7`, `7`}, {"count", `"7"`, `7`}, {"count", `1000.0`, `1000`}, {"count", `"1000.00"`, `1000`}, {"count", `9223372036854775807`, `9223372036854775807`},
		{"count", `9223372036854775808`, ""}, {"count", `-1`, ""}, {"count", `"+1"`, ""}, {"count", `1.5`, ""}, {"count", `"1."`, ""}, {"count", `".0"`, ""},
		{"count", `1e3`, ""}, {"count", `"0x10"`, ""}, {"count", `"1_000"`, ""}, {"count", `""`, ""}, {"count", `null`, ""}, {"count", "", ""}, {"count", `true`, ""},
		{"optional count", `0`, `0`}, {"optional count", `null`, "null"}, {"optional count", "", "null"}, {"optional count", `""`, ""},
		{"flag", `1`, "true"}, {"flag", `"1"`, "true"}, {"flag", `true`, "true"}, {"flag", `0`, "false"}, {"flag", `"0"`, "false"}, {"flag", `false`, "false"},
		{"flag", `null`, "null"}, {"flag", "", "null"}, {"flag", `""`, "null"}, {"flag", `2`, ""}, {"flag", `"yes"`, ""}, {"flag", `[]`, ""},
		{"time", `"2024-02-29 10:20:30"`, `"2024-02-29T10:20:30Z"`}, {"time", `""`, "null"}, {"time", `null`, "null"}, {"time", "", "null"},
		{"time", `"0000-00-00 00:00:00"`, "null"}, {"time", `"2023-02-29 10:20:30"`, ""}, {"time", `"2024-02-29"`, ""}, {"time", `1709202030`, ""},
		{"scalar", `"a"`, `"a"`}, {"scalar", `1.0`, `"1.0"`}, {"scalar", `true`, `"true"`}, {"scalar", `null`, `""`}, {"scalar", "", `""`}, {"scalar", `{}`, ""},
		{"json", `[ {"a" : 1} ]`, `"[{\"a\":1}]"`}, {"json", `null`, `"null"`}, {"json", "", `""`},
		{"objects", `[{}, {}]`, "2"}, {"objects", `[]`, "0"}, {"objects", `null`, "0"}, {"objects", "", "0"}, {"objects", `{}`, ""}, {"objects", `[1]`, ""},
	} {
		body := `{"x": ` + row.value + `}`
		if row.value == "" {
			body = `{}`
		}
		o, err := wire.Parse([]byte(body))
		if err != nil {
			t.Fatal(err)
		}
		got, err := json.Marshal(show(o, row.how))
		if err != nil {
			t.Fatal(err)
		}
		if o.Err() != nil {
			got = nil
			if drift := strings.TrimSuffix(driftOf(o.Err()), "[]"); drift != "x" {
				t.Errorf("%s of %s: the drift is %q, want x", row.how, row.value, drift)
			}
		}
		if string(got) != row.want {
			t.Errorf("%s of %s: got %s, %v; want %s", row.how, row.value, got, o.Err(), row.want)
		}
	}
}

func TestFirstErrorStays(t *testing.T) {
	o, err := wire.Parse([]byte(`{"list": [{"n": "x"}], "m": "y"}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, item := range o.Objects("list") {
		item.Count("n")
	}
	o.Count("m")
	if drift := driftOf(o.Err()); drift != "list[].n" {
		t.Errorf("the drift is %q, want list[].n", drift)
	}
	if again := o.Afresh(); again.Err() != nil {
		t.Errorf("afresh it still fails: %v", again.Err())
	}
	if text := o.Err().Error(); strings.Contains(text, `"x"`) {
		t.Errorf("the error holds the vendor's text: %s", text)
	}
}

func TestEscapeControls(t *testing.T) {
	for _, row := range []struct{ in, want string }{
		{"{\n\t\"a\": 1\r\n}", "{\n\t\"a\": 1\r\n}"},
		{"{\"a\": \"x\ty\"}", `{"a": "x\u0009y"}`},
		{"{\"a\tb\": \"\n\x01\x00\"}", `{"a\u0009b": "\u000a\u0001\u0000"}`},
		{"{\"a\": \"\\\"\t\\\\\", \"b\":\t1}", "{\"a\": \"\\\"\\u0009\\\\\", \"b\":\t1}"},
		{"\"\\\t\"", "\"\\\t\""}, // no JSON either way
		{"\"\t", `"\u0009`},
		{"", ""},
	} {
		if got := string(wire.EscapeControls([]byte(row.in))); got != row.want {
			t.Errorf("%q: got %q, want %q", row.in, got, row.want)
		}
	}
}

func TestStatusError(t *testing.T) {
	for status, want := range map[int]provider.Kind{
		500: provider.KindUnavailable, 502: provider.KindUnavailable, 503: provider.KindUnavailable, 599: provider.KindUnavailable,
		429: provider.KindRateLimited,
		201: provider.KindBadResponse, 400: provider.KindBadResponse, 401: provider.KindBadResponse, 404: provider.KindBadResponse,
	} {
		if e := wire.StatusError(status); e.Kind != want || e.Message == "" {
			t.Errorf("%d: got %v, want %s", status, e, want)
		}
	}
}

func TestQuote(t *testing.T) {
	redact := func(text string) string { return strings.ReplaceAll(text, "secret", "[redacted]") }
	// The secret stands where the text is cut.
	got := wire.Quote(strings.Repeat("я", 248)+"secret"+strings.Repeat("я", 1000), redact)
	if strings.Contains(got, "se") || len(got) > 510 || !utf8.ValidString(got) {
		t.Errorf("got %d bytes: %s", len(got), got)
	}
	if got := wire.Quote("a secret\xff", redact); got != "a [redacted]\uFFFD" {
		t.Errorf("got %q", got)
	}
}

func TestPersonal(t *testing.T) {
	got := wire.Personal(provider.NewUser{
		Login: "ada", Password: "x", Email: "ada@example.com", FirstName: "Ada", LastName: "Byron", Country: "GB",
		Attributes: map[string]string{"user_mailnotify": "1", "user_city": "London"},
	})
	slices.Sort(got)
	if want := []string{"Byron", "London", "ada@example.com", "x"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
