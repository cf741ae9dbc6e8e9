package account_test

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"accountgateway/internal/account"
	"accountgateway/internal/operation/operationtest"
	"accountgateway/internal/provider"
	"accountgateway/internal/provider/providertest"
	"accountgateway/internal/testneed"
)

// frozen is a way to a database that can be stopped: connections stay open and
// nothing passes.
type frozen struct {
	mu   sync.RWMutex // held for reading while bytes pass, for writing while it is frozen
	once sync.Once
}

func (f *frozen) freeze() { f.mu.Lock() }
func (f *frozen) thaw()   { f.once.Do(f.mu.Unlock) }

// frozenPostgres gives the URL of a database behind such a way.
func frozenPostgres(t *testing.T) (string, *frozen) {
	t.Helper()
	u, err := url.Parse(testneed.Postgres(t))
	if err != nil {
		t.Fatal(err)
	}
	behind := u.Host
	if u.Port() == "" {
		behind = net.JoinHostPort(u.Hostname(), "5432")
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &frozen{}
	var passing sync.WaitGroup
	pass := func(to, from net.Conn) {
		defer to.Close()
		defer from.Close()
		buffer := make([]byte, 32<<10)
		for {
			n, err := from.Read(buffer)
			f.mu.RLock()
			_, writeErr := to.Write(buffer[:n])
			f.mu.RUnlock()
			if err != nil || writeErr != nil {
				return
			}
		}
	}
	passing.Go(func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", behind)
			if err != nil {
				near.Close()
				continue
			}
			passing.Go(func() { pass(far, near) })
			passing.Go(func() { pass(near, far) })
		}
	})
	t.Cleanup(func() {
		listener.Close()
		passing.Wait()
	})
	u.Host = listener.Addr().String()
	return u.String(), f
}

// While the store hangs and the vendor answers, callers get the vendor's
// figures, and no account is blamed for it. The store hangs in real time: its
// own deadlines end each wait.
func TestVendorIsNotBlamedForASlowStore(t *testing.T) {
	engines := map[string]func(t *testing.T) (url string, freeze, thaw func()){
		"sqlite": func(t *testing.T) (string, func(), func()) {
			url := sqliteURL(t)
			var tx interface{ Rollback() error }
			freeze := func() {
				begun, err := newBreakage(t, url).db.Begin()
				if err != nil {
					t.Fatal(err)
				}
				if _, err := begun.Exec(`UPDATE readings_seq SET last = last`); err != nil { // holds the write lock
					t.Fatal(err)
				}
				tx = begun
			}
			return url, freeze, func() { _ = tx.Rollback() }
		},
		"postgres": func(t *testing.T) (string, func(), func()) {
			url, f := frozenPostgres(t)
			return url, f.freeze, f.thaw
		},
	}
	reads := map[string]func(t *testing.T, g *gateway) error{
		"balance": func(t *testing.T, g *gateway) error {
			_, err := g.Balance(t.Context(), "a", provider.BalanceQuery{}, account.Bound{NoCache: true})
			return err
		},
		"users": func(t *testing.T, g *gateway) error {
			_, err := g.Users(t.Context(), "a", provider.UserQuery{}, account.Bound{NoCache: true})
			return err
		},
		"check": func(t *testing.T, g *gateway) error { return g.Check(t.Context(), "a") },
	}
	for engine, open := range engines {
		for name, read := range reads {
			t.Run(engine+"/"+name, func(t *testing.T) {
				t.Parallel()
				url, freeze, thaw := open(t)
				// The vendor's deadline is shorter than the store's.
				vendor := &wireServer{}
				g := newGateway(t, vendor, gatewayOptions{url: url, rate: twentyAMinute, timeout: time.Second})
				g.must(t, account.Bound{})
				before := vendor.count()
				freeze()
				t.Cleanup(thaw)
				if err := read(t, g); err != nil {
					t.Errorf("the vendor answers at once, but: %v", err)
				}
				if n := vendor.count() - before; n != 1 {
					t.Errorf("%d vendor calls, want 1", n)
				}
				info, err := g.Info("a")
				if err != nil || info.State.State != account.StateOK || strings.Contains(info.State.Detail, "kept failing") {
					t.Errorf("the account is blamed: %+v, %v", info.State, err)
				}
			})
		}
	}
}

// Waiting for another replica's call takes nothing from the time that the
// vendor has for our own.
func TestWaitingForATurnIsNotTheVendorsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		url := sqliteURL(t)
		vendor := &wireServer{
			latency: func() time.Duration { return 9 * time.Second },
			answer: func(n int) (int, string, http.Header) {
				if n < 4 {
					return http.StatusOK, "not understood", nil
				}
				return wireOK(n)
			},
		}
		var replicas []*gateway
		for range 4 {
			replicas = append(replicas, newGateway(t, vendor, gatewayOptions{url: url}))
		}
		var wg sync.WaitGroup
		for i, g := range replicas {
			wg.Go(func() {
				time.Sleep(time.Duration(i) * 100 * time.Millisecond)
				_, err := g.balance(t.Context(), account.Bound{})
				if kind := provider.KindOf(err); err != nil && kind != provider.KindBadResponse {
					t.Errorf("replica %d: the vendor answers within its time, but: %v", i, err)
				}
				if info, _ := g.Info("a"); info.State.State == account.StateUnavailable {
					t.Errorf("replica %d blames the vendor: %s", i, info.State.Detail)
				}
			})
		}
		wg.Wait()
	})
}

// A write that had to wait for its record leaves the vendor its whole time.
func TestWaitingForTheRecordIsNotTheVendorsTime(t *testing.T) {
	url := sqliteURL(t)
	var ends time.Time
	vendor := &providertest.Fake{Refills: func(ctx context.Context, _ provider.RefillRequest) (provider.Invoice, error) {
		ends, _ = ctx.Deadline()
		return provider.Invoice{ID: "70045"}, nil
	}}
	r := newReplica(t, vendor, url)
	tx, err := newBreakage(t, url).db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(`UPDATE readings_seq SET last = last`); err != nil { // holds the write lock
		t.Fatal(err)
	}
	began := time.Now()
	var freed atomic.Pointer[time.Time]
	time.AfterFunc(300*time.Millisecond, func() {
		now := time.Now()
		freed.Store(&now)
		_ = tx.Rollback()
	})
	if _, err := r.Refill(t.Context(), operationtest.Order, operationtest.RefillOf("19.95")); err != nil {
		t.Fatal(err)
	}
	if waited := freed.Load(); waited == nil || ends.Before(waited.Add(10*time.Second)) {
		t.Errorf("recorded %v after it was asked for, the vendor had until %s after that, want 10 s at least", waited, ends.Sub(began))
	}
}
