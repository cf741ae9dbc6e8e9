package page

import (
	"strconv"
	"strings"
	"time"
)

// moment is a time as it is shown: how long ago in words, and exactly on
// hover.
type moment struct {
	Exact string // RFC 3339, UTC
	Title string // "31 Jan 2026, 10:15:30 UTC"
	Words string // "12 min ago"
}

// since is a moment in the past.
func since(t, now time.Time) *moment {
	m := exactly(t)
	m.Words = ago(now.Sub(t))
	return m
}

// standingSince is when something began that goes on: "for 3 days".
func standingSince(t, now time.Time) *moment {
	m := since(t, now)
	if d, past := strings.CutSuffix(m.Words, " ago"); past {
		m.Words = "for " + d
	}
	return m
}

// exactly is a moment whose words are its day and time.
func exactly(t time.Time) *moment {
	t = t.UTC()
	return &moment{
		Exact: t.Format(time.RFC3339), Title: t.Format("2 Jan 2006, 15:04:05 UTC"), Words: t.Format("2 Jan 2006, 15:04 UTC"),
	}
}

// onDay is a moment whose words are its day.
func onDay(t time.Time) *moment {
	m := exactly(t)
	m.Words = t.UTC().Format("2 Jan 2006")
	return m
}

const day = 24 * time.Hour

// ago tells how long something is past, in its largest unit. Clocks differ:
// the near future is now.
func ago(d time.Duration) string {
	if d < 5*time.Second {
		return "just now"
	}
	return inUnits(d) + " ago"
}

// inUnits is a time in its largest unit, rounded down.
func inUnits(d time.Duration) string {
	switch {
	case d < time.Minute:
		return strconv.Itoa(int(d/time.Second)) + " s"
	case d < time.Hour:
		return strconv.Itoa(int(d/time.Minute)) + " min"
	case d < 2*day:
		return strconv.Itoa(int(d/time.Hour)) + " h"
	}
	return strconv.Itoa(int(d/day)) + " days"
}

// nothingLeft is what lasts no longer.
const nothingLeft = "nothing left"

// lasting tells how long something goes on, rounded down: nobody is helped by
// a day that is not there.
func lasting(d time.Duration) string {
	switch {
	case d <= 0:
		return nothingLeft
	case d < time.Hour:
		return "under an hour"
	case d < 2*day:
		return plural(int(d/time.Hour), "hour")
	case d < 10*365*day:
		return plural(int(d/day), "day")
	}
	return "over 10 years"
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return counted(n) + " " + noun + "s"
}

// counted is a number in running text.
func counted(n int) string { return thousands(strconv.Itoa(n)) }
