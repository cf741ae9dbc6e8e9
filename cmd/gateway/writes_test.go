package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"accountgateway/internal/simulator"
	"accountgateway/internal/simulator/regru"
	"accountgateway/internal/simulator/selzy"
	"accountgateway/internal/testneed"
)

// TestWriteFaults has the vendor answer a write in every way: what the operation
// ends as, what the caller is told at first and after that, how often the vendor
// was asked by its own count, and whether it did it. Whatever leaves a doubt is
// unknown, and nothing is sent twice.
func TestWriteFaults(t *testing.T) {
	t.Parallel()
	const html = "<!DOCTYPE html><html><body><h1>Down for maintenance</h1></body></html>"
	status := func(code int, text string) simulator.Fault {
		return simulator.Fault{Kind: "status", Status: code, Body: text}
	}
	body := func(text string) simulator.Fault { return status(http.StatusOK, text) }
	quirk := func(name string) simulator.Fault { return simulator.Fault{Kind: "quirk", Quirk: name} }
	slow := simulator.Duration(patience)
	const unknown, failed, succeeded = "unknown", "failed", "succeeded"
	tests := []struct {
		name  string
		fault simulator.Fault
		state string
		code  string // of the problem that a failure is
		done  bool   // the vendor did it
	}{
		{"answered", simulator.Fault{Kind: "gzip"}, succeeded, "", true},
		{"answered a little late", simulator.Fault{Kind: "delay", Delay: simulator.Duration(vendorTimeout / 20)}, succeeded, "", true},
		{"numbers", quirk("numbers"), succeeded, "", true},
		{"an older envelope", quirk("bare_envelope"), succeeded, "", true},

		{"done, answered too late", simulator.Fault{Kind: "delay", Delay: slow}, unknown, "", true},
		{"too late", simulator.Fault{Kind: "delay_before", Delay: slow}, unknown, "", false},
		{"no answer", simulator.Fault{Kind: "hang"}, unknown, "", false},
		{"done, no answer", simulator.Fault{Kind: "hang_after"}, unknown, "", true},
		{"reset", simulator.Fault{Kind: "reset"}, unknown, "", false},
		{"done, reset", simulator.Fault{Kind: "reset_after"}, unknown, "", true},
		{"redirect", simulator.Fault{Kind: "redirect", Header: map[string]string{"Location": "http://127.0.0.1:1/"}}, unknown, "", false},
		{"500", status(500, ""), unknown, "", false},
		{"502 with a page", status(502, html), unknown, "", false},
		{"503", status(503, ""), unknown, "", false},
		{"504", status(504, html), unknown, "", false},
		{"404 with a page", status(404, html), unknown, "", false},
		{"no content", status(204, ""), unknown, "", false},
		{"nothing", body(""), unknown, "", false},
		{"white space", body(" \n"), unknown, "", false},
		{"a page", body(html), unknown, "", false},
		{"garbage", body("\x00\xff\xfe{\x1f"), unknown, "", false},
		{"null", body("null"), unknown, "", false},
		{"a number", body("0"), unknown, "", false},
		{"a list", body("[]"), unknown, "", false},
		{"an empty object", body("{}"), unknown, "", false},
		{"success with nothing in it", body(`{"result":"success"}`), unknown, "", false},
		{"success of something else", body(`{"result":"success","answer":{"currency":"EUR","payment":"1"}}`), unknown, "", false},
		{"an error without a code", body(`{"result":"error"}`), unknown, "", false},
		{"an error and an answer", body(`{"result":"error","error_code":"NOT_ENOUGH_MONEY","answer":{"user_id":"1"}}`), unknown, "", false},
		{"endless", simulator.Fault{Kind: "oversize", Bytes: 8 << 20}, unknown, "", false},
		{"INTERNAL_ERROR", quirk("INTERNAL_ERROR"), unknown, "", false},
		{"503 in JSON", quirk("unavailable503"), unknown, "", false},
		{"a code of no document", body(unlistedCode), unknown, "", false},
		{"a code of no document, 400", status(400, unlistedCode), unknown, "", false},
		{"a code of no document, 500", status(500, unlistedCode), unknown, "", false},

		{"NOT_ENOUGH_MONEY", quirk("NOT_ENOUGH_MONEY"), failed, "insufficient_funds", false},
		{"NO_SUCH_COMMAND", quirk("NO_SUCH_COMMAND"), failed, "unsupported_operation", false},
		{"UNSUPPORTED_CURRENCY", quirk("UNSUPPORTED_CURRENCY"), failed, "unsupported_currency", false},
		{"PARAMETER_INCORRECT", quirk("PARAMETER_INCORRECT"), failed, "provider_rejected", false},
		{"RESELLER_AUTH_FAILED", quirk("RESELLER_AUTH_FAILED"), failed, "provider_forbidden", false},
		{"its limit", quirk("ACCOUNT_EXCEEDED_ALLOWED_CONNECTION_RATE"), failed, "provider_rate_limited", false},
	}
	first := map[string]int{succeeded: http.StatusCreated, unknown: http.StatusAccepted}
	kinds := []struct {
		route, function string
		body            func(i int) string
		done            func(v *refillVendor, i int) int
	}{
		{"refills", "user/refill_balance", func(int) string { return aRefill }, func(v *refillVendor, _ int) int { return v.invoices() }},
		{"users", "user/create", func(i int) string { return strings.ReplaceAll(aUser, "ada", fmt.Sprintf("ada%d", i)) }, func(v *refillVendor, i int) int {
			if v.hasUser(fmt.Sprintf("ada%d", i)) {
				return 1
			}
			return 0
		}},
	}
	for _, kind := range kinds {
		t.Run(kind.route, func(t *testing.T) {
			t.Parallel()
			f := newFleet(t)
			v := f.refilling("regru")
			g := f.serve("GATEWAY_PROVIDER_TIMEOUT="+vendorTimeout.String(), "REGRU_RATE=1000/1s")
			for i, tt := range tests {
				t.Run(tt.name, func(t *testing.T) {
					v.t = t
					v.Control.Clear()
					g.get(t, "/accounts/regru/balance", "Cache-Control", "no-cache").wantOK() // closes the breaker, renews the limit
					before := 0
					if kind.route == "refills" {
						before = kind.done(v, i)
					}
					v.Control.ForgetCalls()
					fault := tt.fault
					fault.Operation = kind.function
					v.inject(fault)
					key := fmt.Sprint("key-", i)
					want, answered := first[tt.state], ""
					for repeated := range 3 {
						a := g.post(t, "/accounts/regru/"+kind.route, key, kind.body(i))
						switch {
						case tt.code != "":
							p := a.wantProblem(a.status, tt.code)
							a.wantStatus(p.Status, repeated > 0)
						case repeated > 0 && tt.state == unknown:
							a.wantProblem(http.StatusConflict, "outcome_unknown")
							a.wantStatus(http.StatusConflict, true)
						default:
							a.wantStatus(want, repeated > 0)
						}
						text := withoutIDs(string(a.body))
						if repeated > 1 && text != answered {
							t.Errorf("first %s, then %s", answered, text)
						}
						answered = text
						if op := g.operation(t, a); op.State != tt.state || op.Kind != map[string]string{"refills": "refill", "users": "create_user"}[kind.route] {
							t.Errorf("operation %+v, want it %s", op, tt.state)
						}
					}
					v.Control.Clear()
					if n := v.Control.Calls()[kind.function]; n != 1 {
						t.Errorf("the vendor was asked %d times", n)
					}
					if did := kind.done(v, i) - before; did > 1 || (did == 1) != tt.done {
						t.Errorf("the vendor did it %d times, want it done: %v", did, tt.done)
					}
				})
			}
		})
	}
}

