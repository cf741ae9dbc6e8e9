package account_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"pgregory.net/rapid"

	"accountgateway/internal/account"
	"accountgateway/internal/store"
	"accountgateway/internal/testclock"
)

// The machine's clock is set while the gateway is restarted, or right after:
// what was read before is not taken for fresh for long, and the next reading is
// taken over though it says an earlier time.
func TestClockSetAroundARestart(t *testing.T) {
	for _, test := range []struct {
		by    time.Duration
		after bool // the restart
	}{{-time.Hour, false}, {-100 * 24 * time.Hour, false}, {time.Hour, false}, {-time.Hour, true}, {-4 * time.Second, true}, {time.Hour, true}} {
		t.Run(fmt.Sprint(test.by, " after ", test.after), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var machine testclock.Clock
				o := gatewayOptions{url: sqliteURL(t), ttl: 5 * time.Second, clock: machine.Now, database: machine.Now}
				vendor := &wireServer{}
				before := newGateway(t, vendor, o)
				stop := before.run(t)
				old := before.must(t, account.Bound{})
				time.Sleep(2 * time.Second)
				stop()
				if !test.after {
					machine.Set(test.by)
				}
				after := newGateway(t, vendor, o)
				after.run(t)
				if test.after {
					machine.Set(test.by)
					time.Sleep(4 * time.Second) // the reading is past its limit, whatever the clock says
				}
				second := time.Second
				for i, b := range []account.Bound{{}, {MaxAge: &second}, {NoCache: true}} {
					got := after.must(t, b)
					if amountOf(got) == amountOf(old) || got.Stale || got.Age > time.Second || vendor.count() != i+2 {
						t.Errorf("after the restart: %+v, %d calls", got, vendor.count())
					}
					time.Sleep(4 * time.Second)
					if again := after.must(t, account.Bound{}); amountOf(again) != amountOf(got) || again.Stale || again.Age < 4*time.Second {
						t.Errorf("after 4 s: %+v", again)
					}
					time.Sleep(2 * time.Second)
				}
			})
		})
	}
}

// While the vendor can't be asked, a reading whose age is unknown is not
// served to anybody, and is not shown as recent.
func TestReadingOfUnknownAgeIsNotServed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var machine testclock.Clock
		o := gatewayOptions{url: sqliteURL(t), clock: machine.Now, database: machine.Now}
		before := newGateway(t, &wireServer{}, o)
		stop := before.run(t)
		before.must(t, account.Bound{})
		stop()
		machine.Set(-time.Hour)
		dead := &wireServer{answer: func(int) (int, string, http.Header) { return http.StatusServiceUnavailable, "", nil }}
		after := newGateway(t, dead, o)
		after.run(t)
		any, minute := account.AnyStaleness, time.Minute
		for _, b := range []account.Bound{{}, {MaxAge: &minute}, {MaxStale: &any}, {MaxStale: &any, OnlyIfCached: true}, {OnlyIfCached: true}} {
			if got, err := after.balance(t.Context(), b); err == nil {
				t.Errorf("bound %s: served %+v", describeBound(b), got)
			}
		}
		var unmet *account.FreshnessError
		if _, err := after.balance(t.Context(), account.Bound{OnlyIfCached: true}); !errors.As(err, &unmet) || !strings.Contains(err.Error(), "unknown age") {
			t.Errorf("got %v", err)
		}
		want := `
# HELP account_last_success_timestamp_seconds When the vendor last gave this reading, in seconds since 1970; 0: never, or unknown, because a clock was set back.
# TYPE account_last_success_timestamp_seconds gauge
account_last_success_timestamp_seconds{account="a",operation="balance",provider="wire"} 0
account_last_success_timestamp_seconds{account="a",operation="statistics",provider="wire"} 0
`
		if err := testutil.GatherAndCompare(scraped(after.Service), strings.NewReader(want), "account_last_success_timestamp_seconds"); err != nil {
			t.Error(err)
		}
	})
}

