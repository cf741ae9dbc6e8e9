package redact_test

import (
	"encoding/json"
	"math/rand/v2"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"accountgateway/internal/redact"
	"accountgateway/internal/redact/redacttest"
)

// awkward holds a character of every sort that some encoding escapes.
const awkward = "p/w\"d'\\+ <&>%:ключ\t€\U0001F511"

// words are what a vendor says around a secret.
const (
	before = "no entry for («"
	after  = "»), sorry"
)

// leftOver takes off what a vendor said around a secret, and tells what else is left beside the mark.
func leftOver(text string) string {
	rest, begins := strings.CutPrefix(text, before)
	rest, ends := strings.CutSuffix(rest, after)
	if !begins || !ends {
		return text
	}
	return strings.Trim(strings.ReplaceAll(rest, redact.Mark, ""), "=") // which base64 is filled up with
}

// mayLeave is how many bytes may be left of what is around a secret inside two encodings.
func mayLeave(outer, inner redacttest.Encoding) int {
	left := 0
	if inner.Around {
		left = 2 * len(outer.Encode("WWWW"))
	}
	if outer.Around {
		left += 8
	}
	return left
}

// TestTwoLayers: whatever two encodings are around a secret, nothing of it is left, and nothing else is taken.
func TestTwoLayers(t *testing.T) {
	secrets := []string{awkward, "s3cret", "wxyz", "correct-horse-battery", `p&q<r>"s"\t`, "Пароль", "pass+Hu5hN0w1/\"w<or>d'&=% %41\\é", strings.Repeat("long & ", 36)}
	for _, secret := range secrets {
		r := redact.New(redact.Texts{Secrets: []string{"", "other secret", secret}})
		for _, outer := range redacttest.Encodings {
			for _, inner := range redacttest.Encodings {
				if len(secret) < 5 && strings.HasSuffix(outer.Name, " case") && strings.HasPrefix(inner.Name, "base64") {
					continue // too short to be told from other letters: see minForm
				}
				hidden := outer.Encode(inner.Encode(secret))
				if rest := leftOver(r.Words(before + hidden + after)); len(rest) > mayLeave(outer, inner) {
					t.Errorf("%s of %s of %q: %q left of %q", outer.Name, inner.Name, secret, rest, hidden)
				}
				if clean, ok := r.Value(hidden); ok && mayLeave(outer, inner) == 0 {
					t.Errorf("%s of %s of %q is a value: %q", outer.Name, inner.Name, secret, clean)
				}
			}
		}
	}
}

// TestRepeatedRequest: a password in a request is in JSON in a URL; a vendor may repeat the request in one more encoding.
func TestRepeatedRequest(t *testing.T) {
	const secret = `p&q<r>"s"\t+Пароль`
	r := redact.New(redact.Texts{Secrets: []string{secret}})
	quoted, err := json.Marshal(secret)
	if err != nil {
		t.Fatal(err)
	}
	hidden := url.QueryEscape(string(quoted[1 : len(quoted)-1]))
	for _, outer := range redacttest.Encodings {
		request := outer.Encode("input_data=%7B%22user_password%22%3A%22" + hidden + "%22%7D&input_format=json")
		got := r.Words(request)
		if !strings.Contains(got, redact.Mark) || len(request)-len(got) < len(outer.Encode(hidden))-len(outer.Encode("WWWW"))-len(redact.Mark) {
			t.Errorf("%s: %q became %q", outer.Name, request, got)
		}
	}
}

func TestWords(t *testing.T) {
	tests := []struct {
		secrets    []string
		text, want string
	}{
		{nil, "a text", "a text"},
		{[]string{""}, "a text", "a text"},
		{[]string{"s3cret"}, "password s3cret is wrong, S3CRET!", "password [redacted] is wrong, [redacted]!"},
		{[]string{"key1", "", "key1ring"}, "key1ring key1", "[redacted] [redacted]"},
		{[]string{"a.cd"}, "abcd a.cd", "abcd [redacted]"},
		{[]string{"ä123"}, `ä123 \u00e4123 \u00C4123 %c3%A4123 &#228;123 &#xE4;123 &auml;123 &AUML;123`, strings.TrimSpace(strings.Repeat("[redacted] ", 8))},
		{[]string{"1\U0001F51123"}, "1\\ud83d\\uDD1123 1\U0001F51123 1%F0%9F%94%9123", "[redacted] [redacted] [redacted]"},
		// An alternation of encodings, and what only looks like one.
		{[]string{`a&b"c`}, `{\"input\":\"%7B%22p%22%3A%22a%5Cu0026b%5C%22c%22%7D\"}`, `{\"input\":\"%7B%22p%22%3A%22[redacted]%22%7D\"}`},
		{[]string{"100%41"}, "100%41 100A &x; &#x; \\u12 % &", "[redacted] 100A &x; &#x; \\u12 % &"},
		{[]string{"\xff123"}, "\xff123 \\ufffd123 %FF123", "[redacted] [redacted] [redacted]"},
		{[]string{"user:pass"}, "Authorization: Basic dXNlcjpwYXNz, token=xdXNlcjpwYXNz", "Authorization: Basic [redacted], token=x[redacted]"},
		// Parts that overlap or touch.
		{[]string{"abcdef", "defghi"}, "xabcdefghix", "x[redacted]x"},
		{[]string{"abcd"}, "abcdabcd", "[redacted][redacted]"},
		// Short ones are words of their own, in escapes too.
		{[]string{"p"}, "dial tcp: p is wrong, (P)", "dial tcp: [redacted] is wrong, ([redacted])"},
		{[]string{"p&"}, "password=p%5Cu0026%22 up&", "password=[redacted]%22 up&"},
		{[]string{"b"}, "can't be reached: \\\"b\\\", YmI=, 62", "can't be reached: \\\"[redacted]\\\", YmI=, 62"},
		{[]string{"äöü"}, "äöü äöüß", "[redacted] äöüß"},
	}
	for _, tt := range tests {
		if got := redact.New(redact.Texts{Secrets: tt.secrets}).Words(tt.text); got != tt.want {
			t.Errorf("%q in %q: got %q, want %q", tt.secrets, tt.text, got, tt.want)
		}
	}
}

