package httpapi

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"accountgateway/internal/provider"
)

// everything is a vendor that answers all reads with every field set.
func everything() fake {
	day := time.Date(2021, 6, 14, 12, 12, 45, 0, time.FixedZone("", 3*60*60))
	return fake{
		balance: func(_ context.Context, q provider.BalanceQuery) (provider.Balance, error) {
			currency := q.Currency
			if currency == "" {
				currency = "RUB"
			}
			return provider.Balance{
				Balance: money("-310.20", currency), Blocked: new(money("15.50", currency)),
				Credit: new(money("5000", currency)), Bonus: new(money("0.00", currency)),
				Wallets: []provider.Wallet{{Name: new("hosting"), Balance: money("-310.20", currency)}, {Balance: money("0.000", "USD")}},
				Billing: provider.Postpaid,
			}, nil
		},
		statistics: func(_ context.Context, q provider.StatisticsQuery) (provider.Statistics, error) {
			s := provider.Statistics{
				Counters: []provider.Counter{
					{Name: "emails_payg", Value: 9007199254740993, Limit: new(int64(5000)), Scope: provider.ScopeLifetime},
					{Name: "contacts", Value: 998, Unlimited: true, Scope: provider.ScopeNow},
				},
				Amounts: []provider.Amount{
					{Name: "costs", Scope: provider.ScopePeriod, Money: money("1990.00", "RUB")},
					{Name: "left", Scope: provider.ScopeNow, Money: money("7.50", ""), Unit: "sms_credits"},
				},
				Plan:     &provider.Plan{ID: "71", NextID: new("72")},
				Services: []provider.Service{{ID: "9", Name: "crm_basic_3m", PaidUntil: &day}},
			}
			if q.From != "" {
				s.Period = &provider.Period{From: new(string(q.From))}
			} else {
				s.Period = &provider.Period{From: new("2024-03-05T00:00:00Z"), Till: new("2024-04-05T00:00:00Z")}
			}
			return s, nil
		},
		users: func(_ context.Context, q provider.UserQuery) (provider.Users, error) {
			full := provider.User{
				ID: new("17"), Login: "acme_shop", Email: new("owner@acme.example"), FirstName: new("Ada"),
				MiddleName: new("K."), LastName: new("Byron"), Phone: new("+15550100"), Company: new("Acme"), Country: new("US"),
				Language: new("en"), Timezone: new("America/New_York"), RegisteredAt: &day, ParentLogin: new("acme"),
				Roles: []string{"reseller"}, Active: new(true), APIAccess: new("test"), Attributes: map[string]string{"channel": "ads"},
			}
			if q.Login != "" {
				return provider.Users{Users: []provider.User{{Login: q.Login}}}, nil
			}
			return provider.Users{Users: []provider.User{full, {Login: "a"}}}, nil
		},
	}
}