// A replica whose clock is wrong knows how old the readings of others are, and
// says by how much it is wrong.
func TestReplicaWithWrongClock(t *testing.T) {
	for _, by := range []time.Duration{-time.Hour, -20 * time.Second, 20 * time.Second, time.Hour} {
		t.Run(by.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var wrong, right testclock.Clock
				wrong.Set(by)
				vendor := &wireServer{}
				o := gatewayOptions{url: sqliteURL(t), ttl: 6 * time.Second, clock: wrong.Now, database: right.Now}
				other := newGateway(t, vendor, o)
				o.clock = right.Now
				one := newGateway(t, vendor, o)
				one.run(t)
				other.run(t)
				first := one.must(t, account.Bound{})
				time.Sleep(5 * time.Second)
				if got := other.must(t, account.Bound{OnlyIfCached: true}); amountOf(got) != amountOf(first) || got.Stale || got.Age < 5*time.Second || got.Age > 6*time.Second {
					t.Errorf("after 5 s: %+v", got)
				}
				time.Sleep(2 * time.Second)
				second := other.must(t, account.Bound{})
				if amountOf(second) == amountOf(first) || second.Stale {
					t.Errorf("after 7 s: %+v", second)
				}
				time.Sleep(2 * time.Second)
				if got := one.must(t, account.Bound{OnlyIfCached: true}); amountOf(got) != amountOf(second) || got.Stale || !got.AsOf.After(first.AsOf) {
					t.Errorf("the other's reading: %+v, want %+v", got, second)
				}
				for replica, want := range map[*gateway]float64{one: 0, other: by.Seconds()} {
					text := fmt.Sprintf("# HELP gateway_clock_skew_seconds How far this machine's clock is ahead of the database's, which is the one that counts; absent until it is measured.\n"+
						"# TYPE gateway_clock_skew_seconds gauge\ngateway_clock_skew_seconds %g\n", want)
					if err := testutil.GatherAndCompare(replica.registry, strings.NewReader(text), "gateway_clock_skew_seconds"); err != nil {
						t.Error(err)
					}
				}
			})
		})
	}
}

// The clock that tells a reading's time is set back while the vendor is asked:
// the machine's, before the database was reached, or the database's. Once it
// shows that time again nobody takes the figure for a new one.
func TestClockSetBackDuringACall(t *testing.T) {
	for _, away := range []bool{true, false} { // the database, when the call begins
		t.Run(fmt.Sprint("database away ", away), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var machine testclock.Clock
				url := sqliteURL(t)
				vendor := &wireServer{latency: func() time.Duration { return 4 * time.Second }}
				before := newGateway(t, vendor, gatewayOptions{clock: machine.Now})
				stop := before.run(t)
				if !away {
					before.attachAt(t, url, machine.Now)
				}
				asked, hangUp := context.WithCancel(t.Context())
				go before.balance(asked, account.Bound{}) //nolint:errcheck // it hangs up
				time.Sleep(time.Second)
				machine.Set(-10 * time.Minute)
				if away {
					before.attachAt(t, url, machine.Now)
				}
				hangUp()
				time.Sleep(4 * time.Second)
				stop()
				time.Sleep(10 * time.Minute)
				after := newGateway(t, vendor, gatewayOptions{url: url, clock: machine.Now, database: machine.Now})
				if got := after.must(t, account.Bound{}); amountOf(got) != "2.00" || vendor.count() != 2 {
					t.Errorf("served a reading that is 10 minutes old: %+v", got)
				}
			})
		})
	}
}

