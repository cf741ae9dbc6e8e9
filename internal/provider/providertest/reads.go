package providertest

import (
	"encoding/json"
	"testing"
	"time"

	"accountgateway/internal/provider"
)

func testBalance(t *testing.T, h Harness) {
	p := h.healthy(t)
	r, ok := p.(provider.BalanceReader)
	if !ok {
		return
	}
	for _, q := range h.Balances {
		readings, err := r.ReadBalance(t.Context(), q)
		if err != nil || readings.Balance == nil {
			t.Errorf("%+v: got %+v, %v", q, readings, err)
			continue
		}
		checkBalance(t, *readings.Balance)
		if got := readings.Balance.Balance.Currency; q.Currency != "" && got != q.Currency {
			t.Errorf("%+v: got a balance in %s", q, got)
		}
	}
	if h.NoCurrency == "" {
		return
	}
	readings, err := r.ReadBalance(t.Context(), provider.BalanceQuery{Currency: h.NoCurrency})
	if err = empty(readings, err); provider.KindOf(err) != provider.KindUnsupportedCurrency {
		t.Errorf("balance in %s: got %v, want %s", h.NoCurrency, err, provider.KindUnsupportedCurrency)
	}
}

func checkBalance(t *testing.T, b provider.Balance) {
	t.Helper()
	checkMoney(t, "balance", &b.Balance)
	for name, m := range map[string]*provider.Money{"blocked": b.Blocked, "credit": b.Credit, "bonus": b.Bonus} {
		checkMoney(t, name, m)
		if m != nil && m.Currency != b.Balance.Currency {
			t.Errorf("%s is in %s, the balance in %s", name, m.Currency, b.Balance.Currency)
		}
	}
	main := 0
	for _, w := range b.Wallets {
		checkMoney(t, "wallet", &w.Balance)
		if w.Balance == b.Balance {
			main++
		}
	}
	if len(b.Wallets) > 0 && main == 0 {
		t.Error("the balance is none of the wallets")
	}
	if b.Billing != "" && b.Billing != provider.Prepaid && b.Billing != provider.Postpaid {
		t.Errorf("the billing is %q", b.Billing)
	}
}

// checkMoney wants a currency that exists, and an amount that survives the way to a caller and back.
func checkMoney(t *testing.T, name string, m *provider.Money) {
	t.Helper()
	if m == nil {
		return
	}
	text, err := json.Marshal(m)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	var back provider.Money
	if err := json.Unmarshal(text, &back); err != nil || back != *m {
		t.Errorf("%s: %s came back as %v, %v", name, text, back, err)
	}
}

func testStatistics(t *testing.T, h Harness) {
	p := h.healthy(t)
	r, ok := p.(provider.StatisticsReader)
	if !ok {
		return
	}
	for _, q := range h.Statistics {
		readings, err := r.ReadStatistics(t.Context(), q)
		if err != nil || readings.Statistics == nil {
			t.Errorf("%+v: got %+v, %v", q, readings, err)
			continue
		}
		checkStatistics(t, *readings.Statistics)
		checkPeriod(t, q, readings.Statistics.Period)
	}
}

func checkStatistics(t *testing.T, s provider.Statistics) {
	t.Helper()
	if s.Counters == nil || s.Amounts == nil || s.Services == nil {
		t.Error("counters, amounts or services is nil, which would be null for a caller")
	}
	if len(s.Counters)+len(s.Amounts) == 0 {
		t.Error("there are neither counters nor amounts")
	}
	seen := map[string]bool{}
	for _, c := range s.Counters {
		checkName(t, seen, c.Name, c.Scope)
		if c.Value < 0 || c.Limit != nil && (*c.Limit < 0 || c.Unlimited) {
			t.Errorf("counter %+v makes no sense", c)
		}
	}
	for _, a := range s.Amounts {
		checkName(t, seen, a.Name, a.Scope)
		if a.Unit == "" {
			checkMoney(t, a.Name, &a.Money)
		} else if a.Money.Currency != "" {
			t.Errorf("%s is in %s and in the currency %s", a.Name, a.Unit, a.Money.Currency)
		}
	}
}

func checkName(t *testing.T, seen map[string]bool, name string, scope provider.Scope) {
	t.Helper()
	if name == "" || seen[name] {
		t.Errorf("the name %q is empty or used twice", name)
	}
	seen[name] = true
	switch scope {
	case provider.ScopeNow, provider.ScopePeriod, provider.ScopeLifetime:
	default:
		t.Errorf("%s has the unknown scope %q", name, scope)
	}
}

