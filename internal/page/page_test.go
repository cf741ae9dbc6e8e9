package page_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"accountgateway/internal/provider"
	"accountgateway/internal/token"
)

// text is what a page says, without its tags.
func text(html string) string {
	html = regexp.MustCompile(`(?s)<title>.*?</title>|<[^>]*>`).ReplaceAllString(html, " ")
	return strings.Join(strings.Fields(html), " ")
}

func wants(t *testing.T, page string, wanted ...string) {
	t.Helper()
	for _, want := range wanted {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if t.Failed() {
		t.Log(page)
	}
}

func TestFleet(t *testing.T) {
	f := newFixture(t, aFleet, fleetNames...)
	got := f.get("/")
	if got.Code != http.StatusOK {
		t.Fatalf("status %d", got.Code)
	}
	page := got.Body.String()
	// The fixture takes a while to make.
	wants(t, regexp.MustCompile(`\b4\d s ago`).ReplaceAllString(text(page), "4… s ago"),
		"Needs attention 5 selzy-agency Balance negative for 9 days The balance is −1240.07 USD. What to do: Top up the account",
		"regru-shop Credentials refused for 3 days The vendor refused the username",
		"BHD 1 account 7,310.12 RUB 1 account 184,350.20 USD 2 accounts −1,211.57",
		"Not in the totals, without a current balance: regru-shop , selzy-new",
		"regru REG.RU Write outcome unknown 184,350.20 RUB 35 days 2 min ago",
		"regru-shop REG.RU Credentials refused 1,031.80 RUB – Too old 3 days ago",
		"selzy Selzy Runs out soon 28.50 USD 39 hours 4… s ago",
		"selzy-agency Selzy Balance negative −1,240.07 USD no spending Stale 5 h ago",
		"selzy-new Selzy Not called yet no reading yet – never",
		"unisender-gulf UniSender Reply not understood 7,310.12 BHD – Stale 3 h ago",
	)
	wants(t, page, `<data class="figure" value="28.5">28.50</data>`, `<data class="figure cut" value="7310.125" title="7,310.125 BHD">7,310.12</data>`,
		`<time datetime="`+f.now.Add(-76*time.Hour).Format(time.RFC3339)+`" title="`, `href="/writes?account=regru&amp;state=unknown"`)
}

// TestFleetTotalIsExact has figures whose sum no amount could hold.
func TestFleetTotalIsExact(t *testing.T) {
	f := newFixture(t, func(f *fixture) {
		f.balance("regru", time.Minute, provider.Balance{Balance: *money("12345678901234567.12", "RUB")})
		f.balance("regru-a", time.Minute, provider.Balance{Balance: *money("0.006", "RUB")})
		f.balance("regru-b", time.Minute, provider.Balance{Balance: *money("310.20000000000005", "USD")})
		f.balance("regru-c", time.Minute, provider.Balance{Balance: *money("9999999999999999999", "USD")})
	}, "regru", "regru-a", "regru-b", "regru-c")
	page := f.get("/").Body.String()
	wants(t, page, `value="12345678901234567.126" title="12,345,678,901,234,567.126 RUB">12,345,678,901,234,567.12<`,
		`value="10000000000000000309.20000000000005" title="10,000,000,000,000,000,309.20000000000005 USD">10,000,000,000,000,000,309.20<`)
	if strings.Contains(page, "Not in the totals") {
		t.Errorf("an account was not counted: %s", page)
	}
}

// TestDailyChangeIsExact has figures whose difference no amount could hold.
func TestDailyChangeIsExact(t *testing.T) {
	f := newFixture(t, func(f *fixture) {
		f.balance("regru", time.Minute, provider.Balance{Balance: *money("9999999999999999999", "RUB")})
		f.history("regru", 73*time.Hour, "0.01", "RUB")
		f.history("regru", 49*time.Hour, "9999999999999999999", "RUB")
		f.history("regru", 25*time.Hour, "0.25", "RUB")
	}, "regru")
	wants(t, text(f.get("/ui/regru").Body.String()), "&#43;9,999,999,999,999,999,998.99", "−9,999,999,999,999,999,998.75")
}

// TestUnknownWrite has not ended: the page says for how long nobody has known.
func TestUnknownWrite(t *testing.T) {
	f := newFixture(t, aFleet, fleetNames...)
	page := text(f.get("/ui/regru").Body.String())
	wants(t, page, "outcome unknown for 24 min No answer within 10 s.", "failed 6 h ago The login is taken. opuserfailed")
}

// TestNoVendorIsAsked opens every page of accounts in every situation.
func TestNoVendorIsAsked(t *testing.T) {
	f := newFixture(t, aFleet, fleetNames...)
	for _, name := range fleetNames {
		for _, query := range []string{"", "?days=7", "?days=90", "?days=x"} {
			if got := f.get("/ui/" + name + query); got.Code != http.StatusOK {
				t.Errorf("%s: %d", name, got.Code)
			}
		}
	}
	f.get("/")
	for name, fake := range f.fakes {
		for _, op := range append(provider.Operations(), provider.OpCheck, provider.OpPing) {
			if n := fake.Calls(op); n != 0 {
				t.Errorf("%s: %d calls of %s", name, n, op)
			}
		}
	}
}

func TestAccount(t *testing.T) {
	f := newFixture(t, aFleet, fleetNames...)
	page := f.get("/ui/regru").Body.String()
	wants(t, text(page),
		"184,350.20 RUB", "Blocked reserved by the vendor 1,500.00 RUB", "25,000.00 RUB", "Updated 2 min ago",
		"a day, balance and credit last 3", "How the forecast is made", "Day by day", "Download as CSV", "the axis does not begin at zero", "rise, such as a top-up",
		"Domains active 12,843 – – now", "Emails period 512 500 102 % in the period", "Contacts 1,048 no limit – now",
		"Costs 45,210.5 RUB", "Plan standard", "Backup 2", "expired", "top up unverified",
		"Top-up invoice 5,000.00 RUB wallet 123456789012 token:abcdefghij succeeded 2 days ago Invoice 8812345",
		"New user ada token:abcdefghij failed", "The login is taken.",
		"Candidates: invoice 8812399 of 150.00 RUB, dated 2026-10-30.",
		"curl -s http://example.com/accounts/regru/balance",
	)
	wants(t, page, `role="img" aria-label="Balance of regru: `, `aria-current="true">30 days`, `class="forecast"`,
		`<svg class="bar bad" aria-hidden="true" focusable="false"><rect class="ground" width="100%" height="100%" rx="3"/><rect width="100%"`)
	wants(t, f.get("/ui/regru?days=90").Body.String(), `aria-current="true">90 days`, `href="/ui/regru/history.csv?days=90"`)
	wants(t, text(f.get("/ui/regru-shop").Body.String()), "Too old 3 days ago : too old to serve", "No forecast without a current balance")
	wants(t, text(f.get("/ui/selzy-new").Body.String()), "No reading yet.", "None yet.", "No history of the last 30 days yet.")
	if got := f.get("/ui/nobody"); got.Code != http.StatusNotFound {
		t.Errorf("an unknown account: %d", got.Code)
	}
}

func TestVendorsTextIsEscaped(t *testing.T) {
	f := newFixture(t, aFleet, fleetNames...)
	for _, path := range []string{"/", "/ui/unisender-gulf"} {
		page := f.get(path).Body.String()
		if strings.Contains(page, "<script>") {
			t.Errorf("%s: the vendor's text is taken for HTML", path)
		}
		wants(t, page, "&lt;script&gt;alert(1)&lt;/script&gt;")
	}
}

func TestEmpty(t *testing.T) {
	none := newFixture(t, nil)
	wants(t, text(none.get("/").Body.String()), "No account is configured", "GATEWAY_ACCOUNTS")
	f := newFixture(t, nil, "a").as(token.Caller{ID: "x", Name: "x", Scopes: token.Scopes(), Accounts: []string{"b"}})
	wants(t, text(f.get("/", f.signedIn()).Body.String()), "This token grants no account")
}

func TestWithoutTheDatabase(t *testing.T) {
	f := newFixture(t, aFleet, fleetNames...)
	f.store.Close()
	for _, path := range []string{"/", "/ui/regru"} {
		got := f.get(path)
		if got.Code != http.StatusOK {
			t.Errorf("%s: %d", path, got.Code)
		}
		wants(t, text(got.Body.String()), "database is unavailable", "184,350.20 RUB")
	}
}

func TestHeaders(t *testing.T) {
	f := newFixture(t, aFleet, fleetNames...)
	const strict = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self' data:; " +
		"form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
	for _, path := range []string{"/", "/ui/regru", "/ui/nobody", "/docs"} {
		h := f.get(path).Header()
		if got := h.Get("Content-Security-Policy"); got != strict {
			t.Errorf("%s: Content-Security-Policy %q", path, got)
		}
		if h.Get("Cache-Control") != "no-store" || h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Cross-Origin-Opener-Policy") != "same-origin" {
			t.Errorf("%s: %v", path, h)
		}
	}
	inline := regexp.MustCompile(`(?i)\sstyle=|\son[a-z]+=|<style|<script>|javascript:|(src|href|action)="https?://`)
	for _, path := range []string{"/", "/ui/regru", "/docs"} {
		if found := inline.FindString(f.get(path).Body.String()); found != "" {
			t.Errorf("%s has %q in it, which the policy forbids", path, found)
		}
	}
}

