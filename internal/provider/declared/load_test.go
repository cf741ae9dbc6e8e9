package declared_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"accountgateway/internal/provider/declared"
)

// good is a whole file, to be spoilt.
const good = `name: shop
title: Shop
group: other
settings:
  TOKEN: {secret: true, description: a token}
  SHOP_ID: {description: the shop's number}
base_url: https://shop.example/api
rate: 10/1m
auth: {bearer: "${TOKEN}"}
request: {path: "/shops/${SHOP_ID}/money"}
error_code: body.code
errors:
  - {when: body.code == 7, kind: provider_access}
balance:
  balance: decimal(body.money)
  currency: USD
statistics:
  counters:
    - {name: mails, scope: now, value: count(body.mails)}
samples:
  - name: money
    answer: {body: '{"money":"1.50","mails":3}'}
    want: {balance: 1.50 USD, counters: {mails: 3}}
  - name: refused
    answer: {status: 401, body: '{"code":1}'}
    want: {problem: provider_credentials, code: 1}
`

func TestLoad(t *testing.T) {
	if _, err := declared.Load("f.yaml", []byte(good)); err != nil {
		t.Fatal(err)
	}
}

// Each mistake is told where it is, and with what would be right.
func TestFaults(t *testing.T) {
	for _, row := range []struct{ old, new, want string }{
		{"title: Shop\n", "", "f.yaml:1:1: title is missing"},
		{"title: Shop", "titel: Shop", "f.yaml:2:1: titel is an unknown key: did you mean title?"},
		{"title: Shop", "title: 7", `f.yaml:2:8: title is a number; must be a text, in quotes: "7"`},
		{"title: Shop", "title: [a]", "f.yaml:2:8: title is a list; must be a text"},
		{"title: Shop", "title: Shop\ntitle: Shop", "f.yaml:3:1: title is there twice"},
		{"name: shop", "name: Shop", `f.yaml:1:7: name is "Shop"; must be at most 40 lower-case letters, digits and inner hyphens, and not gateway or otel, also as the first part`},
		{"name: shop", "name: gateway-database", `f.yaml:1:7: name is "gateway-database"; must be at most 40 lower-case letters, digits and inner hyphens, and not gateway or otel, also as the first part`},
		{"group: other", "group: clod", `f.yaml:3:8: group is "clod"; must be one of cloud, registrar, email, sms, ai, cdn, payments, data, other`},
		{"rate: 10/1m", "rate: ten", `f.yaml:8:7: rate is "ten"; must be calls/duration, e.g. 250/1m`},
		{"https://shop.example", "http://shop.example", "f.yaml:7:11: base_url: must be an https URL (http is allowed only for loopback addresses)"},
		{"${TOKEN}", "${TOKEM}", "f.yaml:9:16: auth.bearer uses the setting TOKEM, which is not declared: did you mean TOKEN?"},
		{"  SHOP_ID:", "  shop:", "f.yaml:6:3: settings.shop: must be upper-case letters, digits and inner underscores, not ending in _FILE\nf.yaml:10:17: request.path uses the setting SHOP_ID, which is not declared; must be one of TOKEN"},
		{"  SHOP_ID:", "  RATE:", "f.yaml:6:3: settings.RATE: every account has a setting of that name already\nf.yaml:10:17: request.path uses the setting SHOP_ID, which is not declared; must be one of TOKEN, RATE"},
		{"secret: true", "secret: yes please", "f.yaml:5:19: settings.TOKEN.secret is a text; must be true or false"},
		{"secret: true, ", "", "f.yaml:1:7: auth uses no secret: write secret: true for the settings that are, else logs and answers may show them"},
		{"secret: true", "secret: true, one_of: [a, b]", "f.yaml:5:34: settings.TOKEN is secret and has one_of: a secret is an account's own"},
		{"description: a token", "description: a token, default: x", "f.yaml:5:56: settings.TOKEN is secret and has a default: a secret is an account's own"},
		{"${SHOP_ID}", "${TOKEN}", "f.yaml:6:3: settings.SHOP_ID is used nowhere: use it as ${SHOP_ID}, or leave it out\nf.yaml:10:17: request.path puts the secret TOKEN into the URL, where logs of others may show it: use a header or a form, or say in auth.secret_in_url why the vendor takes it nowhere else"},
		{"/shops/", "/../", "f.yaml:10:17: request.path is \"/../${SHOP_ID}/money\"; must be a path, e.g. /v1/account, with the query string in query"},
		{"/money\"}", "/money?x=1\"}", "f.yaml:10:17: request.path is \"/shops/${SHOP_ID}/money?x=1\"; must be a path, e.g. /v1/account, with the query string in query"},
		{"/money\"}", "/money\", method: GET, form: {a: 1}}", "f.yaml:10:52: request is a GET with a body; must be POST"},
		{"/money\"}", "/money\", header: {Host: other.example}}", "f.yaml:10:53: request.header.Host can't be set: invalid header name, or reserved by HTTP"},
		{"decimal(body.money)", "body.money", "f.yaml:15:12: balance.balance is dyn; must be a decimal, like decimal(body.x)"},
		{"decimal(body.money)", "decimal(body.money", "f.yaml:15:30: balance.balance: Syntax error: missing ')' at '<EOF>'"},
		{"decimal(body.money)", "decimal(boddy.money)", "f.yaml:15:20: balance.balance: undeclared reference to 'boddy'"},
		{"decimal(body.money)", "decimal(body.money) * 0.01", "f.yaml:15:32: balance.balance: found no matching overload for '_*_' applied to '(decimal, double)'"},
		{"decimal(body.money)", "decimal(body.money * 0.01)", "f.yaml:15:33: balance.balance: a number with a point would be a float: write decimal('1.5')"},
		{"decimal(body.money)", "decimal(body.money / 100)", "f.yaml:15:31: balance.balance: division is not exact: use shift(x, -2) or a product with a decimal"},
		{"decimal(body.money)", "decimal(body.money + body.bonus)", "f.yaml:15:31: balance.balance: texts are joined by +, not added: write decimal(body.a) + decimal(body.b)"},
		{"body.code == 7", "body.code <= body.most", "f.yaml:13:22: errors[0].when: texts are compared by their letters, not by what they are worth: write decimal(body.a) <= decimal(body.b)"},
		{"body.code == 7", "7 == body.code", "f.yaml:13:14: errors[0].when: put what the vendor says to the left: body.code == 1, not 1 == body.code"},
		{"currency: USD", "currency: USDT", `f.yaml:16:13: balance.currency is "USDT"; must be a code of ISO 4217, e.g. USD, or an expression, e.g. body.currency`},
		{"currency: USD", "currency: usd", `f.yaml:16:13: balance.currency is "usd"; must be a code of ISO 4217, e.g. USD, or an expression, e.g. body.currency: did you mean USD?`},
		{"currency: USD", "currency: USD\n  billing: prepayed", `f.yaml:17:12: balance.billing is "prepayed"; must be prepaid, postpaid, or an expression that is one of them`},
		{"kind: provider_access", "kind: provider_access, retry_after: soon", `f.yaml:13:64: errors[0].retry_after is "soon"; must be a duration, e.g. 60s, or an expression for seconds, e.g. count(body.wait)`},
		{"/shops/", "/./", "f.yaml:10:17: request.path is \"/./${SHOP_ID}/money\"; must be a path, e.g. /v1/account, with the query string in query"},
		{`{bearer: "${TOKEN}"}`, `{oauth: {path: /../token, client_id: a, client_secret: "${TOKEN}"}}`, `f.yaml:9:22: auth.oauth.path is "/../token"; must be a path, e.g. /v1/account, with the query string in query`},
		{"  SHOP_ID:", "  OTHER: {description: another}\n  SHOP_ID:", "f.yaml:6:3: settings.OTHER is used nowhere: use it as ${OTHER}, or leave it out"},
		{"{status: 401, body: '{\"code\":1}'}\n    want: {problem: provider_credentials, code: 1}", "{body: '{\"money\":\"1\",\"mails\":3}'}\n    want: {balance: 1 USD, counters: {mails: 3}}",
			"f.yaml:21:5: samples: needs at least one that is read, and one that is a problem, such as wrong credentials"},
		{"currency: USD", "currency: setting.TOKEN", "f.yaml:16:13: balance.currency uses the secret TOKEN: an expression sees no secret"},
		{"currency: USD", "currency: setting.SHOP", "f.yaml:16:13: balance.currency uses the setting SHOP, which is not declared; must be one of TOKEN, SHOP_ID"},
		{"kind: provider_access", "kind: access", `f.yaml:13:34: errors[0].kind is "access"; must be one of provider_credentials, provider_access, provider_forbidden, provider_rate_limited, provider_unavailable, provider_rejected, insufficient_funds, not_found, unsupported_operation, unsupported_currency, provider_error, provider_bad_response`},
		{"name: mails", "name: Mails", `f.yaml:19:14: the name "Mails" must be lower-case letters, digits and inner underscores`},
		{"balance: 1.50 USD", "balance: 1.5 USD", `f.yaml:23:11: sample "money": balance is 1.50 USD, expected 1.5 USD`},
		{"provider_credentials, code: 1", "provider_forbidden, code: 1", `f.yaml:26:21: sample "refused": got provider_credentials: the vendor refused the credentials (vendor code 1), expected provider_forbidden`},
		{"decimal(body.money)\n  currency: USD", "decimal(wallet.money)\n  currency: wallet.of\n  wallets: '[{\"money\": body.money, \"of\": \"USD\"}, {\"money\": body.money, \"of\": \"EUR\"}]'\n  main: wallet.of == 'USD'",
			`f.yaml:25:11: sample "money": several pots are read: add wallets: [{balance: 1.50 USD}, {balance: 1.50 EUR}] to want`},
		{"status: 401, body: '{\"code\":1}'}\n    want: {problem: provider_credentials, code: 1}", "body: <html>}\n    want: {problem: provider_bad_response}", "no error"},
		{"name: refused", "name: money", `f.yaml:24:11: there are two samples "money"`},
		{"'{\"money\":\"1.50\",\"mails\":3}'", "'{\"mails\":3}'", `f.yaml:23:11: sample "money": got provider_bad_response: invalid vendor response: balance.balance needs the member money, which is missing`},
		{"title: Shop", "title: &a Shop", "f.yaml:2:8: title: anchors and aliases are not part of the format: write it out"},
		{"title: Shop", "title: 'Shop", "f.yaml:6:1: not valid YAML: did not find expected key: in what begins here a line is indented otherwise than those before, or a quote is not closed"},
		{"mails: 3}}\n", "mails: 3}}\n---\nname: x\n---\n", "f.yaml:21:5: samples: needs at least one that is read, and one that is a problem, such as wrong credentials\nf.yaml:24:1: a second document; a file must have only one vendor"},
		{"title: Shop", "title: Shop: x", `f.yaml:2:1: not valid YAML: mapping values are not allowed in this context: a text with ": " needs quotes`},
		{"when: body.code == 7", "when: body.codes[0] == 7", `f.yaml:13:1: not valid YAML: did not find expected ',' or '}': inside {…} and […] a text with one of , [ ] { } # or ": " needs quotes`},
		{"title: Shop", "title: @Shop", "f.yaml:2:1: not valid YAML: found character that cannot start any token: a text that begins with @, % or ` needs quotes, and tabs can't indent"},
		{"name: shop\n", "", "f.yaml:1:1: name is missing"},
		{"auth: {bearer: \"${TOKEN}\"}\n", "", "f.yaml:1:1: auth is missing\nf.yaml:5:3: settings.TOKEN is used nowhere: use it as ${TOKEN}, or leave it out"},
	} {
		_, err := declared.Load("f.yaml", []byte(strings.Replace(good, row.old, row.new, 1)))
		got := "no error"
		if err != nil {
			got = err.Error()
		}
		if diff := cmp.Diff(row.want, got); diff != "" {
			t.Errorf("%q instead of %q (-want +got):\n%s", row.new, row.old, diff)
		}
	}
}