var varying = regexp.MustCompile(`"request_id":"[^"]*"`)

func withoutIDs(text string) string { return varying.ReplaceAllString(text, "") }

func (a answer) wantOK() {
	a.t.Helper()
	if a.status != http.StatusOK {
		a.t.Fatalf("GET %s: %d %s", a.target, a.status, a.body)
	}
}

// TestCutAnswers cuts the vendor's answer to a write after each of its bytes.
// Only the whole one tells anything, and the vendor is never asked again.
func TestCutAnswers(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	// Each refill lists the unpaid invoices first, and they grow: more calls than the true vendor allows.
	v := &refillVendor{Server: regru.New(regru.Options{Refill: true, Rate: regru.Rate{Calls: 10_000, Per: time.Hour}}), t: t}
	f.add("regru", "regru", v, partner...)
	whole := len(v.ask("user/refill_balance", url.Values{"pay_type": {"WM"}, "wmid": {"123456789012"}, "amount": {"19.95"}, "currency": {"USD"}}))
	v.Control.ForgetCalls()
	g := f.serve("REGRU_RATE=1000/1s")
	made := v.invoices()
	for n := range whole + 1 {
		if n%3 == 0 { // an answer now and then, or the breaker opens
			g.get(t, "/accounts/regru/balance", "Cache-Control", "no-cache").wantOK()
		}
		v.inject(simulator.Fault{Kind: "cut", Operation: "user/refill_balance", Bytes: n, Times: 1})
		key := fmt.Sprint("cut-", n)
		want, state := http.StatusAccepted, "unknown"
		if n == whole {
			want, state = http.StatusCreated, "succeeded"
		}
		a := g.post(t, "/accounts/regru/refills", key, aRefill)
		a.wantStatus(want, false)
		if op := g.operation(t, a); op.State != state {
			t.Errorf("cut after %d bytes of %d: %s", n, whole, op.State)
		}
		again := g.post(t, "/accounts/regru/refills", key, aRefill)
		if n < whole {
			again.wantProblem(http.StatusConflict, "outcome_unknown")
		} else {
			again.wantStatus(want, true)
		}
		if calls, did := v.refills(), v.invoices()-made; calls != n+1 || did != n+1 {
			t.Fatalf("cut after %d bytes: %d calls, %d invoices", n, calls, did)
		}
	}
}

