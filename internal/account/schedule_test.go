package account_test

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// mostWithin gives the most calls to accounts in any span of that length from then
// on, spans one after the other.
func mostWithin(accounts []*hostAccount, span time.Duration, from time.Time) (most int) {
	counts := map[time.Duration]int{}
	for _, a := range accounts {
		for _, at := range a.since(from) {
			counts[at.Sub(from)/span]++
		}
	}
	for _, n := range counts {
		most = max(most, n)
	}
	return most
}

// Background readings of many accounts are spread over the interval, and so are
// those at each host, however the accounts are called.
func TestManyAccountsAreSpread(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const interval, hosts, each = 5 * time.Minute, 4, 250
		var groups [][]*hostAccount
		for i := range hosts {
			groups = append(groups, manyAccounts(fmt.Sprintf("vendor%d-", i), each, fmt.Sprint("host", i), false))
		}
		all := slices.Concat(groups...)
		began := time.Now()
		refreshing(t, interval, groups...)
		time.Sleep(interval/10 + time.Second)
		for _, a := range all {
			if len(a.since(began)) != 2 { // balance and statistics
				t.Fatalf("%s was asked %d times in the tenth of an interval after a start without readings", a.name, len(a.since(began)))
			}
		}
		time.Sleep(2*interval - time.Since(began)%interval)
		from := time.Now()
		time.Sleep(interval)
		for _, a := range all {
			if n := len(a.since(from)); n < 2 || n > 4 {
				t.Errorf("%s was asked %d times in an interval", a.name, n)
			}
		}
		// 2,000 calls in 300 s.
		if n := mostWithin(all, time.Second, from); n > 10 {
			t.Errorf("%d calls in one second, of 6.7 in the mean", n)
		}
		for i, group := range groups {
			if n := mostWithin(group, 20*time.Second, from); n > 66 {
				t.Errorf("host %d: %d calls in 20 s, of 33 in the mean", i, n)
			}
		}
	})
}

// After a restart accounts are read at the times that they had before. Only those
// that missed it meanwhile are read at once.
func TestRestartKeepsTheSchedule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const interval = 5 * time.Minute
		vendor := &wireServer{}
		o := gatewayOptions{url: sqliteURL(t), accounts: names(100), interval: interval, oneCall: true}
		stop := newGateway(t, vendor, o).run(t)
		time.Sleep(2*interval + 100*time.Second)
		stop()
		time.Sleep(20 * time.Second)
		before := vendor.count()
		newGateway(t, vendor, o).run(t)
		time.Sleep(40 * time.Second)
		// The times of 20 accounts have passed since the stop.
		if n := vendor.count() - before; n < 18 || n > 22 {
			t.Errorf("%d calls in the 40 s after a pause of 20 s, want 20", n)
		}
		time.Sleep(interval - 40*time.Second)
		if n := vendor.count() - before; n < 100 || n > 110 {
			t.Errorf("%d calls in the interval after a restart", n)
		}
	})
}

// However many hosts hang, readings under way are bounded, and accounts elsewhere
// keep their interval.
func TestManyHangingHosts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const interval = 5 * time.Second
		var groups [][]*hostAccount
		for i := range 10 {
			groups = append(groups, manyAccounts(fmt.Sprintf("s%d-", i), 60, fmt.Sprint("sick", i), true))
		}
		sick, healthy := slices.Concat(groups...), manyAccounts("h", 5, "healthy", false)
		refreshing(t, interval, append(groups, healthy)...)
		if n := mostUnderWay(sick, 3*time.Minute); n > 256 {
			t.Errorf("%d calls under way", n)
		}
		from := time.Now()
		if n := mostUnderWay(sick, 5*time.Minute); n > 64 {
			t.Errorf("%d calls under way to accounts that are known to hang", n)
		}
		for _, a := range healthy {
			if gap := a.longestGap(from, time.Now()); gap > interval+interval/5 {
				t.Errorf("%s was not read for %s, want every %s", a.name, gap, interval)
			}
		}
	})
}
