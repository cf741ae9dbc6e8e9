package testclock_test

import (
	"testing"
	"testing/synctest"
	"time"

	"accountgateway/internal/testclock"
)

// The wall clock jumps, the monotonic one does not.
func TestClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, by := range []time.Duration{-time.Hour, -20 * time.Second, 0, time.Second, 48 * time.Hour} {
			var c testclock.Clock
			before := c.Now()
			c.Set(by)
			time.Sleep(1500 * time.Millisecond)
			after := c.Now()
			if passed := after.Sub(before); passed != 1500*time.Millisecond {
				t.Errorf("set by %s: %s passed", by, passed)
			}
			if shown := after.Round(0).Sub(before.Round(0)); shown != by+1500*time.Millisecond {
				t.Errorf("set by %s: shows %s", by, shown)
			}
			if want := time.Now().Round(0).Add(by); !after.Round(0).Equal(want) {
				t.Errorf("set by %s: shows %s, want %s", by, after, want)
			}
		}
	})
}
