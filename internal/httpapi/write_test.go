package httpapi

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"

	"accountgateway/internal/account"
	"accountgateway/internal/durable"
	"accountgateway/internal/operation"
	"accountgateway/internal/provider"
	"accountgateway/internal/store"
	"accountgateway/internal/token"
)

// writable is a vendor that does every write, or fails each with err.
func writable(err error) fake {
	f := everything()
	f.create = func(_ context.Context, u provider.NewUser) (provider.CreatedUser, error) {
		if u.CheckOnly {
			return provider.CreatedUser{}, err
		}
		return provider.CreatedUser{ID: "17", APIKey: "key-of-" + u.Login}, err
	}
	f.refill = func(_ context.Context, r provider.RefillRequest) (provider.Invoice, error) {
		return provider.Invoice{ID: "70045", Payment: &r.Amount, Note: "pay it"}, err
	}
	return f
}

func (g *gateway) post(target, key, body string) answer {
	g.t.Helper()
	header := http.Header{"Content-Type": {"application/json"}}
	if key != "" {
		header.Set(keyHeader, key)
	}
	return g.ask(http.MethodPost, target, header, strings.NewReader(body))
}

const (
	adaBody    = `{"login":"ada","password":"correct-horse","email":"ada@customer.example","country":"DE"}`
	refillBody = `{"method":"webmoney","wallet_id":"123456789012","amount":"19.95","currency":"USD"}`
)

var (
	operationID = regexp.MustCompile(`"id":"([a-z0-9]{26})"`)
	requestIDOf = regexp.MustCompile(`"request_id":"[^"]*"`)
	momentOf    = regexp.MustCompile(`"(created_at|settled_at)":"[^"]*Z"`)
)

// wantWrite checks the status, the operation's place and the whole body of a
// write's answer, its id apart, which it gives.
func (a answer) wantWrite(status int, replayed bool, want string) (id string) {
	a.t.Helper()
	match := operationID.FindSubmatch(a.body)
	if a.status != status || match == nil {
		a.t.Fatalf("got %d %s", a.status, a.body)
	}
	id = string(match[1])
	a.wantLocation("/accounts/acme/operations/"+id, replayed)
	got := strings.Replace(string(a.body), id, "I", 1)
	if diff := cmp.Diff(sorted(a.t, []byte(want)), sorted(a.t, []byte(got))); diff != "" {
		a.t.Errorf("body (-want +got):\n%s", diff)
	}
	return id
}

func (a answer) wantLocation(location string, replayed bool) {
	a.t.Helper()
	want := ""
	if replayed {
		want = "true"
	}
	if got := a.header.Get("Location"); got != location {
		a.t.Errorf("Location is %q, want %q", got, location)
	}
	if got := a.header.Get(replayedHeader); got != want {
		a.t.Errorf("%s is %q, want %q", replayedHeader, got, want)
	}
}

// operation reads an operation, times apart.
func (g *gateway) operation(id string) string {
	g.t.Helper()
	a := g.get("/accounts/acme/operations/" + id)
	a.wantStatus(http.StatusOK)
	return sorted(g.t, momentOf.ReplaceAll(a.body, []byte(`"$1":"T"`)))
}

