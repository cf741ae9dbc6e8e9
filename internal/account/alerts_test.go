package account_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"accountgateway/internal/alert"
	"accountgateway/internal/store"
)

func everything(string) bool { return true }

// brokenVendor answers nothing while it is broken.
type brokenVendor struct {
	wireServer
	broken atomic.Bool
}

func newBrokenVendor() *brokenVendor {
	v := &brokenVendor{}
	v.broken.Store(true)
	v.answer = func(n int) (int, string, http.Header) {
		if v.broken.Load() {
			return http.StatusBadGateway, "", nil
		}
		return wireOK(n)
	}
	return v
}

// wantAlerts wants alerts of these codes, in that order, and returns them.
func (g *gateway) wantAlerts(t *testing.T, when string, codes ...alert.Code) []alert.Alert {
	t.Helper()
	open := g.Alerts(everything)
	var got []alert.Code
	for _, a := range open {
		got = append(got, a.Code)
	}
	if diff := cmp.Diff(codes, got); diff != "" {
		t.Fatalf("%s (-want +got):\n%s", when, diff)
	}
	return open
}

// wantEvents wants these events of all times, as "kind account code".
func wantEvents(t *testing.T, st *store.Store, want ...string) {
	t.Helper()
	events, err := st.AlertEventsAfter(t.Context(), 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range events {
		got = append(got, e.Kind+" "+e.Account+" "+e.Code)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

// An alert that one replica opens is every replica's, outlives both, and closes
// once its cause is gone. People hear of it twice.
func TestAlertsAreShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		vendor := newBrokenVendor()
		o := gatewayOptions{url: sqliteURL(t), interval: time.Minute}
		one, two := newGateway(t, &vendor.wireServer, o), newGateway(t, &vendor.wireServer, o)
		stopOne, stopTwo := one.run(t), two.run(t)
		time.Sleep(2*time.Minute + 10*time.Second)
		since := one.wantAlerts(t, "of the first", alert.VendorUnavailable)[0].Since
		if got := two.wantAlerts(t, "of the second", alert.VendorUnavailable)[0].Since; !got.Equal(since) {
			t.Errorf("one has it since %s, the other since %s", since, got)
		}
		series := fmt.Sprintf("account_alert{account=%q,code=%q,provider=%q,severity=%q} 1", "a", "vendor_unavailable", "wire", "warning")
		const help = "# HELP account_alert 1 for each open alert; absent while it is closed.\n# TYPE account_alert gauge\n"
		if err := testutil.GatherAndCompare(scraped(two.Service), strings.NewReader(help+series+"\n"), "account_alert"); err != nil {
			t.Error(err)
		}
		stopOne()
		stopTwo()

		three := newGateway(t, &vendor.wireServer, o)
		three.wantAlerts(t, "before the first round", alert.VendorUnavailable)
		three.run(t)
		time.Sleep(10 * time.Second)
		if got := three.wantAlerts(t, "after a restart", alert.VendorUnavailable)[0].Since; !got.Equal(since) {
			t.Errorf("after a restart since %s, want %s", got, since)
		}
		vendor.broken.Store(false)
		time.Sleep(16 * time.Minute)
		three.wantAlerts(t, "though the vendor answers")
		if err := testutil.GatherAndCompare(scraped(three.Service), strings.NewReader(""), "account_alert"); err != nil {
			t.Error(err)
		}
		wantEvents(t, three.store, "opened a vendor_unavailable", "closed a vendor_unavailable")
	})
}

// The replica that keeps the alerts dies; another one goes on.
func TestAlertsKeeperDies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		vendor := newBrokenVendor()
		o := gatewayOptions{url: sqliteURL(t), interval: time.Minute}
		one, two := newGateway(t, &vendor.wireServer, o), newGateway(t, &vendor.wireServer, o)
		one.run(t)
		time.Sleep(5 * time.Second)
		two.run(t)
		time.Sleep(time.Minute)
		if err := one.store.Close(); err != nil { // all that the other sees of a death
			t.Fatal(err)
		}
		time.Sleep(70 * time.Second)
		two.wantAlerts(t, "of the one that lives", alert.VendorUnavailable)
		wantEvents(t, two.store, "opened a vendor_unavailable")
	})
}

