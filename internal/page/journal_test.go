package page_test

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"accountgateway/internal/store"
	"accountgateway/internal/token"
)

func aClerk(accounts ...string) token.Caller {
	return token.Caller{Name: "clerk", Scopes: []token.Scope{token.Read, token.OperationsRead, token.OperationsWrite}, Accounts: accounts}
}

// writesOf are the operations on a page, in its order.
func writesOf(page string) (ids []string) {
	for _, row := range regexp.MustCompile(`<tr id="([^"]+)">`).FindAllStringSubmatch(page, -1) {
		ids = append(ids, row[1])
	}
	return ids
}

func manyWrites(f *fixture) {
	aFleet(f)
	f.operation(store.Operation{ID: "opselzy", Account: "selzy", Kind: "create_user"}, time.Hour, &store.Settlement{State: store.Succeeded, Reference: "77"})
	f.operation(store.Operation{ID: "oprunning", Account: "selzy", Kind: "refill", Amount: "1.005", Currency: "USD"}, time.Second, nil)
}

func TestWrites(t *testing.T) {
	f := newFixture(t, manyWrites, fleetNames...)
	for query, want := range map[string]string{
		"":                             "oprunning optopupunknown opselzy opuserfailed optopupok",
		"account=selzy":                "oprunning opselzy",
		"state=unknown":                "optopupunknown",
		"kind=refill&account=regru":    "optopupunknown optopupok",
		"state=sideways&account=x":     "oprunning optopupunknown opselzy opuserfailed optopupok",
		"state=started&account=regru":  "",
		"before=x&before=1-../..&kind": "oprunning optopupunknown opselzy opuserfailed optopupok",
	} {
		got := f.get("/writes?" + query)
		if ids := strings.Join(writesOf(got.Body.String()), " "); got.Code != http.StatusOK || ids != want {
			t.Errorf("%s: %d %q, want %q", query, got.Code, ids, want)
		}
	}
	wants(t, text(f.get("/writes").Body.String()), "selzy Top-up invoice 1.00 USD wallet 123456789012 token:abcdefghij running",
		"1 h ago selzy New user ada token:abcdefghij succeeded", "Candidates: invoice 8812399", "Settle it Check in the vendor")
	wants(t, text(f.get("/writes?account=unisender-gulf").Body.String()), "No write matches")
	wants(t, text(newFixture(t, nil, "regru").get("/writes").Body.String()), "No writes yet")
	f.store.Close()
	wants(t, text(f.get("/writes").Body.String()), "The list is in the database", "database is unavailable")
}

// TestWritesOfOthers: a token sees those of its accounts, and none without the
// scope.
func TestWritesOfOthers(t *testing.T) {
	f := newFixture(t, manyWrites, fleetNames...).as(aClerk("selzy"))
	for _, query := range []string{"", "?account=regru"} {
		if ids := writesOf(f.get("/writes"+query, f.signedIn()).Body.String()); !slices.Equal(ids, []string{"oprunning", "opselzy"}) {
			t.Errorf("%s shows %v", query, ids)
		}
	}
	reader := newFixture(t, manyWrites, fleetNames...).as(aReader("regru"))
	got := reader.get("/writes", reader.signedIn())
	if got.Code != http.StatusForbidden {
		t.Errorf("without the scope: %d", got.Code)
	}
	wants(t, text(got.Body.String()), "lacks the scope operations:read")
}

func TestWritesInPages(t *testing.T) {
	f := newFixture(t, func(f *fixture) {
		for i := range 120 {
			f.operation(store.Operation{ID: fmt.Sprintf("op%c%c", 'a'+i/10, 'a'+i%10), Account: "regru", Kind: "create_user"}, time.Hour+time.Duration(i/3)*time.Second, &store.Settlement{State: store.Succeeded})
		}
	}, "regru")
	var all []string
	for next := "/writes?account=regru"; next != ""; {
		page := f.get(next).Body.String()
		all = append(all, writesOf(page)...)
		next = ""
		if link := regexp.MustCompile(`rel="next" href="([^"]+)"`).FindStringSubmatch(page); link != nil {
			next = strings.ReplaceAll(link[1], "&amp;", "&")
		} else {
			wants(t, page, `<a href="/writes?account=regru">Newest</a>`)
		}
	}
	if slices.Sort(all); len(all) != 120 || len(slices.Compact(all)) != 120 {
		t.Errorf("the pages have %d writes", len(all))
	}
	wants(t, f.get("/ui/regru").Body.String(), `<a href="/writes?account=regru">All writes of this account</a>`)
}

