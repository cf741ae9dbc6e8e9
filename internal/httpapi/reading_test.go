package httpapi

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"accountgateway/internal/account"
	"accountgateway/internal/durable"
	"accountgateway/internal/httpapi/middleware"
	"accountgateway/internal/provider"
	"accountgateway/internal/store"
)

// moving is a vendor whose every answer is another figure: the first read brings
// 1, the second 2. It can be made to fail.
type moving struct {
	calls atomic.Int64
	err   atomic.Pointer[provider.Error]
	takes time.Duration
}

func (m *moving) fake() fake {
	next := func() (int64, error) {
		time.Sleep(m.takes)
		if err := m.err.Load(); err != nil {
			return 0, err
		}
		return m.calls.Add(1), nil
	}
	return fake{
		balance: func(context.Context, provider.BalanceQuery) (provider.Balance, error) {
			n, err := next()
			return provider.Balance{Balance: money(fmt.Sprint(n), "USD")}, err
		},
		statistics: func(context.Context, provider.StatisticsQuery) (provider.Statistics, error) {
			n, err := next()
			return provider.Statistics{Counters: []provider.Counter{{Name: "n", Value: n, Scope: provider.ScopeNow}}}, err
		},
		users: func(context.Context, provider.UserQuery) (provider.Users, error) {
			n, err := next()
			return provider.Users{Users: []provider.User{{Login: fmt.Sprint(n)}}}, err
		},
	}
}