func TestCreateUser(t *testing.T) {
	vendor := writable(nil)
	create := vendor.create
	vendor.create = func(ctx context.Context, u provider.NewUser) (provider.CreatedUser, error) {
		made, err := create(ctx, u)
		made.Timezone, made.Warnings = "UTC", []string{"time zone not found, UTC used"}
		return made, err
	}
	_, stored := withStore(t, map[string]fake{"acme": vendor})
	g := start(t, nil, stored)
	adaBody := strings.Replace(adaBody, "{", `{"attributes":{"city":"London"},`, 1)
	const user = `{"id":"17","login":"ada","email":"ada@customer.example","country":"DE","first_name":null,"middle_name":null,"last_name":null,"phone":null,
		"company":null,"language":null,"timezone":"UTC","registered_at":null,"parent_login":null,"roles":[],"active":null,"api_access":null,"attributes":{"city":"London"}}`
	const same = `"id":"I","account":"acme","provider":"vendor-of-acme","state":"succeeded","recorded":true,"check_only":false,"warnings":["time zone not found, UTC used"],"user":` + user
	id := g.post("/accounts/acme/users", "k", adaBody).wantWrite(http.StatusCreated, false,
		`{`+same+`,"api_key":"key-of-ada"}`)
	again := g.post("/accounts/acme/users", `"k"`, " "+adaBody).wantWrite(http.StatusCreated, true,
		`{`+same+`,"api_key":null}`)
	if again != id {
		t.Errorf("two operations: %s, %s", id, again)
	}
	want := sorted(t, []byte(`{"id":"`+id+`","account":"acme","provider":"vendor-of-acme","kind":"create_user","state":"succeeded","caller":"anonymous","idempotency_key":"k",
		"created_at":"T","settled_at":"T","reference":"17","check_only":false,"recorded":true,"request":{"login":"ada","check_only":false,"fields":["attributes.city","country","email","password"]},
		"api_key_shown":true,"invoice":null,"problem":null,"candidates":[],"settled_by":null,"reason":null}`))
	if diff := cmp.Diff(want, g.operation(id)); diff != "" {
		t.Errorf("operation (-want +got):\n%s", diff)
	}
	g.get("/accounts/acme/operations/nothing").wantCode(ProblemCodeNotFound)
	g.get("/accounts/nobody/operations/" + id).wantCode(ProblemCodeAccountNotFound)
}

// TestReplayIsTheSame: the answer to a key that was used before is the first one, byte for byte.
func TestReplayIsTheSame(t *testing.T) {
	vendor := writable(nil)
	vendor.create = func(context.Context, provider.NewUser) (provider.CreatedUser, error) {
		return provider.CreatedUser{ID: "17", Warnings: []string{"a <b>"}}, nil
	}
	_, stored := withStore(t, map[string]fake{"acme": vendor})
	g := start(t, nil, stored)
	for name, body := range map[string]string{
		"user": strings.Replace(adaBody, "{", `{"attributes":{"b":"1","a":"<2>"},"timezone":"Europe/London",`, 1), "nameless": `{"email":"ada@customer.example"}`,
		"dry": strings.Replace(adaBody, "{", `{"check_only":true,`, 1),
	} {
		first, again := g.post("/accounts/acme/users", name, body), g.post("/accounts/acme/users", name, body)
		first.wantStatus(http.StatusCreated)
		again.wantStatus(http.StatusCreated)
		if string(first.body) != string(again.body) || again.header.Get(replayedHeader) != "true" || again.header.Get("Location") != first.header.Get("Location") {
			t.Errorf("%s: the first answer is\n%s, the other\n%s", name, first.body, again.body)
		}
		if nameless := strings.Contains(string(first.body), `"login":null`); nameless != (name == "nameless") {
			t.Errorf("%s: got %s", name, first.body)
		}
	}
}

// checking is a vendor that documents what it takes.
type checking struct{ fake }

func (checking) CheckRefill(r provider.RefillRequest) (faults []provider.Fault) {
	if r.WalletID != "" && len(r.WalletID) != 12 {
		faults = append(faults, provider.Fault{Field: "wallet_id", Message: "want 12 digits"})
	}
	if r.Amount.Currency != "USD" {
		faults = append(faults, provider.Fault{Field: "currency", Message: "only dollars", Unsupported: true})
	}
	if r.Method != provider.WebMoney {
		faults = append(faults, provider.Fault{Field: "method", Message: "only webmoney", Unsupported: true})
	}
	return faults
}

func (checking) CheckUser(u provider.NewUser) (faults []provider.Fault) {
	if u.Login != "ada" {
		faults = append(faults, provider.Fault{Field: "login", Message: "want ada"})
	}
	if u.Email == "" {
		faults = append(faults, provider.Fault{Field: "email", Message: "the vendor needs one"})
	}
	if u.MiddleName != "" {
		faults = append(faults, provider.Fault{Field: "middle_name", Message: "leave it out", Unsupported: true})
	}
	for name := range u.Attributes {
		faults = append(faults, provider.Fault{Field: "attributes." + name, Message: "no such attribute", Unsupported: true})
	}
	return faults
}

