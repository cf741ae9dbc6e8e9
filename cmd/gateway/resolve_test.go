package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"accountgateway/internal/account"
	"accountgateway/internal/config"
	"accountgateway/internal/durable"
	"accountgateway/internal/httpapi"
	"accountgateway/internal/provider"
	"accountgateway/internal/provider/regru"
	"accountgateway/internal/provider/upstream"
	"accountgateway/internal/store"
)

// wire carries calls to a vendor in this process, without a network, and loses
// the answers to refills on request.
type wire struct {
	vendor http.Handler
	mu     sync.Mutex
	lose   int  // so many answers to refills
	drop   int  // so many refills, before the vendor sees them
	deaf   bool // the list of unpaid invoices can't be read
}

func (w *wire) RoundTrip(req *http.Request) (*http.Response, error) {
	if w.breaks(req.URL.Path) {
		return nil, io.ErrUnexpectedEOF
	}
	recorder := httptest.NewRecorder()
	req.RemoteAddr = "127.0.0.1:1"
	w.vendor.ServeHTTP(recorder, req)
	w.mu.Lock()
	defer w.mu.Unlock()
	if strings.HasSuffix(req.URL.Path, "/refill_balance") && w.lose > 0 {
		w.lose--
		return nil, io.ErrUnexpectedEOF
	}
	return recorder.Result(), nil
}

// breaks tells whether the connection breaks before the vendor sees a call.
func (w *wire) breaks(path string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if strings.HasSuffix(path, "/refill_balance") && w.drop > 0 {
		w.drop--
		return true
	}
	return strings.HasSuffix(path, "/get_not_payed") && w.deaf //nolint:misspell // the vendor's spelling
}

func (w *wire) set(f func(*wire)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f(w)
}

// resolving is a gateway in a bubble of time: a minute's lookup takes no time.
type resolving struct {
	t       *testing.T
	handler http.Handler
	vendor  *refillVendor
	wire    *wire
}

func newResolving(t *testing.T, v *refillVendor) *resolving {
	w := &wire{vendor: v}
	var base config.BaseURL
	if err := base.UnmarshalText([]byte("http://127.0.0.1:1/api/regru2")); err != nil {
		t.Fatal(err)
	}
	client := upstream.New(upstream.Options{Account: "regru", Provider: "regru", Transport: w, Log: zerolog.Nop()})
	adapter := regru.New(client, regru.Config{Username: "partner", Password: "partner-secret", BaseURL: base, Lang: "en"})
	st, err := store.Open(t.Context(), "sqlite::memory:", store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	d := durable.New(zerolog.Nop())
	d.Attach(st)
	registry := prometheus.NewRegistry()
	accounts := account.New([]account.Account{{Name: "regru", Provider: "regru", Adapter: adapter}}, d, account.Options{
		TTL:          map[provider.Operation]time.Duration{provider.OpBalance: time.Minute, provider.OpStatistics: time.Minute, provider.OpUsers: time.Minute},
		StaleIfError: time.Hour, LoadTimeout: 15 * time.Second, HistoryFor: time.Hour, Registry: registry, Log: zerolog.Nop(),
	})
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan struct{})
	go func() {
		defer close(done)
		accounts.Run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-done
		st.Close()
	})
	return &resolving{t: t, vendor: v, wire: w, handler: httpapi.New(httpapi.Options{Accounts: accounts, Log: zerolog.Nop(), Registry: registry})}
}

