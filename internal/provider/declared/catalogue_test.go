package declared_test

import (
	"net/http"
	"slices"
	"testing"

	"accountgateway/internal/provider"
	"accountgateway/internal/provider/declared"
)

// noSuccess are vendors that answer errors with status 200, and whose successes have no mark.
var noSuccess = []string{
	"voximplant", // a success has result, an error has error
}

// TestErrorsWithStatus200: a vendor that answers so may write its next error in another shape, beside a zero. The file then
// wants the mark of a success in every reading.
func TestErrorsWithStatus200(t *testing.T) {
	for _, v := range catalogue(t) {
		said := slices.ContainsFunc(v.File().Samples, func(s declared.Sample) bool {
			if s.Want.Problem == nil || s.Answer.Code() != http.StatusOK {
				return false
			}
			kind := provider.Kind(s.Want.Problem.Text)
			return kind == provider.KindOther || kind == provider.KindCredentials && v.Name() != "stripe" // of test mode
		})
		guarded := slices.ContainsFunc(v.File().RefuseWhen, func(r declared.Refusal) bool {
			return r.Kind != nil && provider.Kind(r.Kind.Text) == provider.KindBadResponse
		})
		if said && !guarded && !slices.Contains(noSuccess, v.Name()) {
			t.Errorf("%s answers errors with status 200, and has no refuse_when of the kind provider_bad_response", v.Name())
		}
	}
}