// checkPeriod wants the dates that were asked for, or else the vendor's own period in UTC or none.
func checkPeriod(t *testing.T, q provider.StatisticsQuery, got *provider.Period) {
	t.Helper()
	if q == (provider.StatisticsQuery{}) {
		if got == nil {
			return
		}
		for _, end := range []*string{got.From, got.Till} {
			if end == nil {
				continue
			}
			if at, err := time.Parse(time.RFC3339, *end); err != nil || at.Location() != time.UTC {
				t.Errorf("the period's end %s is no UTC instant", *end)
			}
		}
		return
	}
	if got == nil || !sameDate(got.From, q.From) || !sameDate(got.Till, q.Till) {
		t.Errorf("%+v: the period is %+v", q, got)
	}
}

func sameDate(got *string, want provider.Date) bool {
	if got == nil {
		return want == ""
	}
	return *got == string(want)
}

func testUsers(t *testing.T, h Harness) {
	p := h.healthy(t)
	r, ok := p.(provider.UserReader)
	if !ok {
		return
	}
	for _, q := range h.Users {
		readings, err := r.ReadUsers(t.Context(), q)
		if err != nil || readings.Users == nil {
			t.Errorf("%+v: got %+v, %v", q, readings, err)
			continue
		}
		checkUsers(t, q, *readings.Users)
	}
	if h.NoLogin == "" {
		return
	}
	readings, err := r.ReadUsers(t.Context(), provider.UserQuery{Login: h.NoLogin})
	switch kind := provider.KindOf(empty(readings, err)); kind {
	case provider.KindUnsupportedParameter, provider.KindNotFound:
	default:
		t.Errorf("user %s: got kind %q (%v), want unsupported_parameter or not_found", h.NoLogin, kind, err)
	}
}

func checkUsers(t *testing.T, q provider.UserQuery, users provider.Users) {
	t.Helper()
	if users.Users == nil || q.Login != "" && len(users.Users) != 1 {
		t.Errorf("%+v: got %d users", q, len(users.Users))
	}
	seen := map[string]bool{}
	for _, u := range users.Users {
		if u.Login == "" || seen[u.Login] || q.Login != "" && u.Login != q.Login {
			t.Errorf("%+v: the login %q is empty, there twice, or not the one asked for", q, u.Login)
		}
		seen[u.Login] = true
		if u.Roles == nil || u.Attributes == nil {
			t.Errorf("%s: roles or attributes is nil, which would be null for a caller", u.Login)
		}
		if u.Country != nil && len(*u.Country) != 2 {
			t.Errorf("%s: the country %q is not alpha-2", u.Login, *u.Country)
		}
		for name, text := range map[string]*string{
			"id": u.ID, "email": u.Email, "first_name": u.FirstName, "middle_name": u.MiddleName, "last_name": u.LastName,
			"phone": u.Phone, "company": u.Company, "language": u.Language, "timezone": u.Timezone, "parent_login": u.ParentLogin,
		} {
			if text != nil && *text == "" {
				t.Errorf("%s: %s is empty, want nil", u.Login, name)
			}
		}
	}
}

// testExtras: what a call teaches beside what was asked must be what the zero query of its kind would have answered.
func testExtras(t *testing.T, h Harness) {
	p := h.healthy(t)
	var all []provider.Readings
	var truth provider.Readings
	add := func(readings provider.Readings, err error) provider.Readings {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, readings)
		return readings
	}
	if r, ok := p.(provider.BalanceReader); ok {
		for i, q := range h.Balances {
			readings := add(r.ReadBalance(t.Context(), q))
			if i == 0 {
				truth.Balance = readings.Balance
			}
			all[len(all)-1].Balance = nil
		}
	}
	if r, ok := p.(provider.StatisticsReader); ok {
		for i, q := range h.Statistics {
			readings := add(r.ReadStatistics(t.Context(), q))
			if i == 0 {
				truth.Statistics = readings.Statistics
			}
			all[len(all)-1].Statistics = nil
		}
	}
	if r, ok := p.(provider.UserReader); ok {
		for i, q := range h.Users {
			readings := add(r.ReadUsers(t.Context(), q))
			if i == 0 {
				truth.Users = readings.Users
			}
			all[len(all)-1].Users = nil
		}
	}
	for _, readings := range all {
		same(t, "balance", readings.Balance == nil, readings.Balance, truth.Balance)
		same(t, "statistics", readings.Statistics == nil, readings.Statistics, truth.Statistics)
		same(t, "users", readings.Users == nil, readings.Users, truth.Users)
	}
}

func same(t *testing.T, name string, absent bool, got, want any) {
	t.Helper()
	if absent {
		return
	}
	gotText, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	wantText, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	if string(gotText) != string(wantText) {
		t.Errorf("the extra %s is not what the zero query answers:\ngot  %s\nwant %s", name, gotText, wantText)
	}
}