// TestFreshness has a row for each rule of who is served what. Readings are fresh
// for a minute and served for an hour if the vendor fails. In each row the first
// reading is 1; then time passes, the vendor perhaps fails, and one request asks.
func TestFreshness(t *testing.T) {
	away := &provider.Error{
		Kind: provider.KindUnavailable, Message: "the connection was refused", RetryAfter: 7 * time.Second,
		Upstream: &provider.Upstream{Code: "SERVICE_UNAVAILABLE", Message: "later"}, Err: fmt.Errorf("secret text"),
	}
	refused := &provider.Error{Kind: provider.KindRejected, Message: "no"}
	const second, minute = time.Second, time.Minute
	tests := []struct {
		name   string
		passes time.Duration
		bound  string // Cache-Control
		err    *provider.Error

		figure      string // of the answer, or
		code        ProblemCode
		cacheStatus string
		age         string
		next        string // Cache-Status of a second request without a bound, if told
	}{
		{name: "fresh: from memory", passes: 18 * second, figure: "1", cacheStatus: "gateway; hit; ttl=42", age: "18"},
		{name: "age and ttl never flatter", passes: 18*second + 1, figure: "1", cacheStatus: "gateway; hit; ttl=41", age: "19"},
		{name: "fresh to the last", passes: minute, figure: "1", cacheStatus: "gateway; hit; ttl=0", age: "60"},
		{name: "past its limit: the vendor is asked", passes: minute + 1, figure: "2", cacheStatus: "gateway; fwd=stale; stored; ttl=60", age: "0"},
		{name: "the vendor can't be asked: the old one", passes: 78 * second, err: away, figure: "1", cacheStatus: "gateway; hit; ttl=-18; detail=provider_unavailable", age: "78"},
		{name: "a negative ttl does not flatter", passes: 78*second + 1, err: away, figure: "1", cacheStatus: "gateway; hit; ttl=-19; detail=provider_unavailable", age: "79"},
		{name: "fresh: the vendor's failure does not matter", passes: 18 * second, err: away, figure: "1", cacheStatus: "gateway; hit; ttl=42", age: "18"},
		{name: "as old as stale-if-error", passes: time.Hour, err: away, figure: "1", cacheStatus: "gateway; hit; ttl=-3540; detail=provider_unavailable", age: "3600"},
		{name: "older than stale-if-error", passes: time.Hour + 1, err: away, code: ProblemCodeProviderUnavailable},
		{name: "the vendor's no is no failure to ask", passes: 2 * minute, err: refused, code: ProblemCodeProviderRejected},

		{name: "max-age met", passes: 30 * second, bound: "max-age=30", figure: "1", cacheStatus: "gateway; hit; ttl=30", age: "30"},
		{name: "max-age asks", passes: 31 * second, bound: "max-age=30", figure: "2", cacheStatus: "gateway; fwd=request; stored; ttl=60", age: "0"},
		{name: "max-age not met", passes: 31 * second, bound: "max-age=30", err: away, code: ProblemCodeNotAcceptableFreshness},
		{name: "max-age does not lengthen the limit", passes: 78 * second, bound: "max-age=120", figure: "2", cacheStatus: "gateway; fwd=stale; stored; ttl=60", age: "0"},
		{name: "max-age met by an old one", passes: 78 * second, bound: "max-age=120", err: away, figure: "1", cacheStatus: "gateway; hit; ttl=-18; detail=provider_unavailable", age: "78"},

		{name: "no-cache asks", passes: second, bound: "no-cache", figure: "2", cacheStatus: "gateway; fwd=request; stored; ttl=60", age: "0"},
		{name: "no-cache takes nothing old", passes: second, bound: "no-cache", err: away, code: ProblemCodeProviderUnavailable},
		{name: "max-age=0 asks", passes: second, bound: "max-age=0", figure: "2", cacheStatus: "gateway; fwd=request; stored; ttl=60", age: "0"},
		{name: "max-age=0 takes nothing old", passes: second, bound: "max-age=0", err: away, code: ProblemCodeProviderUnavailable},
		{name: "no-cache for one past its limit", passes: 2 * minute, bound: "no-cache", figure: "2", cacheStatus: "gateway; fwd=stale; stored; ttl=60", age: "0"},

		{name: "max-stale takes it at once, and it is renewed behind", passes: 78 * second, bound: "max-stale=300", figure: "1", cacheStatus: "gateway; hit; ttl=-18", age: "78", next: "gateway; hit; ttl=60"},
		{name: "max-stale to the last", passes: 360 * second, bound: "max-stale=300", figure: "1", cacheStatus: "gateway; hit; ttl=-300", age: "360"},
		{name: "max-stale passed: the vendor is asked", passes: 361 * second, bound: "max-stale=300", figure: "2", cacheStatus: "gateway; fwd=stale; stored; ttl=60", age: "0"},
		{name: "max-stale passed, and the vendor away", passes: 361 * second, bound: "max-stale=300", err: away, code: ProblemCodeNotAcceptableFreshness},
		{name: "max-stale without a value", passes: time.Hour, bound: "max-stale", figure: "1", cacheStatus: "gateway; hit; ttl=-3540", age: "3600"},
		{name: "max-stale is bounded by stale-if-error", passes: time.Hour + 1, bound: "max-stale", figure: "2", cacheStatus: "gateway; fwd=stale; stored; ttl=60", age: "0"},
		{name: "max-stale and max-age", passes: 78 * second, bound: "max-stale, max-age=30", figure: "2", cacheStatus: "gateway; fwd=stale; stored; ttl=60", age: "0"},

		{name: "only-if-cached, fresh", passes: 18 * second, bound: "only-if-cached", figure: "1", cacheStatus: "gateway; hit; ttl=42", age: "18"},
		{name: "only-if-cached, stale", passes: 78 * second, bound: "only-if-cached", figure: "1", cacheStatus: "gateway; hit; ttl=-18", age: "78", next: "gateway; fwd=stale; stored; ttl=60"},
		{name: "only-if-cached, too old", passes: time.Hour + 1, bound: "only-if-cached", code: ProblemCodeNotAcceptableFreshness},
		{name: "only-if-cached and max-age", passes: 31 * second, bound: "only-if-cached, max-age=30", code: ProblemCodeNotAcceptableFreshness},
		{name: "only-if-cached and no-cache", bound: "only-if-cached, no-cache", code: ProblemCodeNotAcceptableFreshness},

		{name: "what is not known is ignored", passes: 18 * second, bound: "min-fresh=50, no-store, surprise", figure: "1", cacheStatus: "gateway; hit; ttl=42", age: "18"},
		{name: "what makes no sense is refused", passes: 18 * second, bound: "max-age=soon", code: ProblemCodeInvalidParameter},
	}
	for _, route := range []string{"balance", "statistics", "users"} {
		for _, tt := range tests {
			t.Run(route+"/"+tt.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					vendor := &moving{}
					g := startDirect(t, map[string]fake{"acme": vendor.fake()})
					target := "/accounts/acme/" + route
					first := g.get(target)
					if got := first.header.Get("Cache-Status"); got != "gateway; fwd=miss; stored; ttl=60" {
						t.Errorf("the first read is %q", got)
					}
					time.Sleep(tt.passes)
					vendor.err.Store(tt.err)
					a := g.ask(http.MethodGet, target, http.Header{"Cache-Control": {tt.bound}}, nil)
					synctest.Wait()
					if tt.code != "" {
						a.wantCode(tt.code)
					} else {
						a.wantReading(tt.figure, tt.cacheStatus, tt.age)
					}
					if strings.Contains(string(a.body), "secret") {
						t.Errorf("the cause is in the answer: %s", a.body)
					}
					if got := g.get(target).header.Get("Cache-Status"); tt.next != "" && got != tt.next {
						t.Errorf("the next is %q, want %q", got, tt.next)
					}
				})
			})
		}
	}
}

