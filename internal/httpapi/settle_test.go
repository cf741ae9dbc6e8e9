package httpapi

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"accountgateway/internal/provider"
	"accountgateway/internal/token"
)

var errSlow = provider.Errorf(provider.KindTimeout, "no answer within 10s")

// unknownRefill asks for a refill whose outcome is unknown, and gives its address.
func (g *gateway) unknownRefill(account, key string) string {
	g.t.Helper()
	a := g.post("/accounts/"+account+"/refills", key, refillBody)
	a.wantStatus(http.StatusAccepted)
	return a.header.Get("Location")
}

func (g *gateway) journal(address string) (op Operation) {
	g.t.Helper()
	g.get(address).decode(&op)
	return op
}

func TestSettlement(t *testing.T) {
	_, stored := withStore(t, map[string]fake{"acme": writable(errSlow)})
	g := start(t, nil, stored)
	done, failed := g.unknownRefill("acme", "k-1"), g.unknownRefill("acme", "k-2")
	const succeeded = `{"state":"succeeded","reason":"the panel shows it","reference":"70045"}`

	a := g.post(done+"/settlement", "s-1", succeeded)
	a.wantStatus(http.StatusCreated)
	op := g.journal(done)
	if op.State != OperationStateSucceeded || *op.Reference != "70045" || *op.SettledBy != "anonymous" || *op.Reason != "the panel shows it" || op.SettledAt == nil ||
		op.Problem != nil || op.IdempotencyKey != "k-1" {
		t.Errorf("got %s", a.body)
	}
	a.wantLocation(done, false)
	again := g.post(done+"/settlement", `"s-1"`, succeeded)
	again.wantLocation(done, true)
	if diff := cmp.Diff(string(a.body), string(again.body)); diff != "" {
		t.Errorf("the same once more (-first +second):\n%s", diff)
	}
	if diff := cmp.Diff(string(a.body), string(g.get(done).body)); diff != "" {
		t.Errorf("the journal has (-answer +journal):\n%s", diff)
	}
	if a := g.post("/accounts/acme/refills", "k-1", refillBody); a.status != http.StatusCreated || !strings.Contains(string(a.body), `"id":"70045"`) {
		t.Errorf("the write's key answers %d %s", a.status, a.body)
	}

	g.post(failed+"/settlement", "s-2", `{"state":"failed","reason":"no such invoice"}`).wantStatus(http.StatusCreated)
	p := g.post("/accounts/acme/refills", "k-2", refillBody).wantCode(ProblemCodeProviderError)
	if want := "settled by hand: the vendor did not do it (no such invoice); nothing was changed; to try again, use a new Idempotency-Key"; p.Detail != want {
		t.Errorf("the write's key answers %q", p.Detail)
	}
}

