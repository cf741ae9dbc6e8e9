package account_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/govalues/decimal"
	"pgregory.net/rapid"

	"accountgateway/internal/account"
	"accountgateway/internal/operation/operationtest"
	"accountgateway/internal/provider"
	"accountgateway/internal/provider/providertest"
	"accountgateway/internal/store"
)

// What happens to the gateway in a scenario.
type (
	step struct {
		wait    time.Duration // before it
		vendor  vendorMood    // from here on
		callers []caller      // who come at about the same time
		write   bool          // the account is written to
		restart bool          // of one replica, over the same database
		store   int           // 1: goes away, 2: is back
		at      int           // the replica that writes or restarts
	}
	caller struct {
		after    time.Duration
		at       int // the replica
		currency provider.Currency
		bound    account.Bound
		patience time.Duration // then it hangs up; 0: never
	}
	vendorMood struct {
		latency time.Duration
		fail    provider.Kind // "": it answers
		panics  bool
	}
)

func drawScenario(t *rapid.T) []step {
	duration := func(name string, of ...time.Duration) time.Duration { return rapid.SampledFrom(of).Draw(t, name) }
	maybe := func(name string, of ...time.Duration) *time.Duration {
		if !rapid.Bool().Draw(t, name+" said") {
			return nil
		}
		d := duration(name, of...)
		return &d
	}
	scenario := make([]step, rapid.IntRange(1, 12).Draw(t, "steps"))
	for i := range scenario {
		s := &scenario[i]
		s.wait = duration("wait", time.Millisecond, time.Second, 20*time.Second, time.Minute, 5*time.Minute, 23*time.Hour, 49*time.Hour)
		s.vendor = vendorMood{
			latency: duration("latency", time.Millisecond, 300*time.Millisecond, 4*time.Second, 12*time.Second),
			fail:    rapid.SampledFrom([]provider.Kind{"", "", "", provider.KindUnavailable, provider.KindBadResponse, provider.KindRateLimited, provider.KindCredentials, provider.KindRejected}).Draw(t, "fault"),
			panics:  rapid.IntRange(0, 20).Draw(t, "panic") == 20,
		}
		s.at = rapid.IntRange(0, 1).Draw(t, "replica")
		switch rapid.IntRange(0, 7).Draw(t, "event") {
		case 0:
			s.write = true
		case 1:
			s.restart = true
		case 2:
			s.store = rapid.IntRange(1, 2).Draw(t, "store")
		}
		for range rapid.IntRange(0, 6).Draw(t, "callers") {
			s.callers = append(s.callers, caller{
				after:    duration("after", time.Millisecond, 3*time.Millisecond, 500*time.Millisecond, 2*time.Second, 7*time.Second),
				at:       rapid.IntRange(0, 1).Draw(t, "at"),
				currency: rapid.SampledFrom([]provider.Currency{"", "USD", "EUR"}).Draw(t, "currency"),
				bound: account.Bound{
					MaxAge:       maybe("max-age", 0, time.Second, 30*time.Second, time.Minute, time.Hour),
					MaxStale:     maybe("max-stale", 0, 30*time.Second, time.Hour, account.AnyStaleness),
					NoCache:      rapid.IntRange(0, 3).Draw(t, "no-cache") == 3,
					OnlyIfCached: rapid.IntRange(0, 3).Draw(t, "only-if-cached") == 3,
				},
				patience: duration("patience", 0, 0, time.Second, 5*time.Second),
			})
		}
	}
	return scenario
}

// told is a figure that the vendor gave, and when.
type told struct {
	at       time.Time
	currency provider.Currency
}

// served is a reading that a caller got.
type served struct{ asOf, at time.Time }

// truth runs a scenario and knows what is true.
type truth struct {
	mu     sync.Mutex
	mood   vendorMood
	told   map[string]told
	wrote  [2]time.Time      // the last write that each replica surely knows of
	served map[string]served // by replica and reading, the latest
	faults []string
}

func (tr *truth) fault(format string, args ...any) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.faults = append(tr.faults, fmt.Sprintf(format, args...))
}

