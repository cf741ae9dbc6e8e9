package httpapi

import (
	"fmt"
	"time"
)

// Time is a time as every body has it: in UTC, with milliseconds, always three
// digits. What is finer is cut off.
type Time struct{ time.Time }

const timeLayout = "2006-01-02T15:04:05.000Z"

func (t Time) String() string { return t.UTC().Format(timeLayout) }

// MarshalJSON fails for years that RFC 3339 can't write.
func (t Time) MarshalJSON() ([]byte, error) {
	if year := t.UTC().Year(); year < 0 || year > 9999 {
		return nil, fmt.Errorf("a time in the year %d", year)
	}
	return t.UTC().AppendFormat(make([]byte, 0, len(timeLayout)+2), `"`+timeLayout+`"`), nil
}

// optionalTime is a time that may not be known.
func optionalTime(t *time.Time) *Time {
	if t == nil {
		return nil
	}
	return &Time{*t}
}
