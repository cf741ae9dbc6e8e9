package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/go-cmp/cmp"

	"accountgateway/internal/httpapi/middleware"
	"accountgateway/internal/provider"
)

// TestHostileBodies has what a write must refuse, before anything is recorded
// or sent, and the fields that the problem names.
func TestHostileBodies(t *testing.T) {
	_, stored := withStore(t, map[string]fake{"acme": writable(nil)})
	g := start(t, nil, stored)
	user := func(more string) string { return `{"email":"ada@customer.example"` + more + `}` }
	refill := func(method, wallet, amount, currency string) string {
		return `{"method":` + method + `,"wallet_id":` + wallet + `,"amount":` + amount + `,"currency":` + currency + `}`
	}
	good := []string{`"webmoney"`, `"123456789012"`, `"19.95"`, `"USD"`}
	other := func(i int, value string) string { // a refill of which one member is another
		with := append([]string{}, good...)
		with[i] = value
		return refill(with[0], with[1], with[2], with[3])
	}
	attributes := func(n int) string {
		var list []string
		for i := range n {
			list = append(list, fmt.Sprintf(`"a%d":"1"`, i))
		}
		return user(`,"attributes":{` + strings.Join(list, ",") + `}`)
	}
	text := func(n int) string { return `"` + strings.Repeat("x", n) + `"` }
	tests := []struct {
		name, route, body string
		fields            []string
	}{
		{"nothing", "users", ``, []string{"body"}},
		{"white space", "users", "\n", []string{"body"}},
		{"null", "users", `null`, []string{"body"}},
		{"a text", "users", `"email"`, []string{"body"}},
		{"a list", "users", `[{"email":"ada@customer.example"}]`, []string{"body"}},
		{"broken", "users", `{"email":"ada@customer.example"`, []string{"body"}},
		{"two objects", "users", user("") + user(""), []string{"body"}},
		{"something after it", "users", user("") + "x", []string{"body"}},
		{"a comma too many", "users", user(","), []string{"body"}},
		{"a byte order mark", "users", "\ufeff" + user(""), []string{"body"}},
		{"no UTF-8", "users", user(`,"login":"` + "\xff" + `"`), []string{"body"}},
		{"a control character as it is", "users", user(",\"login\":\"a\x00\""), []string{"body"}},
		{"too deep", "users", user(`,"attributes":` + strings.Repeat(`{"a":`, 20) + "1" + strings.Repeat("}", 20)), []string{"body"}},
		{"very deep", "users", strings.Repeat(`[`, 60_000), []string{"body"}},
		{"an empty object", "users", `{}`, []string{"email"}},
		{"unknown members", "users", user(`,"passwrd":"x","emial":"x"`), []string{"emial", "passwrd"}},
		{"an unknown member that is no name", "users", user(`,"x1":1`), []string{"body"}},
		{"in other letters", "users", `{"Email":"ada@customer.example"}`, []string{"Email", "email"}},
		{"twice", "users", user(`,"email":"eve@customer.example"`), []string{"email"}},
		{"twice, once escaped", "users", user(`,"\u0065mail":"eve@customer.example"`), []string{"email"}},
		{"an attribute twice", "users", user(`,"attributes":{"notify":"1","notify":"0"}`), []string{"attributes.notify"}},
		{"wrong types", "users", `{"email":1,"login":null,"password":[],"check_only":"true","attributes":[]}`,
			[]string{"login", "password", "email", "check_only", "attributes"}},
		{"empty texts", "users", `{"email":"","login":"","password":""}`, []string{"login", "password", "email"}},
		{"too long", "users", `{"email":` + text(300) + `,"login":` + text(256) + `,"password":` + text(256) + `}`, []string{"login", "password", "email"}},
		{"an address of 255", "users", `{"email":"a@` + strings.Repeat("x", 253) + `"}`, []string{"email"}},
		{"no at", "users", `{"email":"ada"}`, []string{"email"}},
		{"two ats", "users", `{"email":"ada@b@c"}`, []string{"email"}},
		{"no name", "users", `{"email":"@customer.example"}`, []string{"email"}},
		{"no domain", "users", `{"email":"ada@"}`, []string{"email"}},
		{"a blank", "users", `{"email":"ada @customer.example"}`, []string{"email"}},
		{"a blank after it", "users", `{"email":"ada@customer.example "}`, []string{"email"}},
		{"a new line", "users", user(`,"login":"a\nb"`), []string{"login"}},
		{"half a pair", "users", user(`,"password":"\ud800x"`), []string{"password"}},
		{"country in small letters", "users", user(`,"country":"de"`), []string{"country"}},
		{"country of three letters", "users", user(`,"country":"DEU"`), []string{"country"}},
		{"country that is none", "users", user(`,"country":"XX"`), []string{"country"}},
		{"country of two", "users", user(`,"country":"DE FR"`), []string{"country"}},
		{"language", "users", user(`,"language":"English"`), []string{"language"}},
		{"time zone", "users", user(`,"timezone":"UTC+3 (Moscow)"`), []string{"timezone"}},
		{"an attribute that is no text", "users", user(`,"attributes":{"notify":1}`), []string{"attributes.notify"}},
		{"an empty attribute", "users", user(`,"attributes":{"notify":""}`), []string{"attributes.notify"}},
		{"a long attribute", "users", user(`,"attributes":{"notify":` + text(1001) + `}`), []string{"attributes.notify"}},
		{"attributes of other names", "users", user(`,"attributes":{"":"1","a b":"1","` + strings.Repeat("x", 65) + `":"1"}`), []string{"attributes"}},
		{"many attributes", "users", attributes(51), []string{"attributes"}},
		{"the login as password", "users", user(`,"login":"ada","password":"ada"`), []string{"password"}},
		{"an attribute's name as password", "users", user(`,"password":"ada","attributes":{"ada":"1"}`), []string{"password"}},
		{"many things", "users", func() string {
			body := user("")
			for i := range 100 {
				body = strings.Replace(body, "{", `{"`+strings.Repeat("x", i+1)+`":1,`, 1)
			}
			return body
		}(), nil},

		{"an empty object", "refills", `{}`, []string{"method", "amount", "currency"}},
		{"wrong types", "refills", refill("1", "2", "19.95", "null"), []string{"method", "wallet_id", "amount", "currency"}},
		{"another method", "refills", other(0, `"cash"`), []string{"method"}},
		{"no wallet", "refills", `{"method":"webmoney","amount":"1","currency":"USD"}`, []string{"wallet_id"}},
		{"no digits", "refills", other(1, `"Z12345678901"`), []string{"wallet_id"}},
		{"digits of another script", "refills", other(1, `"١٢٣"`), []string{"wallet_id"}},
		{"a wallet for nothing", "refills", other(0, `"yandex_money"`), []string{"wallet_id"}},
		{"a number", "refills", other(2, `19.95`), []string{"amount"}},
		{"nothing", "refills", other(2, `"0.00"`), []string{"amount"}},
		{"less than nothing", "refills", other(2, `"-1"`), []string{"amount"}},
		{"an exponent", "refills", other(2, `"1e3"`), []string{"amount"}},
		{"a comma", "refills", other(2, `"19,95"`), []string{"amount"}},
		{"a sign", "refills", other(2, `"+1"`), []string{"amount"}},
		{"a blank", "refills", other(2, `" 1"`), []string{"amount"}},
		{"no number", "refills", other(2, `"NaN"`), []string{"amount"}},
		{"too many digits", "refills", other(2, `"12345678901234567890"`), []string{"amount"}},
		{"a currency of old", "refills", other(3, `"RUR"`), []string{"currency"}},
		{"small letters", "refills", other(3, `"usd"`), []string{"currency"}},
		{"money as one", "refills", `{"method":"webmoney","wallet_id":"1","amount":{"amount":"1","currency":"USD"}}`, []string{"currency", "amount"}},
	}
	for _, tt := range tests {
		t.Run(tt.route+" "+tt.name, func(t *testing.T) {
			g.t = t
			a := g.post("/accounts/acme/"+tt.route, "k", tt.body)
			if tt.fields == nil {
				if n := len(*a.wantCode(ProblemCodeInvalidParameter).Errors); n != maxFieldErrors {
					t.Errorf("a problem of %d errors", n)
				}
				return
			}
			a.wantFields(tt.fields...)
		})
	}
	// Nothing of it was recorded, and the key is as new.
	g.t = t
	g.get("/accounts/acme/operations").wantBody(`{"operations":[],"next_cursor":null}`)
	g.post("/accounts/acme/refills", "k", refill(good[0], good[1], good[2], good[3])).wantStatus(http.StatusCreated)
}