func TestRefusedSettlements(t *testing.T) {
	running, release := make(chan struct{}), make(chan struct{})
	slow := writable(errSlow)
	slow.create = writable(nil).create
	busy := writable(nil)
	busy.refill = func(ctx context.Context, r provider.RefillRequest) (provider.Invoice, error) {
		close(running)
		<-release
		return provider.Invoice{ID: "1"}, nil
	}
	_, stored := withStore(t, map[string]fake{"acme": slow, "busy": busy})
	g := start(t, nil, stored)
	unknown := g.unknownRefill("acme", "k-1")
	made := g.post("/accounts/acme/users", "k-2", adaBody).header.Get("Location")
	ended := make(chan answer)
	go func() { ended <- g.post("/accounts/busy/refills", "k-3", refillBody) }()
	<-running
	var list Operations
	g.get("/accounts/busy/operations").decode(&list)
	inFlight := "/accounts/busy/operations/" + list.Operations[0].ID

	const good = `{"state":"failed","reason":"not there"}`
	tests := []struct {
		name, target, key, body string
		code                    ProblemCode
		detail                  string // a part of it
	}{
		{"no account", "/accounts/nobody/operations/a", "s", good, ProblemCodeAccountNotFound, "no account"},
		{"no operation", "/accounts/acme/operations/a", "s", good, ProblemCodeNotFound, "no operation with this ID"},
		{"another account's operation", "/accounts/busy" + strings.TrimPrefix(unknown, "/accounts/acme"), "s", good, ProblemCodeNotFound, "no operation with this ID"},
		{"no key", unknown, "", good, ProblemCodeIdempotencyKeyMissing, "needs an Idempotency-Key"},
		{"a write's key", unknown, "k-2", good, ProblemCodeIdempotencyKeyReused, "see " + made},
		{"has ended", made, "s", good, ProblemCodeConflict, "only an operation whose outcome is unknown can be settled, and this one is succeeded; see " + made},
		{"is running", inFlight, "s", good, ProblemCodeOperationInProgress, "this one is still running; see " + inFlight},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g.t = t
			a := g.post(tt.target+"/settlement", tt.key, tt.body)
			if p := a.wantCode(tt.code); !strings.Contains(p.Detail, tt.detail) {
				t.Errorf("got %q", p.Detail)
			}
			if a.header.Get("Retry-After") != "" != (tt.code == ProblemCodeOperationInProgress) || a.header.Get(replayedHeader) != "" {
				t.Errorf("headers %v", a.header)
			}
		})
	}
	for body, fields := range map[string][]string{
		`{}`: {"state", "reason"}, `{"state":"unknown","reason":"x"}`: {"state"}, `{"state":"failed","reason":" "}`: {"reason"},
		`{"state":"failed","reason":"x","reference":"7"}`: {"reference"}, `{"state":7,"reason":null,"by":"me"}`: {"by", "state", "reason"},
		`{"state":"succeeded","reason":"` + strings.Repeat("x", 1001) + `"}`: {"reason"}, `[]`: {"body"},
	} {
		g.t = t
		g.post(unknown+"/settlement", "s", body).wantFields(fields...)
	}
	g.ask(http.MethodPost, unknown+"/settlement", http.Header{keyHeader: {"s"}}, strings.NewReader(good)).wantCode(ProblemCodeUnsupportedMediaType)
	if op := g.journal(unknown); op.State != OperationStateUnknown {
		t.Errorf("it became %s", op.State)
	}
	close(release)
	(<-ended).wantStatus(http.StatusCreated)
	g.post(unknown+"/settlement", "s", good).wantStatus(http.StatusCreated) // none of the refusals has used up the key
}

func TestSettlementWithoutDatabase(t *testing.T) {
	g := start(t, map[string]fake{"acme": writable(nil)})
	g.post("/accounts/acme/operations/a/settlement", "s", `{"state":"failed","reason":"not there"}`).wantCode(ProblemCodeDatabaseUnavailable)
	g.get("/operations").wantCode(ProblemCodeDatabaseUnavailable)
}

// TestSettlementNeedsItsScope: whoever may read operations, or ask for them, may
// not settle them. A settlement is a line of the audit log.
func TestSettlementNeedsItsScope(t *testing.T) {
	st, stored := withStore(t, map[string]fake{"acme": writable(errSlow)})
	k := newTokens(t, st)
	g := start(t, nil, stored, k.options)
	others, _ := k.with(slices.DeleteFunc(token.Scopes(), func(s token.Scope) bool { return s == token.OperationsWrite }))
	ask := func(text, target, key, body string) answer {
		header := as(text)
		header["Content-Type"], header[keyHeader] = []string{"application/json"}, []string{key}
		return g.ask(http.MethodPost, target, header, strings.NewReader(body))
	}
	address := ask(others, "/accounts/acme/refills", "k-1", refillBody).header.Get("Location")
	const failed = `{"state":"failed","reason":"not there"}`
	if p := ask(others, address+"/settlement", "s", failed).wantCode(ProblemCodeForbidden); p.Detail != "the token lacks the scope operations:write" {
		t.Errorf("got %q", p.Detail)
	}
	elsewhere, _ := k.with([]token.Scope{token.OperationsWrite}, "other")
	ask(elsewhere, address+"/settlement", "s", failed).wantCode(ProblemCodeForbidden)

	settler, id := k.made(token.Spec{Name: "ada", Scopes: []token.Scope{token.OperationsWrite}}, time.Now())
	before := len(g.log.String())
	a := ask(settler, address+"/settlement", "s", failed)
	a.wantStatus(http.StatusCreated)
	if !strings.Contains(string(a.body), `"settled_by":"token:`+id+`"`) {
		t.Errorf("got %s", a.body)
	}
	lines := g.audited(before)
	_, operation, _ := strings.Cut(address, "/operations/")
	if len(lines) != 1 || lines[0]["outcome"] != "done" || lines[0]["operation"] != operation || lines[0]["caller_name"] != "ada" || lines[0]["account"] != "acme" ||
		lines[0]["route"] != "/accounts/{account}/operations/{id}/settlement" {
		t.Errorf("the audit log has %v", lines)
	}
}