// A caller who waited for a call that began too early for him makes one of his
// own. That the clock is set back meanwhile is no fault of the vendor's: he asks
// once more.
func TestClockSetBackDuringASecondCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var machine testclock.Clock
		vendor := &wireServer{latency: func() time.Duration { return 4 * time.Second }}
		g := newGateway(t, vendor, gatewayOptions{url: sqliteURL(t), clock: machine.Now, database: machine.Now})
		g.run(t)
		go g.balance(t.Context(), account.Bound{}) //nolint:errcheck // only the second caller counts
		time.AfterFunc(6*time.Second, func() { machine.Set(-10 * time.Minute) })
		time.Sleep(2 * time.Second)
		got := g.must(t, account.Bound{NoCache: true})
		if amountOf(got) != "3.00" || got.Stale || vendor.count() != 3 {
			t.Errorf("after %d calls: %+v", vendor.count(), got)
		}
	})
}

// What happens to the clocks of two replicas and of their database.
type clockStep struct {
	wait    time.Duration
	set     int           // the clock that is set: of a replica, or 2: of the database; -1: none
	by      time.Duration // by how much
	restart int           // the replica that is restarted; -1: none
	callers []caller
}

const (
	clockTTL   = 20 * time.Second
	clockStale = time.Minute
	// promised is what a figure may be older than it says.
	promised = 2 * time.Second
	// known is how soon a replica has what another has read.
	known = 3 * time.Second
)

func drawClockSteps(t *rapid.T) []clockStep {
	duration := func(name string, of ...time.Duration) time.Duration { return rapid.SampledFrom(of).Draw(t, name) }
	maybe := func(name string, of ...time.Duration) *time.Duration {
		if rapid.IntRange(0, 2).Draw(t, name+" said") > 0 {
			return nil
		}
		d := duration(name, of...)
		return &d
	}
	steps := make([]clockStep, rapid.IntRange(1, 10).Draw(t, "steps"))
	for i := range steps {
		s := &steps[i]
		s.wait = duration("wait", 100*time.Millisecond, time.Second, 2*time.Second, 5*time.Second, 15*time.Second, 25*time.Second)
		s.set, s.restart = rapid.IntRange(-1, 2).Draw(t, "set"), rapid.IntRange(-4, 1).Draw(t, "restart")
		s.by = duration("by", -100*24*time.Hour, -time.Hour, -25*time.Second, -10*time.Second, -3*time.Second, 3*time.Second, 10*time.Second, 25*time.Second, time.Hour, 100*24*time.Hour)
		for range rapid.IntRange(0, 4).Draw(t, "callers") {
			s.callers = append(s.callers, caller{
				at:    rapid.IntRange(0, 1).Draw(t, "at"),
				after: duration("after", time.Millisecond, 500*time.Millisecond, 2*time.Second),
				bound: account.Bound{
					MaxAge:       maybe("max-age", 0, time.Second, 5*time.Second, time.Minute),
					MaxStale:     maybe("max-stale", 0, 10*time.Second, account.AnyStaleness),
					NoCache:      rapid.IntRange(0, 5).Draw(t, "no-cache") == 5,
					OnlyIfCached: rapid.IntRange(0, 2).Draw(t, "only-if-cached") == 2,
				},
			})
		}
	}
	return steps
}

// clockTruth knows when the vendor said each figure, whatever clocks say.
type clockTruth struct {
	vendor wireServer
	mu     sync.Mutex
	latest []time.Time // when the figures that a caller got were said, and
	got    []time.Time // when the caller got them
	// When the database's clock was set back. The store drops a reading of that
	// moment: by the database's clock it is from the future.
	setBack []time.Time
	faults  []string
}

// dropped tells whether the database's clock was set back while the figure was
// on its way to the store. tr.mu is held.
func (tr *clockTruth) dropped(said time.Time) bool {
	return slices.ContainsFunc(tr.setBack, func(at time.Time) bool { return at.Sub(said).Abs() < 100*time.Millisecond })
}

func (tr *clockTruth) fault(format string, args ...any) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.faults = append(tr.faults, fmt.Sprintf(format, args...))
}

