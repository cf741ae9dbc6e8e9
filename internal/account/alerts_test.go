package account_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"accountgateway/internal/alert"
)

func everything(string) bool { return true }

// codesOf are the codes of open alerts.
func codesOf(alerts []alert.Alert) []alert.Code {
	var codes []alert.Code
	for _, a := range alerts {
		codes = append(codes, a.Code)
	}
	return codes
}

// An alert that one replica opens is every replica's, outlives both, and closes
// once its cause is gone.
func TestAlertsAreShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := true
		vendor := &wireServer{answer: func(n int) (int, string, http.Header) {
			if broken {
				return http.StatusBadGateway, "", nil
			}
			return wireOK(n)
		}}
		o := gatewayOptions{url: sqliteURL(t), interval: time.Minute}
		one, two := newGateway(t, vendor, o), newGateway(t, vendor, o)
		stopOne, stopTwo := one.run(t), two.run(t)
		time.Sleep(2*time.Minute + 10*time.Second)
		first, second := one.Alerts(everything), two.Alerts(everything)
		if len(first) != 1 || first[0].Code != alert.VendorUnavailable || len(second) != 1 || !second[0].Since.Equal(first[0].Since) {
			t.Fatalf("one replica has %+v, the other %+v", first, second)
		}
		since := first[0].Since
		stopOne()
		stopTwo()

		three := newGateway(t, vendor, o)
		three.run(t)
		time.Sleep(5 * time.Second)
		if got := three.Alerts(everything); len(got) != 1 || !got[0].Since.Equal(since) {
			t.Errorf("after a restart: %+v, want one since %s", got, since)
		}
		broken = false
		time.Sleep(16 * time.Minute)
		if got := three.Alerts(everything); len(got) != 0 {
			t.Errorf("open though the vendor answers: %v", codesOf(got))
		}
	})
}
