package token

import (
	"fmt"
	"slices"
	"strings"
)

// Scope is one thing that a token may grant.
type Scope string

// The scopes.
const (
	Read            Scope = "read"
	UsersRead       Scope = "users:read"
	UsersWrite      Scope = "users:write"
	RefillsWrite    Scope = "refills:write"
	OperationsRead  Scope = "operations:read"
	OperationsWrite Scope = "operations:write"
)

// Scopes are all that there are.
func Scopes() []Scope {
	return []Scope{Read, UsersRead, UsersWrite, RefillsWrite, OperationsRead, OperationsWrite}
}

// ParseScopes reads scopes with commas between.
func ParseScopes(text string) ([]Scope, error) {
	var scopes []Scope
	for entry := range strings.SplitSeq(text, ",") {
		scope := Scope(strings.TrimSpace(entry))
		if !slices.Contains(Scopes(), scope) {
			return nil, fmt.Errorf("unknown scope %q; must be one of %s", scope, scopeList())
		}
		if !slices.Contains(scopes, scope) {
			scopes = append(scopes, scope)
		}
	}
	return scopes, nil
}

func scopeList() string {
	names := make([]string, 0, len(Scopes()))
	for _, s := range Scopes() {
		names = append(names, string(s))
	}
	return strings.Join(names, ", ")
}

// AllAccounts grants every account, those to come as well.
const AllAccounts = "*"

// Caller is who a request comes from, and what it may do.
type Caller struct {
	ID       string // the token's
	Name     string // as the token was named
	Scopes   []Scope
	Accounts []string // by name; AllAccounts among them grants all
}

// anonymous is no id that a token can have.
const anonymous = "anonymous"

// Anonymous is the caller where nobody is asked for a token. It may do
// everything.
func Anonymous() Caller {
	return Caller{ID: anonymous, Name: anonymous, Scopes: Scopes(), Accounts: []string{AllAccounts}}
}

// IsAnonymous tells whether nobody was asked for a token.
func (c Caller) IsAnonymous() bool { return c.ID == anonymous }

// May tells whether the caller has a scope.
func (c Caller) May(scope Scope) bool { return slices.Contains(c.Scopes, scope) }

// Sees tells whether an account is granted to the caller. It says nothing
// about whether there is such an account.
func (c Caller) Sees(account string) bool {
	return slices.Contains(c.Accounts, account) || slices.Contains(c.Accounts, AllAccounts)
}
