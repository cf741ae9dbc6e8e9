package redact_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"accountgateway/internal/redact"
)

// BenchmarkWords has texts of all sizes: of a usual sort, and such as cost the most, because all of it decodes to
// something that decodes to something. Time is linear: ns/byte is what to compare.
func BenchmarkWords(b *testing.B) {
	const words = `{"login":"ada_lovelace","email":"ada@customer.example","company":"Lovelace & Babbage Ltd","phone":"+44 20 7946 0018","id":"48230011"} `
	repeat := func(text string, size int) string { return strings.Repeat(text, size/len(text)+1)[:size] }
	worst := url.QueryEscape(strings.ReplaceAll(base64.StdEncoding.EncodeToString([]byte(url.QueryEscape(words)+base64.StdEncoding.EncodeToString([]byte(words))+`\u0026&amp;`)), "A", `\u0041`)) + "&amp;"
	for name, text := range map[string]string{
		"usual": words, "worst": worst, "all base64": base64.RawStdEncoding.EncodeToString([]byte(strings.Repeat(base64.RawStdEncoding.EncodeToString([]byte(words)), 30))),
		"all escapes": `\u0025\u0032\u0035`, "all hex": "333433353336", "almost escapes": `\u00&#x&amp%2`, "no UTF-8": "\xc3\x28ключ",
	} {
		for _, size := range []int{1 << 10, 64 << 10, 4 << 20} {
			b.Run(fmt.Sprintf("%s/%d", name, size), func(b *testing.B) {
				text := repeat(text, size)
				r := redact.New(redact.Texts{Secrets: []string{awkward}})
				b.ReportAllocs()
				for b.Loop() {
					r.Words(text)
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(size), "ns/byte")
			})
		}
	}
}

// BenchmarkReply is what a reply's values cost: each on its own, as they are read, with a new Redactor.
func BenchmarkReply(b *testing.B) {
	user := map[string]string{}
	for i, value := range []string{"ada_lovelace", "ada@customer.example", "Ada", "Lovelace", "Lovelace & Babbage Ltd", "+44 20 7946 0018", "Europe/London", "2024-06-01 00:00:00", "GB", "en", "https://customer.example/registered?from=a&to=b"} {
		user[fmt.Sprint("field_", i)] = value
	}
	for _, size := range []int{1 << 10, 4 << 20} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			one, _ := json.Marshal(user)
			b.ReportAllocs()
			for b.Loop() {
				r := redact.New(redact.Texts{Secrets: []string{"6u3kq9hbpzs7tdo4x8f1wmcyg5n2rjea"}})
				for range size / len(one) {
					for _, value := range user {
						_, _ = r.Value(value)
					}
				}
			}
		})
	}
}