func TestAssets(t *testing.T) {
	f := newFixture(t, nil)
	addresses := regexp.MustCompile(`(?:src|href)="(/static/[^"]+)"`).FindAllStringSubmatch(f.get("/docs").Body.String(), -1)
	if len(addresses) < 5 {
		t.Fatalf("the reference loads %v", addresses)
	}
	for _, address := range addresses {
		got := f.get(address[1])
		if got.Code != http.StatusOK || got.Header().Get("Cache-Control") != "public, max-age=31536000, immutable" || got.Body.Len() == 0 {
			t.Errorf("%s: %d %v", address[1], got.Code, got.Header())
		}
		if length := got.Header().Get("Content-Length"); length != strconv.Itoa(got.Body.Len()) {
			t.Errorf("%s: Content-Length %q of %d bytes", address[1], length, got.Body.Len())
		}
		if !regexp.MustCompile(`\.[0-9a-f]{16}\.(css|js|svg)$`).MatchString(address[1]) {
			t.Errorf("%s does not change with its content", address[1])
		}
	}
	for _, path := range []string{"/static/page.css", "/static/LICENSE", "/static/..%2fpage.go"} {
		if got := f.get(path); got.Code != http.StatusNotFound {
			t.Errorf("%s: %d", path, got.Code)
		}
	}
}

