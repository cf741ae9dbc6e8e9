package regru

import (
	"time"

	"github.com/govalues/decimal"
)

// rouble is the wire's old code; RUB is not known (section 6).
const rouble = "RUR"

func defaultRates() map[string]decimal.Decimal {
	return map[string]decimal.Decimal{
		"USD": decimal.MustParse("81.4275"),
		"EUR": decimal.MustParse("94.9130"),
		"UAH": decimal.MustParse("1.9517"),
	}
}

// convert turns roubles into a currency, exact to the kopeck, half to even. Roubles stay as they are.
func (s *Server) convert(roubles decimal.Decimal, currency string) (numeric, *apiError) {
	if currency == rouble {
		return numeric(roubles.String()), nil
	}
	rate, ok := s.opts.Rates[currency]
	if !ok {
		return "", fail("UNSUPPORTED_CURRENCY")
	}
	amount, err := roubles.Quo(rate)
	if err != nil {
		return "", fail("INTERNAL_ERROR", "error_detail", "currency rate")
	}
	return numeric(amount.Rescale(2).String()), nil
}

// getBalance is user/get_balance (5.4).
func (s *Server) getBalance(c *call) (answer, *apiError) {
	currency := c.params.text("currency")
	if currency == "" {
		currency = rouble
	}
	prepay, err := s.convert(c.account.Prepay, currency)
	if err != nil {
		return nil, err
	}
	a := answer{"currency": currency, "prepay": prepay}
	if !c.account.Blocked.IsZero() {
		if a["blocked"], err = s.convert(c.account.Blocked, currency); err != nil {
			return nil, err
		}
	}
	if c.account.Partner {
		if a["credit"], err = s.convert(c.account.Credit, currency); err != nil {
			return nil, err
		}
	}
	return a, nil
}

// getStatistics is user/get_statistics (5.3). Bounds are inclusive; period fields come only with a bound (assumed).
func (s *Server) getStatistics(c *call) (answer, *apiError) {
	from, err := c.date("date_from")
	if err != nil {
		return nil, err
	}
	till, err := c.date("date_till")
	if err != nil {
		return nil, err
	}
	if !from.IsZero() && !till.IsZero() && from.After(till) {
		return nil, incorrect("date_from")
	}
	n := c.account.Counters
	a := answer{
		"active_domains_cnt":          counter(n.ActiveDomains),
		"active_domains_get_ctrl_cnt": counter(n.ActiveDomainsGetCtrl),
		"renew_domains_cnt":           counter(n.RenewDomains),
		"renew_domains_get_ctrl_cnt":  counter(n.RenewDomainsGetCtrl),
		"undelegated_domains_cnt":     counter(n.UndelegatedDomains),
		"domain_folders_cnt":          counter(n.DomainFolders),
		"balance_total":               numeric(c.account.Prepay.String()),
	}
	if c.account.test {
		a["balance_total"] = numeric(c.account.balanceTotal.String())
	}
	if n.TransInDomains > 0 {
		a["trans_in_domains_cnt"] = counter(n.TransInDomains)
	}
	if from.IsZero() && till.IsZero() {
		return a, nil
	}
	costs, registered := decimal.MustNew(0, 2), 0
	for _, d := range c.account.Days {
		day := time.Date(d.Date.Year(), d.Date.Month(), d.Date.Day(), 0, 0, 0, 0, time.UTC)
		if day.Before(from) || (!till.IsZero() && day.After(till)) {
			continue
		}
		sum, err := costs.Add(d.Costs)
		if err != nil {
			return nil, fail("INTERNAL_ERROR", "error_detail", "costs_for_period")
		}
		costs, registered = sum, registered+d.Registered
	}
	a["costs_for_period"], a["reg_domains_cnt"] = numeric(costs.String()), counter(registered)
	return a, nil
}

// date reads YYYY-MM-DD (assumed); the zero time if absent.
func (c *call) date(name string) (time.Time, *apiError) {
	text := c.params.text(name)
	if text == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return time.Time{}, incorrect(name)
	}
	return t, nil
}