// TestAllOperations: those of the caller's accounts, newest first, by pages.
func TestAllOperations(t *testing.T) {
	st, stored := withStore(t, map[string]fake{"a": writable(nil), "b": writable(errSlow), "c": writable(nil)})
	k := newTokens(t, st)
	g := start(t, nil, stored, k.options)
	writer, _ := k.with(token.Scopes())
	write := func(target, key, body string) string {
		header := as(writer)
		header["Content-Type"], header[keyHeader] = []string{"application/json"}, []string{key}
		_, id, _ := strings.Cut(g.ask(http.MethodPost, target, header, strings.NewReader(body)).header.Get("Location"), "/operations/")
		return id
	}
	var all []string
	for i := range 3 {
		for _, name := range []string{"a", "b", "c"} {
			all = append([]string{write("/accounts/"+name+"/refills", fmt.Sprint(name, i), refillBody)}, all...)
		}
	}
	all = append([]string{write("/accounts/a/users", "user", adaBody)}, all...)
	list := func(text, query string) (ids []string) {
		t.Helper()
		for cursor := ""; ; {
			a := g.ask(http.MethodGet, "/operations?"+query+cursor, as(text), nil)
			var page Operations
			a.decode(&page)
			for _, op := range page.Operations {
				ids = append(ids, op.ID)
				if op.Provider != "vendor-of-"+op.Account || op.IdempotencyKey == "" {
					t.Errorf("got %+v", op)
				}
			}
			if page.NextCursor == nil || len(ids) > len(all) {
				return ids
			}
			cursor = "&cursor=" + *page.NextCursor
		}
	}
	every := func(indexes ...int) (ids []string) {
		for _, i := range indexes {
			ids = append(ids, all[i])
		}
		return ids
	}
	// By index: the user of a, then c, b and a in turns.
	some, _ := k.with([]token.Scope{token.OperationsRead}, "b", "c", "gone")
	none, _ := k.with([]token.Scope{token.OperationsRead}, "gone")
	tests := []struct {
		text, query string
		want        []string
	}{
		{writer, "limit=1000", all},
		{writer, "limit=3", all},
		{writer, "limit=1&state=unknown", every(2, 5, 8)},
		{writer, "limit=7&state=succeeded&kind=refill", every(1, 3, 4, 6, 7, 9)},
		{writer, "limit=1&kind=create_user", every(0)},
		{writer, "state=failed", nil},
		{some, "limit=4", every(1, 2, 4, 5, 7, 8)},
		{some, "kind=create_user", nil},
		{none, "limit=1", nil},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, list(tt.text, tt.query)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.query, diff)
		}
	}
	for query, field := range map[string]string{"state=done": "state", "kind=user": "kind", "limit=0": "limit", "cursor=x": "cursor", "account=a": "account"} {
		g.ask(http.MethodGet, "/operations?"+query, as(writer), nil).wantFields(field)
	}
	reader, _ := k.with([]token.Scope{token.Read})
	g.ask(http.MethodGet, "/operations", as(reader), nil).wantCode(ProblemCodeForbidden)
}