// wantReading checks a reading's figure, its headers, and that they and the body
// agree on whether it is stale.
func (a answer) wantReading(figure, cacheStatus, age string) {
	a.t.Helper()
	body := string(a.body)
	if a.status != http.StatusOK || !strings.Contains(body, `"amount":"`+figure+`"`) && !strings.Contains(body, `"value":`+figure+`}`) && !strings.Contains(body, `"login":"`+figure+`"`) {
		a.t.Errorf("got %d %s, want the figure %s", a.status, a.body, figure)
	}
	if got := a.header.Get("Cache-Status"); got != cacheStatus {
		a.t.Errorf("Cache-Status is %q, want %q", got, cacheStatus)
	}
	if got := a.header.Get("Age"); got != age {
		a.t.Errorf("Age is %q, want %q", got, age)
	}
	if stale := strings.Contains(cacheStatus, "ttl=-"); strings.Contains(body, `"stale":true`) != stale {
		a.t.Errorf("%q, but the body is %s", cacheStatus, body)
	}
	if got := a.header.Get("Cache-Control"); got != "private, max-age=60, stale-if-error=3600" {
		a.t.Errorf("Cache-Control is %q", got)
	}
}

func TestNothingAtHand(t *testing.T) {
	vendor := &moving{}
	g := start(t, map[string]fake{"acme": vendor.fake()})
	for _, route := range []string{"balance", "statistics", "users", "forecast"} {
		p := g.ask(http.MethodGet, "/accounts/acme/"+route, http.Header{"Cache-Control": {"only-if-cached"}}, nil).wantCode(ProblemCodeNotAcceptableFreshness)
		if p.Detail != "no stored reading, and the request forbids calling the vendor" || p.Upstream != nil || p.Account != nil {
			t.Errorf("got %+v", p)
		}
	}
	if vendor.calls.Load() != 0 {
		t.Error("the vendor was asked")
	}
}

// TestFreshnessProblem has a vendor's failure behind a bound that was not met.
func TestFreshnessProblem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		vendor := &moving{}
		g := startDirect(t, map[string]fake{"acme": vendor.fake()})
		g.get("/accounts/acme/balance")
		time.Sleep(78 * time.Second)
		vendor.err.Store(&provider.Error{
			Kind: provider.KindUnavailable, Message: "the connection was refused", RetryAfter: 6500 * time.Millisecond,
			Upstream: &provider.Upstream{Code: "GONE", Message: "later"}, Err: fmt.Errorf("secret text"),
		})
		a := g.ask(http.MethodGet, "/accounts/acme/balance", http.Header{"Cache-Control": {"max-age=30"}}, nil)
		p := a.wantCode(ProblemCodeNotAcceptableFreshness)
		want := "the stored reading is 78 s old, which the request's Cache-Control does not accept; no newer one could be read from the vendor: the connection was refused"
		if p.Detail != want || *p.Upstream != (UpstreamError{Code: "GONE", Message: "later"}) || *p.Account != "acme" || *p.Provider != "vendor-of-acme" || a.header.Get("Retry-After") != "7" {
			t.Errorf("got %s, Retry-After %s", a.body, a.header.Get("Retry-After"))
		}
		if !logHas(g.log, a.header.Get(middleware.RequestIDHeader), "secret text") {
			t.Errorf("the cause is not in the log:\n%s", g.log)
		}
		a = g.get("/accounts/acme/balance")
		if !logHas(g.log, a.header.Get(middleware.RequestIDHeader), `"status":200`, "secret text") {
			t.Errorf("why an old reading was served is not in the log:\n%s", g.log)
		}
	})
}

func TestPragmaAsks(t *testing.T) {
	g := start(t, map[string]fake{"acme": (&moving{}).fake()})
	g.get("/accounts/acme/balance")
	a := g.ask(http.MethodGet, "/accounts/acme/balance", http.Header{"Pragma": {"no-cache"}}, nil)
	if got := a.header.Get("Cache-Status"); !strings.HasPrefix(got, "gateway; fwd=request; stored") {
		t.Errorf("got %q", got)
	}
}

func TestCollapsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := startDirect(t, map[string]fake{"acme": (&moving{takes: 2 * time.Second}).fake()})
		got := make(chan string, 3)
		for range cap(got) {
			go func() { got <- g.get("/accounts/acme/balance").header.Get("Cache-Status") }()
		}
		seen := []string{<-got, <-got, <-got}
		slices.Sort(seen)
		want := []string{"gateway; fwd=miss; stored; ttl=58", "gateway; fwd=miss; stored; ttl=58; collapsed", "gateway; fwd=miss; stored; ttl=58; collapsed"}
		if !slices.Equal(seen, want) {
			t.Errorf("got %q", seen)
		}
	})
}

func TestNotModified(t *testing.T) {
	_, stored := withStore(t, map[string]fake{"acme": everything()})
	g := start(t, nil, stored)
	for _, target := range []string{"/accounts/acme/balance", "/accounts/acme/statistics", "/accounts/acme/users", "/accounts/acme/users?limit=1", "/accounts/acme/forecast", "/balances"} {
		full := g.get(target)
		tag := full.header.Get("Etag")
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			a := g.ask(method, target, http.Header{"If-None-Match": {tag}}, nil)
			if a.status != http.StatusNotModified || len(a.body) != 0 || a.header.Get("Content-Type") != "" {
				t.Errorf("%s %s: got %d %v %s", method, target, a.status, a.header, a.body)
			}
			for _, name := range []string{"Etag", "Cache-Control", "Age", "Cache-Status", "Date"} {
				if a.header.Get(name) == "" || name == "Etag" && a.header.Get(name) != tag {
					t.Errorf("%s %s: %s is %q", method, target, name, a.header.Get(name))
				}
			}
		}
		if a := g.ask(http.MethodGet, target, http.Header{"If-None-Match": {`"other"`}}, nil); a.status != http.StatusOK || string(a.body) != string(full.body) {
			t.Errorf("%s: got %d %s", target, a.status, a.body)
		}
	}
	if a := g.ask(http.MethodGet, "/accounts/nobody/balance", http.Header{"If-None-Match": {"*"}}, nil); a.status != http.StatusNotFound {
		t.Errorf("a problem is %d", a.status)
	}
}

// TestTags shows that a tag changes whenever the body does, and never else.
func TestTags(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		vendor := &moving{}
		g := startDirect(t, map[string]fake{"acme": vendor.fake()})
		tags := map[string]string{} // by body
		for _, target := range []string{"balance", "statistics", "users", "users?login=x", "users?limit=1"} {
			for _, passes := range []time.Duration{0, 0, 30 * time.Second, 40 * time.Second, 10 * time.Second, 61 * time.Second} {
				time.Sleep(passes)
				if passes == 40*time.Second {
					vendor.err.Store(provider.Errorf(provider.KindTimeout, "no answer"))
				} else if passes > 60*time.Second {
					vendor.err.Store(nil)
				}
				a := g.get("/accounts/acme/" + target)
				tag := a.header.Get("Etag")
				if old, ok := tags[string(a.body)]; ok && old != tag {
					t.Errorf("%s has the tags %s and %s", a.body, old, tag)
				}
				tags[string(a.body)] = tag
			}
		}
		distinct := map[string]bool{}
		for tag := range maps.Values(tags) {
			distinct[tag] = true
		}
		if len(distinct) != len(tags) || len(tags) != 5*3 { // of each target one fresh, one stale, one new
			t.Errorf("%d tags of %d bodies", len(distinct), len(tags))
		}
	})
}

