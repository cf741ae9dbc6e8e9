package page

import (
	"context"
	"time"

	"accountgateway/internal/account"
)

// runway is how long the money lasts, in few words and in many.
type runway struct {
	Words  string // "25 days"
	Until  *moment
	Tone   tone
	Burn   *figure // a day; nil if not known
	Story  string  // a sentence or two
	Method string  // "" if there is no forecast
}

// When little time left is worth a colour.
const (
	runwayShort = 14 * day
	runwayOver  = 3 * day
)

// runway forecasts from what is at hand.
func (p *Page) runway(ctx context.Context, name string, now time.Time) runway {
	f, err := p.Accounts.Forecast(ctx, name, atHand())
	switch {
	case isAway(err):
		return runway{Words: "unknown", Tone: idle, Story: "No forecast while the gateway's database, which holds past balances, is unavailable."}
	case err != nil || len(f.Currencies) == 0:
		return runway{Words: "unknown", Tone: idle, Story: "No forecast without a current balance."}
	}
	return newRunway(f, f.Currencies[0], now)
}

func newRunway(f account.Forecast, c account.CurrencyForecast, now time.Time) runway {
	l := runway{Tone: idle, Burn: optionalFigure(c.BurnPerDay), Method: sentence(account.ForecastMethod)}
	switch c.Status {
	case account.ForecastNoBurn:
		l.Words, l.Tone = "no spending", good
		l.Story = "Nothing was spent in the last 14 days, so at this rate the money does not run out."
	case account.ForecastPostpaid:
		l.Words = "billed later"
		l.Story = "At " + l.Burn.String() + " a day. What is spent is invoiced later, so the money does not end."
	case account.ForecastUnpredictable:
		l.Words = "unclear"
		l.Story = "The balance rose in every hour with readings, so spending can't be separated from top-ups."
	case account.ForecastOK:
		end := f.Balance.AsOf.Add(*c.Left)
		left := end.Sub(now)
		l.Words, l.Until, l.Tone = lasting(left), onDay(end), good
		l.Until.Title = "" // an estimate has no seconds
		switch {
		case left < runwayOver:
			l.Tone = bad
		case left < runwayShort:
			l.Tone = warn
		}
		if left <= 0 {
			l.Story = "At " + l.Burn.String() + " a day, balance and credit are used up."
		} else {
			l.Story = "At " + l.Burn.String() + " a day, balance and credit last " + lasting(left) + ", until about " + l.Until.Words + "."
		}
	default:
		l.Words = "too early"
		l.Story = "A forecast needs at least one day of regular readings"
		if c.Since != nil {
			l.Story += "; " + plural(c.Readings, "reading") + " so far, since " + exactly(*c.Since).Words
		}
		l.Story += "."
	}
	if c.Quality == account.HasGaps && c.BurnPerDay != nil {
		l.Story += " Some readings are missing: actual spending may be higher."
	}
	return l
}
