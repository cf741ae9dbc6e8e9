package page

import (
	"context"
	"time"

	"accountgateway/internal/account"
)

// lasts is how long the money lasts, in few words and in many.
type lasts struct {
	Words  string // "25 days"
	Until  *moment
	Tone   tone
	Burn   *figure // a day; nil if not known
	Story  string  // a sentence or two
	Method string  // "" if there is no forecast
}

// When little time left is worth a colour.
const (
	lastsShort = 14 * day
	lastsOver  = 3 * day
)

// lasts forecasts from what is at hand.
func (p *Page) lasts(ctx context.Context, name string, now time.Time) lasts {
	f, err := p.Accounts.Forecast(ctx, name, atHand())
	switch {
	case isAway(err):
		return lasts{Words: "not known", Tone: idle, Story: "There is no forecast while the gateway's database does not answer, because the past balances are in it."}
	case err != nil || len(f.Currencies) == 0:
		return lasts{Words: "not known", Tone: idle, Story: "There is no forecast without a balance to start from."}
	}
	return newLasts(f, f.Currencies[0], now)
}

func newLasts(f account.Forecast, c account.CurrencyForecast, now time.Time) lasts {
	l := lasts{Tone: idle, Burn: optionalFigure(c.BurnPerDay), Method: sentence(account.ForecastMethod)}
	switch c.Status {
	case account.ForecastNoBurn:
		l.Words, l.Tone = "no spending", good
		l.Story = "Nothing was spent in the last 14 days, so at this rate the money does not end."
	case account.ForecastUnpredictable:
		l.Words = "not clear"
		l.Story = "The balance rose in every hour that was read, so spending can't be told from top-ups."
	case account.ForecastOK:
		end := f.Balance.AsOf.Add(*c.Left)
		left := end.Sub(now)
		l.Words, l.Until, l.Tone = lasting(left), onDay(end), good
		l.Until.Title = "" // an estimate has no seconds
		switch {
		case left < lastsOver:
			l.Tone = bad
		case left < lastsShort:
			l.Tone = warn
		}
		if left <= 0 {
			l.Story = "At " + l.Burn.String() + " a day, balance and credit are spent."
		} else {
			l.Story = "At " + l.Burn.String() + " a day, balance and credit last " + lasting(left) + ", until about " + l.Until.Words + "."
		}
	default:
		l.Words = "too early to say"
		l.Story = "A forecast needs a day of regular readings at least"
		if c.Since != nil {
			l.Story += "; the first of these " + plural(c.Readings, "reading") + " is from " + exactly(*c.Since).Words
		}
		l.Story += "."
	}
	if c.Quality == account.HasGaps && c.BurnPerDay != nil {
		l.Story += " Readings are missing for a part of the time: more may have been spent than this shows."
	}
	return l
}
