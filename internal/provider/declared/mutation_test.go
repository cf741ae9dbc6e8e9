package declared_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/big"
	"regexp"
	"strings"
	"testing"

	"accountgateway/internal/provider"
	"accountgateway/internal/provider/declared"
	"accountgateway/internal/provider/providertest"
	"accountgateway/internal/provider/upstream"
)

// answering is an account whose vendor answers one body to everything.
func answering(v *declared.Vendor, s *declared.Sample, body string) provider.Provider {
	a := v.SampleAccount(s)
	stub := &providertest.Stub{Body: body, Status: s.Answer.Code()}
	if o := v.File().Auth.OAuth; o != nil {
		stub.Bodies = map[string]string{o.Path.Text: `{"access_token":"a-token","token_type":"Bearer","expires_in":3600}`}
	}
	return declared.New(upstream.New(upstream.Options{Account: "a", Provider: v.Name(), Secrets: a.Secrets(), Transport: stub}), v, a)
}

// figures are all amounts and counts that an account's reads come to, and the kinds that they fail with.
func figures(p provider.Provider) (all []string, kinds []provider.Kind) {
	note := func(err error) {
		if err != nil {
			kinds = append(kinds, provider.KindOf(err))
		}
	}
	if r, ok := p.(provider.BalanceReader); ok {
		got, err := r.ReadBalance(context.Background(), provider.BalanceQuery{})
		if note(err); err == nil {
			b := got.Balance
			for _, m := range []*provider.Money{&b.Balance, b.Blocked, b.Credit, b.Bonus} {
				if m != nil {
					all = append(all, m.Amount.String())
				}
			}
			for _, w := range b.Wallets {
				all = append(all, w.Balance.Amount.String())
			}
		}
	}
	if r, ok := p.(provider.StatisticsReader); ok {
		got, err := r.ReadStatistics(context.Background(), provider.StatisticsQuery{})
		if note(err); err == nil {
			for _, c := range got.Statistics.Counters {
				all = append(all, fmt.Sprint(c.Value))
				if c.Limit != nil {
					all = append(all, fmt.Sprint(*c.Limit))
				}
			}
			for _, a := range got.Statistics.Amounts {
				all = append(all, a.Money.Amount.String())
			}
		}
	}
	return all, kinds
}

// numeric is a number in a body, as a number or as a text.
var numeric = regexp.MustCompile(`(": *|\[ *|, *|=|>)("?)(-?[0-9]+(?:\.[0-9]+)?)("?)`)

// TestMutations: whatever a vendor sends in place of a number, what comes out are the exact figures, or those that were
// there before, or an error. Never another number.
func TestMutations(t *testing.T) {
	mutated := 0
	for _, v := range catalogue(t) {
		for i := range v.File().Samples {
			s := &v.File().Samples[i]
			if s.Want.Problem != nil {
				continue
			}
			body := s.Answer.Text()
			before, _ := figures(answering(v, s, body))
			for _, at := range numeric.FindAllStringSubmatchIndex(body, -1) {
				number := body[at[6]:at[7]]
				for _, instead := range []string{
					`"garbage"`, `null`, `true`, `{}`, `[]`, `""`, `"NaN"`, `NaN`, `"1,234.50"`, `" 1"`, `"1.5.5"`, `"0x10"`,
					"1234567890123456789012345", `"1234567890123456789012345"`, "0.1234567890123456789012345",
				} {
					mutated++
					check(t, v, s, body[:at[4]]+instead+body[at[9]:], before, nil, number+" → "+instead)
				}
				check(t, v, s, body[:at[4]]+number+"e3"+body[at[9]:], before, scaled(before, number), number+" → with an exponent")
				if json.Valid([]byte(body)) {
					check(t, v, s, renamed(body, at[2]), before, nil, number+" → missing")
				}
			}
		}
	}
	t.Logf("%d mutations", mutated)
	if mutated < 100 {
		t.Error("hardly a sample has a number")
	}
}

// renamed gives the member before a value another name.
func renamed(body string, colon int) string {
	start := strings.LastIndex(body[:colon], `"`)
	return body[:start+1] + "x_" + body[start+1:]
}

// scaled says that a figure may have come from number e3: it is compared by value.
func scaled(before []string, number string) func(string) bool {
	thousand := new(big.Rat).SetInt64(1000)
	n, _ := new(big.Rat).SetString(number)
	return func(got string) bool {
		g, ok := new(big.Rat).SetString(got)
		if !ok {
			return false
		}
		// What is read is linear in each number: got = old + factor·999·n, for a factor of the file's.
		for _, old := range before {
			o, _ := new(big.Rat).SetString(old)
			difference := new(big.Rat).Sub(g, o)
			step := new(big.Rat).Mul(n, new(big.Rat).Sub(thousand, big.NewRat(1, 1)))
			if step.Sign() == 0 && difference.Sign() == 0 {
				return true
			}
			if step.Sign() == 0 {
				continue
			}
			factor := new(big.Rat).Quo(difference, step)
			factor.Abs(factor)
			for _, f := range []*big.Rat{big.NewRat(1, 1), big.NewRat(1, 100), big.NewRat(1, 1000), big.NewRat(1, 10000), big.NewRat(1, 500000)} {
				if factor.Cmp(f) == 0 {
					return true
				}
			}
		}
		return false
	}
}

func check(t *testing.T, v *declared.Vendor, s *declared.Sample, body string, before []string, also func(string) bool, what string) {
	t.Helper()
	got, kinds := figures(answering(v, s, body))
	known := map[string]bool{}
	for _, f := range before {
		known[f] = true
	}
	for _, f := range got {
		if !known[f] && (also == nil || !also(f)) {
			t.Errorf("%s, %q, %s: got the figure %s, which is not there; before: %v\n%s", v.Name(), s.Name.Text, what, f, before, body)
		}
	}
	for _, kind := range kinds {
		switch kind {
		case provider.KindBadResponse, provider.KindOther, provider.KindCredentials, provider.KindForbidden, provider.KindAccess,
			provider.KindRejected, provider.KindRateLimited, provider.KindUnavailable, provider.KindUnsupportedCurrency, provider.KindUnsupportedOperation, provider.KindInsufficientFunds:
		default:
			t.Errorf("%s, %q, %s: failed with %s", v.Name(), s.Name.Text, what, kind)
		}
	}
}