func TestSettle(t *testing.T) {
	f := newFixture(t, manyWrites, fleetNames...).as(aClerk("regru"))
	cookie := []string{"Cookie", "gateway_token=" + f.token}
	page := f.get("/writes?state=unknown", f.signedIn()).Body.String()
	wants(t, page, `<form class="settle" method="post" action="/ui/regru/writes/optopupunknown">`, `name="next" value="/writes?state=unknown"`)
	wants(t, f.get("/ui/regru", f.signedIn()).Body.String(), `<a href="/writes?account=regru&amp;state=unknown">Settle it</a>`)

	form := func(pairs ...string) url.Values {
		v := url.Values{"next": {"/writes?account=regru"}}
		for i := 0; i < len(pairs); i += 2 {
			v.Set(pairs[i], pairs[i+1])
		}
		return v
	}
	for _, test := range []struct {
		name, path string
		form       url.Values
		headers    []string
		status     int
		says       string
	}{
		{"no reason", "/ui/regru/writes/optopupunknown", form("state", "succeeded", "reference", "8812399"), cookie, 422, "Reason required: how you know the outcome"},
		{"no state", "/ui/regru/writes/optopupunknown", form("reason", "I <b>looked</b>"), cookie, 422, "State must be succeeded or failed"},
		{"has ended", "/ui/regru/writes/optopupok", form("state", "failed", "reason", "x"), cookie, 422, "settled in the meantime"},
		{"no such operation", "/ui/regru/writes/nothing", form("state", "failed", "reason", "x"), cookie, 404, ""},
		{"another account's", "/ui/selzy/writes/oprunning", form("state", "failed", "reason", "x"), cookie, 404, "No such account"},
		{"another site", "/ui/regru/writes/optopupunknown", form("state", "failed", "reason", "x"), append([]string{"Sec-Fetch-Site", "cross-site"}, cookie...), 403, "another site"},
		{"no cookie", "/ui/regru/writes/optopupunknown", form("state", "failed", "reason", "x"), nil, 401, "Sign in"},
	} {
		got := f.post(test.path, test.form, test.headers...)
		if got.Code != test.status || !strings.Contains(text(got.Body.String()), test.says) {
			t.Errorf("%s: %d %s", test.name, got.Code, text(got.Body.String()))
		}
		if strings.Contains(got.Body.String(), "<b>") {
			t.Errorf("%s: what was given is taken for HTML", test.name)
		}
	}
	mended := f.post("/ui/regru/writes/optopupunknown", form("state", "failed", "reason", "I looked", "reference", "8812399"), cookie...).Body.String()
	wants(t, mended, "<details open>", `value="failed" required checked`, `required maxlength="1000" value="I looked"`, `maxlength="255" value="8812399"`)

	got := f.post("/ui/regru/writes/optopupunknown", form("state", "succeeded", "reason", "the panel shows it", "reference", "8812399"), cookie...)
	if got.Code != http.StatusSeeOther || got.Header().Get("Location") != "/writes?account=regru#optopupunknown" {
		t.Fatalf("%d to %q: %s", got.Code, got.Header().Get("Location"), text(got.Body.String()))
	}
	wants(t, text(f.get("/writes", f.signedIn()).Body.String()), "succeeded just now , settled by clerk: the panel shows it Invoice 8812399")
	if got := f.get("/ui/regru/writes/optopupunknown", f.signedIn()); got.Code != http.StatusSeeOther || got.Header().Get("Location") != "/writes" {
		t.Errorf("the form's address, opened: %d to %q", got.Code, got.Header().Get("Location"))
	}
}

// TestSettleWithoutTheScope: who may only look is told what to do.
func TestSettleWithoutTheScope(t *testing.T) {
	viewer := token.Caller{Name: "viewer", Scopes: []token.Scope{token.Read, token.OperationsRead}, Accounts: []string{"regru"}}
	f := newFixture(t, manyWrites, fleetNames...).as(viewer)
	page := f.get("/writes", f.signedIn()).Body.String()
	if strings.Contains(page, `<form class="settle"`) {
		t.Error("there is a form for who may not")
	}
	wants(t, text(page), "gateway operations settle optopupunknown --state succeeded", "here, with a token that has the scope operations:write")
	got := f.post("/ui/regru/writes/optopupunknown", url.Values{"state": {"failed"}, "reason": {"x"}}, "Cookie", "gateway_token="+f.token)
	if got.Code != http.StatusForbidden {
		t.Errorf("without the scope: %d", got.Code)
	}
	wants(t, text(f.get("/writes", f.signedIn()).Body.String()), "outcome unknown")
}