// balance is the vendor: no two figures of it are equal.
func (tr *truth) balance(ctx context.Context, q provider.BalanceQuery) (provider.Readings, error) {
	tr.mu.Lock()
	mood := tr.mood
	tr.mu.Unlock()
	if err := sleep(ctx, mood.latency/2); err != nil {
		return provider.Readings{}, err
	}
	if mood.panics {
		panic("the adapter has a bug")
	}
	tr.mu.Lock()
	figure := provider.Money{Amount: decimal.MustNew(int64(len(tr.told)+1), 2), Currency: "USD"}
	if q.Currency != "" {
		figure.Currency = q.Currency
	}
	if mood.fail == "" {
		tr.told[figure.Amount.String()] = told{at: time.Now(), currency: q.Currency}
	}
	tr.mu.Unlock()
	if err := sleep(ctx, mood.latency/2); err != nil {
		return provider.Readings{}, err
	}
	if mood.fail != "" {
		return provider.Readings{}, provider.Errorf(mood.fail, "a fault")
	}
	return provider.Readings{Balance: &provider.Balance{Balance: figure}}, nil
}

const (
	scenarioTTL   = time.Minute // as in newReplica
	scenarioStale = 24 * time.Hour
)

// check compares what a caller got with the truth.
func (tr *truth) check(c caller, came time.Time, wrote time.Time, got account.Reading[provider.Balance]) {
	now := time.Now()
	name := fmt.Sprintf("%s of %q asked at %s with %s", amountOf(got), c.currency, came.Format(time.TimeOnly), describeBound(c.bound))
	tr.mu.Lock()
	said, known := tr.told[amountOf(got)]
	place := fmt.Sprint(c.at, c.currency)
	before := tr.served[place]
	tr.served[place] = served{got.AsOf, now}
	tr.mu.Unlock()
	age := now.Sub(got.AsOf)
	switch {
	case !known || said.currency != c.currency:
		tr.fault("%s: the vendor did not say that", name)
	case got.AsOf.After(said.at):
		tr.fault("%s: as of %s, but the vendor said it at %s", name, got.AsOf, said.at)
	case !got.Stale && age > scenarioTTL:
		tr.fault("%s: not marked stale though %s old", name, age)
	case !got.Stale && !got.AsOf.After(wrote):
		tr.fault("%s: not marked stale though written to since", name)
	case got.Stale && got.Source == account.Hit:
		tr.fault("%s: a stale hit", name)
	case age > scenarioTTL && age > scenarioStale:
		tr.fault("%s: served though %s old", name, age)
	case c.bound.MaxStale != nil && *c.bound.MaxStale < 1000*time.Hour && age > scenarioTTL+*c.bound.MaxStale:
		tr.fault("%s: %s old", name, age)
	case got.Age < age.Truncate(time.Microsecond)-time.Microsecond:
		tr.fault("%s: says it is %s old, but is %s", name, got.Age, age)
	case came.After(before.at) && got.AsOf.Before(before.asOf.Truncate(time.Microsecond)):
		tr.fault("%s: as of %s after one of %s", name, got.AsOf, before.asOf)
	case c.bound.OnlyIfCached && got.Source != account.Hit && got.Source != account.Stale:
		tr.fault("%s: asked the vendor", name)
	}
	if fault := boundFault(c.bound, came, got); fault != "" {
		tr.fault("%s: %s", name, fault)
	}
}

func describeBound(b account.Bound) string {
	text := ""
	if b.MaxAge != nil {
		text += fmt.Sprintf("max-age=%s ", *b.MaxAge)
	}
	if b.MaxStale != nil {
		text += fmt.Sprintf("max-stale=%s ", *b.MaxStale)
	}
	return fmt.Sprintf("%sno-cache=%v only-if-cached=%v", text, b.NoCache, b.OnlyIfCached)
}

