package main

import (
	"encoding/json"
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestReads compares every read of every kind of account with what the
// simulated vendors hold.
func TestReads(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	f.simulated("regru", "regru", "test:test")
	f.simulated("regru-partner", "regru", "partner:partner-secret")
	f.simulated("regru-shop", "regru", "shop:shop-secret")
	f.simulated("regru-alt", "regru", "partner:partner-api-secret") // the alternative password for the API
	f.simulated("regru-mail", "regru", "shop@example.ru:shop-secret")
	f.simulated("selzy", "selzy", "ordinarykey")
	f.simulated("selzy-reseller", "selzy", "resellerkey")
	f.simulated("selzy-crm", "selzy", "crmkey")
	f.simulated("unisender", "unisender", "ordinarykey")
	f.simulated("unisender-reseller", "unisender", "resellerkey")
	g := f.serve()

	tests := []struct{ target, want string }{
		// Money: as many digits as the vendor sent, RUR as RUB, absent as null.
		{"/accounts/regru/balance", balance("regru", "regru", "1000 RUB", "", "10 RUB", "")},
		{"/accounts/regru-partner/balance", balance("regru-partner", "regru", "48213.07 RUB", "1250.50 RUB", "30000 RUB", "")},
		{"/accounts/regru-shop/balance", balance("regru-shop", "regru", "312.40 RUB", "", "", "")},
		{"/accounts/regru-alt/balance", balance("regru-alt", "regru", "48213.07 RUB", "1250.50 RUB", "30000 RUB", "")},
		{"/accounts/regru-mail/balance", balance("regru-mail", "regru", "312.40 RUB", "", "", "")},
		{"/accounts/regru-partner/balance?currency=RUB", balance("regru-partner", "regru", "48213.07 RUB", "1250.50 RUB", "30000 RUB", "")},
		// 81.4275, 94.9130 and 1.9517 roubles are the simulator's prices of one unit.
		{"/accounts/regru-partner/balance?currency=USD", balance("regru-partner", "regru", "592.10 USD", "15.36 USD", "368.43 USD", "")},
		{"/accounts/regru-partner/balance?currency=EUR", balance("regru-partner", "regru", "507.97 EUR", "13.18 EUR", "316.08 EUR", "")},
		{"/accounts/regru-partner/balance?currency=UAH", balance("regru-partner", "regru", "24703.12 UAH", "640.72 UAH", "15371.21 UAH", "")},
		{"/accounts/selzy/balance", balance("selzy", "selzy", "-4.75 USD", "", "", "")},
		{"/accounts/selzy/balance?currency=USD", balance("selzy", "selzy", "-4.75 USD", "", "", "")},
		{"/accounts/selzy-reseller/balance", balance("selzy-reseller", "selzy", "1530.07 EUR", "", "", "30.07 EUR")},
		{"/accounts/selzy-crm/balance", balance("selzy-crm", "selzy", "2310.4 UAH", "", "", "")},
		{"/accounts/unisender/balance", balance("unisender", "unisender", "-4.75 USD", "", "", "")},

		// Counters: dates limit only those of scope period.
		{"/accounts/regru/statistics", statistics("regru", "regru", "null", regruNow(5, 3, 4, 1, 6, 2), `{"name":"balance_total","scope":"now","amount":"100","currency":"RUB","unit":null}`)},
		{"/accounts/regru-partner/statistics", statistics("regru-partner", "regru", "null", partnerNow, partnerTotal)},
		{"/accounts/regru-partner/statistics?date_from=2026-01-01&date_till=2026-01-31",
			statistics("regru-partner", "regru", `{"from":"2026-01-01","till":"2026-01-31"}`, partnerNow+","+registered(20), costs("5469.25")+","+partnerTotal)},
		{"/accounts/regru-partner/statistics?date_from=2026-01-31&date_till=2026-01-31",
			statistics("regru-partner", "regru", `{"from":"2026-01-31","till":"2026-01-31"}`, partnerNow+","+registered(2), costs("1290.00")+","+partnerTotal)},
		{"/accounts/regru-partner/statistics?date_from=2026-02-01",
			statistics("regru-partner", "regru", `{"from":"2026-02-01","till":null}`, partnerNow+","+registered(108), costs("40292.72")+","+partnerTotal)},
		{"/accounts/regru-partner/statistics?date_till=2026-01-15",
			statistics("regru-partner", "regru", `{"from":null,"till":"2026-01-15"}`, partnerNow+","+registered(18), costs("4179.25")+","+partnerTotal)},
		// Nothing was bought in that time: the vendor says 0, so it is a true one.
		{"/accounts/regru-partner/statistics?date_till=2020-02-29",
			statistics("regru-partner", "regru", `{"from":null,"till":"2020-02-29"}`, partnerNow+","+registered(0), costs("0.00")+","+partnerTotal)},
		{"/accounts/selzy/statistics", `{"account":"selzy","provider":"selzy","as_of":"T","stale":false,
			"period":{"from":"2026-03-05T00:00:00.000Z","till":"2026-04-05T00:00:00.000Z"},
			"counters":[
				{"name":"emails_payg","value":5317,"limit":5000,"unlimited":false,"scope":"lifetime"},
				{"name":"emails_period","value":212,"limit":15000,"unlimited":false,"scope":"period"},
				{"name":"contacts","value":998,"limit":null,"unlimited":true,"scope":"now"}],
			"amounts":[],"plan":{"id":"71","next_id":"71"},
			"services":[{"id":"9","name":"crm_basic_3m","paid_until":"2026-06-05T00:00:00.000Z"}]}`},
		{"/accounts/selzy-reseller/statistics", `{"account":"selzy-reseller","provider":"selzy","as_of":"T","stale":false,
			"period":{"from":"2026-03-05T00:00:00.000Z","till":"2026-04-05T00:00:00.000Z"},
			"counters":[
				{"name":"emails_payg","value":99999,"limit":100000,"unlimited":false,"scope":"lifetime"},
				{"name":"emails_period","value":431207,"limit":600000,"unlimited":false,"scope":"period"},
				{"name":"contacts","value":51234,"limit":50000,"unlimited":false,"scope":"now"}],
			"amounts":[],"plan":{"id":"90","next_id":"72"},
			"services":[
				{"id":"9","name":"crm_basic_3m","paid_until":"2026-05-16T00:00:00.000Z"},
				{"id":"12","name":"<b>ip_dedicated</b>","paid_until":"2027-03-05T00:00:00.000Z"}]}`},

		// Users.
		{"/accounts/regru/users", users("regru", "regru", regruUser("0", "test"))},
		{"/accounts/regru-partner/users?login=partner", users("regru-partner", "regru", regruUser("4811201", "partner"))},
		{"/accounts/selzy/users", users("selzy", "selzy", acme("selzy"))},
		{"/accounts/selzy/users?login=acme_shop", users("selzy", "selzy", acme("selzy"))},
		{"/accounts/unisender/users", users("unisender", "unisender", acme("unisender"))},
		{"/accounts/selzy-crm/users", users("selzy-crm", "selzy", `{"id":null,"login":"crm_desk","email":"crm@desk.example",
			"first_name":"Olena","middle_name":null,"last_name":"Koval","phone":null,"company":null,"country":"UA","language":"en",
			"timezone":"Europe/Kyiv","registered_at":"2018-09-09T18:01:02.000Z","parent_login":null,"roles":[],"active":true,"api_access":"on",
			"attributes":{"disable_sending":"0","reg_time":"2018-09-09 18:01:02","reg_url":"https://selzy.com/en/registration/",
				"user_reg_info_city":"Lviv","user_reg_info_industry_info":"retail","user_reg_info_subscribers_approx_num":"up to 5 thousand"}}`)},
		{"/accounts/selzy-reseller/users?login=lumi_cafe_staff", users("selzy-reseller", "selzy", `{"id":null,"login":"lumi_cafe_staff",
			"email":"staff@lumi.example","first_name":"Onni","middle_name":null,"last_name":null,"phone":null,"company":null,
			"country":"FI","language":"en","timezone":"Europe/Helsinki","registered_at":"2024-01-15T12:00:01.000Z","parent_login":"lumi_cafe",
			"roles":[],"active":true,"api_access":"on","attributes":{"balance":"0","balance_bonus":"0","currency":"EUR",
				"email_period_end":"2026-04-05 00:00:00","email_period_start":"2026-03-05 00:00:00","emails_paid":"0","emails_used":"0",
				"next_tariff_id":"72","period_emails_paid":"0","period_emails_used":"0","reg_time":"2024-01-15 12:00:01",
				"reg_url":"https://selzy.com/en/registration/","services":"[]","subscribers_total":"0","subscribers_used":"0","tariff_id":"72"}}`)},
	}
	for _, tt := range tests {
		g.get(t, tt.target).wantBody(tt.want)
	}

	refused := []struct {
		target string
		status int
		code   string
		field  string
	}{
		{"/accounts/regru/balance?currency=KZT", 422, "unsupported_currency", "currency"},
		{"/accounts/selzy/balance?currency=EUR", 422, "unsupported_currency", "currency"},
		{"/accounts/unisender/balance?currency=RUB", 422, "unsupported_currency", "currency"},
		{"/accounts/regru/users?login=partner", 422, "unsupported_parameter", "login"},
		{"/accounts/selzy/users?login=nord_partner", 422, "unsupported_parameter", "login"},
		{"/accounts/selzy-reseller/users?login=acme_shop", 404, "not_found", "login"},
		{"/accounts/selzy-reseller/users?login=LUMI_CAFE", 404, "not_found", "login"}, // the vendor answers about lumi_cafe
		{"/accounts/selzy/statistics?date_from=2026-01-01", 422, "unsupported_parameter", "date_from"},
		{"/accounts/selzy/statistics?date_till=2026-01-01", 422, "unsupported_parameter", "date_till"},
		{"/accounts/regru/balance?currency=usd", 400, "invalid_parameter", "currency"},
		{"/accounts/regru/balance?currency=XXX", 400, "invalid_parameter", "currency"},
		{"/accounts/regru/balance?curency=USD", 400, "invalid_parameter", "curency"},
		{"/accounts/regru/statistics?date_from=2026-02-30", 400, "invalid_parameter", "date_from"},
		{"/accounts/regru/statistics?date_from=2026-02-02&date_till=2026-02-01", 400, "invalid_parameter", "date_till"},
		{"/accounts/selzy/users?limit=0", 400, "invalid_parameter", "limit"},
		{"/accounts/selzy/users?cursor=nonsense", 400, "invalid_parameter", "cursor"},
		{"/balances?require=some", 400, "invalid_parameter", "require"},
		{"/accounts/nobody/balance", 404, "account_not_found", ""},
		{"/nowhere", 404, "not_found", ""},
	}
	for _, tt := range refused {
		p := g.get(t, tt.target).wantProblem(tt.status, tt.code)
		var want []string
		if tt.field != "" {
			want = []string{tt.field}
		}
		if diff := cmp.Diff(want, p.fields()); diff != "" {
			t.Errorf("GET %s: fields (-want +got):\n%s", tt.target, diff)
		}
	}

	var fleet struct {
		Complete bool
		Totals   []struct{ Amount, Currency string }
	}
	a := g.get(t, "/balances?require=all")
	if err := json.Unmarshal(a.body, &fleet); err != nil || !fleet.Complete {
		t.Fatalf("GET /balances: %v %s", err, a.body)
	}
	got := map[string]string{}
	for _, sum := range fleet.Totals {
		got[sum.Currency] = sum.Amount
	}
	// 1000 + twice 48213.07 + twice 312.40; twice -4.75; twice 1530.07; 2310.4.
	want := map[string]string{"RUB": "98050.94", "USD": "-9.50", "EUR": "3060.14", "UAH": "2310.4"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("totals (-want +got):\n%s", diff)
	}
}

// TestUserPages walks a reseller's users page by page.
func TestUserPages(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	f.simulated("selzy", "selzy", "resellerkey")
	g := f.serve()
	want := []string{"lumi_cafe", "lumi_cafe_staff", "nord_partner", "old.timer@nord.example", "rio_flores", "second_desk", "steppe_books"}
	for _, limit := range []string{"1", "2", "3", "7", "1000"} {
		var got []string
		for cursor := ""; ; {
			query := url.Values{"limit": {limit}}
			if cursor != "" {
				query.Set("cursor", cursor)
			}
			var page struct {
				Users      []struct{ Login string }
				NextCursor *string `json:"next_cursor"`
			}
			a := g.get(t, "/accounts/selzy/users?"+query.Encode())
			if err := json.Unmarshal(a.body, &page); err != nil || a.status != 200 {
				t.Fatalf("limit %s: %d %s", limit, a.status, a.body)
			}
			for _, u := range page.Users {
				got = append(got, u.Login)
			}
			if page.NextCursor == nil || len(got) > len(want) {
				break
			}
			cursor = *page.NextCursor
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("limit %s: logins (-want +got):\n%s", limit, diff)
		}
	}
}

// money is "310.20 USD" as JSON, and "" as null.
func money(text string) string {
	if text == "" {
		return "null"
	}
	n := len(text) - len(" USD")
	return `{"amount":"` + text[:n] + `","currency":"` + text[n+1:] + `"}`
}

func balance(account, provider, amount, blocked, credit, bonus string) string {
	return `{"account":"` + account + `","provider":"` + provider + `","as_of":"T","stale":false,"balance":` + money(amount) +
		`,"blocked":` + money(blocked) + `,"credit":` + money(credit) + `,"bonus":` + money(bonus) + `,"wallets":[],"billing":null}`
}

func statistics(account, provider, period, counters, amounts string) string {
	return `{"account":"` + account + `","provider":"` + provider + `","as_of":"T","stale":false,"period":` + period +
		`,"counters":[` + counters + `],"amounts":[` + amounts + `],"plan":null,"services":[]}`
}

func counter(name string, value int, scope string) string {
	v, _ := json.Marshal(value) // an int always encodes
	return `{"name":"` + name + `","value":` + string(v) + `,"limit":null,"unlimited":false,"scope":"` + scope + `"}`
}

func regruNow(active, partial, due, duePartial, undelegated, folders int) string {
	return counter("domains_active", active, "now") + "," + counter("domains_active_partial_control", partial, "now") + "," +
		counter("domains_renewal_due", due, "now") + "," + counter("domains_renewal_due_partial_control", duePartial, "now") + "," +
		counter("domains_undelegated", undelegated, "now") + "," + counter("domain_folders", folders, "now")
}

var (
	partnerNow   = regruNow(1287, 14, 96, 2, 41, 23) + "," + counter("domains_transferring_in", 3, "now")
	partnerTotal = `{"name":"balance_total","scope":"now","amount":"48213.07","currency":"RUB","unit":null}`
)

func registered(n int) string { return counter("domains_registered", n, "period") }

func costs(amount string) string {
	return `{"name":"costs","scope":"period","amount":"` + amount + `","currency":"RUB","unit":null}`
}

func users(account, provider, user string) string {
	return `{"account":"` + account + `","provider":"` + provider + `","as_of":"T","stale":false,"users":[` + user + `],"warnings":[],"next_cursor":null}`
}

func regruUser(id, login string) string {
	return `{"id":"` + id + `","login":"` + login + `","email":null,"first_name":null,"middle_name":null,"last_name":null,"phone":null,
		"company":null,"country":null,"language":null,"timezone":null,"registered_at":null,"parent_login":null,"roles":[],
		"active":null,"api_access":null,"attributes":{}}`
}

// acme is the owner of "ordinarykey".
func acme(brand string) string {
	return `{"id":null,"login":"acme_shop","email":"owner@acme.example","first_name":"Ada","middle_name":null,"last_name":"Byron",
		"phone":"+15550100","company":"Acme","country":"US","language":"en","timezone":"America/New_York",
		"registered_at":"2021-06-14T09:12:45.000Z","parent_login":null,"roles":[],"active":true,"api_access":"on",
		"attributes":{"reg_time":"2021-06-14 09:12:45","reg_url":"https://` + brand + `.com/en/registration/"}}`
}