// TestAllFaultsAtOnce: what a body breaks of the gateway's and of the vendor's rules is in one answer; nothing of it is
// sent or recorded, and the key stays new.
func TestAllFaultsAtOnce(t *testing.T) {
	var calls atomic.Int64
	vendor := writable(nil)
	create := vendor.create
	vendor.create = func(ctx context.Context, u provider.NewUser) (provider.CreatedUser, error) {
		calls.Add(1)
		return create(ctx, u)
	}
	ask := vendor.refill
	vendor.refill = func(ctx context.Context, r provider.RefillRequest) (provider.Invoice, error) {
		calls.Add(1)
		return ask(ctx, r)
	}
	_, d := durableStore(t)
	g := start(t, nil, func(o *Options) {
		o.Accounts = account.New([]account.Account{{Name: "acme", Provider: "vendor-of-acme", Adapter: checking{vendor}}}, d, serviceOptions())
	})
	const rest = `"email":"ada@customer.example"`
	for _, row := range []struct {
		body   string
		code   ProblemCode
		fields []string
	}{
		{`{"method":"webmoney","wallet_id":"7","amount":"0","currency":"RUB"}`, ProblemCodeInvalidParameter, []string{"amount", "wallet_id", "currency"}},
		{`{"method":"webmoney","wallet_id":"7","amount":"1","currency":"USD"}`, ProblemCodeInvalidParameter, []string{"wallet_id"}},
		{`{"method":"yandex_money","amount":"1","currency":"RUB"}`, ProblemCodeUnsupportedParameter, []string{"currency", "method"}},
		{`{"method":"yandex_money","amount":"1","currency":"USD"}`, ProblemCodeUnsupportedParameter, []string{"method"}},
		{`{"method":"webmoney","wallet_id":"123456789012","amount":"1","currency":"RUB"}`, ProblemCodeUnsupportedCurrency, []string{"currency"}},
		{`{"login":"Bad Login!","email":"x","country":"xx","middle_name":"King"}`, ProblemCodeInvalidParameter, []string{"email", "country", "login", "middle_name"}},
		{`{}`, ProblemCodeInvalidParameter, []string{"email", "login"}},
		{`{"login":"ada","password":"Hu5hN0w1","attributes":{"Hu5hN0w1":"1"},` + rest + `}`, ProblemCodeInvalidParameter, []string{"password"}},
		{`{"login":"ada","password":"Hu5hN0w1","attributes":{"city":"1"},` + rest + `}`, ProblemCodeUnsupportedParameter, []string{"attributes.city"}},
		{`{"login":"Bad Login!",` + rest + `}`, ProblemCodeInvalidParameter, []string{"login"}},
		{`{"login":"Bad Login!","middle_name":"King",` + rest + `}`, ProblemCodeInvalidParameter, []string{"login", "middle_name"}},
		{`{"login":"ada","middle_name":"King",` + rest + `}`, ProblemCodeUnsupportedParameter, []string{"middle_name"}},
	} {
		route := "users"
		if strings.Contains(row.body, "method") {
			route = "refills"
		}
		p := g.post("/accounts/acme/"+route, "k", row.body).wantCode(row.code)
		var fields []string
		for _, e := range *p.Errors {
			fields = append(fields, e.Field)
		}
		if diff := cmp.Diff(row.fields, fields); diff != "" {
			t.Errorf("%s: fields (-want +got):\n%s", row.body, diff)
		}
	}
	if calls.Load() != 0 {
		t.Errorf("the vendor was sent %d writes", calls.Load())
	}
	g.get("/accounts/acme/operations").wantBody(`{"operations":[],"next_cursor":null}`)
	g.post("/accounts/acme/users", "k", `{"login":"ada",`+rest+`}`).wantStatus(http.StatusCreated)
}