// TestUnreachableVendor: what was never sent is failed, not unknown, and the
// key is free for another try.
func TestUnreachableVendor(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	f.refilling("regru")
	g := f.serve("REGRU_BASE_URL=http://" + closedAddr(t) + "/api/regru2")
	for range 2 {
		a := g.post(t, "/accounts/regru/refills", "k", aRefill)
		a.wantProblem(http.StatusServiceUnavailable, "provider_unavailable")
		a.wantStatus(http.StatusServiceUnavailable, false)
		if op := g.operation(t, a); op.State != "failed" {
			t.Errorf("got %+v", op)
		}
	}
}

// unlistedCode is an error whose code no document lists.
const unlistedCode = `{"result":"error","error_code":"BILL_CREATED_BUT_NOT_SENT","error_text":"Bill 70046 was created","code":"made_but_not_mailed","error":"The user was made"}`

// TestUnlistedCodesAreUnknown: a code that no document lists, and Selzy's unspecified, may be of something that was
// done. The caller is never told that nothing was changed, and the vendor's words are kept for whoever looks into it.
func TestUnlistedCodesAreUnknown(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	v := f.refilling("regru")
	v.inject(simulator.Fault{Kind: "body", Body: unlistedCode})
	agency := selzy.New(selzy.Options{})
	f.add("agency", "selzy", agency, "API_KEY=resellerkey")
	unspecific := selzy.New(selzy.Options{})
	f.add("unspecific", "selzy", unspecific, "API_KEY=resellerkey")
	for vendor, text := range map[*selzy.Server]string{agency: unlistedCode, unspecific: `{"error":"Mail failed","code":"unspecified"}`} {
		if err := vendor.Control.Inject(simulator.Fault{Kind: "body", Body: text}); err != nil {
			t.Fatal(err)
		}
	}
	g := f.serve()
	const selzyUser = `{"login":"ada","password":"n3w-us3r","email":"ada@example.com","country":"GB"}`
	for _, tt := range []struct{ target, body, code, words string }{
		{"/accounts/regru/refills", aRefill, "BILL_CREATED_BUT_NOT_SENT", "Bill 70046 was created"},
		{"/accounts/regru/users", aUser, "BILL_CREATED_BUT_NOT_SENT", "Bill 70046 was created"},
		{"/accounts/agency/users", selzyUser, "made_but_not_mailed", "The user was made"},
		{"/accounts/unspecific/users", selzyUser, "unspecified", "Mail failed"},
	} {
		a := g.post(t, tt.target, "k"+tt.target, tt.body)
		a.wantStatus(http.StatusAccepted, false)
		again := g.post(t, tt.target, "k"+tt.target, tt.body)
		p := again.wantProblem(http.StatusConflict, "outcome_unknown")
		op := g.operation(t, a)
		if op.State != "unknown" || op.Problem == nil {
			t.Errorf("%s: got %+v", tt.target, op)
			continue
		}
		for where, p := range map[string]*problem{"operation": op.Problem, "answer": &p} {
			if p.Upstream == nil || p.Upstream.Code != tt.code || p.Upstream.Message != tt.words {
				t.Errorf("%s: the %s has the vendor's words %+v", tt.target, where, p.Upstream)
			}
		}
		if text := string(a.body) + string(again.body); strings.Contains(text, "nothing was changed") {
			t.Errorf("%s: got %s", tt.target, text)
		}
	}
}

