package httpapi

import (
	"encoding/json"
	"testing"
	"time"
)

// TestTimesInBodies have milliseconds, always three digits, and never seem later
// than they were.
func TestTimesInBodies(t *testing.T) {
	moscow := time.FixedZone("", 3*60*60)
	for want, at := range map[string]time.Time{
		`"2026-01-31T10:15:30.123Z"`: time.Date(2026, 1, 31, 13, 15, 30, 123_999_999, moscow),
		`"2026-01-31T10:15:30.120Z"`: time.Date(2026, 1, 31, 10, 15, 30, 120_000_000, time.UTC),
		`"2025-12-31T21:00:00.000Z"`: time.Date(2026, 1, 1, 0, 0, 0, 0, moscow),
		`"0001-01-01T00:00:00.000Z"`: {},
		`"9999-12-31T23:59:59.999Z"`: time.Date(9999, 12, 31, 23, 59, 59, 999_999_999, time.UTC),
	} {
		if got, err := json.Marshal(Time{at}); err != nil || string(got) != want {
			t.Errorf("%s is written %s, %v, want %s", at, got, err, want)
		}
	}
	for _, at := range []time.Time{time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(-1, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(10000, 1, 1, 0, 0, 0, 0, moscow).Add(4 * time.Hour)} {
		if got, err := json.Marshal(Time{at}); err == nil {
			t.Errorf("%s is written %s", at, got)
		}
	}
}