func (r *resolving) ask(method, target, key, body string) answer {
	r.t.Helper()
	req := httptest.NewRequestWithContext(r.t.Context(), method, "http://127.0.0.1"+target, strings.NewReader(body))
	if key != "" {
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Idempotency-Key", key)
	}
	w := httptest.NewRecorder()
	r.handler.ServeHTTP(w, req)
	a := answer{t: r.t, target: target, status: w.Code, header: w.Result().Header, body: w.Body.Bytes()}
	plain, err := http.NewRequestWithContext(r.t.Context(), method, target, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	a.check(plain)
	return a
}

// lost asks for a refill whose answer is lost.
func (r *resolving) lost(key, amount string) answer {
	r.t.Helper()
	r.wire.set(func(w *wire) { w.lose = 1 })
	return r.unknown(key, amount)
}

// unmade asks for a refill of which the vendor never hears, which the gateway
// can't know.
func (r *resolving) unmade(key, amount string) answer {
	r.t.Helper()
	r.wire.set(func(w *wire) { w.drop = 1 })
	return r.unknown(key, amount)
}

func (r *resolving) unknown(key, amount string) answer {
	r.t.Helper()
	a := r.ask(http.MethodPost, "/accounts/regru/refills", key, roubles(amount))
	a.wantStatus(http.StatusAccepted, false)
	return a
}

// stranger makes an invoice at the vendor beside the gateway.
func (v *refillVendor) stranger(amount string) (id string) {
	v.t.Helper()
	var made struct {
		Answer struct {
			ID string `json:"bill_id"`
		}
	}
	text := v.ask("user/refill_balance", url.Values{"pay_type": {"WM"}, "wmid": {"123456789012"}, "amount": {amount}, "currency": {"RUR"}})
	if err := json.Unmarshal([]byte(text), &made); err != nil || made.Answer.ID == "" {
		v.t.Fatalf("%v: %s", err, text)
	}
	return made.Answer.ID
}

// roubles asks for an invoice in REG.RU's own currency: of another one its list
// of unpaid invoices has only the sum with fees.
func roubles(amount string) string {
	return strings.NewReplacer("19.95", amount, "USD", "RUB").Replace(aRefill)
}

func (r *resolving) operation(a answer) (op shownOperation) {
	r.t.Helper()
	if err := json.Unmarshal(r.ask(http.MethodGet, a.header.Get("Location"), "", "").body, &op); err != nil {
		r.t.Fatal(err)
	}
	return op
}

// TestLostRefillsAreFound: the vendor made the invoice and its answer was lost.
// Where one invoice fits, the lookup settles the refill; where two do, it does
// not guess.
func TestLostRefillsAreFound(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newResolving(t, newRefillVendor(t))
		found := r.lost("k", "19.95")
		r.ask(http.MethodPost, "/accounts/regru/refills", "k", roubles("19.95")).wantProblem(http.StatusConflict, "outcome_unknown")
		twin1, twin2 := r.lost("t1", "7.00"), r.lost("t2", "7.00")
		settled := r.ask(http.MethodPost, "/accounts/regru/refills", "s", roubles("8")) // one that is known
		settled.wantStatus(http.StatusCreated, false)
		single := r.lost("t3", "8") // only its invoice is free: the other belongs to a refill that is known
		// Somebody makes an invoice of the same sum on the vendor's site.
		strange := r.lost("t4", "9")
		r.vendor.stranger("9")

		time.Sleep(3 * time.Minute) // in the bubble's time
		synctest.Wait()
		for name, want := range map[*answer]string{&found: "succeeded", &single: "succeeded", &twin1: "unknown", &twin2: "unknown", &strange: "unknown"} {
			if op := r.operation(*name); op.State != want {
				t.Errorf("%s: %+v, want %s", name.body, op, want)
			}
		}
		op := r.operation(found)
		if op.SettledBy == nil || *op.SettledBy != "lookup" || op.Reference == nil || op.Problem != nil || op.Invoice == nil {
			t.Fatalf("got %+v", op)
		}
		again := r.ask(http.MethodPost, "/accounts/regru/refills", "k", roubles("19.95"))
		again.wantStatus(http.StatusCreated, true)
		if !strings.Contains(string(again.body), `"invoice":{"id":"`+*op.Reference+`"`) {
			t.Errorf("got %s", again.body)
		}
		r.ask(http.MethodPost, "/accounts/regru/refills", "t1", roubles("7.00")).wantProblem(http.StatusConflict, "outcome_unknown")
		if n := r.vendor.refills(); n != 7 {
			t.Errorf("%d calls", n)
		}
		metrics := string(r.ask(http.MethodGet, "/metrics", "", "").body)
		if !strings.Contains(metrics, `gateway_operations_unknown{account="regru"} 3`) {
			t.Errorf("/metrics does not tell of 3 unknown operations")
		}
	})
}

// TestStrangersInvoices: somebody makes invoices of the same sums on the vendor's site. None of them settles a refill of
// which the vendor never heard; those that may be its own are named for whoever looks into it.
func TestStrangersInvoices(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := newRefillVendor(t)
		v.stranger("5") // yesterday
		time.Sleep(25 * time.Hour)
		v.stranger("6") // today, before the call
		v.stranger("4") // and one of a sum of which another is to come
		time.Sleep(5 * time.Hour)
		r := newResolving(t, v)
		yesterday, today := r.unmade("yesterday", "5"), r.unmade("today", "6")
		own := r.lost("own", "4")
		late := r.unmade("late", "7")
		r.wire.set(func(w *wire) { w.deaf = true })
		unread := r.lost("unread", "8") // made, but the list before it could not be read
		r.wire.set(func(w *wire) { w.deaf = false })
		time.Sleep(30 * time.Minute)
		lateID := v.stranger("7") // by hand, because no invoice came
		time.Sleep(3 * time.Minute)
		synctest.Wait()

		none := []string{}
		for _, tt := range []struct {
			name       string
			answer     answer
			state      string
			candidates []string // nil: any one
		}{
			{"yesterday's", yesterday, "unknown", none},
			{"today's", today, "unknown", none},
			{"its own", own, "succeeded", none},
			{"made long after the call", late, "unknown", []string{lateID}},
			{"no list before the call", unread, "unknown", nil},
		} {
			op := r.operation(tt.answer)
			ids := []string{}
			for _, c := range op.Candidates {
				ids = append(ids, c.ID)
				if c.Payment == nil || c.Payment.Currency != "RUB" || c.Date == "" {
					t.Errorf("%s: candidate %+v", tt.name, c)
				}
			}
			if op.State != tt.state || tt.candidates != nil && !slices.Equal(ids, tt.candidates) || tt.candidates == nil && len(ids) != 1 {
				t.Errorf("%s: got %s with candidates %v, want %s with %v", tt.name, op.State, ids, tt.state, tt.candidates)
			}
		}
	})
}
