package regru_test

import (
	"net/http"
	"testing"

	"accountgateway/internal/provider"
	"accountgateway/internal/provider/providertest"
)

// A balance is only ever given if the body holds that figure, and an error says what it is.
func FuzzBalance(f *testing.F) {
	for _, answer := range []string{
		`{"credit": "10", "currency": "RUR", "prepay": "1000"}`,
		`{"blocked": "15.50", "credit": "5000", "currency": "USD", "prepay": "310.20"}`,
		`{"blocked": 0.0, "currency": "EUR", "prepay": -310.20}`,
		`{"currency": "UAH", "prepay": null}`,
		`{"blocked": "", "credit": false, "currency": "RUR", "prepay": 1.5e3}`,
		`{"currency": "RUR", "prepay": "2.0E-5"}`,
		`[]`,
	} {
		f.Add(http.StatusOK, success(answer), "USD")
		f.Add(http.StatusOK, success(answer), "")
	}
	f.Add(http.StatusOK, failureBody("ACCESS_DENIED_FROM_IP", `{"command_name": "user/get_balance"}`), "RUB")
	f.Add(http.StatusOK, failureBody("PARAMETER_INCORRECT", `{"param": "currency"}`), "RUB")
	f.Add(http.StatusTooManyRequests, `{"error_code": "INTERNAL_API_ERROR", "error_text": "Внутренняя ошибка", "result": "error"}`, "")
	f.Add(http.StatusOK, `<html>`, "")
	f.Add(http.StatusOK, "\uFEFF"+success(`{"currency": "RUR", "prepay": "1"}`), "")
	f.Add(http.StatusOK, "{\"charset\": \"cp1251\", \"answer\": {\"currency\": \"RUR\", \"prepay\": \"1\"}, \"result\": \"success\", \"x\": \"\xcf\"}", "")
	f.Fuzz(func(t *testing.T, status int, body, currency string) {
		if status < 200 || status > 499 { // others are tried again, which takes its time
			status = http.StatusOK
		}
		q := provider.BalanceQuery{Currency: provider.Currency(currency)}
		got, err := newClient(&providertest.Stub{Status: status, Body: body}).ReadBalance(t.Context(), q)
		if err != nil {
			if e := asError(t, err); e.Kind == "" || e.Message == "" || got != (provider.Readings{}) {
				t.Fatalf("got %+v, %+v", got, e)
			}
			return
		}
		if status != http.StatusOK {
			t.Fatalf("a balance from status %d", status)
		}
		if q.Currency != "" && got.Balance.Balance.Currency != q.Currency {
			t.Fatalf("asked for %s, got %+v", q.Currency, got.Balance)
		}
		for _, m := range []*provider.Money{&got.Balance.Balance, got.Balance.Blocked, got.Balance.Credit} {
			if m != nil && !providertest.HoldsFigure(body, m.Amount) {
				t.Fatalf("%v is not in the body", m)
			}
		}
	})
}

// Counters are never negative and never more than the body can hold; nothing panics.
func FuzzStatistics(f *testing.F) {
	f.Add(success(sixCounters))
	f.Add(success(`{"active_domains_cnt": "12", "active_domains_get_ctrl_cnt": "0", "balance_total": "250.75", "costs_for_period": "1990.00",
		"domain_folders_cnt": "3", "reg_domains_cnt": "2", "renew_domains_cnt": "1", "renew_domains_get_ctrl_cnt": "0", "undelegated_domains_cnt": "4"}`))
	f.Add(success(`{"login": "test", "user_id": 0}`))
	f.Fuzz(func(t *testing.T, body string) {
		client := newClient(&providertest.Stub{Body: body})
		got, err := client.ReadStatistics(t.Context(), provider.StatisticsQuery{})
		if err == nil {
			if n := len(got.Statistics.Counters); n < 6 {
				t.Fatalf("%d counters", n)
			}
			for _, c := range got.Statistics.Counters {
				if c.Value < 0 {
					t.Fatalf("%+v", c)
				}
			}
			for _, a := range got.Statistics.Amounts {
				if !providertest.HoldsFigure(body, a.Money.Amount) {
					t.Fatalf("%v is not in the body", a.Money)
				}
			}
		}
		if users, err := client.ReadUsers(t.Context(), provider.UserQuery{Login: "test"}); err == nil && users.Users.Users[0].Login != "test" {
			t.Fatalf("somebody else: %+v", users.Users)
		}
	})
}