// TestSameBytesAfterARestart has two services over one database.
func TestSameBytesAfterARestart(t *testing.T) {
	url := "sqlite:" + filepath.Join(t.TempDir(), "gateway.db")
	accounts := map[string]fake{"acme": everything()}
	var first answer
	for run := range 2 {
		st, err := store.Open(t.Context(), url, store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		d := durable.New(zerolog.Nop())
		d.Attach(st)
		s := serviceOn(d, accounts)
		s.Load(t.Context())
		g := start(t, nil, func(o *Options) { o.Accounts = s })
		if run == 0 {
			first = g.get("/accounts/acme/balance")
		} else {
			again := g.ask(http.MethodGet, "/accounts/acme/balance", http.Header{"Cache-Control": {"only-if-cached"}}, nil)
			if string(again.body) != string(first.body) || again.header.Get("Etag") != first.header.Get("Etag") {
				t.Errorf("got %s\nwant %s", again.body, first.body)
			}
		}
		ended, end := context.WithCancel(t.Context())
		end()
		s.Run(ended) // waits for what is on its way to the store
		st.Close()
	}
}

// TestFleetFreshness has two balances of different age.
func TestFleetFreshness(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := &moving{}, &moving{}
		g := startDirect(t, map[string]fake{"a": a.fake(), "b": b.fake()})
		g.get("/accounts/a/balance")
		time.Sleep(18 * time.Second)

		check := func(bound, status, age string, items ...string) answer {
			t.Helper()
			got := g.ask(http.MethodGet, "/balances", http.Header{"Cache-Control": {bound}}, nil)
			if got.header.Get("Cache-Status") != status || got.header.Get("Age") != age {
				t.Errorf("%q: Cache-Status %q, Age %q", bound, got.header.Get("Cache-Status"), got.header.Get("Age"))
			}
			for _, item := range items {
				if !strings.Contains(string(got.body), item) {
					t.Errorf("%q: no %s in %s", bound, item, got.body)
				}
			}
			return got
		}
		first := check("", "gateway; fwd=miss; stored; ttl=42", "18", `"complete":true`)
		again := check("", "gateway; hit; ttl=42", "18")
		if again.header.Get("Etag") == "" || again.header.Get("Etag") != first.header.Get("Etag") {
			t.Errorf("tags %q and %q", first.header.Get("Etag"), again.header.Get("Etag"))
		}
		time.Sleep(50 * time.Second) // a is 68 s old, b 50 s
		a.err.Store(provider.Errorf(provider.KindTimeout, "no answer"))
		check("", "gateway; hit; ttl=-8; detail=provider_timeout", "68", `"status":"stale"`, `"status":"ok"`, `"complete":true`)
		check("max-stale=30", "gateway; hit; ttl=-8", "68", `"status":"stale"`, `"status":"ok"`)
		partial := check("max-age=55", "gateway; hit; ttl=10", "50", `"status":"failed"`, `"code":"not_acceptable_freshness"`, `"status":"ok"`, `"complete":false`)
		if partial.header.Get("Cache-Control") != "no-store" || partial.header.Get("Etag") != "" {
			t.Errorf("failures may be kept: %v", partial.header)
		}
		none := check("only-if-cached, max-age=1", "", "", `"complete":false`)
		if none.header.Get("Cache-Control") != "no-store" {
			t.Errorf("failures may be kept: %v", none.header)
		}
		g.ask(http.MethodGet, "/balances", http.Header{"Cache-Control": {"max-age=x"}}, nil).wantFields("Cache-Control")
	})
}

// TestAgeOfHits: headers that were made for one hit serve another only while they
// are true.
func TestAgeOfHits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		vendor := &moving{}
		g := startDirect(t, map[string]fake{"acme": vendor.fake()})
		for _, route := range []string{"balance", "statistics", "users"} {
			target := "/accounts/acme/" + route
			g.ask(http.MethodGet, target, http.Header{"Cache-Control": {"no-cache"}}, nil)
			for tenths := range 32 {
				age := (tenths + 9) / 10 // rounded up
				a := g.get(target)
				if got, want := a.header.Get("Age"), fmt.Sprint(age); got != want {
					t.Errorf("%s after %d00 ms: Age is %q, want %q", route, tenths, got, want)
				}
				if got, want := a.header.Get("Cache-Status"), fmt.Sprintf("gateway; hit; ttl=%d", 60-age); got != want {
					t.Errorf("%s after %d00 ms: Cache-Status is %q, want %q", route, tenths, got, want)
				}
				time.Sleep(100 * time.Millisecond)
			}
			// Of one age, by another way.
			g.ask(http.MethodGet, target, http.Header{"Cache-Control": {"no-cache"}}, nil)
			time.Sleep(61 * time.Second)
			for range 2 {
				vendor.err.Store(nil)
				a := g.ask(http.MethodGet, target, http.Header{"Cache-Control": {"only-if-cached"}}, nil)
				if got := a.header.Get("Cache-Status"); got != "gateway; hit; ttl=-1" {
					t.Errorf("%s, from memory: Cache-Status is %q", route, got)
				}
				vendor.err.Store(&provider.Error{Kind: provider.KindUnavailable, Message: "away"})
				a = g.get(target)
				if got := a.header.Get("Cache-Status"); got != "gateway; hit; ttl=-1; detail=provider_unavailable" {
					t.Errorf("%s, with the vendor away: Cache-Status is %q", route, got)
				}
			}
			vendor.err.Store(nil)
		}
	})
}

