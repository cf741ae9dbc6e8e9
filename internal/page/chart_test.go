package page

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/govalues/decimal"

	"accountgateway/internal/account"
	"accountgateway/internal/provider"
)

var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func hours(n int) time.Time { return start.Add(time.Duration(n) * time.Hour) }

// readings are balances at hours since start.
func readings(amounts map[int]string, order ...int) []account.Point {
	var points []account.Point
	for _, hour := range order {
		points = append(points, account.Point{AsOf: hours(hour), Balance: provider.Balance{
			Balance: provider.Money{Amount: decimal.MustParse(amounts[hour]), Currency: "USD"},
		}})
	}
	return points
}

func TestScale(t *testing.T) {
	for _, test := range []struct {
		low, high string
		want      []string // the labels, from top to bottom
		zero      bool
	}{
		{"0", "100", []string{"100", "75", "50", "25", "0"}, true},
		{"930", "1010", []string{"1,020", "1,000", "980", "960", "940", "920"}, false},
		{"10", "1000", []string{"1,000", "750", "500", "250", "0"}, true},
		{"5", "5", []string{"6.0", "5.5", "5.0", "4.5", "4.0"}, false},
		{"-30", "50", []string{"60", "40", "20", "0", "−20", "−40"}, true},
		{"-1240.07", "-1240.07", []string{"0", "−500", "−1,000", "−1,500"}, true},
		{"-30", "-5", []string{"0", "−10", "−20", "−30"}, true},
		{"0.011", "0.014", []string{"0.014", "0.013", "0.012", "0.011"}, false},
		{"1000000000000", "1100000000000", []string{"1,100,000,000,000", "1,075,000,000,000", "1,050,000,000,000", "1,025,000,000,000", "1,000,000,000,000"}, false},
	} {
		c := plot{points: readings(map[int]string{0: test.low, 1: test.high}, 0, 1), from: start, till: hours(1), step: time.Hour}.draw()
		if diff := cmp.Diff(test.want, c.Y); diff != "" {
			t.Errorf("from %v to %v: %s", test.low, test.high, diff)
		}
		// An area that does not end at zero would say that there is so much.
		if (c.Zero != "") != test.zero || (c.Above != "") != test.zero {
			t.Errorf("from %v to %v: zero is at %q, the area is %q", test.low, test.high, c.Zero, c.Above)
		}
	}
}

func TestLine(t *testing.T) {
	points := readings(map[int]string{0: "0", 1: "100", 8: "50", 10: "0"}, 0, 1, 8, 10)
	c := plot{points: points, from: start, till: hours(10), step: time.Hour}.draw()
	// Seven hours without a reading are no line.
	if want := "M0 300h0L100 0M800 150h0L1000 300"; c.Line != want {
		t.Errorf("the line is %s, want %s", c.Line, want)
	}
	if (plot{points: points[:1], from: start, till: hours(1), step: time.Hour}).draw() != nil || newSpark(dotsOf(points[:1], "USD"), start, hours(1)) != nil {
		t.Error("there is a chart of less than two readings")
	}
}

// TestBelowZero: what is owed fills down from zero, from where the line crosses
// it.
func TestBelowZero(t *testing.T) {
	points := readings(map[int]string{0: "100", 2: "-100", 4: "-50"}, 0, 2, 4)
	c := plot{points: points, from: start, till: hours(4), step: 2 * time.Hour}.draw()
	got := []string{c.Zero, c.Above, c.Below}
	if diff := cmp.Diff([]string{"150", "M0 150L0 0L250 150L500 150L1000 150L1000 150Z", "M0 150L0 150L250 150L500 300L1000 225L1000 150Z"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestTopUpsAreMarked(t *testing.T) {
	points := readings(map[int]string{0: "50", 24: "20.10", 48: "9999999999999999.99", 72: "9999999999999999.50", 96: "9999999999999998"}, 0, 24, 48, 72, 96)
	c := plot{points: points, from: start, till: hours(96), step: day}.draw()
	if len(c.TopUps) != 1 || c.TopUps[0].Words != "Rose by 9,999,999,999,999,979.89 USD until 3 Jan 2026, 00:00 UTC" || len(c.Points) != 5 {
		t.Errorf("marked: %+v", c.TopUps)
	}
	if want := "1 Jan 2026, 00:00 UTC: 50 USD"; c.Points[0].Words != want {
		t.Errorf("the first reading says %q", c.Points[0].Words)
	}
}

// TestIncomeIsNotMarked: what comes in all the time is no top-up.
func TestIncomeIsNotMarked(t *testing.T) {
	points := readings(map[int]string{0: "10", 24: "20", 48: "31", 72: "40", 96: "5", 120: "15.5"}, 0, 24, 48, 72, 96, 120)
	c := plot{points: points, from: start, till: hours(120), step: day}.draw()
	if len(c.TopUps) != 0 {
		t.Errorf("marked: %+v", c.TopUps)
	}
}

// TestForecastIsDrawn from the last reading to the end, or to the edge.
func TestForecastIsDrawn(t *testing.T) {
	points := readings(map[int]string{0: "100", 96: "60"}, 0, 96)
	p := plot{points: points, from: start, till: hours(96), step: 4 * day}
	for _, test := range []struct {
		perDay float64
		end    time.Time
		want   string
	}{
		{100, hours(96 + 12), "M800 120h0L900 270"},
		{60, hours(96 + 240), "M800 120h0L1000 300"},
		{60, hours(90), ""}, // it has ended
	} {
		p.decline = &decline{test.perDay, test.end}
		if got := p.draw().Forecast; got != test.want {
			t.Errorf("until %s: %q, want %q", test.end, got, test.want)
		}
	}
}

func TestSpark(t *testing.T) {
	line := func(amounts ...float64) *spark {
		var dots []dot
		for i, v := range amounts {
			dots = append(dots, dot{start.Add(time.Duration(i) * day), v})
		}
		return newSpark(dots, start, start.Add(4*day))
	}
	flat, falling := line(7, 7), line(10, 0, -10)
	if flat.Line != "M0 24L60 24" || flat.Zero != "" || falling.Line != "M0 2L60 24L120 46" || falling.Zero != "24" {
		t.Errorf("%+v, %+v", flat, falling)
	}
}
