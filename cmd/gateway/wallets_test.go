package main

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
)

// pots is DeepSeek with two pots, in an order that changes with each call.
func pots() http.Handler {
	var calls atomic.Int64
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/user/balance" || r.Header.Get("Authorization") != "Bearer deep-key" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		list := []string{
			`{"currency":"CNY","total_balance":"90071992547409.93","granted_balance":"10.00","topped_up_balance":"1.00"}`,
			`{"currency":"USD","total_balance":"-12.50","granted_balance":"0.00","topped_up_balance":"-12.50"}`,
		}
		if calls.Add(1)%2 == 0 {
			list[0], list[1] = list[1], list[0]
		}
		_, _ = w.Write([]byte(`{"is_available":true,"balance_infos":[` + strings.Join(list, ",") + `]}`))
	})
}

// says is a vendor that says this at a path.
func says(path, body string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != path {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		_, _ = w.Write([]byte(body))
	})
}

// potsAndCredits are accounts at vendors with several pots, with only credits, and that are paid later.
func potsAndCredits(t *testing.T) *fleet {
	t.Helper()
	f := newFleet(t)
	f.add("deepseek", "deepseek", pots(), "API_KEY=deep-key")
	f.add("dollars", "deepseek", pots(), "API_KEY=deep-key", "CURRENCY=USD")
	f.add("euros", "deepseek", pots(), "API_KEY=deep-key", "CURRENCY=EUR")
	f.add("selectel", "selectel", says("/v3/balances", `{"status":"success","settings":{"currency":"rub"},"data":{"billings":[
		{"billing_type":"storage","final_sum":203005,"balances":[]},{"billing_type":"primary","final_sum":-1000,"balances":[]}]}}`), "TOKEN=some-token")
	f.add("brevo", "brevo", says("/v3/account", `{"plan":[{"type":"payAsYouGo","credits":5000},{"type":"sms","credits":999.5360000000001}]}`), "API_KEY=some-key")
	f.add("linode", "linode", says("/v4/account", `{"balance":200,"balance_uninvoiced":145}`), "TOKEN=some-token")
	f.simulated("selzy", "selzy", "ordinarykey")
	return f
}

