package providertest

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"testing"
	"time"

	"accountgateway/internal/provider"
)

const createUser = "create user"

// writes are the writes that the account may do.
func writes(p provider.Provider, h Harness) map[string]func(context.Context) error {
	all := map[string]func(context.Context) error{}
	if c, ok := p.(provider.UserCreator); ok && h.NewUser != nil {
		all[createUser] = func(ctx context.Context) error {
			created, err := c.CreateUser(ctx, *h.NewUser)
			if err != nil && !reflect.ValueOf(created).IsZero() {
				return errors.Join(err, errors.New("there is a user beside the error"))
			}
			return err
		}
	}
	if r, ok := p.(provider.Refiller); ok && h.Refill != nil {
		all["refill"] = func(ctx context.Context) error {
			invoice, err := r.Refill(ctx, *h.Refill)
			if err != nil && invoice != (provider.Invoice{}) {
				return errors.Join(err, errors.New("there is an invoice beside the error"))
			}
			return err
		}
	}
	return all
}

func testWrites(t *testing.T, h Harness) {
	p, requests := h.New(t, Healthy)
	if c, ok := p.(provider.UserCreator); ok && h.NewUser != nil {
		dry := *h.NewUser
		dry.CheckOnly = true
		if created, err := c.CreateUser(t.Context(), dry); err != nil || !reflect.ValueOf(created).IsZero() {
			t.Errorf("a check gave a user (%v) or an error: %v", !reflect.ValueOf(created).IsZero(), err)
		}
	}
	for name, write := range writes(p, h) {
		before := requests()
		if err := write(t.Context()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if n := requests() - before; n != 1 {
			t.Errorf("%s: the vendor got %d requests", name, n)
		}
	}
	if r, ok := h.healthy(t).(provider.Refiller); ok && h.Refill != nil {
		testInvoice(t, r, *h.Refill)
	}
}

// testInvoice: what is said of an invoice fits what was asked, and an unpaid one can be found.
func testInvoice(t *testing.T, r provider.Refiller, asked provider.RefillRequest) {
	invoice, err := r.Refill(t.Context(), asked)
	if err != nil {
		t.Fatal(err)
	}
	checkMoney(t, "payment", invoice.Payment)
	checkMoney(t, "total payment", invoice.TotalPayment)
	if m := invoice.Payment; m == nil || m.Currency != asked.Amount.Currency || m.Amount.Cmp(asked.Amount.Amount) != 0 {
		t.Errorf("the payment is %v, want %v", m, asked.Amount)
	}
	finder, ok := r.(provider.InvoiceFinder)
	if !ok || invoice.ID == "" { // without a number nothing can be found
		return
	}
	unpaid, err := finder.UnpaidInvoices(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	found := slices.IndexFunc(unpaid, func(u provider.UnpaidInvoice) bool { return u.ID == invoice.ID })
	if found < 0 {
		t.Fatalf("invoice %s is not among the unpaid ones: %+v", invoice.ID, unpaid)
	}
	if u := unpaid[found]; u.Method != asked.Method || len(u.Amounts) == 0 || time.Since(u.Date) < 0 || time.Since(u.Date) > 48*time.Hour {
		t.Errorf("the unpaid invoice is %+v", u)
	}
	for _, m := range unpaid[found].Amounts {
		checkMoney(t, "amount", &m)
	}
}

// failedWrites are the kinds that the scenarios lead to, whether the write surely had no effect then, and how many
// requests the vendor gets.
var failedWrites = []struct {
	scenario         Scenario
	kind             provider.Kind
	notSent, refused bool
}{
	{Refused, provider.KindCredentials, false, true},
	// A code that no document lists may be of something that was done.
	{UnknownCode, provider.KindOther, false, false},
	{UnknownCode400, provider.KindBadResponse, false, false},
	{UnknownCode500, provider.KindUnavailable, false, false},
	{Echo, provider.KindOther, false, false},
	{HTMLPage, provider.KindBadResponse, false, false},
	{EmptyBody, provider.KindBadResponse, false, false},
	{Truncated, provider.KindBadResponse, false, false},
	{Garbage, provider.KindBadResponse, false, false},
	{OtherJSON, provider.KindBadResponse, false, false},
	{Trailing, provider.KindBadResponse, false, false},
	{Outage, provider.KindUnavailable, false, false},
	{Reset, provider.KindUnavailable, false, false},
	{Silent, provider.KindTimeout, false, false},
	{Down, provider.KindUnavailable, true, false},
}

func testFailedWrites(t *testing.T, h Harness) {
	all := writes(h.healthy(t), h)
	for _, row := range failedWrites {
		for name := range all {
			t.Run(string(row.scenario)+"/"+name, func(t *testing.T) {
				t.Parallel() // silence takes its time
				p, requests := h.New(t, row.scenario)
				secrets := h.Secrets
				if name == createUser {
					secrets = append(slices.Clone(secrets), h.NewUser.Password, h.NewUser.Email)
				}
				e := checkFailure(t, secrets, row.scenario, writes(p, h)[name](t.Context()), row.kind)
				if e.NotSent != row.notSent || e.Refused != row.refused {
					t.Errorf("got NotSent %v, Refused %v; want %v, %v (%v)", e.NotSent, e.Refused, row.notSent, row.refused, e)
				}
				want := 1
				if row.notSent {
					want = 0
				}
				if n := requests(); n != want {
					t.Errorf("the vendor got %d requests, want %d", n, want)
				}
			})
		}
	}
}

func testWritesGivenUp(t *testing.T, h Harness) {
	p, requests := h.New(t, Healthy)
	for name, write := range writes(p, h) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		var e *provider.Error
		if err := write(ctx); !errors.As(err, &e) || !errors.Is(err, context.Canceled) || !e.NotSent {
			t.Errorf("%s, given up before: got %v, want an error that wraps context.Canceled and says NotSent", name, err)
		}
	}
	if n := requests(); n != 0 {
		t.Errorf("given up before: the vendor got %d requests", n)
	}
	p, _ = h.New(t, Silent)
	for name, write := range writes(p, h) {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		began := time.Now()
		err := write(ctx)
		if took := time.Since(began); took > prompt {
			t.Errorf("%s, given up meanwhile: took %s", name, took)
		}
		var e *provider.Error
		if err == nil || errors.As(err, &e) && e.Refused {
			t.Errorf("%s, given up meanwhile: got %v", name, err)
		}
		cancel()
	}
}
