package regru_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"accountgateway/internal/config"
	"accountgateway/internal/provider"
	"accountgateway/internal/provider/providertest"
	"accountgateway/internal/provider/regru"
	"accountgateway/internal/provider/upstream"
)

func billJSON(members string) string {
	return `{"bill_id": "70045", "bill_date": "2026-03-01", "currency": "USD", "payment": "3400", "pay_type": "WM", "pay_status": "notpayed", ` + members + `}`
}

func TestUnpaidInvoices(t *testing.T) {
	day := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	invoice := func(amounts ...provider.Money) provider.UnpaidInvoice {
		roubles := sum("3400", "RUB")
		return provider.UnpaidInvoice{
			Invoice: provider.Invoice{ID: "70045", Payment: &roubles}, Method: provider.WebMoney, Currency: "USD", Date: day,
			Amounts: append([]provider.Money{roubles}, amounts...),
		}
	}
	total := sum("43.35", "USD")
	full := invoice(sum("42.50", "USD"))
	full.TotalPayment, full.WalletID = &total, "400500600700"
	bank := invoice()
	bank.Method = ""
	for _, row := range []struct {
		name, bills string
		want        []provider.UnpaidInvoice // nil: drift
		drift       string
	}{
		{"none", `[]`, []provider.UnpaidInvoice{}, ""},
		{"a refill", `[` + billJSON(`"total_payment": "43.35", "orig_payment": "42.50", "wmid": 400500600700, "pay_date": null, "items": [{"itemtype": "prepayment"}]`) + `]`,
			[]provider.UnpaidInvoice{full}, ""},
		{"without totals", `[` + billJSON(`"items": [{"itemtype": "prepayment"}]`) + `]`, []provider.UnpaidInvoice{invoice()}, ""},
		{"without items", `[` + billJSON(`"items": []`) + `]`, []provider.UnpaidInvoice{invoice()}, ""},
		{"items not told", `[` + billJSON(`"pay_date": null`) + `]`, []provider.UnpaidInvoice{invoice()}, ""},
		{"lists written as objects", `{"0": ` + billJSON(`"total_payment": "", "items": {"1": {"itemtype": "prepayment"}}`) + `}`, []provider.UnpaidInvoice{invoice()}, ""},
		{"no bills, written as an object", `{}`, []provider.UnpaidInvoice{}, ""},
		{"other way to pay", `[` + strings.Replace(billJSON(`"items": []`), `"WM"`, `"bank"`, 1) + `]`, []provider.UnpaidInvoice{bank}, ""},
		{"manual's sample: an order", `[{"bill_id": "12345", "bill_date": "1917-10-26", "currency": "RUR", "payment": "100", "orig_payment": "100",
			"pay_type": "bank", "pay_status": "notpayed", "pay_date": null, "items": [{"dname": "october.org", "itemtype": "service", "action": "new",
			"service_id": "12345", "servtype": "domain"}]}]`, []provider.UnpaidInvoice{}, ""},
		{"an order and a refill", `[{"bill_id": 1, "items": [{"itemtype": "service"}]}, ` + billJSON(`"items": [{"itemtype": "service"}, {"itemtype": "prepayment"}]`) + `]`,
			[]provider.UnpaidInvoice{invoice()}, ""},

		{"no number", `[{"items": [{"itemtype": "service"}]}]`, nil, "bills[].bill_id"},
		{"no sum", `[{"bill_id": "1", "bill_date": "2026-03-01", "currency": "RUR", "items": []}]`, nil, "bills[].payment"},
		{"odd sum", `[` + billJSON(`"total_payment": "43,35"`) + `]`, nil, "bills[].total_payment"},
		{"odd original sum", `[` + billJSON(`"orig_payment": {}`) + `]`, nil, "bills[].orig_payment"},
		{"no currency", `[{"bill_id": "1", "bill_date": "2026-03-01", "payment": "1"}]`, nil, "bills[].currency"},
		{"odd currency", `[` + strings.Replace(billJSON(`"items": []`), `"USD"`, `"$"`, 1) + `]`, nil, "bills[].currency"},
		{"odd day", `[` + strings.Replace(billJSON(`"items": []`), `"2026-03-01"`, `"01.03.2026"`, 1) + `]`, nil, "bills[].bill_date"},
		{"odd items", `[` + billJSON(`"items": {"itemtype": "service"}`) + `]`, nil, "bills[].items"},
		{"a bill that failed", `[{"bill_id": "1", "error_code": "BILL_ID_NOT_FOUND"}]`, nil, "bills[].error_code"},
		{"one no object", `["70045"]`, nil, "bills[]"},
		{"no list", `{"bill_id": "1"}`, nil, "bills"},
		{"false", `false`, nil, "bills"},
		{"no day", `[` + strings.Replace(billJSON(`"items": []`), `"2026-03-01"`, `"0000-00-00"`, 1) + `]`, nil, "bills[].bill_date"},
		{"null", `null`, nil, "bills"},
	} {
		t.Run(row.name, func(t *testing.T) {
			stub := &providertest.Stub{Body: success(`{"bills": ` + row.bills + `}`)}
			got, err := newClient(stub).UnpaidInvoices(t.Context())
			if row.want == nil {
				check(t, row.drift, nil, err)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(asJSON(t, row.want), asJSON(t, got)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(`{"limit":"1024","offset":"0"}`, inputOf(t, stub)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	// What is stored of the list, and shown of candidates, holds no secret of ours.
	stolen := strings.Replace(billJSON(`"items": []`), `"70045"`, asJSON(t, password), 1)
	_, err := newClient(&providertest.Stub{Body: success(`{"bills": [` + stolen + `]}`)}).UnpaidInvoices(t.Context())
	check(t, "bills[].bill_id", nil, err)
	_, err = newClient(&providertest.Stub{Body: success(`{}`)}).UnpaidInvoices(t.Context())
	check(t, "bills", nil, err)
}

func TestUnpaidCodes(t *testing.T) {
	for code, kind := range map[string]provider.Kind{
		"NO_SUCH_COMMAND": provider.KindUnsupportedOperation, "PARAMETER_INCORRECT": provider.KindRejected, "ACCESS_DENIED_FROM_IP": provider.KindAccess,
		"USER_AUTHENTICATION_FAILED": provider.KindCredentials, "SERVICE_UNAVAILABLE": provider.KindUnavailable,
	} {
		got, err := newClient(&providertest.Stub{Body: failureBody(code, "null")}).UnpaidInvoices(t.Context())
		if provider.KindOf(err) != kind || got != nil {
			t.Errorf("%s: got %v, %v", code, got, err)
		}
	}
}

// pager is a vendor with that many unpaid refills, in pages of at most most.
type pager struct {
	bills, most int
	stuck       bool // ignores offset
	requests    int
}

func (p *pager) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.requests++
	var input struct{ Limit, Offset string }
	if err := json.Unmarshal([]byte(r.FormValue("input_data")), &input); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	limit, _ := strconv.Atoi(input.Limit)
	offset, _ := strconv.Atoi(input.Offset)
	if p.stuck {
		offset = 0
	}
	var page []string
	for i := offset; i < min(p.bills, offset+min(limit, p.most)); i++ {
		page = append(page, fmt.Sprintf(`{"bill_id": %d, "bill_date": "2026-01-%02d", "currency": "RUR", "payment": "1", "items": []}`, i, 1+i%28))
	}
	_, _ = io.WriteString(w, success(`{"bills": [`+strings.Join(page, ",")+`]}`))
}

func TestUnpaidPages(t *testing.T) {
	for _, row := range []struct {
		name     string
		vendor   pager
		kind     provider.Kind // empty: all are found
		requests int
	}{
		{"one page", pager{bills: 99, most: 1024}, "", 1},
		{"a page that may have been capped", pager{bills: 100, most: 1024}, "", 2},
		{"three pages", pager{bills: 2500, most: 1024}, "", 4},
		{"pages capped lower than documented", pager{bills: 250, most: 100}, "", 3},
		{"the same page again and again", pager{bills: 250, most: 100, stuck: true}, provider.KindBadResponse, 2},
		{"too many", pager{bills: 6000, most: 1024}, provider.KindOther, 5},
	} {
		t.Run(row.name, func(t *testing.T) {
			vendor := row.vendor
			server := httptest.NewServer(&vendor)
			defer server.Close()
			address, err := url.Parse(server.URL)
			if err != nil {
				t.Fatal(err)
			}
			cfg := regru.Config{Username: "shop", Password: "shop-secret", Lang: "en"}
			cfg.BaseURL.URL = *address
			got, err := regru.New(upstream.New(upstream.Options{Secrets: config.Secrets(cfg)}), cfg).UnpaidInvoices(t.Context())
			if provider.KindOf(err) != row.kind || vendor.requests != row.requests {
				t.Fatalf("got %v after %d requests; want %q, %d", err, vendor.requests, row.kind, row.requests)
			}
			if row.kind != "" {
				return
			}
			if len(got) != vendor.bills {
				t.Errorf("got %d invoices, want %d", len(got), vendor.bills)
			}
			for i := 1; i < len(got); i++ {
				if got[i].Date.After(got[i-1].Date) {
					t.Fatalf("invoice %d is newer than the one before it", i)
				}
			}
		})
	}
}
