package main

import (
	"testing"
	"time"
)

// eventually waits for what comes by itself.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for start := time.Now(); !is(); <-tick.C {
		if time.Since(start) > patience {
			t.Fatalf("never: %s", what)
		}
	}
}