// TestListLeavesTheLastCall: the list of unpaid invoices before a refill does not take from a budget of one call what the
// refill itself needs.
func TestListLeavesTheLastCall(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	v := f.refilling("regru")
	g := f.serve("REGRU_RATE=1/1h", "GATEWAY_REFRESH_INTERVAL=0")
	g.post(t, "/accounts/regru/refills", "k", aRefill).wantStatus(http.StatusCreated, false)
	if n := v.refills(); n != 1 {
		t.Errorf("%d refills", n)
	}
}

// TestVendorIsNotSure: REG.RU made the invoice, and does not know whether
// WebMoney got it.
func TestVendorIsNotSure(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	v := f.refilling("regru")
	v.inject(simulator.Fault{Kind: "quirk", Quirk: "wm_invid_0"})
	g := f.serve()
	a := g.post(t, "/accounts/regru/refills", "k", aRefill)
	a.wantStatus(http.StatusAccepted, false)
	if !strings.Contains(string(a.body), `"note":"Bill for prepay created"`) || !strings.Contains(string(a.body), `"state":"unknown"`) {
		t.Errorf("got %s", a.body)
	}
	g.post(t, "/accounts/regru/refills", "k", aRefill).wantProblem(http.StatusConflict, "outcome_unknown")
	if op := g.operation(t, a); op.State != "unknown" || op.Reference == nil || v.refills() != 1 {
		t.Errorf("got %+v after %d calls", op, v.refills())
	}
}

// TestManyRequestsOneWrite has a hundred simultaneous requests with one key at
// two gateways that share a database.
func TestManyRequestsOneWrite(t *testing.T) {
	t.Parallel()
	databases := map[string]func(*testing.T) string{
		"sqlite":   func(t *testing.T) string { return "sqlite:" + filepath.Join(t.TempDir(), "gateway.db") },
		"postgres": func(t *testing.T) string { return testneed.Postgres(t) },
	}
	for name, database := range databases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := database(t)
			f := newFleet(t)
			v, release := newRefillVendor(t), make(chan struct{})
			f.add("regru", "regru", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if strings.HasSuffix(r.URL.Path, "/refill_balance") {
					<-release
				}
				v.ServeHTTP(w, r)
			}), partner...)
			gateways := []*served{f.serve("GATEWAY_DATABASE_URL=" + url), f.serve("GATEWAY_DATABASE_URL=" + url)}
			const many = 100
			var won, running atomic.Int64
			var all, refused sync.WaitGroup
			refused.Add(many - 1)
			open := sync.OnceFunc(func() { close(release) })
			t.Cleanup(open)
			for i := range many {
				all.Go(func() {
					a := gateways[i%2].post(t, "/accounts/regru/refills", "k", aRefill)
					for start := time.Now(); a.status == http.StatusServiceUnavailable && time.Since(start) < patience; {
						// On a slow machine the crowd is too much for the database: nothing was sent, says the contract, so ask again.
						a = gateways[i%2].post(t, "/accounts/regru/refills", "k", aRefill)
					}
					if a.status == http.StatusCreated {
						won.Add(1)
						a.wantStatus(http.StatusCreated, false)
						return
					}
					defer refused.Done()
					a.wantProblem(http.StatusConflict, "operation_in_progress")
					running.Add(1)
				})
			}
			refused.Wait()
			open()
			all.Wait()
			if won.Load() != 1 || running.Load() != many-1 || v.refills() != 1 || v.invoices() != 1 {
				t.Errorf("%d done, %d refused, %d calls, %d invoices", won.Load(), running.Load(), v.refills(), v.invoices())
			}
			var bodies []string
			for _, g := range gateways {
				a := g.post(t, "/accounts/regru/refills", "k", aRefill)
				a.wantStatus(http.StatusCreated, true)
				bodies = append(bodies, string(a.body))
			}
			if bodies[0] != bodies[1] {
				t.Errorf("two answers: %s and %s", bodies[0], bodies[1])
			}
		})
	}
}

