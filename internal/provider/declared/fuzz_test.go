package declared_test

import (
	"context"
	"errors"
	"io/fs"
	"strings"
	"testing"

	"accountgateway/internal/provider"
	"accountgateway/internal/provider/declared"
	"accountgateway/internal/provider/providertest"
	"accountgateway/internal/provider/upstream"
	"accountgateway/vendors"
)

// No file makes loading panic, and each fault has a place.
func FuzzLoad(f *testing.F) {
	f.Add(good)
	names, err := fs.Glob(vendors.Files, "*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range names {
		text, err := fs.ReadFile(vendors.Files, name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	f.Fuzz(func(t *testing.T, text string) {
		v, err := declared.Load("f.yaml", []byte(text))
		var faults declared.Faults
		switch {
		case err == nil:
			_ = v.Settings() // a struct with those names can be made
		case !errors.As(err, &faults):
			t.Fatalf("%v has no places", err)
		default:
			for _, fault := range faults {
				if fault.At.Line < 1 || fault.At.Column < 1 {
					t.Fatalf("no place: %v", fault)
				}
			}
		}
	})
}

// Whatever the vendor answers, a balance that is read stands in the answer, digit by digit; else it is an error.
func FuzzReply(f *testing.F) {
	f.Add(`{"balance":"123.45"}`, 200)
	f.Add(`{"error":"authorise error","error_code":2}`, 200)
	f.Add(`{"balance":1e2}`, 200)
	f.Add(`{"balance":null}`, 500)
	v := load(f, "smsc")
	a := v.SampleAccount(nil)
	f.Fuzz(func(t *testing.T, body string, status int) {
		if status < 200 || status > 599 || status >= 500 { // 5xx are tried again, which takes its time
			status = 200
		}
		stub := &providertest.Stub{Body: body, Status: status}
		p := declared.New(upstream.New(upstream.Options{Account: "a", Provider: "smsc", Secrets: a.Secrets(), Transport: stub}), v, a)
		r, _ := p.(provider.BalanceReader)
		got, err := r.ReadBalance(context.Background(), provider.BalanceQuery{})
		var e *provider.Error
		switch {
		case err == nil && !providertest.HoldsFigure(body, got.Balance.Balance.Amount):
			t.Fatalf("%v is not in %q", got.Balance.Balance.Amount, body)
		case err != nil && (!errors.As(err, &e) || e.Message == ""):
			t.Fatalf("%v is no complete error", err)
		case err != nil && strings.Contains(err.Error(), "sample-password"):
			t.Fatal("the error holds a secret")
		}
	})
}