func TestWallets(t *testing.T) {
	t.Parallel()
	f := potsAndCredits(t)
	database := "GATEWAY_DATABASE_URL=sqlite:" + t.TempDir() + "/gateway.db"
	g := f.serve(database)
	const (
		cny  = `{"name":null,"balance":{"amount":"90071992547409.93","currency":"CNY"}}`
		usd  = `{"name":null,"balance":{"amount":"-12.50","currency":"USD"}}`
		head = `{"account":"deepseek","provider":"deepseek","as_of":"T","stale":false,"blocked":null,"credit":null,"billing":"prepaid",`
	)
	main := head + `"balance":{"amount":"90071992547409.93","currency":"CNY"},"bonus":{"amount":"10.00","currency":"CNY"},"wallets":[` + cny + `,` + usd + `]}`
	inDollars := `"balance":{"amount":"-12.50","currency":"USD"},"bonus":{"amount":"0.00","currency":"USD"},"wallets":[`
	linode := `{"account":"linode","provider":"linode","as_of":"T","stale":false,"balance":{"amount":"-345","currency":"USD"},
		"blocked":null,"credit":null,"bonus":null,"wallets":[],"billing":"postpaid"}`
	statistics := `{"account":"brevo","provider":"brevo","as_of":"T","stale":false,"period":null,"counters":[],"plan":null,"services":[],"amounts":[
		{"name":"emails_pay_as_you_go","scope":"now","amount":"5000","currency":null,"unit":"email_credits"},
		{"name":"sms","scope":"now","amount":"999.5360000000001","currency":null,"unit":"sms_credits"}]}`
	g.get(t, "/accounts/deepseek/balance").wantBody(main)
	g.get(t, "/accounts/deepseek/balance?currency=USD").wantBody(head + inDollars + usd + `,` + cny + `]}`)
	g.get(t, "/accounts/dollars/balance").wantBody(strings.ReplaceAll(head, `"account":"deepseek"`, `"account":"dollars"`) + inDollars + cny + `,` + usd + `]}`)
	g.get(t, "/accounts/selectel/balance").wantBody(`{"account":"selectel","provider":"selectel","as_of":"T","stale":false,
		"balance":{"amount":"-10.00","currency":"RUB"},"blocked":null,"credit":null,"bonus":null,"billing":null,"wallets":[
		{"name":"storage","balance":{"amount":"2030.05","currency":"RUB"}},{"name":"primary","balance":{"amount":"-10.00","currency":"RUB"}}]}`)
	g.get(t, "/accounts/linode/balance").wantBody(linode)
	g.get(t, "/accounts/brevo/statistics").wantBody(statistics)
	g.get(t, "/accounts/deepseek/balance?currency=EUR").wantProblem(http.StatusUnprocessableEntity, "unsupported_currency")

	// A setting that fits no pot is nobody's parameter, and is seen before anybody asks.
	if p := g.get(t, "/accounts/euros/balance").wantProblem(http.StatusBadGateway, "provider_error"); !strings.Contains(p.Detail, "no pot in EUR, which its setting CURRENCY asks for") {
		t.Errorf("got %s", p.Detail)
	}
	if a := g.get(t, "/accounts/euros"); !strings.Contains(string(a.body), `"state":"bad_response"`) {
		t.Errorf("the account's state tells nothing: %s", a.body)
	}

	// Twice two pots, two of roubles, and two of one pot. The credits are no money.
	var fleet struct {
		Complete bool
		Totals   []struct{ Amount, Currency string }
	}
	g.get(t, "/balances").decode(&fleet)
	got := ""
	for _, total := range fleet.Totals {
		got += total.Amount + " " + total.Currency + "; "
	}
	if want := "180143985094819.86 CNY; 2020.05 RUB; -374.75 USD; "; got != want || fleet.Complete {
		t.Errorf("totals %s, want %s", got, want)
	}

	page, _ := fetch(t, g.url, "/")
	for _, want := range []string{`value="180143985094819.86"`, `value="2020.05"`, `value="-374.75"`, "and 1 more pot", `without a current balance: <a href="/ui/euros">euros</a></p>`} {
		if !strings.Contains(string(page.body), want) {
			t.Errorf("the page has no %s", want)
		}
	}
	eventually(t, "alerts of negative balances", func() bool {
		page, _ = fetch(t, g.url, "/?health=attention")
		return strings.Contains(string(page.body), `<a class="account" href="/ui/selectel">`) && strings.Contains(string(page.body), `<a class="account" href="/ui/dollars">`)
	})
	for _, name := range []string{"linode", "brevo"} {
		if strings.Contains(string(page.body), `<a class="account" href="/ui/`+name+`">`) {
			t.Errorf("attention to %s", name)
		}
	}
	page, _ = fetch(t, g.url, "/ui/selectel")
	if !strings.Contains(string(page.body), `storage</th>`) || !strings.Contains(string(page.body), `value="2030.05"`) {
		t.Error("the page of the account does not list its pots")
	}
	page, _ = fetch(t, g.url, "/ui/brevo")
	if !strings.Contains(string(page.body), `999.5360000000001`) || !strings.Contains(string(page.body), "sms credits") {
		t.Error("the page of the account does not show its credits")
	}

	metrics, _ := fetch(t, g.url, "/metrics")
	for _, want := range []string{
		`account_wallet_balance{account="deepseek",currency="CNY",provider="deepseek",wallet=""} 9.007199254740994e+13`,
		`account_wallet_balance{account="deepseek",currency="USD",provider="deepseek",wallet=""} -12.5`,
		`account_wallet_balance{account="selectel",currency="RUB",provider="selectel",wallet="storage"} 2030.05`,
		`account_balance{account="dollars",currency="USD",provider="deepseek"} -12.5`,
		`account_billing_info{account="linode",billing="postpaid",provider="linode"} 1`,
		`account_amount{account="brevo",amount="sms",currency="",provider="brevo",unit="sms_credits"} 999.5360000000001`,
	} {
		if !strings.Contains(string(metrics.body), "\n"+want+"\n") {
			t.Errorf("no metric %s", want)
		}
	}
	for _, not := range []string{`account_wallet_balance{account="linode"`, `account_wallet_balance{account="selzy"`, `account_balance{account="brevo"`} {
		if strings.Contains(string(metrics.body), not) {
			t.Errorf("there is a metric %s", not)
		}
	}

	// All of it is there after a restart, without a call.
	g.stop()
	g = f.serve(database)
	for target, want := range map[string]string{"deepseek/balance": main, "linode/balance": linode, "brevo/statistics": statistics} {
		a := g.get(t, "/accounts/"+target, "Cache-Control", "only-if-cached")
		a.wantBody(want)
	}
}