// TestCheckOnly is a dry run end to end: the vendor looks, and makes nothing.
func TestCheckOnly(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	v := f.refilling("regru")
	agency := f.simulated("agency", "selzy", "resellerkey")
	g := f.serve()
	dry := strings.Replace(aUser, "{", `{"check_only":true,`, 1)
	a := g.post(t, "/accounts/regru/users", "k", dry)
	a.wantStatus(http.StatusCreated, false)
	if !strings.Contains(string(a.body), `"check_only":true`) || !strings.Contains(string(a.body), `"user":null`) || v.creations() != 1 || v.hasUser("ada") {
		t.Errorf("got %s after %d calls", a.body, v.creations())
	}
	g.post(t, "/accounts/regru/users", "k2", aUser).wantStatus(http.StatusCreated, false)
	if !v.hasUser("ada") {
		t.Error("the user was not made")
	}
	taken := g.post(t, "/accounts/regru/users", "k3", dry)
	if p := taken.wantProblem(http.StatusConflict, "conflict"); len(p.fields()) != 1 || p.fields()[0] != "login" {
		t.Errorf("got %s", taken.body)
	}

	selzyUser := `{"login":"ada","password":"correct-horse","email":"ada@customer.example","check_only":true}`
	g.post(t, "/accounts/agency/users", "k4", selzyUser).wantStatus(http.StatusCreated, false)
	if calls := agency.Calls(); calls["register"] != 0 || calls["checkUserExists"] != 1 {
		t.Errorf("calls %v", calls)
	}
}

// TestBadUser: what the gateway and the vendor's manual forbid is told at once, and nothing of it is sent.
func TestBadUser(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	v := f.refilling("regru")
	agency := f.simulated("agency", "selzy", "resellerkey")
	g := f.serve()
	for target, want := range map[string][]string{
		"/accounts/regru/users":  {"email", "login", "password", "country"},
		"/accounts/agency/users": {"email", "attributes.notify"},
	} {
		body := `{"login":"Bad Login!","email":"x"}`
		if target != "/accounts/regru/users" {
			body = `{"email":"x","attributes":{"notify":"yes"}}`
		}
		if p := g.post(t, target, "k", body).wantProblem(http.StatusBadRequest, "invalid_parameter"); !slices.Equal(p.fields(), want) {
			t.Errorf("%s: got %v, want %v", target, p.fields(), want)
		}
	}
	if n := v.creations() + agency.Calls()["register"]; n != 0 {
		t.Errorf("%d users were sent", n)
	}
	g.post(t, "/accounts/regru/users", "k", aUser).wantStatus(http.StatusCreated, false)
}

