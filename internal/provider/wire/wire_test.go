package wire_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"accountgateway/internal/provider"
	"accountgateway/internal/provider/wire"
	"accountgateway/internal/redact"
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
		{"\ufeff{}", true},
		{"\ufeff\ufeff{}", false},
		{"{\"a\": \"\xcf\xf0\"}", false},
		{"{\"a\": \"\xed\xa0\x80\"}", false},
	} {
		_, err := wire.Parse([]byte(row.body), nil)
		if (err == nil) != row.ok || err != nil && driftOf(err) != wire.Body {
			t.Errorf("%q: got %v, want success: %v", row.body, err, row.ok)
		}
	}
}

// Very many tiny values are told as such: what has them takes a hundred times its size in memory.
func TestTooMany(t *testing.T) {
	var members strings.Builder
	for i := range wire.MaxValues + 1 {
		members.WriteString(`,"` + strconv.Itoa(i) + `":1`)
	}
	_, err := wire.Parse([]byte("{"+members.String()[1:]+"}"), nil)
	if want := "provider_bad_response: invalid vendor response: body has more than 100000 values"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	o, err := wire.Parse([]byte(`{"x":[`+strings.Repeat("{},", 50_000)+`{}]}`), nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := o.Objects("x"); got != nil || o.Err() == nil || o.Err().Error() != "provider_bad_response: invalid vendor response: x has more than 50000 items" {
		t.Errorf("got %d objects and %v", len(got), o.Err())
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
	case "code":
		return o.Code("x")
	case "words":
		return o.Words("x")
	case "json":
		return o.JSON("x")
	case "objects":
		return len(o.Objects("x"))
	case "ids":
		ids := []string{}
		for _, item := range o.Objects("x") {
			ids = append(ids, item.Text("id"))
		}
		return ids
	case "currency":
		return o.Currency("x")
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
		{"optional text", "", "null"}, {"optional text", `[]`, ""}, {"optional text", `false`, "null"}, {"optional text", `true`, ""}, {"text", `false`, ""},
		{"text", `"\ud83d\ude00 \ufffd \uFFFD"`, `"😀 � �"`}, {"text", `"a\ud800"`, ""}, {"text", `"\ufffd\udc00"`, ""}, {"optional text", `"\udc00"`, ""},
		{"amount", `"310.20"`, `"310.20"`}, {"amount", `310.20`, `"310.20"`}, {"amount", `"-3"`, `"-3"`}, {"amount", `0`, `"0"`},
		{"amount", `""`, ""}, {"amount", `null`, ""}, {"amount", "", ""}, {"amount", `"1,5"`, ""}, {"amount", `" 1"`, ""}, {"amount", `false`, ""}, {"amount", `true`, ""},
		{"amount", `2.0e-5`, `"0.000020"`}, {"amount", `1.5e3`, `"1500"`}, {"amount", `1e2`, `"100"`}, {"amount", `"1.0E+15"`, `"1000000000000000"`},
		{"amount", `-1.852e1`, `"-18.52"`}, {"amount", `12345e-2`, `"123.45"`}, {"amount", `0.5e3`, `"500"`}, {"amount", `0.001e2`, `"0.1"`}, {"amount", `0e0`, `"0"`},
		{"amount", `1.00e1`, `"10.0"`}, {"amount", `1e-19`, `"0.0000000000000000001"`}, {"amount", `1e18`, `"1000000000000000000"`}, {"amount", `1e19`, ""},
		{"amount", `1e-20`, ""}, {"amount", `1.5e-19`, ""}, {"amount", `1234567890123456789.5e1`, ""}, {"amount", `1e999999999999`, ""}, {"amount", `1e-41`, ""},
		{"amount", `"1e"`, ""}, {"amount", `"e5"`, ""}, {"amount", `"1e5.0"`, ""}, {"amount", `"01e5"`, ""}, {"amount", `"+1e5"`, ""}, {"amount", `".5e1"`, ""}, {"amount", `"1e 5"`, ""},
		{"amount", `"NaN"`, ""}, {"amount", `{}`, ""}, {"amount", `"12345678901234567890"`, ""},
		{"optional amount", `"0.00"`, `"0.00"`}, {"optional amount", `null`, "null"}, {"optional amount", "", "null"}, {"optional amount", `""`, "null"}, {"optional amount", `false`, "null"},
		{"optional amount", `" "`, ""},
		{"count", `7`, `7`}, {"count", `"7"`, `7`}, {"count", `1000.0`, `1000`}, {"count", `"1000.00"`, `1000`}, {"count", `9223372036854775807`, `9223372036854775807`},
		{"count", `9223372036854775808`, ""}, {"count", `-1`, ""}, {"count", `"+1"`, ""}, {"count", `1.5`, ""}, {"count", `"1."`, ""}, {"count", `".0"`, ""},
		{"count", `1e3`, "1000"}, {"count", `1.0e+15`, "1000000000000000"}, {"count", `1.5e1`, "15"}, {"count", `15e-1`, ""}, {"count", `1e19`, ""}, {"count", `-1e3`, ""}, {"count", `false`, ""},
		{"count", `"0x10"`, ""}, {"count", `"1_000"`, ""}, {"count", `""`, ""}, {"count", `null`, ""}, {"count", "", ""}, {"count", `true`, ""},
		{"optional count", `0`, `0`}, {"optional count", `null`, "null"}, {"optional count", "", "null"}, {"optional count", `""`, "null"}, {"optional count", `false`, "null"},
		{"flag", `1`, "true"}, {"flag", `"1"`, "true"}, {"flag", `true`, "true"}, {"flag", `0`, "false"}, {"flag", `"0"`, "false"}, {"flag", `false`, "false"},
		{"flag", `null`, "null"}, {"flag", "", "null"}, {"flag", `""`, "null"}, {"flag", `2`, ""}, {"flag", `"yes"`, ""}, {"flag", `[]`, ""},
		{"time", `"2024-02-29 10:20:30"`, `"2024-02-29T10:20:30Z"`}, {"time", `""`, "null"}, {"time", `null`, "null"}, {"time", "", "null"},
		{"time", `"0000-00-00 00:00:00"`, "null"}, {"time", `"0000-00-00"`, "null"}, {"time", `false`, "null"}, {"time", `"2024-00-00 00:00:00"`, ""}, {"time", `"2023-02-29 10:20:30"`, ""}, {"time", `"2024-02-29"`, ""}, {"time", `1709202030`, ""},
		{"scalar", `"a"`, `"a"`}, {"scalar", `1.0`, `"1.0"`}, {"scalar", `true`, `"true"`}, {"scalar", `null`, `""`}, {"scalar", "", `""`}, {"scalar", `{}`, ""},
		{"json", `[ {"a" : 1} ]`, `"[{\"a\":1}]"`}, {"json", `null`, `"null"`}, {"json", "", `""`},
		{"objects", `[{}, {}]`, "2"}, {"objects", `[]`, "0"}, {"objects", `null`, "0"}, {"objects", "", "0"}, {"objects", `[1]`, ""}, {"objects", `false`, ""}, {"objects", `""`, ""},
		{"objects", `{}`, "0"}, {"objects", `{"0":{},"2":{}}`, "2"}, {"objects", `{"0":{},"0":{}}`, ""}, {"objects", `{"a":{}}`, ""}, {"objects", `{"0":{},"":{}}`, ""},
		{"objects", `{"0":1}`, ""}, {"objects", `{"id":9}`, ""}, {"ids", `{"7":{"id":1},"10":{"id":2},"0":{"id":3}}`, `["1","2","3"]`},
		{"currency", `"USD"`, `"USD"`}, {"currency", `"RUR"`, `"RUB"`}, {"currency", `"RUB"`, `"RUB"`}, {"currency", `"rur"`, ""}, {"currency", `""`, ""}, {"currency", "", ""},
		{"currency", `false`, ""}, {"currency", `643`, ""}, {"code", `false`, `""`}, {"code", `true`, `"true"`}, {"words", `false`, `""`}, {"scalar", `false`, `"false"`},
	} {
		body := `{"x": ` + row.value + `}`
		if row.value == "" {
			body = `{}`
		}
		o, err := wire.Parse([]byte(body), nil)
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
	o, err := wire.Parse([]byte(`{"list": [{"n": "x"}], "m": "y"}`), nil)
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

func TestWords(t *testing.T) {
	secrets := redact.New(redact.Texts{Secrets: []string{"s3cret"}, Personal: []string{"Ada Lovelace"}})
	words := func(text string) string {
		body, _ := json.Marshal(map[string]string{"x": text})
		o, err := wire.Parse(body, secrets)
		if err != nil {
			t.Fatal(err)
		}
		return o.Words("x")
	}
	// The secret stands where the text is cut.
	got := words(strings.Repeat("я", 248) + "s3cret" + strings.Repeat("я", 1000))
	if strings.Contains(got, "s3") || len(got) > 510 || !utf8.ValidString(got) {
		t.Errorf("got %d bytes: %s", len(got), got)
	}
	for text, want := range map[string]string{
		"a s3cret\xff":               "a [redacted]\uFFFD",
		"s3cret":                     "[redacted]",
		`{"p":"\u00733cret"}`:        `{"p":"[redacted]"}`,
		"no such user: ada lovelace": "no such user: [redacted]",
		"":                           "",
	} {
		if got := words(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

// TestSecretsInValues: a value that is a secret is not understood, one that holds a secret is served without it, and no
// figure is ever changed.
func TestSecretsInValues(t *testing.T) {
	secrets := redact.New(redact.Texts{Secrets: []string{"s3cret", "310", "2024", "true"}, Public: []string{"a-s3cret"}})
	for _, row := range []struct{ how, value, want string }{ // want as in TestReaders
		{"text", `"s3cret"`, ""}, {"text", `"S3CRET"`, ""}, {"text", `"\u00733cret"`, ""}, {"text", `"733363726574"`, ""}, {"text", `"czNjcmV0"`, ""},
		{"text", `"%733cret"`, ""}, {"text", `"%5Cu00733cret"`, ""}, {"text", `"x-s3cret"`, `"x-[redacted]"`}, {"text", `"x-%733cret"`, `"x-[redacted]"`},
		{"text", `2024`, ""}, {"text", `"2024"`, ""}, {"text", `120245`, `"120245"`}, {"text", `"2024-01-01"`, `"2024-01-01"`}, {"text", `"a 2024"`, `"a [redacted]"`},
		{"text", `310`, `"310"`}, {"text", `"310"`, `"310"`}, {"text", `"a-s3cret"`, `"a-s3cret"`},
		{"optional text", `"s3cret"`, ""}, {"optional text", `"x-s3cret"`, `"x-[redacted]"`},
		{"scalar", `"s3cret"`, ""}, {"scalar", `"x-s3cret"`, `"x-[redacted]"`}, {"scalar", `310.20`, `"310.20"`}, {"scalar", `2024.00`, `"2024.00"`},
		{"code", `"s3cret"`, `"s3cret"`},
		{"words", `"s3cret"`, `"[redacted]"`}, {"words", `2024`, `"[redacted]"`}, {"words", `"310 is wrong, 3101 is not"`, `"[redacted] is wrong, 3101 is not"`},
		{"amount", `310.20`, `"310.20"`}, {"amount", `"2024"`, `"2024"`}, {"optional amount", `2024`, `"2024"`}, {"count", `2024`, `2024`},
		{"optional count", `"2024"`, `2024`}, {"flag", `true`, `true`}, {"time", `"2024-06-01 00:00:00"`, `"2024-06-01T00:00:00Z"`},
		{"json", `{"a":["x s3cret",2024,310,"\u00733cret!?"]}`, ""}, {"json", `{"a":["x \u00733cret",2024,"<&>"]}`, `"{\"a\":[\"x [redacted]\",2024,\"\u003c\u0026\u003e\"]}"`},
	} {
		o, err := wire.Parse([]byte(`{"x": [{"x": `+row.value+`}]}`), secrets)
		if err != nil {
			t.Fatal(err)
		}
		inside := o.Objects("x")[0].Afresh()
		shown, _ := json.Marshal(show(inside, row.how))
		switch err := inside.Err(); {
		case row.want == "" && (driftOf(err) != "x[].x" || strings.Contains(err.Error(), "s3cret")):
			t.Errorf("%s of %s: got %s and %v, want an error", row.how, row.value, shown, err)
		case row.want != "" && (string(shown) != row.want || err != nil):
			t.Errorf("%s of %s: got %s and %v, want %s", row.how, row.value, shown, err, row.want)
		}
		if row.want == "" && strings.Contains(string(shown), "s3cret") {
			t.Errorf("%s of %s: got %s", row.how, row.value, shown)
		}
	}
}

func TestPersonal(t *testing.T) {
	got := wire.Personal(provider.NewUser{
		Login: "ada", Password: "x", Email: "ada@example.com", FirstName: "Ada", LastName: "Byron", Country: "GB",
		Attributes: map[string]string{"user_mailnotify": "1", "user_city": "London"},
	})
	slices.Sort(got)
	if want := []string{"Byron", "London", "ada@example.com"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestUTF8(t *testing.T) {
	const name = `{"a":"Привет, ё"}`
	for _, row := range []struct{ charset, body, want string }{ // want "": refused
		{"", name, name}, {"utf-8", name, name}, {"UTF8", name, name}, {"x-unknown", name, name}, {"iso-8859-1", name, name},
		{"", "\uFEFF" + name, name}, {"utf-8", "\uFEFF" + name, name},
		{"windows-1251", "{\"a\":\"\xcf\xf0\xe8\xe2\xe5\xf2, \xb8\"}", name}, {" CP1251", "{\"a\":\"\xcf\xf0\xe8\xe2\xe5\xf2, \xb8\"}", name},
		{"koi8-r", "{\"a\":\"\xf0\xd2\xc9\xd7\xc5\xd4, \xa3\"}", name}, {"KOI8-U", "{\"a\":\"\xf0\xd2\xc9\xd7\xc5\xd4, \xa3\"}", name},
		{"cp866", "{\"a\":\"\x8f\xe0\xa8\xa2\xa5\xe2, \xf1\"}", name}, {"ibm866", "{\"a\":\"\x8f\xe0\xa8\xa2\xa5\xe2, \xf1\"}", name},
		{"", "{\"a\":\"\xcf\xf0\"}", ""}, {"utf-8", "{\"a\":\"\xcf\xf0\"}", ""}, {"iso-8859-1", "{\"a\":\"\xe9\"}", ""}, {"windows-1251", "{\"a\":\"\x98\"}", ""},
		{"", "{\"a\":\"\xd0", ""}, {"windows-1251", "{}", "{}"}, {"", "", ""},
	} {
		got, err := wire.UTF8([]byte(row.body), row.charset)
		if refused := row.want == "" && row.body != ""; string(got) != row.want || (err != nil) != refused || refused && driftOf(err) != wire.Body {
			t.Errorf("%s %q: got %q, %v; want %q", row.charset, row.body, got, err, row.want)
		}
	}
}