func TestBodiesBeforeTheirContent(t *testing.T) {
	_, stored := withStore(t, map[string]fake{"acme": writable(nil)})
	g := start(t, nil, stored)
	const body = `{"method":"webmoney","wallet_id":"123456789012","amount":"19.95","currency":"USD"}`
	tests := []struct {
		name   string
		header http.Header
		body   string
		code   ProblemCode
	}{
		{"with a charset", http.Header{"Content-Type": {`Application/JSON; Charset="UTF-8"`}}, body, ""},
		{"no type", nil, body, ProblemCodeUnsupportedMediaType},
		{"a form", http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, body, ProblemCodeUnsupportedMediaType},
		{"text", http.Header{"Content-Type": {"text/json"}}, body, ProblemCodeUnsupportedMediaType},
		{"another charset", http.Header{"Content-Type": {"application/json; charset=latin1"}}, body, ProblemCodeUnsupportedMediaType},
		{"another parameter", http.Header{"Content-Type": {"application/json; v=2"}}, body, ProblemCodeUnsupportedMediaType},
		{"malformed", http.Header{"Content-Type": {"application/json; charset"}}, body, ProblemCodeUnsupportedMediaType},
		{"two types", http.Header{"Content-Type": {"application/json", "application/json"}}, body, ProblemCodeUnsupportedMediaType},
		{"compressed", http.Header{"Content-Type": {"application/json"}, "Content-Encoding": {"gzip"}}, body, ProblemCodeUnsupportedMediaType},
		{"no coding", http.Header{"Content-Type": {"application/json"}, "Content-Encoding": {"identity"}}, body, ""},
		{"large", http.Header{"Content-Type": {"application/json"}}, body + strings.Repeat(" ", middleware.MaxBody-len(body)), ""},
		{"too large", http.Header{"Content-Type": {"application/json"}}, body + strings.Repeat(" ", middleware.MaxBody), ProblemCodePayloadTooLarge},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g.t = t
			header := tt.header.Clone()
			if header == nil {
				header = http.Header{}
			}
			header.Set(keyHeader, tt.name)
			for _, sized := range []bool{true, false} {
				var in interface{ Read([]byte) (int, error) } = strings.NewReader(tt.body)
				if !sized {
					in = struct{ *bytes.Buffer }{bytes.NewBufferString(tt.body)}
				}
				a := g.ask(http.MethodPost, "/accounts/acme/refills", header, in)
				if tt.code == "" {
					a.wantStatus(http.StatusCreated)
				} else {
					a.wantCode(tt.code)
				}
			}
		})
	}
}

