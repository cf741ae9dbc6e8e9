package middleware

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"accountgateway/internal/config"
)

// TestLimitsAreBounded: however many addresses come, memory stays flat, those
// beyond share one allowance, and there is room again once they are gone.
func TestLimitsAreBounded(t *testing.T) {
	now := time.Now()
	l := NewLimits(config.Rate{Calls: 2, Per: time.Minute}, 0)
	take := func(name string) error {
		p, _, err := l.begin(name, now)
		if err == nil {
			l.end(p)
		}
		return err
	}
	var before, after runtime.MemStats
	for i := range maxParties {
		if err := take(fmt.Sprint(i)); err != nil {
			t.Fatal(err)
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&before)
	refused := 0
	for i := range 20 * maxParties {
		if take("more "+fmt.Sprint(i)) != nil {
			refused++
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 1<<20 {
		t.Errorf("memory grew by %d bytes", grown)
	}
	if refused != 20*maxParties-2 || len(l.parties) != maxParties {
		t.Errorf("%d refused, %d remembered", refused, len(l.parties))
	}
	if err := take("1"); err != nil {
		t.Errorf("one of before is not let in: %v", err)
	}
	now = now.Add(time.Minute)
	for i := range 3 {
		if err := take("new"); (err == nil) != (i < 2) {
			t.Errorf("a new one's request %d: %v", i+1, err)
		}
	}
	if len(l.parties) > 2 {
		t.Errorf("%d are remembered after a minute", len(l.parties))
	}
}

// TestRunningAreNotForgotten: a caller with requests under way keeps its count.
func TestRunningAreNotForgotten(t *testing.T) {
	now := time.Now()
	l := NewLimits(config.Rate{}, 1)
	running, _, err := l.begin("long", now)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 2 * maxParties {
		p, _, err := l.begin(fmt.Sprint(i), now)
		if err != nil {
			t.Fatal(err)
		}
		l.end(p)
		now = now.Add(time.Millisecond)
	}
	if _, _, err := l.begin("long", now); err == nil || !strings.Contains(err.Error(), "concurrent requests") {
		t.Errorf("got %v", err)
	}
	l.end(running)
	if _, _, err := l.begin("long", now); err != nil {
		t.Error(err)
	}
}
