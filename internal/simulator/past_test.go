package simulator

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/govalues/decimal"
)

func TestPast(t *testing.T) {
	past := Past{
		Till: time.Date(2026, 11, 27, 9, 30, 0, 0, time.UTC), Days: 60, Balance: decimal.MustParse("48213.07"),
		Weekday: 3300, Weekend: 900, TopUps: map[int]int64{9: 36_000, 40: 20_000}, Seed: 1,
	}
	points := past.Points()
	if len(points) != 60*144 || points[0] != (Point{past.Till, past.Balance}) {
		t.Fatalf("%d points, the last %v", len(points), points[0])
	}
	equal := cmp.Comparer(func(a, b decimal.Decimal) bool { return a.Equal(b) })
	if diff := cmp.Diff(points, past.Points(), equal); diff != "" {
		t.Errorf("another past with the same seed: %s", diff)
	}
	spent, days, rises := map[bool]float64{}, map[bool]float64{}, map[int]float64{}
	for i := 1; i < len(points); i++ {
		after, before := points[i-1], points[i]
		if after.At.Sub(before.At) != PastStep {
			t.Fatalf("%v follows %v", after, before)
		}
		weekend := before.At.Weekday() == time.Saturday || before.At.Weekday() == time.Sunday
		fall, _ := before.Balance.Sub(after.Balance)
		amount, _ := fall.Float64()
		if amount < 0 {
			rises[int(past.Till.Sub(after.At)/(24*time.Hour))] = math.Round(-amount/100) * 100
			continue
		}
		spent[weekend] += amount
		days[weekend] += PastStep.Hours() / 24
	}
	if diff := cmp.Diff(map[int]float64{9: 36_000, 40: 20_000}, rises); diff != "" {
		t.Errorf("top-ups (-want +got): %s", diff)
	}
	if weekday, weekend := spent[false]/days[false], spent[true]/days[true]; weekday < 3000 || weekday > 3600 || weekend < 800 || weekend > 1000 {
		t.Errorf("spent on a weekday %.2f, at a weekend %.2f", weekday, weekend)
	}
}
