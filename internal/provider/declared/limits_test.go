package declared_test

import (
	"runtime"
	"strconv"
	"strings"
	"testing"

	"accountgateway/internal/provider"
	"accountgateway/internal/provider/declared"
	"accountgateway/internal/provider/providertest"
	"accountgateway/internal/provider/upstream"
)

// reads asks an account of a file for its balance; the vendor answers body.
func reads(t testing.TB, v *declared.Vendor, body string) (provider.Readings, error) {
	t.Helper()
	stub := &providertest.Stub{Body: body}
	p := declared.New(upstream.New(upstream.Options{Provider: v.Name(), Transport: stub}), v, v.SampleAccount(nil))
	return p.(provider.BalanceReader).ReadBalance(t.Context(), provider.BalanceQuery{}) //nolint:forcetypeassert // the files here have one
}

// written is the file good in another format, with pots.
func written(t testing.TB, format string) *declared.Vendor {
	t.Helper()
	body, refused := `{"pots":[{"name":"a","money":"1.50"}],"mails":3}`, `{"code":1}`
	switch format {
	case "xml":
		body, refused = "<x><pots><name>a</name><money>1.50</money></pots><mails>3</mails></x>", "<x><code>1</code></x>"
	case "text":
		body, refused = "name=a\n    money=1.50\n    mails=3\n", "code=1"
	}
	pots := "body.pots"
	if format != "json" {
		pots = "'[body]'"
	}
	if format == "xml" {
		pots = "'[body.pots]'"
	}
	v, err := declared.Load("f.yaml", []byte(strings.NewReplacer(
		"base_url:", "format: "+format+"\nbase_url:", "body.code == 7", "body.code == '7'",
		"  balance: decimal(body.money)", "  wallets: "+pots+"\n  name: wallet.name\n  balance: decimal(wallet.money)\n  main: wallet.name == 'a'",
		`{body: '{"money":"1.50","mails":3}'}`, "{body: "+strconv.Quote(body)+"}", `'{"code":1}'`, strconv.Quote(refused),
		"balance: 1.50 USD,", "balance: 1.50 USD, wallets: [{name: a, balance: 1.50 USD}],",
	).Replace(good)))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// Names of pots are labels of metrics, and pots members of every answer: an answer has a bounded number of bounded ones,
// or is not read. None is left out of it: totals would be wrong.
func TestPots(t *testing.T) {
	v := written(t, "json")
	pots := func(n, name int) string {
		return `{"pots":[` + strings.Repeat(`{"name":"`+strings.Repeat("ю", name)+`","money":"1.50"},`, n-1) + `{"name":"a","money":"1.50"}]}`
	}
	if got, err := reads(t, v, pots(100, 256)); err != nil || len(got.Balance.Wallets) != 100 {
		t.Errorf("got %v and %v, want 100 pots", got, err)
	}
	for body, want := range map[string]string{
		`{"pots":[{"name":"a","money":"1.50"},{"name":"b","money":null}]}`: "provider_bad_response: invalid vendor response: balance.balance is null (item 2 of balance.wallets)",

		pots(101, 1): "provider_bad_response: invalid vendor response: balance.wallets has more than 100 items",
		pots(2, 257): "provider_bad_response: invalid vendor response: balance.name is longer than 256 characters (item 1 of balance.wallets)",
	} {
		if _, err := reads(t, v, body); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// What has a very great number of values in few bytes costs little, and the error says why it is not read.
func TestManyValues(t *testing.T) {
	const size = 4 << 20
	fill := func(before, part, after string) string {
		return before + strings.Repeat(part, (size-len(before)-len(after))/len(part)) + after
	}
	var lines strings.Builder
	for i := 0; lines.Len() < size-16; i++ {
		lines.WriteString(strconv.Itoa(i) + "=\n")
	}
	const many, deep = "body has more than 100000 values", "body is nested deeper than 100 levels"
	for name, row := range map[string]struct{ format, body, want string }{
		"numbers":           {"json", fill("[", "1,", "1]"), many},
		"lists":             {"json", fill("[", "[],", "1]"), many},
		"objects":           {"json", fill("[", "{},", "1]"), many},
		"lists in lists":    {"json", strings.Repeat("[", 5000) + strings.Repeat("]", 5000), deep},
		"elements":          {"xml", fill("<a>", "<a/>", "</a>"), many},
		"comments":          {"xml", fill("<a>", "<!---->", "</a>"), many},
		"instructions":      {"xml", fill("<a>", "<?a?>", "</a>"), many},
		"attributes":        {"xml", fill("<a ", `a="" `, "/>"), many},
		"attributes, twice": {"xml", `<a b="" b=""/>`, "body has an attribute twice"},
		"elements inside":   {"xml", fill("", "<a>", ""), deep},
		"a second root":     {"xml", "<a/><a/>", "body is not XML"},
		"an open root":      {"xml", "<a>", "body is not XML"},
		"nothing":           {"xml", "", "body is not XML"},
		"lines":             {"text", lines.String(), many},
	} {
		t.Run(name, func(t *testing.T) {
			v := written(t, row.format)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := reads(t, v, row.body)
			runtime.ReadMemStats(&after)
			if want := "provider_bad_response: invalid vendor response: " + row.want; err == nil || err.Error() != want {
				t.Errorf("got %v, want %s", err, want)
			}
			allocated := (after.TotalAlloc - before.TotalAlloc) >> 20
			t.Logf("%d MiB allocated", allocated)
			if allocated > 50 {
				t.Errorf("%d MiB allocated", allocated)
			}
		})
	}
}
