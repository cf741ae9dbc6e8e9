package httpapi

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"accountgateway/internal/account"
	"accountgateway/internal/provider"
)

const maxLogin = 255 // characters

// listUsers answers GET /accounts/{account}/users.
func (s *server) listUsers(ctx context.Context, r *http.Request) (reply, error) {
	params := readParams(r)
	q, page := usersQuery(&params), params.page(byLogin)
	bound, err := params.bound()
	if err != nil {
		return reply{}, err
	}
	reading, err := s.Accounts.Users(ctx, pathParam(r, "account"), q, bound)
	if err != nil {
		return reply{}, err
	}
	at := reading.Kept
	if page.after != nil || page.limit != defaultLimit {
		at = nil // only the page that everybody asks for is kept
	}
	p, err := kept(at, func() any { return usersBody(reading, page) })
	if err != nil {
		return reply{}, err
	}
	return s.reading(r, provider.OpUsers, metBy(reading), p), nil
}

func usersBody(r account.Reading[provider.Users], pg page) Users {
	less := func(a, b provider.User) int { return strings.Compare(a.Login, b.Login) }
	sorted := slices.SortedStableFunc(slices.Values(r.Value.Users), less)
	users, next := cut(sorted, pg, byLogin, func(u provider.User) string { return u.Login })
	body := Users{
		Account:    r.Account,
		Provider:   r.Provider,
		AsOf:       Time{r.AsOf},
		Stale:      r.Stale,
		Users:      make([]User, 0, len(users)),
		Warnings:   append([]string{}, r.Value.Warnings...),
		NextCursor: next,
	}
	for _, u := range users {
		body.Users = append(body.Users, userBody(u))
	}
	return body
}

func usersQuery(p *params) (q provider.UserQuery) {
	q.Login, _ = p.text("login")
	if !utf8.ValidString(q.Login) || utf8.RuneCountInString(q.Login) > maxLogin || strings.ContainsFunc(q.Login, unicode.IsControl) {
		p.refuse("login", "must have at most 255 characters of UTF-8 without control characters")
	}
	return q
}

func userBody(u provider.User) User {
	body := User{
		ID:           u.ID,
		Login:        present(u.Login),
		Email:        u.Email,
		FirstName:    u.FirstName,
		MiddleName:   u.MiddleName,
		LastName:     u.LastName,
		Phone:        u.Phone,
		Company:      u.Company,
		Country:      u.Country,
		Language:     u.Language,
		Timezone:     u.Timezone,
		RegisteredAt: optionalTime(u.RegisteredAt),
		ParentLogin:  u.ParentLogin,
		Roles:        u.Roles,
		Active:       u.Active,
		APIAccess:    u.APIAccess,
		Attributes:   u.Attributes,
	}
	if body.Roles == nil {
		body.Roles = []string{}
	}
	if body.Attributes == nil {
		body.Attributes = map[string]string{}
	}
	return body
}