func TestCheckOnly(t *testing.T) {
	_, stored := withStore(t, map[string]fake{"acme": writable(nil)})
	g := start(t, nil, stored)
	body := strings.Replace(adaBody, "{", `{"check_only":true,`, 1)
	id := g.post("/accounts/acme/users", "k", body).wantWrite(http.StatusCreated, false, `{"id":"I","account":"acme","provider":"vendor-of-acme",
		"state":"succeeded","recorded":true,"check_only":true,"user":null,"api_key":null,"warnings":[]}`)
	if op := g.operation(id); !strings.Contains(op, `"check_only":true`) || !strings.Contains(op, `"reference":null`) {
		t.Errorf("got %s", op)
	}
	p := g.post("/accounts/acme/users", "k", adaBody)
	p.wantCode(ProblemCodeIdempotencyKeyReused)
	p.wantLocation("/accounts/acme/operations/"+id, false)
}

// TestWriteOutcomes has a row for each way a vendor call can end, what the first
// answer is then, and what the same key answers after it.
func TestWriteOutcomes(t *testing.T) {
	refused := &provider.Error{Kind: provider.KindConflict, Message: "the login is taken", Field: "login", Refused: true,
		Upstream: &provider.Upstream{Code: "USER_LOGIN_NOT_UNIQUE", Message: "taken"}}
	tests := []struct {
		name  string
		err   error
		first ProblemCode // "" for a 202
		again ProblemCode
		why   string // in the detail
		state string
	}{
		{"refused", refused, ProblemCodeConflict, ProblemCodeConflict, "the login is taken; nothing was changed; to try again, use a new Idempotency-Key", "failed"},
		{"dropped by the vendor", &provider.Error{Kind: provider.KindUnsupportedOperation, Message: "gone", Refused: true},
			ProblemCodeUnsupportedOperation, ProblemCodeUnsupportedOperation, "gone; nothing was changed", "failed"},
		{"timeout", provider.Errorf(provider.KindTimeout, "no answer within 10s"), "", ProblemCodeOutcomeUnknown, "(no answer within 10s)", "unknown"},
		{"not understood", &provider.Error{Kind: provider.KindBadResponse, Message: "no JSON", Upstream: &provider.Upstream{Code: "x", Message: "y"}},
			"", ProblemCodeOutcomeUnknown, "(no JSON)", "unknown"},
		{"no vendor's error", fmt.Errorf("secret cause"), "", ProblemCodeOutcomeUnknown, "(the gateway failed during the call)", "unknown"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, stored := withStore(t, map[string]fake{"acme": writable(tt.err)})
			g := start(t, nil, stored)
			for route, body := range map[string]string{"users": adaBody, "refills": refillBody} {
				first := g.post("/accounts/acme/"+route, "k"+route, body)
				location := first.header.Get("Location")
				if tt.first == "" {
					want := `{"id":"I","account":"acme","provider":"vendor-of-acme","state":"unknown","recorded":true,"invoice":null}`
					if route == "users" {
						want = `{"id":"I","account":"acme","provider":"vendor-of-acme","state":"unknown","recorded":true,"user":null,"check_only":false,"api_key":null,"warnings":[]}`
					}
					first.wantWrite(http.StatusAccepted, false, want)
				} else {
					if p := first.wantCode(tt.first); !strings.HasPrefix(p.Detail, tt.why) || p.Account == nil || *p.Account != "acme" {
						t.Errorf("got %s", first.body)
					}
					first.wantLocation(location, false)
				}
				again := g.post("/accounts/acme/"+route, "k"+route, body)
				p := again.wantCode(tt.again)
				if !strings.Contains(p.Detail, tt.why) || p.Account == nil || *p.Account != "acme" || p.Provider == nil {
					t.Errorf("got %s", again.body)
				}
				again.wantLocation(location, true)
				if again.header.Get("Retry-After") != "" {
					t.Errorf("waiting does not help, but Retry-After is %s", again.header.Get("Retry-After"))
				}
				if tt.first != "" {
					if diff := cmp.Diff(string(requestIDOf.ReplaceAll(first.body, nil)), string(requestIDOf.ReplaceAll(again.body, nil))); diff != "" {
						t.Errorf("another answer (-first +again):\n%s", diff)
					}
				} else if !strings.Contains(p.Detail, location) {
					t.Errorf("no link: %s", p.Detail)
				}
				op := g.get(location)
				if !strings.Contains(string(op.body), `"state":"`+tt.state+`"`) || strings.Contains(string(op.body), `"problem":null`) ||
					strings.Contains(string(op.body), "secret cause") || strings.Contains(string(op.body), `"settled_at":null`) != (tt.state == "unknown") {
					t.Errorf("got %s", op.body)
				}
			}
		})
	}
}

