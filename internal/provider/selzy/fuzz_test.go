package selzy_test

import (
	"net/http"
	"reflect"
	"strings"
	"testing"

	"accountgateway/internal/provider"
	"accountgateway/internal/provider/providertest"
	"accountgateway/internal/provider/wire"
)

// A balance is only ever given if the body holds that figure; what else is learned makes sense; nothing panics.
func FuzzUserInfo(f *testing.F) {
	for _, result := range []string{
		composed, documented, with("balance", `"18.5200"`), with("balance", `-3`), with("services", `{}`), with("services", `{"0": {"id": 1}}`),
		strings.Replace(composed, "-4.75", "2.0e-5", 1), with("balance_bonus", `""`), with("currency", `"RUR"`), with("error", `"no rights"`), with("master", `0`),
		without("currency"),
		with("subscribers_total", `0`), with("email_period_end", `""`), with("country", `"ZZZ"`), `[]`, `""`, `false`,
	} {
		f.Add(http.StatusOK, success(result), "")
	}
	f.Add(http.StatusOK, success(composed), "acme_shop")
	f.Add(http.StatusOK, success(composed), "other")
	f.Add(http.StatusOK, "{\"result\": {\"login\": \"a\tb\", \"balance\": 1, \"currency\": \"USD\"}}", "")
	f.Add(http.StatusOK, `{"error":"x","code":"unspecified","result":""}`, "")
	f.Add(http.StatusOK, `{"error":"x","result":false}`, "")
	f.Add(http.StatusNotFound, `<html>`, "")
	f.Fuzz(func(t *testing.T, status int, body, login string) {
		if status < 200 || status > 499 { // others are tried again, which takes its time
			status = http.StatusOK
		}
		client := newClient(&providertest.Stub{Status: status, Body: body})
		got, err := client.ReadBalance(t.Context(), provider.BalanceQuery{})
		switch {
		case err != nil:
			if e := asError(t, err); e.Kind == "" || e.Message == "" || got != (provider.Readings{}) {
				t.Fatalf("got %+v, %+v", got, e)
			}
		case status != http.StatusOK:
			t.Fatalf("a balance from status %d", status)
		default:
			text := string(wire.EscapeControls([]byte(body)))
			for _, m := range []*provider.Money{&got.Balance.Balance, got.Balance.Bonus} {
				if m != nil && !providertest.HoldsFigure(text, m.Amount) {
					t.Fatalf("%v is not in the body", m)
				}
			}
		}
		if got, err := client.ReadStatistics(t.Context(), provider.StatisticsQuery{}); err == nil {
			for _, c := range got.Statistics.Counters {
				if c.Value < 0 || c.Limit != nil && *c.Limit < 0 || c.Unlimited && c.Limit != nil {
					t.Fatalf("%+v", c)
				}
			}
		}
		if got, err := client.ReadUsers(t.Context(), provider.UserQuery{Login: login}); err == nil {
			for _, u := range got.Users.Users {
				if u.Login == "" || login != "" && u.Login != login || u.Country != nil && len(*u.Country) != 2 {
					t.Fatalf("asked for %q, got %+v", login, u)
				}
			}
		}
	})
}

func FuzzUsers(f *testing.F) {
	f.Add(success(`[` + composed + `,` + documented + `]`))
	f.Add(success(`[]`))
	f.Add(success(`{"a": ` + composed + `}`))
	f.Add(success(`{"0": ` + composed + `, "3": ` + with("reg_time", `"2021-06-14"`) + `}`))
	f.Add(success(`[{"login": "u2", "error": "no rights"}]`))
	f.Add("\uFEFF" + success(`[{}]`))
	f.Add(failureBody("access_denied"))
	f.Fuzz(func(t *testing.T, body string) {
		stub := &providertest.Stub{Bodies: map[string]string{"getUserInfo": success(with("rights", `"reseller"`)), "getUsers": body}}
		got, err := newClient(stub).ReadUsers(t.Context(), provider.UserQuery{})
		if err != nil {
			if e := asError(t, err); e.Kind == "" || got != (provider.Readings{}) {
				t.Fatalf("got %+v, %+v", got, e)
			}
			return
		}
		for i, u := range got.Users.Users {
			if u.Login == "" || i > 0 && u.Login == "acme_shop" || u.Roles == nil || u.Attributes == nil {
				t.Fatalf("user %d is %+v", i, u)
			}
		}
	})
}

// A key is only ever given if the body holds it, and is in no error; nothing panics.
func FuzzRegister(f *testing.F) {
	f.Add(http.StatusOK, success(`{"api_key": "6newuserskey"}`), "0")
	f.Add(http.StatusOK, `{"result": {"api_key": "6newuserskey"}, "warnings": [{"warning": "time zone not found, UTC used"}]}`, "1")
	f.Add(http.StatusOK, success(`[]`), "1")
	f.Add(http.StatusOK, `{"result": {"api_key": "6newuserskey"}, "warnings": {"0": "a", "1": {"warning": 5}, "2": [], "3": {"warning": "UTC"}}}`, "0")
	f.Add(http.StatusOK, success(`{"login_exists": 0, "email_exists": 1}`), "0")
	f.Add(http.StatusOK, failureBody("invalid_arg"), "0")
	f.Add(http.StatusOK, `{"error":"x","result":false}`, "0")
	f.Add(http.StatusBadGateway, `<html>`, "0")
	f.Fuzz(func(t *testing.T, status int, body, confirm string) {
		if status < 200 || status > 499 { // others are tried again by the check, which takes its time
			status = http.StatusOK
		}
		if confirm != "1" { // others but "" and 0 are not sent
			confirm = "0"
		}
		u := newUser()
		u.Attributes = map[string]string{"need_confirm": confirm}
		stub := &providertest.Stub{Status: status, Body: body}
		client := newClient(stub)
		created, err := client.CreateUser(t.Context(), u)
		switch {
		case err != nil:
			e := asError(t, err)
			if e.Kind == "" || e.NotSent || e.Refused && (status != http.StatusOK || e.Kind == provider.KindBadResponse) || !reflect.ValueOf(created).IsZero() {
				t.Fatalf("status %d: got %+v, %+v", status, created, e)
			}
		case len(created.Warnings) > 20, created.Timezone != "" && created.Timezone != "UTC":
			t.Fatalf("got %+v", created)
		case status != http.StatusOK, created.ID != "", created.APIKey == "" && confirm != "1":
			t.Fatalf("status %d: got %+v", status, created)
		}
		if n := len(stub.Requests()); n != 1 {
			t.Fatalf("%d requests", n)
		}
		u.CheckOnly = true
		if created, err := client.CreateUser(t.Context(), u); !reflect.ValueOf(created).IsZero() || err == nil && status != http.StatusOK {
			t.Fatalf("a check with status %d: got %+v, %v", status, created, err)
		}
	})
}
