package account_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"accountgateway/internal/account"
	"accountgateway/internal/provider"
	"accountgateway/internal/provider/providertest"
)

// hostAccount is one account at a host, and when it was asked.
type hostAccount struct {
	providertest.Fake
	name, host string

	mu    sync.Mutex
	hangs bool
	asked []time.Time
	under int // calls under way
}

// newHostAccount makes an account whose vendor answers within 100 ms or, while
// it hangs, fails when the call's time is up.
func newHostAccount(name, host string, hangs bool) *hostAccount {
	a := &hostAccount{name: name, host: host, hangs: hangs}
	call := func(ctx context.Context) error {
		a.mu.Lock()
		hangs := a.hangs
		a.asked = append(a.asked, time.Now())
		a.under++
		a.mu.Unlock()
		defer func() {
			a.mu.Lock()
			a.under--
			a.mu.Unlock()
		}()
		if !hangs {
			return sleep(ctx, 100*time.Millisecond)
		}
		if err := sleep(ctx, callTimeout); err != nil {
			return err
		}
		return provider.Errorf(provider.KindTimeout, "the vendor did not answer in time")
	}
	a.Balance = func(ctx context.Context, _ provider.BalanceQuery) (provider.Readings, error) {
		if err := call(ctx); err != nil {
			return provider.Readings{}, err
		}
		return usd("1.00"), nil
	}
	a.Statistics = func(ctx context.Context, _ provider.StatisticsQuery) (provider.Readings, error) {
		if err := call(ctx); err != nil {
			return provider.Readings{}, err
		}
		return provider.Readings{Statistics: &provider.Statistics{}}, nil
	}
	return a
}

func (a *hostAccount) hang(hangs bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.hangs = hangs
}

// since gives the calls from a time on.
func (a *hostAccount) since(t time.Time) []time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(a.asked), func(at time.Time) bool { return at.Before(t) })
}

func (a *hostAccount) underWay() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.under
}

// longestGap is the longest time without a call from one time to another.
func (a *hostAccount) longestGap(from, till time.Time) time.Duration {
	longest, last := time.Duration(0), from
	for _, at := range append(a.since(from), till) {
		if at.After(till) {
			at = till
		}
		longest, last = max(longest, at.Sub(last)), at
	}
	return longest
}

func manyAccounts(prefix string, n int, host string, hang bool) []*hostAccount {
	all := make([]*hostAccount, n)
	for i := range all {
		all[i] = newHostAccount(fmt.Sprintf("%s%03d", prefix, i), host, hang)
	}
	return all
}

// refreshing runs a gateway that reads the accounts in the background.
func refreshing(t *testing.T, interval time.Duration, groups ...[]*hostAccount) *gateway {
	t.Helper()
	var accounts []account.Account
	for _, a := range slices.Concat(groups...) {
		accounts = append(accounts, account.Account{Name: a.name, Provider: "fake", Host: a.host, Adapter: a})
	}
	g := &gateway{durable: newDurable(), registry: prometheus.NewRegistry()}
	ttl := interval / 2
	g.Service = account.New(accounts, g.durable, account.Options{
		TTL:          map[provider.Operation]time.Duration{provider.OpBalance: ttl, provider.OpStatistics: ttl, provider.OpUsers: ttl},
		StaleIfError: 24 * time.Hour, RefreshInterval: interval, LoadTimeout: callTimeout + 5*time.Second,
		Registry: g.registry, Log: zerolog.Nop(),
	})
	g.run(t)
	return g
}

// Healthy accounts keep their interval while others hang: at another host or at
// their own, from the start or all at once later.
func TestHangingAccountsDelayNoHealthyOne(t *testing.T) {
	const interval = 5 * time.Second
	tests := []struct {
		name       string
		sick       int
		host       string // of the sick; the healthy are at "one"
		answeredAt bool   // they answer for a minute, then hang all at once
		settle     time.Duration
	}{
		{"60 at the same host", 60, "one", false, 0},
		{"60 at another host", 60, "two", false, 0},
		{"60 at the same host, which answered before", 60, "one", true, 0},
		{"500 at another host", 500, "two", false, 0},
		{"500 at another host, which answered before", 500, "two", true, 0},
		{"500 at the same host, known to hang", 500, "one", false, 3 * time.Minute},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				// The healthy ones are the last of the round, and some amid it.
				sick := manyAccounts("m", tt.sick, tt.host, !tt.answeredAt)
				healthy := slices.Concat(manyAccounts("z", 4, "one", false), manyAccounts("m030x", 1, "one", false))
				refreshing(t, interval, sick, healthy)
				time.Sleep(interval + tt.settle) // the first round
				if tt.answeredAt {
					time.Sleep(time.Minute)
					for _, a := range sick {
						a.hang(true)
					}
				}
				from := time.Now()
				time.Sleep(5 * time.Minute)
				for _, a := range healthy {
					if gap := a.longestGap(from, time.Now()); gap > interval+interval/5 {
						t.Errorf("%s was not read for %s, want every %s", a.name, gap, interval)
					}
				}
			})
		})
	}
}

// mostUnderWay is the most calls that accounts had under way at once in a span
// of time.
func mostUnderWay(accounts []*hostAccount, span time.Duration) (most int) {
	for end := time.Now().Add(span); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		synctest.Wait() // a call that ends now is counted before the one that takes its place
		n := 0
		for _, a := range accounts {
			n += a.underWay()
		}
		most = max(most, n)
	}
	return most
}

