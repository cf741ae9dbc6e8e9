package page

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"accountgateway/internal/account"
	"accountgateway/internal/provider"
)

// The chart's coordinates, as the template has them too. They are stretched to
// the space there is, so they say nothing of shape.
const (
	chartWidth  = 1000
	chartHeight = 300
)

// chart is an account's balance over time, drawn in SVG. Coordinates are floats;
// figures never are.
type chart struct {
	Line     string // path data
	Above    string // what is above zero; "" where the axis does not reach zero: its area would say nothing
	Below    string // what is below zero
	Forecast string // from the last reading on; "" without one
	Now      string // x of the end of the readings; "" unless there is a forecast
	Zero     string // y of zero; "" where the axis does not reach it
	Rows     []string
	Y        []string // labels, from top to bottom, at equal distances
	X        []xLabel
	Points   []chartPoint
	TopUps   []chartPoint
	Label    string // the chart in words, for those who don't see it
}

// xLabel stands under a place in the chart.
type xLabel struct {
	X     string // in percent of the width
	Words string
	Minor bool // left out where there is little room
}

// chartPoint is a reading in the chart. Places are in percent.
type chartPoint struct {
	X, Y        string
	From, Width string // the column in which a pointer means it
	Words       string
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

// gapSteps is how many steps without a reading break the line.
const gapSteps = 3

// decline is how the balance goes on if nothing changes: from the last reading
// down to what is left when the money ends.
type decline struct {
	perDay float64
	end    time.Time
}

// plot is what a chart is drawn of: points of one currency, a step apart.
type plot struct {
	points     []account.Point
	from, till time.Time // of the readings
	step       time.Duration
	decline    *decline // nil: no forecast
}

// draw gives nil if there is no line to be drawn.
func (p plot) draw() *chart {
	if len(p.points) < 2 {
		return nil
	}
	dots := dotsOf(p.points, p.points[0].Balance.Balance.Currency)
	if len(dots) < len(p.points) {
		return nil // a figure that is no float
	}
	end, future := p.till, p.forecast(dots[len(dots)-1])
	if future != nil {
		end = end.Add(p.till.Sub(p.from) / 4)
	}
	low, high, tick := scale(extent(append(future, dots...)))
	x := func(at time.Time) float64 { return chartWidth * float64(at.Sub(p.from)) / float64(end.Sub(p.from)) }
	y := func(v float64) float64 { return chartHeight * (high - v) / (high - low) }

	c := new(chart)
	c.axes(p.from, end, low, high, tick)
	c.Line = polyline(dots, p.step, x, y)
	if low <= 0 && high >= 0 {
		c.Zero = place(y(0))
		c.Above = area(dots, p.step, x, y, func(v float64) float64 { return max(v, 0) })
		if slices.ContainsFunc(dots, func(d dot) bool { return d.value < 0 }) {
			c.Below = area(dots, p.step, x, y, func(v float64) float64 { return min(v, 0) })
		}
	}
	if future != nil {
		c.Forecast, c.Now = polyline(future, end.Sub(p.from), x, y), place(x(p.till))
	}
	c.mark(p.points, dots, max((high-low)/100, steady*usual(dots)), func(d dot) (float64, float64) { return x(d.at) / chartWidth, y(d.value) / chartHeight })
	return c
}

// forecast is the line from the last reading on; nil if there is none.
func (p plot) forecast(last dot) []dot {
	end := p.till.Add(p.till.Sub(p.from) / 4)
	if p.decline == nil || !p.decline.end.After(p.till) {
		return nil
	}
	if p.decline.end.Before(end) {
		end = p.decline.end
	}
	return []dot{last, {end, last.value - p.decline.perDay*end.Sub(last.at).Hours()/24}}
}

// axes labels both.
func (c *chart) axes(from, till time.Time, low, high, tick float64) {
	rows := int(math.Round((high - low) / tick))
	for i := range rows + 1 {
		c.Y = append(c.Y, axisLabel(high-float64(i)*tick, tick))
		c.Rows = append(c.Rows, place(float64(i)*chartHeight/float64(rows)))
	}
	days := int(math.Ceil(till.Sub(from).Hours() / 24 / 8))
	for i, at := 0, from.UTC().Truncate(day).Add(day); at.Before(till); i, at = i+1, at.Add(time.Duration(days)*day) {
		where := float64(at.Sub(from)) / float64(till.Sub(from))
		if where < .03 || where > .97 {
			continue // it would stick out
		}
		c.X = append(c.X, xLabel{X: percent(where), Words: at.Format("2 Jan"), Minor: i%2 != 0})
	}
}

// steady is how many times as high as the usual change a rise is that is no part
// of a steady income.
const steady = 4

// usual is the median of the changes from one reading to the next.
func usual(dots []dot) float64 {
	changes := make([]float64, 0, len(dots))
	for i := 1; i < len(dots); i++ {
		changes = append(changes, math.Abs(dots[i].value-dots[i-1].value))
	}
	slices.Sort(changes)
	return changes[len(changes)/2]
}

// mark has a place for each reading, and for each rise that is high enough to be
// seen.
func (c *chart) mark(points []account.Point, dots []dot, least float64, at func(dot) (x, y float64)) {
	edge := 0.0
	for i, d := range dots {
		here, y := at(d)
		next := 1.0
		if i < len(dots)-1 {
			x, _ := at(dots[i+1])
			next = (here + x) / 2
		} else if c.Now != "" {
			next = min(here+here-edge, 1)
		}
		p := chartPoint{
			X: percent(here), Y: percent(y), From: percent(edge), Width: percent(next - edge),
			Words: exactly(d.at).Words + ": " + newFigure(points[i].Balance.Balance).String(),
		}
		c.Points = append(c.Points, p)
		if i > 0 && d.value-dots[i-1].value > least {
			p.Words = "Rose by " + difference(points[i-1], points[i]).String() + " until " + exactly(d.at).Words
			c.TopUps = append(c.TopUps, p)
		}
		edge = next
	}
}

// difference is what a balance changed by, exactly.
func difference(from, to account.Point) *figure {
	var sum provider.Sum
	sum.Add(to.Balance.Balance.Amount)
	sum.Sub(from.Balance.Balance.Amount)
	return figureOf(sum.String(), to.Balance.Balance.Currency)
}

// polyline is path data of a line. Where readings are missing, it is too.
func polyline(dots []dot, step time.Duration, x func(time.Time) float64, y func(float64) float64) string {
	var line strings.Builder
	for _, run := range runs(dots, step) {
		for i, d := range run {
			if i == 0 {
				fmt.Fprintf(&line, "M%s %sh0", place(x(d.at)), place(y(d.value))) // of no length, so that a lone reading is seen
			} else {
				fmt.Fprintf(&line, "L%s %s", place(x(d.at)), place(y(d.value)))
			}
		}
	}
	return line.String()
}

// area is what is between the line, cut off by side, and zero.
func area(dots []dot, step time.Duration, x func(time.Time) float64, y func(float64) float64, side func(float64) float64) string {
	var b strings.Builder
	for _, run := range runs(dots, step) {
		fmt.Fprintf(&b, "M%s %s", place(x(run[0].at)), place(y(0)))
		for i, d := range run {
			if i > 0 && d.value*run[i-1].value < 0 { // the line crosses zero on the way
				part := run[i-1].value / (run[i-1].value - d.value)
				crossing := run[i-1].at.Add(time.Duration(part * float64(d.at.Sub(run[i-1].at))))
				fmt.Fprintf(&b, "L%s %s", place(x(crossing)), place(y(0)))
			}
			fmt.Fprintf(&b, "L%s %s", place(x(d.at)), place(y(side(d.value))))
		}
		fmt.Fprintf(&b, "L%s %sZ", place(x(run[len(run)-1].at)), place(y(0)))
	}
	return b.String()
}

// runs are the dots between gaps.
func runs(dots []dot, step time.Duration) [][]dot {
	var all [][]dot
	start := 0
	for i := range dots {
		if i == len(dots)-1 || dots[i+1].at.Sub(dots[i].at) > gapSteps*step {
			all = append(all, dots[start:i+1])
			start = i + 1
		}
	}
	return all
}

func place(v float64) string { return strconv.FormatFloat(math.Round(v*10)/10, 'f', -1, 64) }

func percent(part float64) string {
	return strconv.FormatFloat(math.Round(part*1e4)/1e2, 'f', -1, 64) + "%"
}

func extent(dots []dot) (low, high float64) {
	low, high = dots[0].value, dots[0].value
	for _, d := range dots {
		low, high = min(low, d.value), max(high, d.value)
	}
	return low, high
}

// scale widens an extent to round figures with a round distance between them.
// It begins at zero unless that would flatten the line; below zero it always does:
// there it matters how much is owed.
func scale(low, high float64) (from, till, tick float64) {
	switch {
	case low > 0 && low < high/2:
		low = 0
	case high < 0:
		high = 0
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
