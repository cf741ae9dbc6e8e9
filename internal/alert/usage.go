package alert

import (
	"math/bits"
	"strconv"
	"strings"
	"time"

	"accountgateway/internal/provider"
)

// used is how much of its limit a counter has used, in percent, rounded down;
// false if it has no limit.
func used(c *provider.Counter) (percent uint64, limited bool) {
	if c.Limit == nil || c.Unlimited {
		return 0, false
	}
	value, limit := c.Value, *c.Limit
	if limit <= 0 {
		if value > 0 {
			return 100, true
		}
		return 0, false
	}
	if value/limit >= maxPercent/100 {
		return maxPercent, true
	}
	high, low := bits.Mul64(uint64(max(value, 0)), 100)
	whole, _ := bits.Div64(high, low, uint64(limit))
	return whole, true
}

// maxPercent is more than is worth telling apart.
const maxPercent = 1_000_000

// The parts of a limit, in percent, from which on an alert is open or critical;
// it stays so for as long as the lower ones are used.
const (
	quotaWarning, quotaWarningEnds   = 90, 85
	quotaCritical, quotaCriticalEnds = 100, 95
)

func judgeQuota(f *Facts, was Severity) (Severity, bool) {
	if !f.Statistics.Readable {
		return "", true
	}
	if !f.Statistics.current() {
		return "", false
	}
	warning, critical := quotaBounds(was)
	now := Severity("")
	counters := f.Statistics.Value.Counters
	for i := range counters {
		switch percent, limited := used(&counters[i]); {
		case !limited:
		case percent >= critical:
			return Critical, true
		case percent >= warning:
			now = Warning
		}
	}
	return now, true
}

func quotaBounds(was Severity) (warning, critical uint64) {
	warning, critical = quotaWarning, quotaCritical
	if was != "" {
		warning = quotaWarningEnds
	}
	if was == Critical {
		critical = quotaCriticalEnds
	}
	return warning, critical
}

func tellQuota(f *Facts, a *Alert) {
	if f.Statistics.Value == nil {
		return
	}
	worst, most := -1, uint64(0)
	counters := f.Statistics.Value.Counters
	for i := range counters {
		if percent, limited := used(&counters[i]); limited && (worst < 0 || percent > most) {
			worst, most = i, percent
		}
	}
	if worst < 0 {
		a.Detail = "no counter has a limit any more"
		return
	}
	a.Detail = counterText(&counters[worst])
	for i := range counters {
		if percent, limited := used(&counters[i]); limited && percent >= quotaWarningEnds && i != worst {
			a.Detail += "; " + counterText(&counters[i])
		}
	}
	bound := quotaWarning
	if a.Severity == Critical {
		bound = quotaCritical
	}
	a.Value, a.Threshold = new(strconv.FormatUint(most, 10)+" %"), new(strconv.Itoa(bound)+" %")
}

func counterText(c *provider.Counter) string {
	return c.Name + ": " + strconv.FormatInt(c.Value, 10) + " of " + strconv.FormatInt(*c.Limit, 10)
}

// judgeReadings gives a process that has just started the time to read, but for
// an alert that is open already: an old reading at hand is evidence enough.
func judgeReadings(f *Facts, was Severity) (Severity, bool) {
	all := true
	for _, r := range f.readings() {
		if !r.regular || r.current {
			continue
		}
		if f.Watched > r.oldAfter || was != "" && !r.asOf.IsZero() {
			return Warning, true
		}
		all = false
	}
	return "", all || was == ""
}

// regularReading is what matters of a figure whether it is too old.
type regularReading struct {
	name             string
	regular, current bool
	asOf             time.Time // zero: never
	oldAfter         time.Duration
}

func (f *Facts) readings() [2]regularReading {
	return [2]regularReading{readingOf("balance", &f.Balance), readingOf("statistics", &f.Statistics)}
}

func readingOf[T any](name string, f *Figure[T]) regularReading {
	r := regularReading{name: name, regular: f.Regular, current: f.current(), oldAfter: f.OldAfter}
	if f.Value != nil {
		r.asOf = f.AsOf
	}
	return r
}

func tellReadings(f *Facts, a *Alert) {
	var old []string
	for _, r := range f.readings() {
		if !r.regular || r.current {
			continue
		}
		when := "never"
		if !r.asOf.IsZero() {
			when = r.asOf.UTC().Format(time.RFC3339)
		}
		old = append(old, r.name+" "+when)
		if a.Value == nil {
			a.Value, a.Threshold = &when, new(lasting(r.oldAfter))
		}
	}
	a.Detail = "last read: " + strings.Join(old, ", ")
	if len(old) == 0 {
		a.Detail = "it is read again"
		return
	}
	if cause := f.Vendor.Trouble; cause != "" {
		a.Detail += "; because: " + f.Vendor.trouble()
		a.Remedy = Remedy(cause, f.Account, f.Credentials) + unwatched
	}
}

// trouble says why readings are missing, and since when.
func (v *Vendor) trouble() string {
	what := strings.ReplaceAll(string(v.Trouble), "_", " ")
	if v.Trouble == BudgetNearlyUsed {
		what = "the vendor's limit of calls is reached"
	}
	if v.LastSuccess == nil {
		return what + ", never a success"
	}
	return what + ", no success since " + v.LastSuccess.UTC().Format(time.RFC3339)
}

// lasting writes a duration in minutes, or in seconds where it has few.
func lasting(d time.Duration) string {
	if d < 3*time.Minute {
		return strconv.Itoa(int(d/time.Second)) + " s"
	}
	return strconv.Itoa(int(d/time.Minute)) + " min"
}

func judgeWrites(f *Facts, _ Severity) (Severity, bool) {
	if f.Writes.Known && f.Writes.Count > 0 {
		return Warning, true
	}
	return "", f.Writes.Known
}

func tellWrites(f *Facts, a *Alert) {
	n := strconv.Itoa(f.Writes.Count)
	a.Value = &n
	switch f.Writes.Count {
	case 0:
		a.Detail = "the outcome of every write is known"
	case 1:
		a.Detail = "the outcome of one write is unknown; it was asked for at " + f.Writes.Oldest.UTC().Format(time.RFC3339)
	default:
		a.Detail = "the outcome of " + n + " writes is unknown; the oldest was asked for at " + f.Writes.Oldest.UTC().Format(time.RFC3339)
	}
}

// budgetPatience is how long the budget has to be low.
func (f *Facts) budgetPatience() time.Duration { return f.Patience / 2 }

func judgeBudget(f *Facts, was Severity) (Severity, bool) {
	b := &f.Budget
	open := false
	switch {
	case f.Vendor.Trouble == BudgetNearlyUsed: // the vendor's own limit is reached, and the budget counts for nothing
		open = was != "" || f.lasted(f.Vendor.Since, f.Patience*3/2)
	case !b.Known:
		return "", false
	case was != "":
		open = b.Left <= (b.Limit-1)/5
	default:
		open = b.LowFor >= f.budgetPatience()
	}
	if open {
		return Warning, true
	}
	return "", true
}

func tellBudget(f *Facts, a *Alert) {
	if f.Vendor.Trouble == BudgetNearlyUsed {
		a.Detail = f.Vendor.Detail
		return
	}
	limit := strconv.Itoa(f.Budget.Limit)
	a.Detail = "for " + lasting(f.budgetPatience()) + ", less than a tenth was left of the " + limit + " calls that the budget allows"
	if a.Severity == "" {
		a.Detail = "more than a fifth is left of the " + limit + " calls that the budget allows"
	}
	a.Threshold = new("10 %")
}
