package selzy

import (
	"errors"
	"fmt"

	"accountgateway/internal/provider"
	"accountgateway/internal/provider/wire"
)

// maxWarnings is how many users that are left out are named.
const maxWarnings = 20

// users reads getUsers: the owner first, then its users in the vendor's order. One that is not understood, or that the
// vendor answers an error for, is left out and named in warnings. If none is understood, the answer is not.
func (a *answer) users(owner provider.User) (*provider.Users, error) {
	if a.envelope.Empty("result") {
		return nil, wire.BadResponse("result", "is not a list")
	}
	items := a.envelope.Objects("result")
	if err := a.envelope.Err(); err != nil {
		return nil, err
	}
	found := &provider.Users{Users: []provider.User{owner}}
	var odd []error
	for i, item := range items {
		if err := a.failed(item); err != nil {
			found.Warnings = append(found.Warnings, leftOut(i, item, "the vendor says: "+err.Upstream.Message))
			continue
		}
		user, err := (&info{fields: item}).subUser()
		if err != nil {
			odd = append(odd, err)
			found.Warnings = append(found.Warnings, leftOut(i, item, driftOf(err).Message))
			continue
		}
		if user.Login != owner.Login {
			found.Users = append(found.Users, user)
		}
	}
	if len(odd) > 0 && len(odd) == len(items) {
		return nil, odd[0]
	}
	for _, err := range odd {
		a.Drift(driftOf(err).Drift)
	}
	if n := len(found.Warnings) - maxWarnings; n > 0 {
		found.Warnings = append(found.Warnings[:maxWarnings], fmt.Sprintf("%d more users are left out", n))
	}
	return found, nil
}

// leftOut names an item of getUsers: by its login or, without one, by its place.
func leftOut(i int, item *wire.Object, why string) string {
	name := fmt.Sprintf("number %d of the vendor's list", i+1)
	if login := item.Afresh().Words("login"); login != "" {
		name = login
	}
	return "user " + name + " is left out: " + why
}

// driftOf is the error of a conversion, which wire made.
func driftOf(err error) *provider.Error {
	e := &provider.Error{}
	errors.As(err, &e)
	return e
}
