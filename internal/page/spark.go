package page

import (
	"math"
	"strconv"
	"time"
)

// The small charts' coordinates, as the template has them too. They are stretched
// to the space there is.
const (
	sparkWidth  = 240
	sparkHeight = 48
)

// spark is a line of balances over a month, without axes.
type spark struct {
	Line string // path data
	Zero string // y of zero, where the line crosses it; else ""
}

// newSpark is nil if there is no line to be drawn.
func newSpark(dots []dot, from, till time.Time) *spark {
	if len(dots) < 2 {
		return nil
	}
	low, high := extent(dots)
	if low == high {
		low, high = low-1, high+1
	}
	y := func(v float64) string {
		return strconv.Itoa(int(math.Round((sparkHeight-4)*(high-v)/(high-low))) + 2) // room for the stroke
	}
	s := new(spark)
	if low < 0 && high > 0 {
		s.Zero = y(0)
	}
	line := make([]byte, 0, 8*len(dots))
	for i, d := range dots {
		step := byte('L')
		if i == 0 || d.at.Sub(dots[i-1].at) > gapSteps*day {
			step = 'M'
		}
		x := sparkWidth * float64(d.at.Sub(from)) / float64(till.Sub(from))
		line = append(line, step)
		line = strconv.AppendInt(line, int64(math.Round(x)), 10)
		line = append(line, ' ')
		line = append(line, y(d.value)...)
	}
	s.Line = string(line)
	return s
}
