package httpapi

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"accountgateway/internal/store"
	"accountgateway/internal/token"
)

// tokens are what a test hands to its callers.
type tokens struct {
	t      *testing.T
	store  *store.Store
	keeper *token.Keeper
}

func newTokens(t *testing.T, st *store.Store) *tokens {
	k := &tokens{t: t, store: st, keeper: token.NewKeeper(zerolog.Nop())}
	k.keeper.Attach(st)
	k.load()
	return k
}

func (k *tokens) load() {
	k.t.Helper()
	if err := k.keeper.Load(k.t.Context()); err != nil {
		k.t.Fatal(err)
	}
}

// with makes a token; without accounts it sees all.
func (k *tokens) with(scopes []token.Scope, accounts ...string) (text, id string) {
	k.t.Helper()
	return k.made(token.Spec{Name: "test", Scopes: scopes, Accounts: accounts}, time.Now())
}

func (k *tokens) made(spec token.Spec, at time.Time) (text, id string) {
	k.t.Helper()
	if len(spec.Accounts) == 0 {
		spec.Accounts = []string{token.AllAccounts}
	}
	text, row := token.New(spec, at)
	if err := k.store.AddToken(k.t.Context(), row); err != nil {
		k.t.Fatal(err)
	}
	k.load()
	return text, row.ID
}

func (k *tokens) revoke(id string) {
	k.t.Helper()
	if done, err := k.store.RevokeToken(k.t.Context(), id, time.Now()); err != nil || !done {
		k.t.Fatal(done, err)
	}
	k.load()
}

func (k *tokens) options(o *Options) { o.Tokens = k.keeper }

// as is the header of a token's bearer.
func as(text string) http.Header { return http.Header{"Authorization": {"Bearer " + text}} }

// otherSecret is the token with another secret.
func otherSecret(text string) string {
	if strings.HasSuffix(text, "a") {
		return text[:len(text)-1] + "b"
	}
	return text[:len(text)-1] + "a"
}
