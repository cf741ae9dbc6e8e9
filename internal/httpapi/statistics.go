package httpapi

import (
	"context"
	"net/http"
	"time"

	"accountgateway/internal/account"
	"accountgateway/internal/provider"
)

// getStatistics answers GET /accounts/{account}/statistics.
func (s *server) getStatistics(ctx context.Context, r *http.Request) (reply, error) {
	params := readParams(r)
	q := statisticsQuery(&params)
	bound, err := params.bound()
	if err != nil {
		return reply{}, err
	}
	reading, err := s.Accounts.Statistics(ctx, pathParam(r, "account"), q, bound)
	if err != nil {
		return reply{}, err
	}
	p, err := kept(reading.Kept, func() any { return statisticsBody(reading) })
	if err != nil {
		return reply{}, err
	}
	return s.reading(r, provider.OpStatistics, metBy(reading), p), nil
}

func statisticsQuery(p *params) (q provider.StatisticsQuery) {
	day := func(name string) provider.Date {
		text, given := p.text(name)
		if given {
			if _, err := time.Parse(time.DateOnly, text); err != nil {
				p.refuse(name, "must be a date as YYYY-MM-DD")
			}
		}
		return provider.Date(text)
	}
	q.From, q.Till = day("date_from"), day("date_till")
	if len(p.bad) == 0 && q.From != "" && q.Till != "" && q.Till < q.From {
		p.refuse("date_till", "before date_from")
	}
	return q
}

func statisticsBody(r account.Reading[provider.Statistics]) Statistics {
	body := Statistics{
		Account:  r.Account,
		Provider: r.Provider,
		AsOf:     Time{r.AsOf},
		Stale:    r.Stale,
		Counters: []Counter{},
		Amounts:  []StatisticsAmount{},
		Services: []Service{},
	}
	if p := r.Value.Period; p != nil {
		body.Period = &Period{From: periodEnd(p.From), Till: periodEnd(p.Till)}
	}
	for _, c := range r.Value.Counters {
		body.Counters = append(body.Counters, Counter{
			Name: c.Name, Value: c.Value, Limit: c.Limit, Unlimited: c.Unlimited, Scope: Scope(c.Scope),
		})
	}
	for _, a := range r.Value.Amounts {
		amount := StatisticsAmount{Name: a.Name, Scope: Scope(a.Scope), Amount: a.Money.Amount.String()}
		if a.Unit == "" {
			amount.Currency = new(string(a.Money.Currency))
		} else {
			amount.Unit = &a.Unit
		}
		body.Amounts = append(body.Amounts, amount)
	}
	if p := r.Value.Plan; p != nil {
		body.Plan = &Plan{ID: p.ID, NextID: p.NextID}
	}
	for _, v := range r.Value.Services {
		body.Services = append(body.Services, Service{ID: v.ID, Name: v.Name, PaidUntil: optionalTime(v.PaidUntil)})
	}
	return body
}

// periodEnd is one end of a period: a day, or an instant as every body has it.
func periodEnd(text *string) *string {
	if text == nil {
		return nil
	}
	if t, err := time.Parse(time.RFC3339, *text); err == nil {
		return new(Time{t}.String())
	}
	return text
}