// run plays a scenario on two replicas that share a database.
func (tr *truth) run(t *testing.T, database []byte, scenario []step) {
	url := sqliteURL(t)
	if err := os.WriteFile(strings.TrimPrefix(url, "sqlite:"), database, 0o600); err != nil {
		t.Fatal(err)
	}
	vendor := func() provider.Provider {
		return &providertest.Fake{Refills: operationtest.Invoice, Balance: tr.balance}
	}
	var replicas [2]*replica
	start := func(i int) { replicas[i] = newReplica(t, vendor(), url) }
	stop := func(i int) { // in order: loads under way end first
		ended, cancel := context.WithCancel(context.Background())
		cancel()
		replicas[i].Run(ended)
	}
	start(0)
	start(1)
	var wg sync.WaitGroup
	away, wasAway := false, false
	harm := newBreakage(t, url)
	for n, s := range scenario {
		tr.mu.Lock()
		tr.mood = s.vendor
		tr.mu.Unlock()
		time.Sleep(s.wait)
		for _, r := range replicas {
			r.Load(t.Context()) // what happens by itself every second
		}
		if s.write && !away {
			o := operationtest.Order
			o.Key = fmt.Sprint("key ", n)
			_, err := replicas[s.at].Refill(t.Context(), o, operationtest.RefillOf("1.00"))
			switch {
			case err == nil:
				tr.mu.Lock()
				tr.wrote[s.at] = time.Now().Add(-time.Microsecond)
				tr.mu.Unlock()
			case provider.KindOf(err) != provider.KindCredentials: // else the vendor has locked the account out
				tr.fault("write: %v", err)
			}
			time.Sleep(time.Millisecond)
		}
		if s.restart && !away {
			wg.Wait()
			stop(s.at)
			start(s.at)
			if wasAway { // what was read meanwhile is forgotten
				tr.served = map[string]served{}
			}
		}
		if away != (s.store == 1) && s.store != 0 {
			if away = s.store == 1; away {
				wasAway = true
				harm.begin(t)
			} else {
				harm.end(t)
				time.Sleep(5 * time.Second)
				for _, r := range replicas {
					r.Load(t.Context())
				}
			}
		}
		for _, c := range s.callers {
			wg.Go(func() {
				time.Sleep(c.after)
				ctx, cancel := context.Background(), func() {}
				if c.patience > 0 {
					ctx, cancel = context.WithTimeout(ctx, c.patience)
				}
				defer cancel()
				tr.mu.Lock()
				wrote := tr.wrote[c.at]
				tr.mu.Unlock()
				came := time.Now()
				got, err := replicas[c.at].Balance(ctx, "a", provider.BalanceQuery{Currency: c.currency}, c.bound)
				if err == nil {
					tr.check(c, came, wrote, got)
				} else if fault := errorFault(c, err); fault != "" {
					tr.fault("%s", fault)
				}
			})
		}
		// Callers of two steps meet, but for a replica that restarts.
	}
	wg.Wait()
	if away {
		harm.end(t)
	}
	stop(0)
	stop(1)
}

// errorFault says what is wrong with an error; "" if it is one of those that
// callers are to expect.
func errorFault(c caller, err error) string {
	var freshness *account.FreshnessError
	var vendor *provider.Error
	switch {
	case errors.As(err, &freshness), errors.Is(err, context.DeadlineExceeded) && c.patience > 0:
		return ""
	case c.bound.OnlyIfCached:
		return fmt.Sprintf("only-if-cached: %v", err)
	case errors.As(err, &vendor) && strings.HasPrefix(vendor.Message, "a fault"), provider.KindOf(err) == provider.KindTimeout:
		return ""
	case len(err.Error()) > 15 && err.Error()[:15] == "panic in a load":
		return ""
	}
	return err.Error()
}

// Whatever happens in whatever order: no figure is fresher than it says, none
// is invented, and no bound is broken.
func TestNoFigureLooksFresherThanItIs(t *testing.T) {
	url := sqliteURL(t)
	st, err := store.Open(t.Context(), url, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	st.Close()
	empty, err := os.ReadFile(strings.TrimPrefix(url, "sqlite:")) // to make its tables takes longer than a scenario
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(rt *rapid.T) {
		scenario := drawScenario(rt)
		tr := &truth{told: map[string]told{}, served: map[string]served{}}
		synctest.Test(t, func(t *testing.T) { tr.run(t, empty, scenario) })
		for _, fault := range tr.faults {
			rt.Errorf("%s", fault)
		}
	})
}
