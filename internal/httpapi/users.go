package httpapi

import (
	"context"
	"strings"
	"unicode"
	"unicode/utf8"

	"accountgateway/internal/account"
	"accountgateway/internal/provider"
)

const (
	defaultLimit = 100
	wantLimit    = "want a whole number from 1 to 1000"
	maxLimit     = 1000
	maxLogin     = 255 // characters
)

// ListUsers answers GET /accounts/{account}/users.
func (s *server) ListUsers(ctx context.Context, r ListUsersRequestObject) (ListUsersResponseObject, error) {
	q, page, bad := usersQuery(r.Params)
	if len(bad) > 0 {
		return nil, bad
	}
	bound, err := boundOf(noteOf(ctx).request)
	if err != nil {
		return nil, err
	}
	reading, err := s.Accounts.Users(ctx, r.Account, q, bound)
	if err != nil {
		return nil, err
	}
	kept := reading.Kept
	if r.Params.Limit != nil || r.Params.Cursor != nil {
		kept = nil // only the page that everybody asks for is kept
	}
	var p *account.Presentation
	if kept != nil {
		p = kept.Load()
	}
	if p == nil {
		if p, err = keep(kept, usersBody(reading, page)); err != nil {
			return nil, err
		}
	}
	return s.reading(ctx, provider.OpUsers, metBy(reading), p), nil
}

func usersBody(r account.Reading[provider.Users], pg page) Users {
	users, next := pg.of(r.Value.Users)
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

func usersQuery(p ListUsersParams) (q provider.UserQuery, pg page, bad invalidParameters) {
	pg.limit = defaultLimit
	if p.Login != nil {
		q.Login = *p.Login
		if !utf8.ValidString(q.Login) || utf8.RuneCountInString(q.Login) > maxLogin || strings.ContainsFunc(q.Login, unicode.IsControl) {
			bad = append(bad, FieldError{Field: "login", Message: "want at most 255 characters of UTF-8 without control characters"})
		}
	}
	if p.Limit != nil {
		pg.limit = int(*p.Limit)
		if pg.limit < 1 || pg.limit > maxLimit {
			bad = append(bad, FieldError{Field: "limit", Message: wantLimit})
		}
	}
	if p.Cursor != nil {
		after, err := parseCursor(*p.Cursor)
		if err != nil {
			bad = append(bad, FieldError{Field: "cursor", Message: "want the next_cursor of an earlier page"})
		}
		pg.after = &after
	}
	return q, pg, bad
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