// TestKeyIsShownOnce: the API key of a new user is only in the first answer.
func TestKeyIsShownOnce(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	control := f.simulated("agency", "selzy", "resellerkey")
	g := f.serve()
	const body = `{"login":"ada","password":"correct-horse","email":"ada@customer.example"}`
	var first struct {
		User   struct{ Login string }
		APIKey string `json:"api_key"`
	}
	a := g.post(t, "/accounts/agency/users", "k", body)
	a.wantStatus(http.StatusCreated, false)
	b := g.post(t, "/accounts/agency/users", `"k"`, body)
	b.wantStatus(http.StatusCreated, true)
	if json.Unmarshal(a.body, &first) != nil || first.APIKey == "" || first.User.Login != "ada" {
		t.Fatalf("got %s", a.body)
	}
	// The same bytes, without the key.
	if want := strings.Replace(string(a.body), strconv.Quote(first.APIKey), "null", 1); string(b.body) != want {
		t.Errorf("got  %s\nwant %s", b.body, want)
	}
	if op := g.get(t, a.header.Get("Location")); !strings.Contains(string(op.body), `"api_key_shown":true`) || strings.Contains(string(op.body), first.APIKey) {
		t.Errorf("got %s", op.body)
	}
	if n := control.Calls()["register"]; n != 1 {
		t.Errorf("%d calls", n)
	}
	// Selzy has no refills, and says so before anything is recorded.
	g.post(t, "/accounts/agency/refills", "k", aRefill).wantProblem(http.StatusNotImplemented, "unsupported_operation")
	var list struct{ Operations []shownOperation }
	g.get(t, "/accounts/agency/operations").decode(&list)
	if len(list.Operations) != 1 || list.Operations[0].Kind != "create_user" {
		t.Errorf("operations %+v", list.Operations)
	}
}

// TestDroppedRefills: today's REG.RU may not have them any more.
func TestDroppedRefills(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	f.add("regru", "regru", regru.New(regru.Options{}), partner...)
	g := f.serve()
	p := g.post(t, "/accounts/regru/refills", "k", aRefill).wantProblem(http.StatusNotImplemented, "unsupported_operation")
	if !strings.Contains(p.Detail, "REG.RU has dropped refills") {
		t.Errorf("got %+v", p)
	}
}

// TestSpendingGuard: the operator's limits hold over keys and gateways.
func TestSpendingGuard(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	v := f.refilling("regru")
	url := "GATEWAY_DATABASE_URL=sqlite:" + filepath.Join(t.TempDir(), "gateway.db")
	limits := []string{url, "REGRU_REFILL_MAX=50 USD", "REGRU_REFILL_DAILY_MAX=100 USD"}
	gateways := []*served{f.serve(limits...), f.serve(limits...)}
	of := func(amount string) string { return strings.Replace(aRefill, "19.95", amount, 1) }
	forbidden := func(a answer, figures ...string) {
		t.Helper()
		p := a.wantProblem(http.StatusForbidden, "forbidden")
		for _, figure := range figures {
			if !strings.Contains(p.Detail, figure) {
				t.Errorf("detail %q lacks %q", p.Detail, figure)
			}
		}
	}
	forbidden(gateways[0].post(t, "/accounts/regru/refills", "k", of("50.01")), "50.01 USD", "50 USD")
	forbidden(gateways[0].post(t, "/accounts/regru/refills", "k", strings.Replace(aRefill, "USD", "RUB", 1)), "0 RUB")
	gateways[0].post(t, "/accounts/regru/refills", "k", of("50")).wantStatus(http.StatusCreated, false) // the key was not used up
	v.inject(simulator.Fault{Kind: "reset_after", Operation: "user/refill_balance", Times: 1})
	gateways[1].post(t, "/accounts/regru/refills", "k2", of("40")).wantStatus(http.StatusAccepted, false)
	forbidden(gateways[0].post(t, "/accounts/regru/refills", "k3", of("10.01")), "90 USD in the last 24 hours", "100 USD") // the unknown one counts
	gateways[1].post(t, "/accounts/regru/refills", "k3", of("10")).wantStatus(http.StatusCreated, false)
	gateways[1].post(t, "/accounts/regru/refills", "k", of("50")).wantStatus(http.StatusCreated, true) // a replay spends nothing
	if n := v.refills(); n != 3 {
		t.Errorf("%d calls", n)
	}
}