// An invoice is only ever given for what was asked, with figures of the body; a list of invoices too; nothing panics.
func FuzzWrites(f *testing.F) {
	f.Add(http.StatusOK, success(`{"user_id": "4811203"}`))
	f.Add(http.StatusOK, success(`{"bill_id": "70045", "currency": "USD", "pay_notes": "Bill for prepay created", "pay_type": "WM", "payment": "42.50",
		"total_payment": "43.35", "wm_invid": "88120034", "wmid": "400500600700"}`))
	f.Add(http.StatusOK, success(`{"currency": "USD", "payment": 42.5, "wm_invid": 0}`))
	f.Add(http.StatusOK, success(`{"bills": [`+billJSON(`"total_payment": "43.35", "orig_payment": "42.50", "items": [{"itemtype": "prepayment"}]`)+`]}`))
	f.Add(http.StatusOK, success(`{"bills": [{"bill_id": 12345, "items": [{"itemtype": "service"}]}]}`))
	f.Add(http.StatusOK, failureBody("NO_SUCH_COMMAND", `{"command_name": "user/refill_balance"}`))
	f.Add(http.StatusOK, failureBody("PARAMETER_INCORRECT", `{"param": "user_fax"}`))
	f.Add(http.StatusServiceUnavailable, `{"error_code": "INTERNAL_API_ERROR", "error_text": "x", "result": "error"}`)
	f.Fuzz(func(t *testing.T, status int, body string) {
		if status < 200 || status > 599 {
			status = http.StatusOK
		}
		stub := &providertest.Stub{Status: status, Body: body}
		client := newClient(stub)
		asked := refill("42.50", "USD")
		created, createErr := client.CreateUser(t.Context(), newUser())
		invoice, refillErr := client.Refill(t.Context(), asked)
		for _, err := range []error{createErr, refillErr} {
			if err == nil && status != http.StatusOK {
				t.Fatalf("a success from status %d", status)
			}
			if err == nil {
				continue
			}
			e := asError(t, err)
			if e.NotSent || e.Refused && (status != http.StatusOK || e.Kind == provider.KindBadResponse) {
				t.Fatalf("status %d: got %+v", status, e)
			}
		}
		if (createErr == nil) == (created.ID == "") || createErr == nil && refillErr == nil && invoice.Payment == nil {
			t.Fatalf("got %+v, %v and %+v, %v", created, createErr, invoice, refillErr)
		}
		if refillErr == nil && (invoice.Payment.Currency != "USD" || invoice.Payment.Amount.Cmp(asked.Amount.Amount) != 0) {
			t.Fatalf("got %+v", invoice)
		}
		if refillErr == nil && invoice.TotalPayment != nil && !providertest.HoldsFigure(body, invoice.TotalPayment.Amount) {
			t.Fatalf("%v is not in the body", invoice.TotalPayment)
		}
		if n := len(stub.Requests()); n != 2 {
			t.Fatalf("%d requests", n)
		}
		if status > 499 { // tried again, which takes its time
			return
		}
		unpaid, err := client.UnpaidInvoices(t.Context())
		if err != nil && unpaid != nil {
			t.Fatalf("got %+v, %v", unpaid, err)
		}
		for _, u := range unpaid {
			for _, m := range u.Amounts {
				if !providertest.HoldsFigure(body, m.Amount) {
					t.Fatalf("%v is not in the body", m)
				}
			}
		}
	})
}