// TestWhatIsCheckedFirst has requests with several faults each, in the order in
// which they are told.
func TestWhatIsCheckedFirst(t *testing.T) {
	_, stored := withStore(t, map[string]fake{"acme": writable(nil), "mute": balanceOf("1", "USD")})
	g := start(t, nil, stored)
	typed := http.Header{"Content-Type": {"application/json"}}
	keyed := http.Header{"Content-Type": {"application/json"}, keyHeader: {"k"}}
	tests := []struct {
		target string
		header http.Header
		code   ProblemCode
	}{
		{"/accounts/nobody/users?x=1", nil, ProblemCodeInvalidParameter},
		{"/accounts/nobody/users", nil, ProblemCodeAccountNotFound},
		{"/accounts/nobody/refills", nil, ProblemCodeAccountNotFound},
		{"/accounts/mute/users", nil, ProblemCodeUnsupportedOperation},
		{"/accounts/mute/refills", nil, ProblemCodeUnsupportedOperation},
		{"/accounts/acme/users", nil, ProblemCodeUnsupportedMediaType},
		{"/accounts/acme/users", typed, ProblemCodeIdempotencyKeyMissing},
		{"/accounts/acme/users", keyed, ProblemCodeInvalidParameter},
	}
	for _, tt := range tests {
		g.ask(http.MethodPost, tt.target, tt.header, strings.NewReader("{")).wantCode(tt.code)
	}
}