// TestUnsentWrites has a row for each way a write can fail before it is sent: the
// answer says whether waiting helps, and the key is as new.
func TestUnsentWrites(t *testing.T) {
	const retry, free = "nothing was sent to the vendor; retry with the same Idempotency-Key", "nothing was sent to the vendor; the Idempotency-Key can be used again"
	tests := []struct {
		name       string
		err        *provider.Error
		code       ProblemCode
		retryAfter string
		why        string
	}{
		{"no connection", &provider.Error{Kind: provider.KindUnavailable, Message: "no connection"}, ProblemCodeProviderUnavailable, "10", retry},
		{"budget", &provider.Error{Kind: provider.KindRateLimited, Message: "used up", RetryAfter: 6 * time.Second}, ProblemCodeProviderRateLimited, "6", retry},
		{"breaker", &provider.Error{Kind: provider.KindUnavailable, Message: "open", RetryAfter: 30 * time.Second}, ProblemCodeProviderUnavailable, "30", retry},
		{"database", &provider.Error{Kind: provider.KindDatabase, Message: "slow"}, ProblemCodeDatabaseUnavailable, "5", retry},
		{"deadline", &provider.Error{Kind: provider.KindTimeout, Message: "no turn"}, ProblemCodeProviderTimeout, "10", retry},
		{"not for this vendor", &provider.Error{Kind: provider.KindUnsupportedCurrency, Message: "no such"}, ProblemCodeUnsupportedCurrency, "", free},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.err.NotSent = true
			unsent, vendor := writable(tt.err), writable(nil)
			create, refill := vendor.create, vendor.refill
			var mended atomic.Bool
			vendor.create = func(ctx context.Context, u provider.NewUser) (provider.CreatedUser, error) {
				if !mended.Load() {
					return unsent.create(ctx, u)
				}
				return create(ctx, u)
			}
			vendor.refill = func(ctx context.Context, r provider.RefillRequest) (provider.Invoice, error) {
				if !mended.Load() {
					return unsent.refill(ctx, r)
				}
				return refill(ctx, r)
			}
			_, stored := withStore(t, map[string]fake{"acme": vendor})
			g := start(t, nil, stored)
			for route, body := range map[string]string{"users": adaBody, "refills": refillBody} {
				mended.Store(false)
				first := g.post("/accounts/acme/"+route, "k"+route, body)
				if p := first.wantCode(tt.code); p.Detail != tt.err.Message+"; "+tt.why || first.header.Get("Retry-After") != tt.retryAfter {
					t.Errorf("got Retry-After %q, %s", first.header.Get("Retry-After"), first.body)
				}
				location := first.header.Get("Location")
				first.wantLocation(location, false)
				if op := g.get(location); !strings.Contains(string(op.body), `"state":"failed"`) {
					t.Errorf("got %s", op.body)
				}
				mended.Store(true)
				second := g.post("/accounts/acme/"+route, "k"+route, body)
				second.wantStatus(http.StatusCreated)
				if second.header.Get("Location") == location || second.header.Get(replayedHeader) != "" {
					t.Errorf("got %v", second.header)
				}
				g.post("/accounts/acme/"+route, "k"+route, body).wantLocation(second.header.Get("Location"), true)
			}
		})
	}
}