// Twelve mistakes, such as a currency that there is not, a setting of no use, and no sample of a problem, are twelve lines
// at once.
func TestTwelveFaults(t *testing.T) {
	text := strings.NewReplacer(
		"  SHOP_ID:", "  UNUSED: {description: of no use}\n  SHOP_ID:", "want: {problem: provider_credentials, code: 1}", "want: {balance: 1 USD}", "title:", "titel:", "group: other", "group: none", "secret: true", "secret: 1", "https:", "ftp:", "10/1m", "10",
		"${TOKEN}", "${TOKENS}", "decimal(body.money)", "body.money", "scope: now", "scope: today", "kind: provider_access", "kind: nothing",
		"currency: USD", "currency: ZZZ",
	).Replace(good)
	_, err := declared.Load("f.yaml", []byte(text))
	lines := strings.Split(err.Error(), "\n")
	t.Log(err)
	if len(lines) != 12 {
		t.Errorf("got %d lines, want 12", len(lines))
	}
	for _, want := range []string{"settings.UNUSED is used nowhere", "samples: needs at least one", `balance.currency is "ZZZ"; must be a code of ISO 4217`} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("not told: %s", want)
		}
	}
}

// What the reference shows can be loaded.
func TestReference(t *testing.T) {
	text, err := os.ReadFile("../../../docs/vendor-file.md")
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(text), "```yaml\n")
	example, _, _ := strings.Cut(after, "```\n")
	if _, err := declared.Load("example.yaml", []byte(example)); err != nil {
		t.Fatal(err)
	}
}

// endless is a folder whose file has no end.
type endless struct{ fs.FS }

func (e endless) Open(name string) (fs.File, error) {
	f, err := e.FS.Open(name)
	return &endlessFile{File: f, left: 1 << 20}, err
}

type endlessFile struct {
	fs.File
	left int
}

func (f *endlessFile) Read(p []byte) (int, error) {
	if f.left -= len(p); f.left < 0 {
		return 0, errors.New("more than 1 MiB was read")
	}
	return copy(p, bytes.Repeat([]byte("#"), len(p))), nil
}

func (f *endlessFile) ReadDir(n int) ([]fs.DirEntry, error) {
	return f.File.(fs.ReadDirFile).ReadDir(n) //nolint:forcetypeassert // MapFS has it
}

// No file is read on when it is too large: it may be a link to anything.
func TestEndlessFile(t *testing.T) {
	_, err := declared.LoadAll(endless{fstest.MapFS{"a.yaml": {}}}, "vendors", nil)
	if want := "vendors/a.yaml:1:1: the file is larger than 262144 bytes"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