// Without the database a replica finds alerts for itself. It keeps the time when
// it found them, once the database is there.
func TestAlertsWithoutStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		vendor := newBrokenVendor()
		url := sqliteURL(t)
		o := gatewayOptions{interval: time.Minute}
		g := newGateway(t, &vendor.wireServer, o)
		g.run(t)
		time.Sleep(3 * time.Minute)
		since := g.wantAlerts(t, "without a database", alert.VendorUnavailable, alert.ReadingTooOld)[0].Since
		g.attach(t, url)
		time.Sleep(5 * time.Second)
		o.url = url
		other := newGateway(t, &vendor.wireServer, o)
		if got := other.wantAlerts(t, "of a replica that shares it", alert.VendorUnavailable, alert.ReadingTooOld)[0].Since; !got.Equal(since.Truncate(time.Microsecond)) {
			t.Errorf("since %s, want %s", got, since)
		}
		wantEvents(t, g.store, "opened a reading_too_old", "opened a vendor_unavailable")
	})
}

// An outage of the database neither opens an alert again nor hides one.
func TestAlertsOverAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		vendor := newBrokenVendor()
		url := sqliteURL(t)
		g := newGateway(t, &vendor.wireServer, gatewayOptions{url: url, interval: time.Minute})
		g.run(t)
		time.Sleep(3 * time.Minute)
		since := g.wantAlerts(t, "before", alert.VendorUnavailable, alert.ReadingTooOld)[0].Since
		b := newBreakage(t, url)
		b.begin(t)
		time.Sleep(time.Minute)
		g.wantAlerts(t, "during it", alert.VendorUnavailable, alert.ReadingTooOld)
		b.end(t)
		time.Sleep(time.Minute)
		if got := g.wantAlerts(t, "after it", alert.VendorUnavailable, alert.ReadingTooOld)[0].Since; !got.Equal(since) {
			t.Errorf("since %s, want %s", got, since)
		}
		wantEvents(t, g.store, "opened a vendor_unavailable", "opened a reading_too_old")

		b.begin(t)
		time.Sleep(5 * time.Second)
		vendor.broken.Store(false)
		time.Sleep(20 * time.Minute)
		g.wantAlerts(t, "though the vendor answers, during an outage")
		b.end(t)
		time.Sleep(time.Minute)
		g.wantAlerts(t, "though the vendor answers")
	})
}

// Every replica's health tells that a threshold watches nothing.
func TestUnwatchedOnEveryReplica(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		vendor := newBrokenVendor()
		vendor.broken.Store(false)
		o := gatewayOptions{url: sqliteURL(t), interval: time.Minute, low: "5 EUR"}
		both := [2]*gateway{newGateway(t, &vendor.wireServer, o), newGateway(t, &vendor.wireServer, o)}
		both[0].run(t)
		both[1].run(t)
		time.Sleep(2 * time.Minute)
		for i, g := range both {
			info, err := g.Info("a")
			if err != nil || !strings.Contains(info.State.Detail, "A_BALANCE_LOW is in EUR") {
				t.Errorf("replica %d: %q, %v", i, info.State.Detail, err)
			}
		}
	})
}

// Alerts of an account that is not configured any more close.
func TestAlertsOfRemovedAccounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		vendor := newBrokenVendor()
		o := gatewayOptions{url: sqliteURL(t), interval: time.Minute, accounts: []string{"a", "b"}}
		both := newGateway(t, &vendor.wireServer, o)
		stop := both.run(t)
		time.Sleep(130 * time.Second)
		both.wantAlerts(t, "of both", alert.VendorUnavailable, alert.VendorUnavailable)
		stop()
		o.accounts = []string{"a"}
		one := newGateway(t, &vendor.wireServer, o)
		one.run(t)
		one.wantAlerts(t, "of the one that is left", alert.VendorUnavailable)
		time.Sleep(65 * time.Second)
		left, _, err := one.store.Alerts(t.Context())
		if err != nil || len(left) != 1 {
			t.Errorf("%d alerts are kept, %v", len(left), err)
		}
		events, err := one.store.AlertEventsAfter(t.Context(), 2, 10)
		if err != nil || len(events) != 1 || events[0].Kind != "closed" || events[0].Account != "b" || !strings.Contains(string(events[0].Body), "no longer configured") {
			t.Errorf("events %+v, %v", events, err)
		}
	})
}