// browser is what browsers say that they take when they open an address.
const browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"

// TestAddressesOfPages opens pages as people come by them: with what other
// sites add to a link, and with slashes too many.
func TestAddressesOfPages(t *testing.T) {
	f := newFixture(t, aFleet, fleetNames...)
	for path, want := range map[string]string{
		"/?utm_source=chat": "", "/ui/regru?utm_source=chat&days=7": "", "/ui/regru?days=7&days=90": "", "/ui/regru?days=": "", "/docs?a;b=%zz": "",
		"/ui": "/", "/ui/": "/", "/ui/?utm_source=chat": "/?utm_source=chat",
		"/ui/regru/": "/ui/regru", "/ui/regru/?days=7": "/ui/regru?days=7", "/ui/a%2F%2Fb/": "/ui/a%2F%2Fb", "/docs/": "/docs", "/login/": "/login", "/login": "/",
	} {
		got := f.get(path)
		status := http.StatusOK
		if want != "" {
			status = http.StatusSeeOther
		}
		if got.Code != status || got.Header().Get("Location") != want {
			t.Errorf("%s: %d to %q, want %d to %q", path, got.Code, got.Header().Get("Location"), status, want)
		}
	}
	wants(t, f.get("/ui/regru?utm_source=chat&days=7").Body.String(), `aria-current="true">7 days`)
	for _, address := range regexp.MustCompile(`/static/[^"]+`).FindAllString(f.get("/").Body.String(), -1) {
		if got := f.get(address + "?v=2"); got.Code != http.StatusOK {
			t.Errorf("%s?v=2: %d", address, got.Code)
		}
	}
	signedOut := newFixture(t, aFleet, "regru").as(aReader("regru"))
	if got := signedOut.get("/login"); got.Code != http.StatusOK {
		t.Errorf("the form to sign in: %d", got.Code)
	}
}

// TestErrorsArePages has browsers led astray: they are shown pages, and programs
// problems.
func TestErrorsArePages(t *testing.T) {
	f := newFixture(t, aFleet, fleetNames...)
	long := "/ui/regru?x=" + strings.Repeat("x", 9000)
	for _, test := range []struct {
		method, path, accept string
		status               int
		page                 bool
	}{
		{http.MethodGet, "/nowhere", browser, 404, true},
		{http.MethodGet, "/nowhere", "application/json", 404, false},
		{http.MethodGet, "/nowhere", "", 404, false},
		{http.MethodGet, "//evil.example/", browser, 404, true},
		{http.MethodGet, "/ui/regru/more", "*/*", 404, true},
		{http.MethodGet, "/ui/nobody", "*/*", 404, true},
		{http.MethodGet, "/logout", browser, 405, true},
		{http.MethodPost, "/ui/regru", browser, 405, true},
		{http.MethodPost, "/nowhere", browser, 404, true},
		{http.MethodGet, long, "*/*", 400, true},
		{http.MethodGet, "/accounts/regru/balance?curency=USD", browser, 400, false}, // whoever opens it wants the API's answer
		{http.MethodGet, "/accounts/nobody", browser, 404, false},
	} {
		r := httptest.NewRequestWithContext(t.Context(), test.method, "/", nil)
		r.URL, r.RequestURI = must(url.ParseRequestURI(test.path)), test.path
		r.Header.Set("Accept", test.accept)
		w := httptest.NewRecorder()
		f.handler.ServeHTTP(w, r)
		kind, body := w.Header().Get("Content-Type"), w.Body.String()
		if w.Code != test.status || (kind == "text/html; charset=utf-8") != test.page || !test.page && kind != "application/problem+json" {
			t.Errorf("%s %.40s, Accept %.10q: %d %s", test.method, test.path, test.accept, w.Code, kind)
			continue
		}
		if test.page && test.path != "/ui/nobody" {
			wants(t, body, "<h1>", `<a href="/">All accounts</a>`, w.Header().Get("X-Request-Id"))
		}
		if strings.Contains(body, "evil.example") {
			t.Errorf("the page leads elsewhere: %s", body)
		}
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