// TestRefill has what the vendor says of an invoice, also of one of which it is
// not sure itself.
func TestRefill(t *testing.T) {
	vendor := writable(nil)
	_, stored := withStore(t, map[string]fake{"acme": vendor})
	g := start(t, nil, stored)
	const invoice = `"invoice":{"id":"70045","payment":{"amount":"19.95","currency":"USD"},"total_payment":null,"reference":null,"note":"pay it"}`
	for _, replayed := range []bool{false, true} {
		g.post("/accounts/acme/refills", "k", refillBody).wantWrite(http.StatusCreated, replayed,
			`{"id":"I","account":"acme","provider":"vendor-of-acme","state":"succeeded","recorded":true,`+invoice+`}`)
	}
	vendor.refill = func(_ context.Context, r provider.RefillRequest) (provider.Invoice, error) {
		return provider.Invoice{ID: "70045", Payment: &r.Amount, Note: "pay it", Unsure: true}, nil
	}
	_, stored = withStore(t, map[string]fake{"acme": vendor})
	g = start(t, nil, stored)
	id := g.post("/accounts/acme/refills", "k", refillBody).wantWrite(http.StatusAccepted, false,
		`{"id":"I","account":"acme","provider":"vendor-of-acme","state":"unknown","recorded":true,`+invoice+`}`)
	g.post("/accounts/acme/refills", "k", refillBody).wantCode(ProblemCodeOutcomeUnknown)
	if op := g.operation(id); !strings.Contains(op, sorted(t, []byte("{"+invoice+"}"))[1:20]) || !strings.Contains(op, `"reference":"70045"`) {
		t.Errorf("got %s", op)
	}
}

// TestKeys: a key is one caller's, and of one request.
func TestKeys(t *testing.T) {
	var calls atomic.Int64
	count := writable(nil)
	refill := count.refill
	count.refill = func(ctx context.Context, r provider.RefillRequest) (provider.Invoice, error) {
		calls.Add(1)
		return refill(ctx, r)
	}
	st, stored := withStore(t, map[string]fake{"acme": count, "other": count})
	k := newTokens(t, st)
	g := start(t, nil, stored, k.options)
	ada, _ := k.with(token.Scopes())
	eve, _ := k.with(token.Scopes())
	ask := func(text, target, body string) answer {
		header := as(text)
		header.Set(keyHeader, "k")
		header.Set("Content-Type", "application/json")
		return g.ask(http.MethodPost, target, header, strings.NewReader(body))
	}
	first := ask(ada, "/accounts/acme/refills", refillBody)
	first.wantStatus(http.StatusCreated)
	for name, again := range map[string]answer{
		"another amount":  ask(ada, "/accounts/acme/refills", strings.Replace(refillBody, "19.95", "19.96", 1)),
		"another account": ask(ada, "/accounts/other/refills", refillBody),
		"another route":   ask(ada, "/accounts/acme/users", adaBody),
	} {
		again.wantCode(ProblemCodeIdempotencyKeyReused)
		if again.header.Get("Location") != first.header.Get("Location") || again.header.Get(replayedHeader) != "" {
			t.Errorf("%s: %v", name, again.header)
		}
	}
	second := ask(eve, "/accounts/acme/refills", refillBody)
	second.wantStatus(http.StatusCreated)
	if second.header.Get("Location") == first.header.Get("Location") || calls.Load() != 2 {
		t.Errorf("another caller's key is the same: %d calls", calls.Load())
	}
	// Members in another order are the same request.
	ask(ada, "/accounts/acme/refills", `{"currency":"USD","amount":"19.95","wallet_id":"123456789012","method":"webmoney"}`).wantStatus(http.StatusCreated)
	if calls.Load() != 2 {
		t.Errorf("%d calls", calls.Load())
	}
}