// TestSettledByHand: after an operator has looked at the vendor, the key answers
// what he found, on every replica.
func TestSettledByHand(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	v := f.refilling("regru")
	settings := with(f.settings, "GATEWAY_DATABASE_URL=sqlite:"+filepath.Join(t.TempDir(), "gateway.db"))
	g, other := serving(t, settings), serving(t, settings)
	lost := func(route, key, body string) string {
		t.Helper()
		v.inject(simulator.Fault{Kind: "reset_after", Operation: map[string]string{"refills": "user/refill_balance", "users": "user/create"}[route], Times: 1})
		a := g.post(t, "/accounts/regru/"+route, key, body)
		a.wantStatus(http.StatusAccepted, false)
		return g.operation(t, a).ID
	}
	settle := func(id string, args ...string) {
		t.Helper()
		args = append([]string{"operations", "settle", id, "--by", "ops", "--reason", "looked at the vendor's site"}, args...)
		if status, stdout, stderr := complete(t, settings, args...); status != 0 {
			t.Fatalf("exit status %d, wrote %s%s", status, stdout, stderr)
		}
	}
	refill, user, gone := lost("refills", "k", aRefill), lost("users", "k2", aUser), lost("refills", "k3", aRefill)
	settle(refill, "--state", "succeeded", "--reference", "70045")
	settle(user, "--state", "succeeded", "--reference", "4811202")
	settle(gone, "--state", "failed")
	for _, gateway := range []*served{g, other} {
		a := gateway.post(t, "/accounts/regru/refills", "k", aRefill)
		a.wantStatus(http.StatusCreated, true)
		if !strings.Contains(string(a.body), `"invoice":{"id":"70045"`) {
			t.Errorf("got %s", a.body)
		}
		b := gateway.post(t, "/accounts/regru/users", "k2", aUser)
		b.wantStatus(http.StatusCreated, true)
		if !strings.Contains(string(b.body), `"id":"4811202"`) || !strings.Contains(string(b.body), `"email":"ada@customer.example"`) {
			t.Errorf("got %s", b.body)
		}
		c := gateway.post(t, "/accounts/regru/refills", "k3", aRefill)
		if p := c.wantProblem(http.StatusBadGateway, "provider_error"); !strings.Contains(p.Detail, "looked at the vendor's site") {
			t.Errorf("got %s", c.body)
		}
		if op := gateway.operation(t, a); op.State != "succeeded" || op.SettledBy == nil || *op.SettledBy != "ops" || *op.Reason != "looked at the vendor's site" {
			t.Errorf("got %+v", op)
		}
	}
	if v.refills() != 2 || v.creations() != 1 {
		t.Errorf("%d refills, %d creations", v.refills(), v.creations())
	}
}

// TestWriteRenewsReadings: after a write, figures that it may have changed are
// asked anew, on every replica.
func TestWriteRenewsReadings(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	v := selzy.New(selzy.Options{Now: today})
	f.add("agency", "selzy", v, "API_KEY=resellerkey")
	settings := with(f.settings, "GATEWAY_DATABASE_URL=sqlite:"+filepath.Join(t.TempDir(), "gateway.db"), "GATEWAY_USERS_TTL=1h")
	g, other := serving(t, settings), serving(t, settings)
	logins := func(s *served) (list []string) {
		var users struct{ Users []struct{ Login string } }
		s.get(t, "/accounts/agency/users").decode(&users)
		for _, u := range users.Users {
			list = append(list, u.Login)
		}
		return list
	}
	before := logins(g)
	if diff := cmp.Diff(before, logins(other)); diff != "" {
		t.Fatalf("two answers: %s", diff)
	}
	g.post(t, "/accounts/agency/users", "k", `{"login":"zzz","password":"correct-horse","email":"zzz@customer.example"}`).wantStatus(http.StatusCreated, false)
	want := append(before, "zzz")
	if diff := cmp.Diff(want, logins(g)); diff != "" {
		t.Errorf("where it was written (-want +got):\n%s", diff)
	}
	eventually(t, "the other replica asks anew", func() bool { return cmp.Equal(want, logins(other)) })
}
