package regru_test

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"accountgateway/internal/config"
	"accountgateway/internal/provider"
	"accountgateway/internal/provider/providertest"
	"accountgateway/internal/provider/regru"
	"accountgateway/internal/provider/upstream"
	"accountgateway/internal/simulator"
	regrusim "accountgateway/internal/simulator/regru"
)

// refill is a request for a WebMoney invoice.
func refill(amount string, currency provider.Currency) provider.RefillRequest {
	return provider.RefillRequest{Method: provider.WebMoney, WalletID: "400500600700", Amount: sum(amount, currency)}
}

func yandex(amount string, currency provider.Currency) provider.RefillRequest {
	return provider.RefillRequest{Method: provider.YandexMoney, Amount: sum(amount, currency)}
}

func TestRefillInput(t *testing.T) {
	for _, row := range []struct {
		refill provider.RefillRequest
		answer string
		want   string
	}{
		{refill("42.50", "USD"), `{"currency": "USD", "payment": "42.50"}`, `{"amount":"42.50","currency":"USD","pay_type":"WM","wmid":"400500600700"}`},
		{refill("100", "RUB"), `{"currency": "RUR", "payment": "100"}`, `{"amount":"100","currency":"RUR","pay_type":"WM","wmid":"400500600700"}`},
		{refill("0.01", "EUR"), `{"currency": "EUR", "payment": "0.01"}`, `{"amount":"0.01","currency":"EUR","pay_type":"WM","wmid":"400500600700"}`},
		{refill("7.5000", "UAH"), `{"currency": "UAH", "payment": "7.5"}`, `{"amount":"7.50","currency":"UAH","pay_type":"WM","wmid":"400500600700"}`},
		{yandex("19.95", "RUB"), `{"currency": "RUR", "payment": "19.95"}`, `{"amount":"19.95","currency":"RUR","pay_type":"ymbill"}`},
	} {
		stub := &providertest.Stub{Body: success(row.answer)}
		if _, err := newClient(stub).Refill(t.Context(), row.refill); err != nil {
			t.Errorf("%s: %v", row.want, err)
			continue
		}
		if diff := cmp.Diff(row.want, inputOf(t, stub)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if path := stub.Requests()[0].Path; path != "/api/regru2/user/refill_balance" {
			t.Errorf("the path is %s", path)
		}
	}
}

func TestRefillRefusals(t *testing.T) {
	wallet := func(id string) provider.RefillRequest {
		r := refill("1", "USD")
		r.WalletID = id
		return r
	}
	method := func(m provider.RefillMethod) provider.RefillRequest {
		r := refill("1", "USD")
		r.Method = m
		return r
	}
	both := yandex("1", "RUB")
	both.WalletID = "400500600700"
	for _, row := range []struct {
		refill provider.RefillRequest
		kind   provider.Kind
		field  string
	}{
		{method("card"), provider.KindUnsupportedParameter, "method"},
		{method(""), provider.KindUnsupportedParameter, "method"},
		{method("WM"), provider.KindUnsupportedParameter, "method"},
		{wallet(""), provider.KindRejected, "wallet_id"},
		{wallet("12345678901"), provider.KindRejected, "wallet_id"},
		{wallet("1234567890123"), provider.KindRejected, "wallet_id"},
		{wallet("Z23456789012"), provider.KindRejected, "wallet_id"},
		{both, provider.KindUnsupportedParameter, "wallet_id"},
		{refill("1", "KZT"), provider.KindUnsupportedCurrency, "currency"},
		{refill("1", "RUR"), provider.KindUnsupportedCurrency, "currency"},
		{refill("1", ""), provider.KindUnsupportedCurrency, "currency"},
		{yandex("1", "USD"), provider.KindUnsupportedCurrency, "currency"},
		{refill("0", "USD"), provider.KindRejected, "amount"},
		{refill("0.00", "USD"), provider.KindRejected, "amount"},
		{refill("-1", "USD"), provider.KindRejected, "amount"},
		{refill("1.001", "USD"), provider.KindRejected, "amount"},
	} {
		stub := &providertest.Stub{Body: success(`{}`)}
		got, err := newClient(stub).Refill(t.Context(), row.refill)
		if e := asError(t, err); e.Kind != row.kind || e.Field != row.field || !e.NotSent || e.Message == "" || got != (provider.Invoice{}) {
			t.Errorf("%+v: got %+v; want %s, field %s, NotSent", row.refill, e, row.kind, row.field)
		}
		if n := len(stub.Requests()); n != 0 {
			t.Errorf("%+v: the vendor got %d requests", row.refill, n)
		}
	}
}

// TestCheckRefill: every fault of a refill is told at once.
func TestCheckRefill(t *testing.T) {
	client := newClient(&providertest.Stub{})
	for _, row := range []struct {
		refill provider.RefillRequest
		want   string
	}{
		{refill("42.50", "USD"), ""},
		{provider.RefillRequest{Method: "card", WalletID: "1", Amount: sum("0.001", "KZT")}, "method wallet_id currency amount"},
		{provider.RefillRequest{Method: provider.WebMoney, WalletID: "1", Amount: sum("1.001", "KZT")}, "wallet_id currency amount"},
		{provider.RefillRequest{Method: provider.YandexMoney, WalletID: "1", Amount: sum("-1", "USD")}, "wallet_id currency amount"},
	} {
		var fields []string
		for _, fault := range client.CheckRefill(row.refill) {
			fields = append(fields, fault.Field)
		}
		if got := strings.Join(fields, " "); got != row.want {
			t.Errorf("%+v: got %q, want %q", row.refill, got, row.want)
		}
	}
}

func TestInvoice(t *testing.T) {
	// with changes or adds members of the composed example of regru.md 5.5.
	with := func(members string) string {
		return `{"currency": "USD", "pay_type": "WM", "payment": "42.50", "wmid": "400500600700", ` + members + `}`
	}
	for _, row := range []struct {
		name, answer string
		yandex       bool
		want         string // the invoice as JSON, or the member that is not understood
		unsure       bool
	}{
		{"composed example", with(`"bill_id": "70045", "pay_notes": "Bill for prepay created", "total_payment": "43.35", "wm_invid": "88120034"`), false,
			`{"id":"70045","payment":{"amount":"42.50","currency":"USD"},"total_payment":{"amount":"43.35","currency":"USD"},"reference":"88120034","note":"Bill for prepay created"}`, false},
		{"numbers", `{"currency": "USD", "payment": 42.5, "total_payment": 43.35, "wm_invid": 88120034, "bill_id": 70045, "wmid": 400500600700}`, false,
			`{"id":"70045","payment":{"amount":"42.5","currency":"USD"},"total_payment":{"amount":"43.35","currency":"USD"},"reference":"88120034","note":""}`, false},
		{"no bill number, as in the Perl client's tests", with(`"total_payment": "42.50", "wm_invid": "12345678"`), false,
			`{"id":"","payment":{"amount":"42.50","currency":"USD"},"total_payment":{"amount":"42.50","currency":"USD"},"reference":"12345678","note":""}`, false},
		{"WebMoney may not know", with(`"bill_id": "70045", "wm_invid": "0"`), false,
			`{"id":"70045","payment":{"amount":"42.50","currency":"USD"},"total_payment":null,"reference":"","note":""}`, true},
		{"WebMoney may not know, a number", with(`"bill_id": "70045", "wm_invid": 0`), false,
			`{"id":"70045","payment":{"amount":"42.50","currency":"USD"},"total_payment":null,"reference":"","note":""}`, true},
		{"no WebMoney number", with(`"bill_id": "70045", "wm_invid": null`), false,
			`{"id":"70045","payment":{"amount":"42.50","currency":"USD"},"total_payment":null,"reference":"","note":""}`, true},
		{"yandex_money", `{"currency": "RUR", "pay_type": "ymbill", "payment": "42.50", "total_payment": "42.50", "bill_id": "70046"}`, true,
			`{"id":"70046","payment":{"amount":"42.50","currency":"RUB"},"total_payment":{"amount":"42.50","currency":"RUB"},"reference":"","note":""}`, false},

		{"no currency", `{"payment": "42.50"}`, false, "currency", false},
		{"no code", `{"currency": "$", "payment": "42.50"}`, false, "currency", false},
		{"other currency", `{"currency": "EUR", "payment": "42.50"}`, false, "currency", false},
		{"no payment", `{"currency": "USD"}`, false, "payment", false},
		{"other payment", `{"currency": "USD", "payment": "42.51"}`, false, "payment", false},
		{"payment with a comma", `{"currency": "USD", "payment": "42,50"}`, false, "payment", false},
		{"odd total", with(`"total_payment": "much"`), false, "total_payment", false},
		{"other way to pay", `{"currency": "USD", "payment": "42.50", "pay_type": "ymbill"}`, false, "pay_type", false},
		{"other wallet", `{"currency": "USD", "payment": "42.50", "wmid": "400500600701"}`, false, "wmid", false},
		{"odd number", with(`"bill_id": {}`), false, "bill_id", false},
		{"odd reference", with(`"wm_invid": []`), false, "wm_invid", false},
		{"nothing", `{}`, false, "payment", false},
		{"empty list", `[]`, false, "answer", false},
	} {
		t.Run(row.name, func(t *testing.T) {
			r := refill("42.50", "USD")
			if row.yandex {
				r = yandex("42.50", "RUB")
			}
			got, err := newClient(&providertest.Stub{Body: success(row.answer)}).Refill(t.Context(), r)
			check(t, row.want, got, err)
			if err != nil && (asError(t, err).NoEffect() || got != (provider.Invoice{})) {
				t.Errorf("got %+v, %+v: nobody knows what became of it", got, err)
			}
			if got.Unsure != row.unsure {
				t.Errorf("got Unsure %v", got.Unsure)
			}
		})
	}
}

// The vendor's remark holds no secret and has an end.
func TestInvoiceNote(t *testing.T) {
	body := success(`{"currency": "USD", "payment": "1", "wm_invid": "1", "pay_notes": ` + asJSON(t, "for "+password+strings.Repeat("x", 10_000)) + `}`)
	got, err := newClient(&providertest.Stub{Body: body}).Refill(t.Context(), refill("1", "USD"))
	if err != nil || strings.Contains(got.Note, password) || len(got.Note) > 600 {
		t.Errorf("got a note of %d bytes, %v", len(got.Note), err)
	}
}

func TestRefillAtTheVendor(t *testing.T) {
	for _, row := range []struct {
		quirk  string
		refill provider.RefillRequest
		unsure bool
		kind   provider.Kind // empty: an invoice
		sure   bool
	}{
		{"", refill("310.20", "RUB"), false, "", false},
		{"", refill("42.50", "USD"), false, "", false},
		{"numbers", refill("42.50", "EUR"), false, "", false},
		{"", yandex("19.95", "RUB"), false, "", false},
		{"wm_invid_0", refill("310.20", "RUB"), true, "", false},
		{"billing_lock", refill("1", "RUB"), false, provider.KindUnavailable, true},
		{"unavailable503", refill("1", "RUB"), false, provider.KindUnavailable, false},
		{"INTERNAL_ERROR", refill("1", "RUB"), false, provider.KindUnavailable, false},
		{"UNSUPPORTED_CURRENCY", refill("1", "RUB"), false, provider.KindUnsupportedCurrency, true},
	} {
		client, vendor := simulated(t, providertest.Healthy, "shop", "shop-secret", row.quirk)
		invoice, err := client.Refill(t.Context(), row.refill)
		if provider.KindOf(err) != row.kind || invoice.Unsure != row.unsure {
			t.Errorf("%q, %+v: got %+v, %v", row.quirk, row.refill, invoice, err)
			continue
		}
		if err != nil {
			if e := asError(t, err); e.Refused != row.sure {
				t.Errorf("%q: got %+v, want Refused %v", row.quirk, e, row.sure)
			}
			continue
		}
		unpaid, err := client.UnpaidInvoices(t.Context())
		if err != nil || len(unpaid) != 1 || unpaid[0].ID != invoice.ID || unpaid[0].Method != row.refill.Method {
			t.Errorf("%+v: got %+v, %v; want invoice %s", row.refill, unpaid, err, invoice.ID)
		}
		if got := vendor.Control.Calls()["user/refill_balance"]; got != 1 {
			t.Errorf("%+v: %d calls", row.refill, got)
		}
	}
}

// An invoice that was made, though its answer was lost, is found again.
func TestLostInvoice(t *testing.T) {
	client, vendor := simulated(t, providertest.Healthy, "shop", "shop-secret", "")
	if err := vendor.Control.Inject(simulator.Fault{Operation: "user/refill_balance", Kind: simulator.KindResetAfter, Times: 1}); err != nil {
		t.Fatal(err)
	}
	_, err := client.Refill(t.Context(), refill("310.20", "RUB"))
	if e := asError(t, err); e.NoEffect() {
		t.Fatalf("got %+v, though an invoice was made", e)
	}
	unpaid, err := client.UnpaidInvoices(t.Context())
	if err != nil || len(unpaid) != 1 || unpaid[0].Amounts[0] != sum("310.20", "RUB") {
		t.Errorf("got %+v, %v", unpaid, err)
	}
}

// Today's vendor.
func TestRefillIsGone(t *testing.T) {
	server := httptest.NewServer(regrusim.New(regrusim.Options{}))
	defer server.Close()
	cfg := regru.Config{Username: "shop", Password: "shop-secret", Lang: "en"}
	if err := cfg.BaseURL.UnmarshalText([]byte(server.URL + "/api/regru2")); err != nil {
		t.Fatal(err)
	}
	up := upstream.New(upstream.Options{Secrets: config.Secrets(cfg), Timeout: 5 * time.Second})
	_, err := regru.New(up, cfg).Refill(t.Context(), refill("1", "USD"))
	e := asError(t, err)
	if e.Kind != provider.KindUnsupportedOperation || !e.Refused || !strings.Contains(e.Message, "dropped") || e.Upstream.Code != "NO_SUCH_COMMAND" {
		t.Errorf("got %+v", e)
	}
}
