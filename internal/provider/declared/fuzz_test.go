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

// Whatever comes in XML or as lines, a balance that is read stands in it, or it is an error.
func FuzzFormats(f *testing.F) {
	f.Add("<x><pots><name>a</name><money>1.50</money></pots><mails>3</mails></x>", true)
	f.Add(`<x a="1"><pots><money>-1</money><name>a</name></pots></x>`, true)
	f.Add(`<?xml version="1.0" encoding="windows-1251"?><x><code>1</code></x>`, true)
	f.Add("<a><a><![CDATA[]]></a>", true)
	f.Add("name=a\nmoney=1.50\nmails=3\n", false)
	f.Add("code=1", false)
	inXML, inLines := written(f, "xml"), written(f, "text")
	f.Fuzz(func(t *testing.T, body string, asXML bool) {
		v := inLines
		if asXML {
			v = inXML
		}
		got, err := reads(t, v, body)
		// Entities, comments and CDATA are put together, and exponents written out: those are not looked for.
		if plain := !strings.ContainsAny(body, "&eE") && !strings.Contains(body, "<!"); err == nil && plain && !strings.Contains(body, got.Balance.Balance.Amount.String()) {
			t.Fatalf("%v is not in %q", got.Balance.Balance.Amount, body)
		}
		var e *provider.Error
		if err != nil && (!errors.As(err, &e) || e.Message == "") {
			t.Fatalf("%v is no complete error", err)
		}
	})
}

// No answer makes any vendor of the catalogue panic, or show a secret.
func FuzzAnswers(f *testing.F) {
	all := catalogue(f)
	for i, v := range all {
		for _, s := range v.File().Samples {
			f.Add(s.Answer.Text(), s.Answer.Code(), uint(i))
		}
	}
	f.Fuzz(func(t *testing.T, body string, status int, which uint) {
		if status < 200 || status > 499 { // 5xx are tried again, which takes its time
			status = 200
		}
		v := all[which%uint(len(all))]
		a := v.SampleAccount(nil)
		stub := &providertest.Stub{Body: body, Status: status}
		p := declared.New(upstream.New(upstream.Options{Account: "a", Provider: v.Name(), Secrets: a.Secrets(), Transport: stub}), v, a)
		for _, err := range readAll(t.Context(), p) {
			var e *provider.Error
			if !errors.As(err, &e) || e.Message == "" {
				t.Fatalf("%v is no complete error", err)
			}
			for _, secret := range a.Secrets() {
				if strings.Contains(err.Error(), secret) {
					t.Fatalf("the error %v holds a secret", err)
				}
			}
		}
	})
}

// readAll reads what can be read, and gives the errors.
func readAll(ctx context.Context, p provider.Provider) (failed []error) {
	note := func(err error) {
		if err != nil {
			failed = append(failed, err)
		}
	}
	if r, ok := p.(provider.BalanceReader); ok {
		_, err := r.ReadBalance(ctx, provider.BalanceQuery{})
		note(err)
	}
	if r, ok := p.(provider.StatisticsReader); ok {
		_, err := r.ReadStatistics(ctx, provider.StatisticsQuery{})
		note(err)
	}
	if r, ok := p.(provider.UserReader); ok {
		_, err := r.ReadUsers(ctx, provider.UserQuery{})
		note(err)
	}
	return failed
}
