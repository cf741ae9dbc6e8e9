package upstream_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"accountgateway/internal/provider"
	"accountgateway/internal/provider/upstream"
	"accountgateway/internal/redact"
)

func TestTable(t *testing.T) {
	codes := upstream.Table{
		"LIMIT":  {Kind: provider.KindRateLimited, Message: "the limit is used up", Refused: "4", OfAddress: true, RetryAfter: time.Minute},
		"BAD":    {Kind: provider.KindRejected, Message: "refused", Field: "amount", Refused: "2"},
		"FAILED": {Kind: provider.KindUnavailable, Message: "failed inside"},
	}
	const unknown = "the vendor answered with an error that the gateway does not know"
	for _, tt := range []struct {
		name    string
		status  int
		failure upstream.Failure
		want    provider.Error
	}{
		{"refused", 200, upstream.Failure{Code: "BAD"}, provider.Error{Kind: provider.KindRejected, Message: "refused", Field: "amount", Refused: true}},
		{"limit", 200, upstream.Failure{Code: "LIMIT"}, provider.Error{
			Kind: provider.KindRateLimited, Message: "the limit is used up", Refused: true, OfAddress: true, RetryAfter: time.Minute,
		}},
		{"at odds with itself", 200, upstream.Failure{Code: "BAD", AtOdds: true}, provider.Error{Kind: provider.KindRejected, Message: "refused", Field: "amount"}},
		{"known, under another status", 500, upstream.Failure{Code: "BAD"}, provider.Error{Kind: provider.KindRejected, Message: "refused", Field: "amount"}},
		{"not documented as refused", 200, upstream.Failure{Code: "FAILED"}, provider.Error{Kind: provider.KindUnavailable, Message: "failed inside"}},
		{"unknown", 200, upstream.Failure{Code: "NEW"}, provider.Error{Kind: provider.KindOther, Message: unknown}},
		{"none", 200, upstream.Failure{}, provider.Error{Kind: provider.KindOther, Message: unknown}},
		{"unknown, by the status", 503, upstream.Failure{Code: "NEW"}, *upstream.StatusError(503)},
		{"unknown, limit by the status", 429, upstream.Failure{Code: "NEW"}, *upstream.StatusError(429)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.want.Upstream = &provider.Upstream{Code: tt.failure.Code, Message: "no [redacted]"}
			tt.failure.Text = "no s3cret"
			a := upstream.Answer{Status: tt.status, Secrets: redact.New(redact.Texts{Secrets: []string{"s3cret"}})}
			if diff := cmp.Diff(&tt.want, codes.Error(a, tt.failure)); diff != "" {
				t.Error(diff)
			}
		})
	}
	e := codes.Error(upstream.Answer{Status: 200}, upstream.Failure{Code: strings.Repeat("C", 2000), Text: strings.Repeat("ä", 2000) + "\xff"})
	if len(e.Upstream.Code) > 510 || len(e.Upstream.Message) > 510 {
		t.Errorf("%d and %d bytes of the vendor's words are kept", len(e.Upstream.Code), len(e.Upstream.Message))
	}
}

func TestStatusError(t *testing.T) {
	for status, want := range map[int]provider.Kind{
		500: provider.KindUnavailable, 502: provider.KindUnavailable, 503: provider.KindUnavailable, 599: provider.KindUnavailable,
		429: provider.KindRateLimited,
		201: provider.KindBadResponse, 400: provider.KindBadResponse, 401: provider.KindBadResponse, 404: provider.KindBadResponse,
	} {
		if e := upstream.StatusError(status); e.Kind != want || e.Message == "" {
			t.Errorf("%d: got %v, want %s", status, e, want)
		}
	}
}