func TestInProgress(t *testing.T) {
	began, release := make(chan struct{}), make(chan struct{})
	vendor := writable(nil)
	refill := vendor.refill
	vendor.refill = func(ctx context.Context, r provider.RefillRequest) (provider.Invoice, error) {
		close(began)
		<-release
		return refill(ctx, r)
	}
	_, stored := withStore(t, map[string]fake{"acme": vendor})
	g := start(t, nil, stored)
	done := make(chan answer)
	go func() { done <- g.post("/accounts/acme/refills", "k", refillBody) }()
	<-began
	running := g.post("/accounts/acme/refills", "k", refillBody)
	p := running.wantCode(ProblemCodeOperationInProgress)
	location := running.header.Get("Location")
	if running.header.Get("Retry-After") != "1" || !strings.HasSuffix(p.Detail, location) {
		t.Errorf("got %v %s", running.header, running.body)
	}
	if op := g.get(location); !strings.Contains(string(op.body), `"state":"started"`) || !strings.Contains(string(op.body), `"settled_at":null`) {
		t.Errorf("got %s", op.body)
	}
	close(release)
	first := <-done
	first.wantStatus(http.StatusCreated)
	first.wantLocation(location, false)
}

// TestSpendingIsForbidden: over the limit nothing is recorded, and the key stays new.
func TestSpendingIsForbidden(t *testing.T) {
	g := spending(t, "20 USD")
	dear := strings.Replace(refillBody, "19.95", "20.01", 1)
	over := g.post("/accounts/acme/refills", "k", dear)
	if p := over.wantCode(ProblemCodeForbidden); !strings.Contains(p.Detail, "20 USD") || over.header.Get("Location") != "" {
		t.Errorf("got %v %s", over.header, over.body)
	}
	g.post("/accounts/acme/refills", "k", refillBody).wantStatus(http.StatusCreated)
	if p := g.post("/accounts/acme/refills", "k2", refillBody).wantCode(ProblemCodeForbidden); !strings.Contains(p.Detail, "after 19.95 USD in the last 24 hours") {
		t.Errorf("got %+v", p)
	}
}

// TestSpendingIsAddedExactly has sums that no amount could hold.
func TestSpendingIsAddedExactly(t *testing.T) {
	g := spending(t, "9999999999999999999 USD")
	most := strings.Replace(refillBody, "19.95", "9999999999999999999", 1)
	g.post("/accounts/acme/refills", "k", most).wantStatus(http.StatusCreated)
	for key, amount := range map[string]string{"k2": "9999999999999999999", "k3": "0.01"} {
		g.post("/accounts/acme/refills", key, strings.Replace(refillBody, "19.95", amount, 1)).wantCode(ProblemCodeForbidden)
	}
}

