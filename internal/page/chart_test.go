package page

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestScale(t *testing.T) {
	for _, test := range []struct {
		low, high float64
		want      []string // the labels, from top to bottom
	}{
		{0, 100, []string{"100", "75", "50", "25", "0"}},
		{930, 1010, []string{"1,020", "1,000", "980", "960", "940", "920"}},
		{10, 1000, []string{"1,000", "750", "500", "250", "0"}},
		{5, 5, []string{"6.0", "5.5", "5.0", "4.5", "4.0"}},
		{-30, 50, []string{"60", "40", "20", "0", "−20", "−40"}},
		{0.011, 0.014, []string{"0.014", "0.013", "0.012", "0.011"}},
		{1e12, 1.1e12, []string{"1,100,000,000,000", "1,075,000,000,000", "1,050,000,000,000", "1,025,000,000,000", "1,000,000,000,000"}},
	} {
		at := time.Unix(0, 0)
		c := newChart([]dot{{at, test.low}, {at.Add(time.Hour), test.high}}, at, at.Add(time.Hour), time.Hour)
		if diff := cmp.Diff(test.want, c.Y); diff != "" {
			t.Errorf("from %v to %v: %s", test.low, test.high, diff)
		}
	}
}

func TestLine(t *testing.T) {
	at := time.Unix(0, 0)
	hours := func(n int) time.Time { return at.Add(time.Duration(n) * time.Hour) }
	c := newChart([]dot{{hours(0), 0}, {hours(1), 100}, {hours(8), 50}, {hours(10), 0}}, at, hours(10), time.Hour)
	// Seven hours without a reading are no line.
	const want = "M0.0 300.0h0L100.0 0.0M800.0 150.0h0L1000.0 300.0"
	if c.Line != want {
		t.Errorf("the line is %s", c.Line)
	}
	if newChart([]dot{{at, 1}}, at, hours(1), time.Hour) != nil || sparkline(nil, at, hours(1), time.Hour) != nil {
		t.Error("there is a chart of less than two readings")
	}
	flat := sparkline([]dot{{hours(0), 7}, {hours(1), 7}}, at, hours(1), time.Hour)
	if flat.Line != "M0.0 150.0h0L1000.0 150.0" {
		t.Errorf("a flat line is %s", flat.Line)
	}
}
