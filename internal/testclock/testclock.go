// Package testclock is a clock for tests that can be set, as that of a machine
// can: the wall clock jumps and the monotonic one does not.
package testclock

import (
	"sync/atomic"
	"time"
	"unsafe"
)

// Clock runs with time.Now, and in a synctest bubble with its time. The zero
// value shows the same time. It is safe for concurrent use.
type Clock struct{ ahead atomic.Int64 } // in seconds

// Set sets the clock forward by whole seconds, or back by a negative d. It
// fits anything that is told by time.Now between 1970 and 2100.
func (c *Clock) Set(d time.Duration) { c.ahead.Add(int64(d / time.Second)) }

// Ahead is by how much the clock is ahead of time.Now.
func (c *Clock) Ahead() time.Duration { return time.Duration(c.ahead.Load()) * time.Second }

// start is what the monotonic clock counts from in a synctest bubble, where
// time.Now has no monotonic reading.
var start = time.Now()

// Now is the time that the clock shows. As with time.Now, two of them differ by
// the time between them, and once stripped of their monotonic reading (by
// Round(0), UnixMicro or JSON) by what the clock showed.
func (c *Clock) Now() time.Time {
	now := time.Now()
	// There is no other way to change the seconds and leave the monotonic
	// reading alone. If it breaks with a new version of Go, TestClock says so.
	t := (*struct {
		wall uint64 // 1 bit for a monotonic reading, 33 bits of seconds since 1885, 30 bits of nanoseconds
		ext  int64  // the monotonic reading
	})(unsafe.Pointer(&now))
	const monotonic = 1 << 63
	if t.wall&monotonic == 0 {
		since1885 := now.Unix() - time.Date(1885, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
		wall := monotonic | uint64(since1885)<<30 | uint64(now.Nanosecond())
		t.wall, t.ext = wall, int64(now.Sub(start))
	}
	t.wall += uint64(c.ahead.Load()) << 30
	return now
}