// spending serves an account that may spend up to a limit a day.
func spending(t *testing.T, daily string) *gateway {
	t.Helper()
	st, err := store.Open(t.Context(), "sqlite::memory:", store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	var limit operation.SpendingLimit
	if err := limit.UnmarshalText([]byte(daily)); err != nil {
		t.Fatal(err)
	}
	return start(t, nil, func(o *Options) {
		d := durable.New(zerolog.Nop())
		d.Attach(st)
		acme := account.Account{Name: "acme", Provider: "vendor-of-acme", Adapter: writable(nil), Spending: operation.Spending{DailyMax: limit}}
		o.Accounts = account.New([]account.Account{acme}, d, serviceOptions())
	})
}

func TestWritesNeedTheDatabase(t *testing.T) {
	g := start(t, map[string]fake{"acme": writable(nil)})
	for route, body := range map[string]string{"users": adaBody, "refills": refillBody} {
		a := g.post("/accounts/acme/"+route, "k", body)
		a.wantCode(ProblemCodeDatabaseUnavailable)
		if a.header.Get("Retry-After") != "5" {
			t.Errorf("got %v", a.header)
		}
	}
	g.get("/accounts/acme/operations").wantCode(ProblemCodeDatabaseUnavailable)
}

func TestOperationPages(t *testing.T) {
	_, stored := withStore(t, map[string]fake{"acme": writable(nil), "other": writable(nil)})
	g := start(t, nil, stored)
	var want []string
	for i := range 7 {
		want = append(want, strings.TrimPrefix(g.post("/accounts/acme/refills", fmt.Sprint(i), refillBody).header.Get("Location"), "/accounts/acme/operations/"))
		g.post("/accounts/other/refills", fmt.Sprint("other", i), refillBody).wantStatus(http.StatusCreated)
	}
	slices.Reverse(want)
	for _, limit := range []int{1, 3, 7, 1000} {
		var got []string
		for cursor := ""; ; {
			var page Operations
			if err := json.Unmarshal(g.get(fmt.Sprintf("/accounts/acme/operations?limit=%d%s", limit, cursor)).body, &page); err != nil {
				t.Fatal(err)
			}
			for _, op := range page.Operations {
				got = append(got, op.ID)
			}
			if page.NextCursor == nil || len(got) > len(want) {
				break
			}
			cursor = "&cursor=" + *page.NextCursor
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("limit %d: operations, newest first (-want +got):\n%s", limit, diff)
		}
	}
	for query, field := range map[string]string{
		"limit=0": "limit", "limit=1001": "limit", "limit=x": "limit", "cursor=x": "cursor", "cursor=" + formatCursor(byLogin, "ada"): "cursor",
		"cursor=" + cursorEncoding.EncodeToString([]byte(placeMark+"01:a")): "cursor", "cursor=" + cursorEncoding.EncodeToString([]byte(placeMark+"1:")): "cursor",
	} {
		g.get("/accounts/acme/operations?" + query).wantFields(field)
	}
}

func FuzzPlaces(f *testing.F) {
	f.Add(formatPlace(store.OperationCursor{ID: "a"}))
	f.Add(formatCursor(byLogin, "ada"))
	f.Fuzz(func(t *testing.T, text string) {
		if at, ok := parsePlace(text); ok && formatPlace(at) != text {
			t.Errorf("%q is %+v, which is %q", text, at, formatPlace(at))
		}
	})
}

// TestPasswordStaysInside: wherever a caller puts a password, it comes back in
// no problem and is in no log line and no metric.
func TestPasswordStaysInside(t *testing.T) {
	const mark = "Hu5hN0w1"
	_, stored := withStore(t, map[string]fake{"acme": writable(nil)})
	g := start(t, nil, stored)
	for i, body := range []string{
		adaBody, `{"password":"Hu5hN0w1"`, `{"password":"Hu5hN0w1"}`, `{"passwrd":"Hu5hN0w1","email":"a@b"}`, `{"Hu5hN0w1":"password","email":"a@b"}`,
		`{"password":{"Hu5hN0w1":"Hu5hN0w1"},"email":"a@b"}`, `{"password":["Hu5hN0w1"],"email":"Hu5hN0w1"}`, `"Hu5hN0w1"`, `Hu5hN0w1`, `{"email":"a@b"}Hu5hN0w1`,
		`{"country":"Hu5hN0w1","language":"Hu5hN0w1","timezone":"Hu5hN0w1 x","check_only":"Hu5hN0w1","attributes":"Hu5hN0w1"}`,
		`{"login":"Hu5hN0w1","password":"Hu5hN0w1","email":"a@b"}`, `{"password":"Hu5hN0w1","email":"a@b","attributes":{"Hu5hN0w1":"1"}}`,
		`{"password":"Hu5hN0w1","password":"Hu5hN0w1x","email":"a@b"}`, `{"password":"Hu5hN0w1\u0000","email":"a@b"}`, `{"password":"Hu5hN0w1","email":"a@b"}`,
		`{"password":"Hu5hN0w1y","email":"a@b"}`,
	} {
		key := fmt.Sprint(i)
		if i >= 15 {
			key = "reused"
		}
		if a := g.post("/accounts/acme/users", key, body); strings.Contains(string(a.body)+fmt.Sprint(a.header), mark) {
			t.Errorf("%s is answered %v %s", body, a.header, a.body)
		}
	}
	for _, where := range []string{g.log.String(), string(g.get("/metrics").body), string(g.get("/accounts/acme/operations").body)} {
		if strings.Contains(where, mark) {
			t.Errorf("the password is in\n%s", where)
		}
	}
}
