package page

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"accountgateway/internal/account"
	"accountgateway/internal/provider"
)

// The charts' coordinates, as the templates have them too. They are stretched to
// the space there is, so they say nothing of shape.
const (
	chartWidth  = 1000
	chartHeight = 300
)

// chart is a line of balances over time, drawn in SVG. Coordinates are floats;
// figures never are.
type chart struct {
	Line  string // path data
	Area  string
	Y     []string // labels, from top to bottom, at equal distances
	X     []xLabel // labels, from left to right, at equal distances
	Label string   // the chart in words, for those who don't see it
	Rows  []float64
}

type xLabel struct {
	Words string
	Minor bool // left out where there is little room
}

// dot is a balance in the chart's terms.
type dot struct {
	at    time.Time
	value float64
}

// dotsOf picks the points of one currency.
func dotsOf(points []account.Point, c provider.Currency) []dot {
	dots := make([]dot, 0, len(points))
	for _, p := range points {
		if p.Balance.Balance.Currency != c {
			continue
		}
		if v, ok := p.Balance.Balance.Amount.Float64(); ok {
			dots = append(dots, dot{p.AsOf, v})
		}
	}
	return dots
}

// sparkline is a small chart without axes; nil if there is no line to be drawn.
func sparkline(dots []dot, from, till time.Time, step time.Duration) *chart {
	if len(dots) < 2 {
		return nil
	}
	low, high := extent(dots)
	if low == high {
		low, high = low-1, high+1
	}
	margin := (high - low) / 10
	c := new(chart)
	c.draw(dots, from, till, step, low-margin, high+margin)
	return c
}

// newChart is a chart with axes; nil if there is no line to be drawn.
func newChart(dots []dot, from, till time.Time, step time.Duration) *chart {
	if len(dots) < 2 {
		return nil
	}
	low, high, tick := scale(extent(dots))
	c := new(chart)
	c.draw(dots, from, till, step, low, high)
	rows := int(math.Round((high - low) / tick))
	for i := range rows + 1 {
		c.Y = append(c.Y, axisLabel(high-float64(i)*tick, tick))
		c.Rows = append(c.Rows, math.Round(float64(i)*chartHeight/float64(rows)*10)/10)
	}
	const parts = 6
	for i := range parts + 1 {
		at := from.Add(till.Sub(from) * time.Duration(i) / parts)
		c.X = append(c.X, xLabel{Words: at.UTC().Format("2 Jan"), Minor: i%3 != 0})
	}
	return c
}

// draw makes the paths. Where readings are missing, the line is too.
func (c *chart) draw(dots []dot, from, till time.Time, step time.Duration, low, high float64) {
	var line, area strings.Builder
	x := func(d dot) float64 { return chartWidth * float64(d.at.Sub(from)) / float64(till.Sub(from)) }
	y := func(d dot) float64 { return chartHeight * (high - d.value) / (high - low) }
	start := 0
	for i, d := range dots {
		if i == start {
			fmt.Fprintf(&line, "M%.1f %.1fh0", x(d), y(d)) // of no length, so that a lone reading is seen
			fmt.Fprintf(&area, "M%.1f %dL%.1f %.1f", x(d), chartHeight, x(d), y(d))
		} else {
			fmt.Fprintf(&line, "L%.1f %.1f", x(d), y(d))
			fmt.Fprintf(&area, "L%.1f %.1f", x(d), y(d))
		}
		if i == len(dots)-1 || dots[i+1].at.Sub(d.at) > gapSteps*step {
			fmt.Fprintf(&area, "L%.1f %dZ", x(d), chartHeight)
			start = i + 1
		}
	}
	c.Line, c.Area = line.String(), area.String()
}

// gapSteps is how many steps without a reading break the line.
const gapSteps = 3

func extent(dots []dot) (low, high float64) {
	low, high = dots[0].value, dots[0].value
	for _, d := range dots {
		low, high = min(low, d.value), max(high, d.value)
	}
	return low, high
}

// scale widens an extent to round figures with a round distance between them.
// It begins at zero unless that would flatten the line.
func scale(low, high float64) (from, till, tick float64) {
	if low > 0 && low < high/2 {
		low = 0
	}
	if low == high {
		margin := max(math.Abs(low)/10, 1)
		low, high = low-margin, high+margin
	}
	tick = roundUp((high - low) / 4)
	return math.Floor(low/tick) * tick, math.Ceil(high/tick) * tick, tick
}

// roundUp gives the next of 1, 2, 2.5, 5 and 10 times a power of ten.
func roundUp(v float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(v)))
	for _, round := range []float64{1, 2, 2.5, 5} {
		if v <= round*power*(1+1e-9) {
			return round * power
		}
	}
	return 10 * power
}

// axisLabel writes a round figure with as many digits as its distance to the
// next needs.
func axisLabel(v, tick float64) string {
	digits := 0
	for scaled := tick; digits < 6 && math.Abs(scaled-math.Round(scaled)) > 1e-6*scaled; scaled *= 10 {
		digits++
	}
	if math.Abs(v) < tick/2 {
		v = 0
	}
	return grouped(strconv.FormatFloat(v, 'f', digits, 64))
}