// However many accounts of a host hang, it has a bounded number of calls under
// way, of which those that are known to hang have a few.
func TestHangingHostGetsFewCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sick := manyAccounts("s", 500, "one", true)
		refreshing(t, 5*time.Second, sick)
		if n := mostUnderWay(sick, 2*time.Minute); n > 64 {
			t.Errorf("%d calls under way", n)
		}
		if n := mostUnderWay(sick, 5*time.Minute); n > 16 {
			t.Errorf("%d calls under way to accounts that are known to hang", n)
		}
		// Each gets its turn.
		from := time.Now()
		time.Sleep(15 * time.Minute)
		for _, a := range sick {
			if len(a.since(from)) == 0 {
				t.Errorf("%s was not asked for 15 minutes", a.name)
			}
		}
	})
}

// A sick account is read ever more seldom, up to a bound, and at the interval
// again once it answers.
func TestSickAccountBacksOff(t *testing.T) {
	const interval = time.Minute
	tests := []struct {
		name   string
		mended func(g *gateway) // what makes it known that the account answers
		within time.Duration    // then it is read in the background again
	}{
		{"until a background reading succeeds", func(*gateway) {}, 9 * interval},
		{"until a caller's reading succeeds", func(g *gateway) {
			_, _ = g.Balance(context.Background(), "a000", provider.BalanceQuery{}, account.Bound{NoCache: true})
		}, 2 * interval},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := manyAccounts("a", 1, "one", true)
				a[0].Declared = provider.Capabilities{provider.OpBalance: provider.Supported}
				g := refreshing(t, interval, a)
				began := time.Now()
				time.Sleep(40 * interval)
				var gaps []time.Duration
				asked := a[0].since(began)
				for i := 1; i < len(asked); i++ {
					gaps = append(gaps, asked[i].Sub(asked[i-1]).Round(interval))
				}
				want := []time.Duration{interval, 2 * interval, 4 * interval, 8 * interval, 8 * interval, 8 * interval}
				if len(gaps) < len(want) || !slices.Equal(gaps[:len(want)], want) {
					t.Errorf("asked after %v, want %v", gaps, want)
				}
				a[0].hang(false)
				tt.mended(g)
				mended := time.Now()
				time.Sleep(tt.within)
				if len(a[0].since(mended)) == 0 {
					t.Errorf("not read within %s after it answered again", tt.within)
				}
				time.Sleep(2*interval + interval/2)
				from := time.Now()
				time.Sleep(5 * interval)
				if n := len(a[0].since(from)); n != 5 {
					t.Errorf("read %d times in five intervals after it answered again", n)
				}
			})
		})
	}
}

// The vendor's other call is made though one of them hangs.
func TestOneHangingCallLeavesTheOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newHostAccount("a", "one", false)
		a.Balance = func(ctx context.Context, _ provider.BalanceQuery) (provider.Readings, error) {
			_ = sleep(ctx, callTimeout)
			return provider.Readings{}, provider.Errorf(provider.KindTimeout, "the vendor did not answer in time")
		}
		refreshing(t, time.Minute, []*hostAccount{a})
		time.Sleep(30 * time.Minute)
		if n := a.Calls(provider.OpStatistics); n < 10 {
			t.Errorf("statistics were read %d times in 30 minutes at an interval of one", n)
		}
	})
}

// With more accounts than rounds have milliseconds each is read once an
// interval all the same.
func TestManyAccountsKeepTheInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const interval = 5 * time.Second
		all := manyAccounts("a", 1000, "one", false)
		refreshing(t, interval, all)
		time.Sleep(2 * interval)
		var before []int
		for _, a := range all {
			before = append(before, a.Calls(provider.OpBalance))
		}
		time.Sleep(4 * interval)
		for i, a := range all {
			if n := a.Calls(provider.OpBalance) - before[i]; n < 3 || n > 5 {
				t.Fatalf("%s was read %d times in four intervals", a.name, n)
			}
		}
	})
}

// Replicas back off together, and whichever has a caller's success ends it.
func TestReplicasBackOffTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const interval = time.Minute
		hangs := true
		vendor := &wireServer{latency: func() time.Duration {
			if hangs {
				return 2 * callTimeout
			}
			return time.Millisecond
		}}
		o := gatewayOptions{url: sqliteURL(t), interval: interval, oneCall: true, ttl: interval / 2}
		newGateway(t, vendor, o).run(t)
		time.Sleep(5 * time.Second)
		other := newGateway(t, vendor, o)
		other.run(t)
		time.Sleep(20 * interval)
		before := vendor.count()
		time.Sleep(40 * interval)
		if n := vendor.count() - before; n < 4 || n > 6 {
			t.Errorf("%d calls in 40 intervals of two replicas, want one each 8", n)
		}
		hangs = false
		other.must(t, account.Bound{NoCache: true})
		time.Sleep(3 * interval / 2)
		before = vendor.count()
		time.Sleep(5 * interval)
		if n := vendor.count() - before; n != 5 {
			t.Errorf("%d calls in 5 intervals after it answered a caller", n)
		}
	})
}
