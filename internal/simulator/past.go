package simulator

import (
	"math/rand/v2"
	"time"

	"github.com/govalues/decimal"
)

// Past is how an account's balance came to be what it is: money was spent all
// the time, less at night and at weekends, and topped up now and then. It is made
// up, but the same each time for the same seed.
type Past struct {
	Till    time.Time       // when it ends
	Days    int             // how long it is
	Balance decimal.Decimal // at its end
	Weekday float64         // spent on a day from Monday to Friday, in the unit of Balance
	Weekend float64         // spent on a day of a weekend
	TopUps  map[int]int64   // amounts, by how many days before the end
	Seed    uint64
}

// Point is what a balance was.
type Point struct {
	At      time.Time
	Balance decimal.Decimal
}

// PastStep is how far the points of a Past are apart.
const PastStep = 10 * time.Minute

// Points are the balances of the past, newest first.
func (p Past) Points() []Point {
	const stepsOfDay = int(24 * time.Hour / PastStep)
	random := rand.New(rand.NewPCG(p.Seed, p.Seed)) // #nosec G404 -- no secret
	points := make([]Point, 0, p.Days*stepsOfDay)
	balance, spent := p.Balance.Rescale(max(2, p.Balance.Scale())), 0.0 // spent is what makes no whole cent yet, too
	for i := range p.Days * stepsOfDay {
		at := p.Till.Add(-time.Duration(i) * PastStep).UTC()
		points = append(points, Point{At: at, Balance: balance})
		daily := p.Weekday
		if day := at.Weekday(); day == time.Saturday || day == time.Sunday {
			daily = p.Weekend
		}
		spent += daily / float64(stepsOfDay) * busy[at.Hour()] * 2 * random.Float64()
		cents := int64(spent * 100)
		spent -= float64(cents) / 100
		if i%stepsOfDay == stepsOfDay/2 {
			cents -= 100 * p.TopUps[i/stepsOfDay]
		}
		before, err := balance.Add(decimal.MustNew(cents, 2))
		if err != nil { // more digits than an amount has: the past begins there
			return points
		}
		balance = before
	}
	return points
}

// busy is how much of a day's spending an hour has, 1 being the mean.
var busy = [24]float64{
	.2, .1, .1, .1, .1, .2, .4, .8, 1.4, 2, 2.1, 2.1, 1.8, 2, 2, 2, 1.8, 1.4, .9, .7, .6, .5, .4, .3,
}