func TestValue(t *testing.T) {
	r := redact.New(redact.Texts{
		Secrets: []string{"s3cret", "20240601", "7", "abc", "shop"}, Personal: []string{"Lovelace"}, Public: []string{"shop", "shop-abc"},
	})
	tests := []struct {
		value, want string
		ok          bool
	}{
		{"", "", true},
		{"ada", "ada", true},
		{"s3cret", "", false},
		{" S3cret ", "", false},
		{"czNjcmV0", "", false},
		{"ada-s3cret-1", "ada-[redacted]-1", true},
		{"ABC", "", false},
		{"abcd", "abcd", true},
		{"x abc y", "x [redacted] y", true},
		{"Ada Lovelace", "Ada Lovelace", true},
		// Figures stay whole or are refused.
		{"7", "7", true},
		{"7.00", "7.00", true},
		{"20240601", "", false},
		{"1202406019", "1202406019", true},
		{"2024-06-01 00:00:00", "2024-06-01 00:00:00", true},
		{"-20240601.00", "-20240601.00", true},
		{"id 20240601", "id [redacted]", true},
		// The account's own login is no secret.
		{"shop", "shop", true},
		{"shop-abc", "shop-abc", true},
		{"SHOP", "", false},
		{"shop-abcd", "[redacted]-abcd", true},
	}
	for _, tt := range tests {
		if got, ok := r.Value(tt.value); got != tt.want || ok != tt.ok {
			t.Errorf("%q: got %q, %v, want %q, %v", tt.value, got, ok, tt.want, tt.ok)
		}
	}
	if got := r.Words("Ada LOVELACE, 7, 77"); got != "Ada [redacted], [redacted], 77" {
		t.Errorf("words: got %q", got)
	}
	var none *redact.Redactor
	if got, ok := none.Value("s3cret"); got != "s3cret" || !ok || none.Words("s3cret") != "s3cret" {
		t.Error("no redactor hides something")
	}
}

// FuzzRedact: a secret of any characters never survives two layers of any encodings, in any part of a text, and a text
// without it stays as it is.
func FuzzRedact(f *testing.F) {
	for seed := range uint64(50) {
		f.Add(awkward, "a text % with & \\ signs", seed)
		f.Add("12&5%", "the bad one is not here, nor any of it at all", seed)
		f.Add("\xff\x00ab", "", seed)
		f.Add(`\u0026\"`, `\u0026`, seed)
		f.Add("ſK\u0130ıß", "ss", seed)
	}
	f.Fuzz(func(t *testing.T, secret, text string, seed uint64) {
		if utf8.RuneCountInString(secret) < 5 || len(secret) > 255 || len(text) > 1000 {
			t.Skip()
		}
		r := redact.New(redact.Texts{Secrets: []string{secret}})
		random := rand.New(rand.NewPCG(seed, 0))
		outer, inner := redacttest.Encodings[random.IntN(len(redacttest.Encodings))], redacttest.Encodings[random.IntN(len(redacttest.Encodings))]
		hidden := outer.Encode(inner.Encode(secret))
		if rest := leftOver(r.Words(before + hidden + after)); len(rest) > mayLeave(outer, inner) && utf8.ValidString(secret) {
			t.Errorf("%s of %s of %q: %q left of %q", outer.Name, inner.Name, secret, rest, hidden)
		}
		if got := r.Words(text); got != text && !holds(text, secret) {
			t.Errorf("%q without %q became %q", text, secret, got)
		}
		got := r.Words(text + secret + text)
		for part := range strings.SplitSeq(got, redact.Mark) {
			if strings.Contains(part, secret) && utf8.ValidString(secret) {
				t.Errorf("%q is left in %q", secret, got)
			}
		}
		_, _ = r.Value(text)
	})
}

// encoded is what decodes to something.
var encoded = regexp.MustCompile(`[\\%&]|[A-Za-z0-9+/_-]{5}`)

// holds tells whether a text may hold a secret in some way. It errs on that side.
func holds(text, secret string) bool {
	same := func(s string) string {
		return strings.ReplaceAll(strings.ToLower(strings.ToUpper(strings.ToValidUTF8(s, "\uFFFD"))), "+", " ")
	}
	return encoded.MatchString(text) || strings.Contains(same(text), same(secret))
}