// TestAgeOfASlowAnswer: nothing looks fresher than it is, however it came.
func TestAgeOfASlowAnswer(t *testing.T) {
	tests := []struct {
		ttl, takes       time.Duration
		cacheStatus, age string
		stale            bool
	}{
		{time.Minute, 0, "gateway; fwd=miss; stored; ttl=60", "0", false},
		{time.Minute, 999 * time.Millisecond, "gateway; fwd=miss; stored; ttl=59", "0", false},
		{time.Minute, time.Second, "gateway; fwd=miss; stored; ttl=59", "1", false},
		{time.Minute, 1910 * time.Millisecond, "gateway; fwd=miss; stored; ttl=58", "2", false},
		{time.Second, 900 * time.Millisecond, "gateway; fwd=miss; stored; ttl=0", "0", false},
		{time.Second, 1500 * time.Millisecond, "gateway; fwd=miss; stored; ttl=-1", "2", true},
		{0, 1500 * time.Millisecond, "gateway; fwd=miss; stored; ttl=0", "2", false},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprint(tt.takes, " of ", tt.ttl), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := serviceOptions()
				o.TTL = map[provider.Operation]time.Duration{provider.OpBalance: tt.ttl}
				vendor := &moving{takes: tt.takes}
				accounts := account.New([]account.Account{{Name: "acme", Provider: "v", Adapter: vendor.fake()}}, durable.New(zerolog.Nop()), o)
				g := startDirect(t, nil, func(o *Options) { o.Accounts = accounts })
				for _, target := range []string{"/accounts/acme/balance", "/balances"} {
					a := g.ask(http.MethodGet, target, http.Header{"Cache-Control": {"no-cache"}}, nil)
					got := strings.Replace(a.header.Get("Cache-Status"), "fwd=stale", "fwd=miss", 1)
					got = strings.Replace(got, "fwd=request", "fwd=miss", 1)
					if age := a.header.Get("Age"); got != tt.cacheStatus || age != tt.age || strings.Contains(string(a.body), `"stale":true`) != tt.stale {
						t.Errorf("%s: Cache-Status %q, Age %q: %s", target, got, age, a.body)
					}
				}
			})
		})
	}
}

// TestFreshnessProblemTellsTheAge that Age would.
func TestFreshnessProblemTellsTheAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := startDirect(t, map[string]fake{"acme": (&moving{}).fake()})
		g.get("/accounts/acme/balance")
		time.Sleep(6100 * time.Millisecond)
		p := g.ask(http.MethodGet, "/accounts/acme/balance", http.Header{"Cache-Control": {"only-if-cached, max-age=6"}}, nil).wantCode(ProblemCodeNotAcceptableFreshness)
		if age := g.get("/accounts/acme/balance").header.Get("Age"); age != "7" || !strings.Contains(p.Detail, "is 7 s old") {
			t.Errorf("Age is %s, but %q", age, p.Detail)
		}
	})
}

// TestFleetAtOneMoment: b is slow, and a grew older meanwhile. What is shown,
// counted and told by headers is as it is when the answer is sent.
func TestFleetAtOneMoment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := &moving{}, &moving{takes: 5200 * time.Millisecond}
		g := startDirect(t, map[string]fake{"a": a.fake(), "b": b.fake()})
		check := func(bound, status, age string, items ...string) {
			t.Helper()
			got := g.ask(http.MethodGet, "/balances", http.Header{"Cache-Control": {bound}}, nil)
			if got.header.Get("Cache-Status") != status || got.header.Get("Age") != age {
				t.Errorf("%q: Cache-Status %q, Age %q", bound, got.header.Get("Cache-Status"), got.header.Get("Age"))
			}
			for _, item := range items {
				if !strings.Contains(string(got.body), item) {
					t.Errorf("%q: no %s in %s", bound, item, got.body)
				}
			}
		}
		check("max-age=4", "gateway; fwd=request; stored; ttl=60", "0", `"complete":false`, `"totals":[{"amount":"2","currency":"USD"}]`,
			`"status":"ok"`, `"code":"not_acceptable_freshness","detail":"the stored reading is 6 s old,`)
		if n := a.calls.Load(); n != 2 {
			t.Errorf("a was asked %d times, want 2", n)
		}
		check("no-cache", "gateway; fwd=request; stored; ttl=54", "6", `"complete":true`, `"totals":[{"amount":"5","currency":"USD"}]`)
	})
}
