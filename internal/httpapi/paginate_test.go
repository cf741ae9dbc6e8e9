package httpapi

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"accountgateway/internal/provider"
)

// TestPages walks all pages through the route: every user once, by login.
func TestPages(t *testing.T) {
	var want []string
	var users []provider.User
	for i := range 257 {
		login := fmt.Sprintf("user-%03d", (i*101)%257)
		users = append(users, provider.User{Login: login})
		want = append(want, login)
	}
	users = append(users, provider.User{Login: ""}, provider.User{Login: "я/+="})
	want = append(want, "", "я/+=")
	slices.Sort(want)
	g := start(t, map[string]fake{"acme": {users: func(context.Context, provider.UserQuery) (provider.Users, error) {
		return provider.Users{Users: users}, nil
	}}})
	for _, limit := range []int{1, 7, 100, 259, 1000} {
		var got []string
		for cursor := ""; ; {
			var page Users
			if err := json.Unmarshal(g.get(fmt.Sprintf("/accounts/acme/users?limit=%d%s", limit, cursor)).body, &page); err != nil {
				t.Fatal(err)
			}
			if len(page.Users) > limit {
				t.Fatalf("a page of %d, the limit is %d", len(page.Users), limit)
			}
			for _, u := range page.Users {
				got = append(got, loginOf(u))
			}
			if page.NextCursor == nil || len(got) > len(want) {
				break
			}
			cursor = "&cursor=" + *page.NextCursor
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("limit %d: logins (-want +got):\n%s", limit, diff)
		}
	}
	var page Users
	if err := json.Unmarshal(g.get("/accounts/acme/users").body, &page); err != nil || len(page.Users) != 100 {
		t.Errorf("a page without a limit has %d, %v", len(page.Users), err)
	}
	if users[0].Login != "user-000" || users[1].Login != "user-101" {
		t.Error("paging reordered the reading itself")
	}
}

func FuzzCursor(f *testing.F) {
	for _, seed := range []string{"", "a", "YWJj", "bG9naW46YQ", "bG9naW46YQ==", "bG9naW46YR", "bG9n\naW46YQ", formatCursor(byLogin, "я"), base64.RawURLEncoding.EncodeToString([]byte("login:\xff"))} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if login, ok := parseCursor(byLogin, text); ok && formatCursor(byLogin, login) != text {
			t.Errorf("%q and %q are the same place", text, formatCursor(byLogin, login))
		}
		if !utf8.ValidString(text) {
			return
		}
		if login, ok := parseCursor(byLogin, formatCursor(byLogin, text)); !ok || login != text {
			t.Errorf("the cursor of %q leads to %q, %v", text, login, ok)
		}
	})
}

func FuzzQuery(f *testing.F) {
	for _, seed := range []string{"", "a=1&b=2", "a&a", "a=%zz", "a;b", "%ff=%00", "a=1&a="} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		for _, bad := range checkQuery(raw, []string{"a"}) {
			if !utf8.ValidString(bad.Field) || utf8.RuneCountInString(bad.Field) > 65 {
				t.Errorf("%q is said back as %q", raw, bad.Field)
			}
		}
	})
}

func loginOf(u User) string {
	if u.Login == nil {
		return ""
	}
	return *u.Login
}