func TestBodies(t *testing.T) {
	g := start(t, map[string]fake{"acme": everything(), "poor": balanceOf("0", "USD"), "silent": {
		statistics: func(context.Context, provider.StatisticsQuery) (provider.Statistics, error) {
			return provider.Statistics{}, nil
		},
		users: func(context.Context, provider.UserQuery) (provider.Users, error) { return provider.Users{}, nil },
	}})
	const empty = `"id":null,"email":null,"first_name":null,"middle_name":null,"last_name":null,"phone":null,"company":null,"country":null,
		"language":null,"timezone":null,"registered_at":null,"parent_login":null,"roles":[],"active":null,"api_access":null,"attributes":{}`
	tests := []struct{ name, target, want string }{
		{"balance", "/accounts/acme/balance", `{"account":"acme","provider":"vendor-of-acme","as_of":"T","stale":false,
			"balance":{"amount":"-310.20","currency":"RUB"},"blocked":{"amount":"15.50","currency":"RUB"},
			"credit":{"amount":"5000","currency":"RUB"},"bonus":{"amount":"0.00","currency":"RUB"},
			"wallets":[{"name":"hosting","balance":{"amount":"-310.20","currency":"RUB"}},{"name":null,"balance":{"amount":"0.000","currency":"USD"}}],
			"billing":"postpaid"}`},
		{"absent is null", "/accounts/poor/balance", `{"account":"poor","provider":"vendor-of-poor","as_of":"T","stale":false,
			"balance":{"amount":"0","currency":"USD"},"blocked":null,"credit":null,"bonus":null,"wallets":[],"billing":null}`},
		{"statistics of the vendor's period", "/accounts/acme/statistics", `{"account":"acme","provider":"vendor-of-acme","as_of":"T","stale":false,
			"period":{"from":"2024-03-05T00:00:00.000Z","till":"2024-04-05T00:00:00.000Z"},
			"counters":[{"name":"emails_payg","value":9007199254740993,"limit":5000,"unlimited":false,"scope":"lifetime"},
				{"name":"contacts","value":998,"limit":null,"unlimited":true,"scope":"now"}],
			"amounts":[{"name":"costs","scope":"period","amount":"1990.00","currency":"RUB","unit":null},
				{"name":"left","scope":"now","amount":"7.50","currency":null,"unit":"sms_credits"}],
			"plan":{"id":"71","next_id":"72"},"services":[{"id":"9","name":"crm_basic_3m","paid_until":"2021-06-14T09:12:45.000Z"}]}`},
		{"statistics of nothing", "/accounts/silent/statistics", `{"account":"silent","provider":"vendor-of-silent","as_of":"T","stale":false,
			"period":null,"counters":[],"amounts":[],"plan":null,"services":[]}`},
		{"users", "/accounts/acme/users", `{"account":"acme","provider":"vendor-of-acme","as_of":"T","stale":false,"users":[
			{"login":"a",` + empty + `},
			{"id":"17","login":"acme_shop","email":"owner@acme.example","first_name":"Ada","middle_name":"K.","last_name":"Byron","phone":"+15550100",
			"company":"Acme","country":"US","language":"en","timezone":"America/New_York","registered_at":"2021-06-14T09:12:45.000Z","parent_login":"acme",
			"roles":["reseller"],"active":true,"api_access":"test","attributes":{"channel":"ads"}}],"warnings":[],"next_cursor":null}`},
		{"one user", "/accounts/acme/users?login=b%20c", `{"account":"acme","provider":"vendor-of-acme","as_of":"T","stale":false,
			"users":[{"login":"b c",` + empty + `}],"warnings":[],"next_cursor":null}`},
		{"no users", "/accounts/silent/users", `{"account":"silent","provider":"vendor-of-silent","as_of":"T","stale":false,"users":[],"warnings":[],"next_cursor":null}`},
		{"health", "/healthz", `{"status":"ok"}`},
		{"ready", "/readyz", `{"status":"ok"}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g.t = t
			a := g.get(tt.target)
			a.wantBody(tt.want)
			want := "no-store"
			if strings.Contains(tt.want, "as_of") {
				want = "private, max-age=60, stale-if-error=3600"
			}
			if got := a.header.Get("Cache-Control"); got != want {
				t.Errorf("Cache-Control is %q, want %q", got, want)
			}
		})
	}
}

func TestAccounts(t *testing.T) {
	g := start(t, map[string]fake{
		"b-2": everything(),
		"a-1": failing(&provider.Error{Kind: provider.KindCredentials, Message: "the vendor does not know the key"}),
	})
	const capabilities = `"capabilities":{"balance":"supported","statistics":"supported","users":"supported","create_user":"not_built","refill":"unsupported"}`
	g.get("/accounts/b-2").wantBody(`{"name":"b-2","provider":"vendor-of-b-2",` + capabilities + `,
		"health":{"state":"unknown","since":"T","last_success_at":null,"detail":"no call yet","remedy":null},"alerts":[]}`)
	g.get("/accounts/a-1/balance").wantCode(ProblemCodeProviderCredentials)
	g.get("/accounts/b-2/balance")

	const (
		a = `{"name":"a-1","provider":"vendor-of-a-1",` + capabilities + `,"health":{"state":"bad_credentials","since":"T","last_success_at":null,
			"detail":"provider_credentials: the vendor does not know the key","remedy":"check the credentials in A_1_*; then run gateway check"},"alerts":[]}`
		b = `{"name":"b-2","provider":"vendor-of-b-2",` + capabilities + `,"health":{"state":"ok","since":"T","last_success_at":"T",
			"detail":"the last call succeeded","remedy":null},"alerts":[]}`
	)
	for query, want := range map[string]string{
		"": a + "," + b, "?health=ok": b, "?health=bad_credentials": a, "?health=unavailable": "", "?provider=vendor-of-a-1": a, "?provider=a-1": "",
		"?health=ok&provider=vendor-of-b-2": b, "?health=ok&provider=vendor-of-a-1": "", "?limit=2": a + "," + b,
		"?cursor=" + formatCursor(byAccount, "a-1"): b, "?cursor=" + formatCursor(byAccount, "b-1"): b, "?cursor=" + formatCursor(byAccount, "b-2"): "",
	} {
		g.get("/accounts" + query).wantBody(`{"accounts":[` + want + `],"next_cursor":null}`)
	}
	g.get("/accounts?limit=1").wantBody(`{"accounts":[` + a + `],"next_cursor":"` + formatCursor(byAccount, "a-1") + `"}`)
	g.get("/accounts?health=ok&limit=1").wantBody(`{"accounts":[` + b + `],"next_cursor":null}`)

	g.get("/accounts/c").wantCode(ProblemCodeAccountNotFound)
	start(t, nil).get("/accounts").wantBody(`{"accounts":[],"next_cursor":null}`)
}

func TestAccountsOfBadQuery(t *testing.T) {
	g := start(t, map[string]fake{"acme": everything()})
	for query, fields := range map[string][]string{
		"health=fine": {"health"}, "health=OK": {"health"}, "health=": {"health"}, "health=ok&health=ok": {"health"}, "provider=": {"provider"}, "limit=0": {"limit"},
		"cursor=x": {"cursor"}, "cursor=" + formatCursor(byLogin, "acme"): {"cursor"}, "vendor=acme": {"vendor"},
		"health=fine&limit=no&cursor=x": {"health", "limit", "cursor"},
	} {
		g.get("/accounts?" + query).wantFields(fields...)
	}
}

// TestPagesOfAccounts walks all pages: every account once, by name.
func TestPagesOfAccounts(t *testing.T) {
	many := map[string]fake{}
	for i := range 23 {
		many[fmt.Sprintf("account-%02d", (i*7)%23)] = balanceOf("1", "USD")
	}
	g := start(t, many)
	want := slices.Sorted(maps.Keys(many))
	for _, limit := range []int{1, 7, 22, 23, 1000} {
		var got []string
		for cursor := ""; ; {
			var page Accounts
			g.get(fmt.Sprintf("/accounts?limit=%d%s", limit, cursor)).decode(&page)
			if len(page.Accounts) > limit {
				t.Fatalf("a page of %d, the limit is %d", len(page.Accounts), limit)
			}
			for _, a := range page.Accounts {
				got = append(got, a.Name)
			}
			if page.NextCursor == nil || len(got) > len(want) {
				break
			}
			cursor = "&cursor=" + *page.NextCursor
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("limit %d: accounts (-want +got):\n%s", limit, diff)
		}
	}
}

// TestQueries checks what the parameters become.
func TestQueries(t *testing.T) {
	var got []any
	refuse := provider.Errorf(provider.KindRejected, "seen")
	g := start(t, map[string]fake{"acme": {
		balance: func(_ context.Context, q provider.BalanceQuery) (provider.Balance, error) {
			got = append(got, q)
			return provider.Balance{}, refuse
		},
		statistics: func(_ context.Context, q provider.StatisticsQuery) (provider.Statistics, error) {
			got = append(got, q)
			return provider.Statistics{}, refuse
		},
		users: func(_ context.Context, q provider.UserQuery) (provider.Users, error) {
			got = append(got, q)
			return provider.Users{}, refuse
		},
	}})
	for _, target := range []string{
		"balance", "balance?currency=USD",
		"statistics", "statistics?date_from=2024-02-29", "statistics?date_till=2026-01-31", "statistics?date_from=2026-01-31&date_till=2026-01-31",
		"users", "users?login=%D0%B0", "users?limit=1000&login=x",
	} {
		g.get("/accounts/acme/" + target).wantCode(ProblemCodeProviderRejected)
	}
	want := []any{
		provider.BalanceQuery{}, provider.BalanceQuery{Currency: "USD"},
		provider.StatisticsQuery{}, provider.StatisticsQuery{From: "2024-02-29"}, provider.StatisticsQuery{Till: "2026-01-31"},
		provider.StatisticsQuery{From: "2026-01-31", Till: "2026-01-31"},
		provider.UserQuery{}, provider.UserQuery{Login: "а"}, provider.UserQuery{Login: "x"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("queries (-want +got):\n%s", diff)
	}
}

func TestUnsupported(t *testing.T) {
	p := start(t, map[string]fake{"acme": balanceOf("1", "USD")}).get("/accounts/acme/users").wantCode(ProblemCodeUnsupportedOperation)
	if p.Account == nil || *p.Account != "acme" || p.Provider == nil || *p.Provider != "vendor-of-acme" {
		t.Errorf("the problem does not name the account: %+v", p)
	}
}

func TestReady(t *testing.T) {
	tests := []struct {
		name, want, hidden string
		ready              func(context.Context) error
	}{
		{"a reason for anyone", "the gateway is shutting down", "", func(context.Context) error { return NotReady("the gateway is shutting down") }},
		{"a cause for the log", "the gateway's log", "db.internal", func(context.Context) error { return errors.New("dial db.internal: refused") }},
		{"a bounded wait", "the gateway's log", "", func(ctx context.Context) error {
			if _, ok := ctx.Deadline(); !ok {
				return NotReady("no deadline")
			}
			return context.DeadlineExceeded
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g := start(t, nil, func(o *Options) { o.Ready = tt.ready })
			a := g.get("/readyz")
			if a.status != http.StatusServiceUnavailable || !strings.Contains(string(a.body), tt.want) {
				t.Errorf("got %d %s", a.status, a.body)
			}
			if tt.hidden != "" && (strings.Contains(string(a.body), tt.hidden) || !strings.Contains(g.log.String(), tt.hidden)) {
				t.Errorf("%q belongs only in the log: %s", tt.hidden, a.body)
			}
		})
	}
}