// FuzzBodies: what is taken is as the specification says, and what is said of
// the rest has no value of it.
func FuzzBodies(f *testing.F) {
	const mark = "Hu5hN0w1"
	for _, seed := range []string{
		`{"email":"a@b","password":"Hu5hN0w1"}`, `{"method":"webmoney","wallet_id":"1","amount":"1","currency":"USD"}`, `{"Hu5hN0w1":{"Hu5hN0w1":1}}`,
		`{"email":"Hu5hN0w1","attributes":{"a":"Hu5hN0w1"}}`, `{"password":"Hu5hN0w1"`, `{"email":"a@b","attributes":{"Hu5h N0w1 Hu5hN0w1":1}}`,
		`{"email":"a@b","check_only":true,"country":"DE","language":"en","timezone":"UTC"}`, `{"method":"yandex_money","amount":"0.5","currency":"RUB"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		user, userErr := newUser(bytes.NewReader(data), checking{}.CheckUser)
		refill, refillErr := newRefill(bytes.NewReader(data), checking{}.CheckRefill)
		for schema, err := range map[string]error{"NewUser": userErr, "NewRefill": refillErr} {
			if err != nil {
				p, _ := describe(err)
				text, _ := json.Marshal(p)
				// The name of a known attribute is said back: its form is that of no secret in use here.
				if !slices.Contains([]ProblemCode{ProblemCodeInvalidParameter, ProblemCodeUnsupportedParameter, ProblemCodeUnsupportedCurrency}, p.Code) || bytes.Contains(text, []byte(mark)) && !bytes.Contains(text, []byte("attributes.")) {
					t.Errorf("%s: %s", schema, text)
				}
				continue
			}
			var value any
			if err := json.Unmarshal(data, &value); err != nil {
				t.Fatalf("%s takes %q: %v", schema, data, err)
			}
			if err := contract(t).doc.Components.Schemas[schema].Value.VisitJSON(value, openapi3.EnableJSONSchema2020()); err != nil {
				t.Errorf("%s takes %q, which the specification does not: %v", schema, data, err)
			}
		}
		if userErr == nil && user.Email == "" || refillErr == nil && !refill.Amount.Amount.IsPos() {
			t.Errorf("%q became %+v, %+v", data, user, refill)
		}
	})
}

// TestBodiesBecome checks what the vendor is asked for.
func TestBodiesBecome(t *testing.T) {
	var got []any
	vendor := writable(nil)
	vendor.create = func(_ context.Context, u provider.NewUser) (provider.CreatedUser, error) {
		got = append(got, u)
		return provider.CreatedUser{}, nil
	}
	vendor.refill = func(_ context.Context, r provider.RefillRequest) (provider.Invoice, error) {
		got = append(got, r)
		return provider.Invoice{}, nil
	}
	_, stored := withStore(t, map[string]fake{"acme": vendor})
	g := start(t, nil, stored)
	for i, body := range []string{
		`{"login":"ada","password":"p w/\"\u00e9","email":"ada@customer.example","first_name":"Ada","middle_name":"K.","last_name":"Byron","phone":"+15550100",
		"company":"Acme","country":"US","language":"en","timezone":"America/New_York","check_only":true,"attributes":{"extra[channel]":"ads","notify":"1"}}`,
		`{"email":"a@b","check_only":false,"attributes":{}}`,
	} {
		g.post("/accounts/acme/users", fmt.Sprint("user", i), body).wantStatus(http.StatusCreated)
	}
	for i, body := range []string{
		`{"method":"webmoney","wallet_id":"123456789012","amount":"019.950","currency":"USD"}`,
		` {"currency" : "RUB", "amount" : "1", "method" : "yandex_money"} `,
	} {
		g.post("/accounts/acme/refills", fmt.Sprint("refill", i), body).wantStatus(http.StatusCreated)
	}
	want := []any{
		provider.NewUser{
			Login: "ada", Password: `p w/"é`, Email: "ada@customer.example", FirstName: "Ada", MiddleName: "K.", LastName: "Byron", Phone: "+15550100",
			Company: "Acme", Country: "US", Language: "en", Timezone: "America/New_York", CheckOnly: true,
			Attributes: map[string]string{"extra[channel]": "ads", "notify": "1"},
		},
		provider.NewUser{Email: "a@b", Attributes: map[string]string{}},
		provider.RefillRequest{Method: provider.WebMoney, WalletID: "123456789012", Amount: money("19.950", "USD")},
		provider.RefillRequest{Method: provider.YandexMoney, Amount: money("1", "RUB")},
	}
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b provider.Money) bool { return a == b })); diff != "" {
		t.Errorf("asked for (-want +got):\n%s", diff)
	}
}
