package page

import (
	"context"
	"math"
	"strconv"
	"strings"
	"time"

	"accountgateway/internal/account"
	"accountgateway/internal/provider"
)

// statistics is what an account has used, as it is shown.
type statistics struct {
	Read     *moment
	Old      bool   // background readings should have replaced it
	Period   string // "" if there is none
	Counters []counter
	Limited  bool // some counter has a limit
	Amounts  []amount
	Plan     string
	NextPlan string
	Services []service

	aged aged
}

type counter struct {
	Name, Code string
	Value      string
	Limit      string // "" if the vendor does not say
	Used       string // "62 %", "" without a limit
	Bar        int    // that, from 0 to 100
	Tone       tone   // of the bar
	Scope      string
}

type amount struct {
	Name, Code string
	Value      *figure
	Scope      string
}

type service struct {
	Name string
	ID   string
	Paid *moment // nil: the vendor does not say
	Past bool
}

// statistics reads what is at hand; nil if there is nothing.
func (p *Page) statistics(ctx context.Context, name string, now time.Time) *statistics {
	r, err := p.Accounts.Statistics(ctx, name, provider.StatisticsQuery{}, atHand())
	if err != nil {
		return nil
	}
	s := &statistics{aged: aged{r.AsOf, p.now(), r.Age}, Period: periodWords(r.Value.Period)}
	for _, c := range r.Value.Counters {
		s.Counters = append(s.Counters, newCounter(c))
		s.Limited = s.Limited || c.Limit != nil || c.Unlimited
	}
	var figures []*figure
	for _, a := range r.Value.Amounts {
		f := newFigure(a.Money)
		if a.Unit != "" {
			f.Currency = strings.ReplaceAll(a.Unit, "_", " ")
		}
		figures = append(figures, f)
		s.Amounts = append(s.Amounts, amount{Name: named(a.Name), Code: a.Name, Value: f, Scope: scopeWords(a.Scope)})
	}
	align(figures...)
	if plan := r.Value.Plan; plan != nil {
		s.Plan = plan.ID
		if plan.NextID != nil && *plan.NextID != plan.ID {
			s.NextPlan = *plan.NextID
		}
	}
	for _, v := range r.Value.Services {
		row := service{Name: v.Name, ID: v.ID}
		if v.PaidUntil != nil {
			row.Paid, row.Past = onDay(*v.PaidUntil), v.PaidUntil.Before(now)
		}
		s.Services = append(s.Services, row)
	}
	return s
}

// judge is what it is of funds.
func (s *statistics) judge(accounts *account.Service, now time.Time) {
	if s != nil {
		s.Read = since(s.aged.asOf, now)
		s.Old = s.aged.by(now) > accounts.OldAfter(provider.OpStatistics)
	}
}

func newCounter(c provider.Counter) counter {
	out := counter{Name: named(c.Name), Code: c.Name, Value: grouped(strconv.FormatInt(c.Value, 10)), Scope: scopeWords(c.Scope)}
	switch {
	case c.Limit != nil:
		out.Limit = grouped(strconv.FormatInt(*c.Limit, 10))
		part := math.Inf(1)
		if *c.Limit > 0 {
			part = math.Floor(100 * float64(c.Value) / float64(*c.Limit)) // 100 only where nothing is left
			out.Used = strconv.FormatFloat(part, 'f', 0, 64) + "\u00a0%"
		} else if c.Value <= *c.Limit {
			break // nothing of nothing
		}
		out.Bar, out.Tone = int(max(min(part, 100), 0)), good
		switch {
		case part >= 100:
			out.Tone = bad
		case part >= 90:
			out.Tone = warn
		}
	case c.Unlimited:
		out.Limit = "no limit"
	}
	return out
}

// periodWords writes a period as people do: days where it is made of days.
func periodWords(p *provider.Period) string {
	if p == nil {
		return ""
	}
	edge := func(text *string) string {
		if text == nil {
			return "…"
		}
		if t, err := time.Parse(time.RFC3339, *text); err == nil {
			return exactly(t).Words
		}
		if t, err := time.Parse(time.DateOnly, *text); err == nil {
			return onDay(t).Words
		}
		return *text
	}
	return edge(p.From) + " – " + edge(p.Till)
}
