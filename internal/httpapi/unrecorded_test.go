package httpapi

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"accountgateway/internal/provider"
)

// TestUnrecorded: the database goes away while the vendor is asked. The answer,
// its replay and the operation have the outcome and say that it is not recorded.
func TestUnrecorded(t *testing.T) {
	refused := &provider.Error{Kind: provider.KindConflict, Message: "the login is taken", Refused: true}
	tests := []struct {
		name         string
		err          error
		first, again int
		operation    string
	}{
		{"succeeded", nil, http.StatusAccepted, http.StatusAccepted, `"state":"succeeded"`},
		{"failed", refused, http.StatusConflict, http.StatusConflict, `"state":"failed"`},
		{"unknown", provider.Errorf(provider.KindTimeout, "slow"), http.StatusAccepted, http.StatusConflict, `"state":"unknown"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			vendor := writable(tt.err)
			create := vendor.create
			away := func() {}
			vendor.create = func(ctx context.Context, u provider.NewUser) (provider.CreatedUser, error) {
				away()
				return create(ctx, u)
			}
			st, stored := withStore(t, map[string]fake{"acme": vendor})
			away = func() { st.Close() }
			g := start(t, nil, stored)
			first := g.post("/accounts/acme/users", "k", adaBody)
			again := g.post("/accounts/acme/users", "k", adaBody)
			op := g.get(first.header.Get("Location"))
			first.wantStatus(tt.first)
			again.wantStatus(tt.again)
			again.wantLocation(first.header.Get("Location"), true)
			op.wantStatus(http.StatusOK)
			for _, a := range []answer{first, again, op} {
				if !strings.Contains(string(a.body), `"recorded":false`) {
					t.Errorf("got %s", a.body)
				}
			}
			if !strings.Contains(string(op.body), tt.operation) {
				t.Errorf("operation: %s", op.body)
			}
		})
	}
}