// ask asks as a caller does and holds the answer against the truth.
func (tr *clockTruth) ask(g *gateway, c caller) {
	came := time.Now()
	got, err := g.balance(context.Background(), c.bound)
	name := fmt.Sprintf("replica %d at %s with %s", c.at, came.Format(time.TimeOnly), describeBound(c.bound))
	if err != nil {
		var unmet *account.FreshnessError
		if !c.bound.OnlyIfCached || !errors.As(err, &unmet) {
			tr.fault("%s: %v", name, err)
		}
		return
	}
	now := time.Now()
	said := tr.vendor.saidAt(amountOf(got))
	age := now.Sub(said)
	tr.mu.Lock()
	var newest time.Time // of the figures that the replica must have
	for i, at := range tr.got {
		if came.Sub(at) > known && tr.latest[i].After(newest) && !tr.dropped(tr.latest[i]) {
			newest = tr.latest[i]
		}
	}
	tr.latest, tr.got = append(tr.latest, said), append(tr.got, now)
	tr.mu.Unlock()
	before := came.Sub(said)
	switch {
	case !got.Stale && age > clockTTL+promised:
		tr.fault("%s: fresh, but %s old", name, age)
	case got.Stale && age > clockStale+promised:
		tr.fault("%s: served, but %s old", name, age)
	case got.Age < age-promised:
		tr.fault("%s: said to be %s old, but is %s", name, got.Age, age)
	case c.bound.NoCache && before > simultaneous:
		tr.fault("%s: the call began %s before the request", name, before)
	case c.bound.MaxAge != nil && before > max(*c.bound.MaxAge, simultaneous)+promised:
		tr.fault("%s: %s old when it was asked for", name, before)
	case newest.After(said.Add(500 * time.Millisecond)):
		tr.fault("%s: said %s ago, though one is known that is newer by %s", name, age, newest.Sub(said))
	}
}

func (tr *clockTruth) run(t *testing.T, database []byte, steps []clockStep) {
	url := sqliteURL(t)
	if err := os.WriteFile(strings.TrimPrefix(url, "sqlite:"), database, 0o600); err != nil {
		t.Fatal(err)
	}
	var clocks [3]testclock.Clock
	var replicas [2]*gateway
	var stop [2]func()
	var callers [2]sync.WaitGroup
	start := func(i int) {
		replicas[i] = newGateway(t, &tr.vendor, gatewayOptions{url: url, ttl: clockTTL, stale: clockStale, clock: clocks[i].Now, database: clocks[2].Now})
		stop[i] = replicas[i].run(t)
	}
	start(0)
	start(1)
	time.Sleep(2 * time.Second) // they have looked at the clock, as at any time but a start
	for _, s := range steps {
		time.Sleep(s.wait)
		if s.set >= 0 {
			clocks[s.set].Set(s.by)
		}
		if s.set == 2 && s.by < 0 {
			tr.mu.Lock()
			tr.setBack = append(tr.setBack, time.Now())
			tr.mu.Unlock()
		}
		if s.restart >= 0 {
			callers[s.restart].Wait()
			stop[s.restart]()
			replicas[s.restart].store.Close()
			start(s.restart)
		}
		for _, c := range s.callers {
			g := replicas[c.at]
			callers[c.at].Go(func() {
				time.Sleep(c.after)
				tr.ask(g, c)
			})
		}
	}
	for i := range callers {
		callers[i].Wait()
	}
	stop[0]()
	stop[1]()
}

// However the clocks of two replicas and of their database are set, and
// whatever restarts: no figure is called fresh, or served to a bound, that is
// older in truth; and what one replica has read, the other takes over.
func TestNoClockMakesAFigureFresh(t *testing.T) {
	url := sqliteURL(t)
	st, err := store.Open(t.Context(), url, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	st.Close()
	empty, err := os.ReadFile(strings.TrimPrefix(url, "sqlite:"))
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(rt *rapid.T) {
		steps := drawClockSteps(rt)
		tr := &clockTruth{}
		synctest.Test(t, func(t *testing.T) { tr.run(t, empty, steps) })
		for _, fault := range tr.faults {
			rt.Errorf("%s", fault)
		}
	})
}
